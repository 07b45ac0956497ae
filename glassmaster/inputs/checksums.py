"""Checksum files of NetBSD's mirrors and of our releases: `SHA512 (NAME) = HEX` lines, as cksum(1) prints them
(release(7))."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from glassmaster.errors import GlassmasterError

SHA512_HEX = re.compile(r"[0-9a-f]{128}")
_LINE = re.compile(r"(?P<algorithm>[A-Za-z0-9]+) \((?P<name>[^)\n]+)\) = (?P<digest>[0-9a-fA-F]+)")
# What a shell, a URL and every file system take as it is.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*(/[A-Za-z0-9][A-Za-z0-9._+-]*)*")
LONGEST = 200


def parse_sha512(text: str, name: str) -> dict[str, str]:
    """File names to SHA-512 digests (lower-case hex). Other algorithms' lines are passed over.

    Raises GlassmasterError, with ``name:line``, for a line of another form and for two digests of one file.
    """
    digests: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            hint = "the mirror sent a web page instead" if "<" in line else ""
            raise GlassmasterError(f"{name}:{number}: not a line of a checksum file", why=line[:100], hint=hint)
        if match["algorithm"].upper() != "SHA512":
            continue
        digest = match["digest"].lower()
        if not SHA512_HEX.fullmatch(digest):
            raise GlassmasterError(f"{name}:{number}: not a SHA-512 digest", why=f"{len(digest)} of 128 digits")
        if digests.setdefault(match["name"], digest) != digest:
            raise GlassmasterError(f"{name}:{number}: {match['name']} has two different digests")
    return digests


def format_checksums(algorithm: str, digests: dict[str, str]) -> str:
    """The text of a checksum file, names sorted."""
    return "".join(f"{algorithm} ({name}) = {digest}\n" for name, digest in sorted(digests.items()))


def require_name(name: str, where: str) -> None:
    """Raise GlassmasterError unless it is a plain name below a release's directory, and leads nowhere else."""
    if not _NAME.fullmatch(name) or len(name) > LONGEST or ".." in PurePosixPath(name).parts:
        why = f"expected up to {LONGEST} letters, digits and . _ + -, in parts that begin with a letter or digit"
        raise GlassmasterError(f"{where}: {name[:LONGEST]!r} cannot be the name of a file of a release", why=why)
