"""Converters of single recipe values: text to value, ValueError with the reason."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable

# Bytes on the media: 74 and 80 minutes of 75 sectors a second, and a single-layer DVD-R (ECMA-359).
MEDIA = {"cd74": 333_000 * 2048, "cd80": 360_000 * 2048, "dvd": 2_298_496 * 2048}

# Short enough for a file name with something of ours before and after it.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
_DIGITS = re.compile(r"[0-9]{1,18}")
_ABSOLUTE = re.compile(r"/[\x21-\x7e]+")
_REPORT = re.compile(r"(?:https?:/)?/[A-Za-z0-9._:/@%+-]+")
_CONFIG = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*( [^\s\"#]+)+")
_OPTION = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(=.+)?")
_CODE = re.compile(r"[0-9a-f]{12}")
_VOLUME_ID = re.compile(r"[A-Z0-9_]{1,32}")
MIRROR_SCHEMES = ("https:", "http:", "file:")
# ISO 9660 dates of directory records have one byte for the year (ECMA-119 9.1.5).
_LAST_YEAR = 2155


def epoch(text: str) -> int:
    """Seconds since 1970 UTC, of a number or of a date (midnight) or date-time in ISO 8601, taken as UTC."""
    if _DIGITS.fullmatch(text):
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
    if _DIGITS.fullmatch(text) and int(text) > 0:
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
        raise ValueError("expected up to 100 letters, digits and . _ + -, beginning with a letter or digit")
    return text


def whole(least: int) -> Callable[[str], int]:
    """A converter to a whole number that is not less than `least`."""

    def convert(text: str) -> int:
        if not _DIGITS.fullmatch(text) or int(text) < least:
            raise ValueError(f"expected a whole number, {least} or more")
        return int(text)

    return convert


def one_line(text: str) -> str:
    """Text for a menu, a command line or a terminal: no line breaks, no control characters."""
    if not text.isprintable():
        raise ValueError("expected one line without control characters")
    return text


def arguments(text: str) -> str:
    """Words for a kernel's or hypervisor's command line, which knows no encoding: printable ASCII."""
    if not (text.isascii() and text.isprintable()):
        raise ValueError("expected one line of ASCII characters")
    return text


def mirror(text: str) -> str:
    """The URL of a mirror, of a kind that can be fetched from."""
    if not text.isprintable() or not text.startswith(MIRROR_SCHEMES):
        raise ValueError(f"expected a URL that begins with {', '.join(MIRROR_SCHEMES)}")
    return text


def report_place(text: str) -> str:
    """A directory, or a URL of http: or https:, in characters that need no quotes in sh."""
    if not _REPORT.fullmatch(text):
        raise ValueError("expected an absolute path, or a URL that begins with https: or http:")
    return text


def repository(text: str) -> str:
    """The URL of a repository of binary packages: of the directory that holds All, not of All itself."""
    if mirror(text).rstrip("/").endswith("/All"):
        raise ValueError("expected the URL of the directory above All")
    return text


def absolute_path(text: str) -> str:
    """An absolute path of an image in its shortest spelling, or nothing; the root itself is none."""
    names = text.split("/")[1:]
    if text and (not _ABSOLUTE.fullmatch(text) or any(name in ("", ".", "..") for name in names)):
        raise ValueError("expected an absolute path, such as /usr/pkg/pkgdb")
    return text


def code_digits(text: str) -> str:
    """What names a package's own code."""
    if not _CODE.fullmatch(text):
        raise ValueError("expected the 12 hexadecimal digits that the build prints")
    return text


def pattern(text: str) -> str:
    """A regular expression that compiles."""
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return text


def config_line(text: str) -> str:
    """What stands after `config` in a kernel configuration (config.5), with single spaces."""
    line = " ".join(arguments(text).split())
    if not _CONFIG.fullmatch(line) or " root on " not in line:
        raise ValueError("expected a line such as: netbsd root on cd0a type cd9660 dumps on none")
    return line


def kernel_option(text: str) -> str:
    """An option of a kernel configuration: NAME or NAME=VALUE, as `options` takes it (config.5)."""
    if not _OPTION.fullmatch(arguments(text)):
        raise ValueError("expected NAME or NAME=VALUE")
    return text
