"""SHA512: the digests of a release's files, as NetBSD's cksum(1) writes and reads them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.checksums import format_checksums, parse_sha512, require_name
from glassmaster.release.artefacts import DIGESTS, DOMU, REBUILDS
from glassmaster.release.signing import SUFFIX

ALGORITHM = "SHA512"
# How somebody who built a release again is called; a statement and its signature are WHO.json and WHO.json.sig.
WHO = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_STATEMENT = re.compile(rf"{REBUILDS}/{WHO}\.json({re.escape(SUFFIX)})?")
# Not in the list: the list itself, signatures (of it, and of the domUs' own list), and what others add later on.
SIGNATURES = (DIGESTS + SUFFIX, f"{DOMU}/{DIGESTS}{SUFFIX}")


def is_listed(name: str) -> bool:
    """Whether a file of a release belongs into the list."""
    return name != DIGESTS and name not in SIGNATURES and not is_statement(name)


def is_statement(name: str) -> bool:
    """Whether a file is a statement of somebody who built it again, or the signature of one. They come later."""
    return _STATEMENT.fullmatch(name) is not None


def format_list(digests: Mapping[str, str]) -> str:
    """The text of the list: names sorted. digests: SHA-512 by name."""
    for name in digests:
        require_name(name, DIGESTS)
    return format_checksums(ALGORITHM, dict(digests))


def read_list(path: Path) -> dict[str, str]:
    """The digests by name; GlassmasterError for anything but what format_list writes."""
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise GlassmasterError(f"{path}: cannot be read", why=str(error)) from error
    return parse_list(text, str(path))


def parse_list(text: str, where: str) -> dict[str, str]:
    """As `read_list`; `where` is what errors call it."""
    digests = parse_sha512(text, where)
    for name in digests:
        require_name(name, where)
        if not is_listed(name):
            raise GlassmasterError(f"{where}: {name} does not belong into it")
    if not digests or format_list(digests) != text:
        raise GlassmasterError(f"{where}: not as `doit release` writes it", why="names sorted, each once, nothing else")
    return digests


def differences(listed: Collection[str], there: Collection[str]) -> list[str]:
    """What is missing, and what there is besides; one line each."""
    missing = [f"{name}: missing" for name in sorted(set(listed) - set(there))]
    return [*missing, *(f"{name}: not in {DIGESTS}" for name in sorted(set(there) - set(listed)))]
