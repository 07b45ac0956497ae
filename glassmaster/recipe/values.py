"""Converters of single recipe values: text to value, ValueError with the reason."""

from __future__ import annotations

import datetime
import re

# Bytes on the media: 74 and 80 minutes of 75 sectors a second, and a single-layer DVD-R (ECMA-359).
MEDIA = {"cd74": 333_000 * 2048, "cd80": 360_000 * 2048, "dvd": 2_298_496 * 2048}

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_VOLUME_ID = re.compile(r"[A-Z0-9_]{1,32}")
# ISO 9660 dates of directory records have one byte for the year (ECMA-119 9.1.5).
_LAST_YEAR = 2155


def epoch(text: str) -> int:
    """Seconds since 1970 UTC, of a number or of a date (midnight) or date-time in ISO 8601, taken as UTC."""
    if text.isascii() and text.isdigit():
        seconds = int(text)
    else:
        try:
            moment = datetime.datetime.fromisoformat(text)
        except ValueError:
            raise ValueError("expected seconds since 1970, or a date such as 2026-11-22") from None
        seconds = int(moment.replace(tzinfo=moment.tzinfo or datetime.UTC).timestamp())
    if not 0 <= seconds < datetime.datetime(_LAST_YEAR + 1, 1, 1, tzinfo=datetime.UTC).timestamp():
        raise ValueError(f"a disc can only carry times from 1970 to {_LAST_YEAR}")
    return seconds


def media_budget(text: str) -> int:
    """Bytes, of a medium's name or of a number."""
    if text in MEDIA:
        return MEDIA[text]
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise ValueError(f"expected {', '.join(MEDIA)} or a number of bytes")


def volume_id(text: str) -> str:
    """An ISO 9660 volume identifier (ECMA-119 8.4.6: d-characters)."""
    if not _VOLUME_ID.fullmatch(text):
        raise ValueError("expected 1 to 32 of the characters A-Z, 0-9 and _")
    return text


def plain_words(text: str) -> str:
    """A name that becomes part of a path or URL: no slash, no space, no dot first."""
    if not _PLAIN.fullmatch(text):
        raise ValueError("expected letters, digits and . _ + - only, beginning with a letter or digit")
    return text


def pattern(text: str) -> str:
    """A regular expression that compiles."""
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return text
