"""The outer archive of a signed package: ar(5) in BSD's form, as pkg_admin writes it with libarchive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.decompress import REFETCH

MAGIC = b"!<arch>\n"
HEADER_SIZE, HEADER_END = 60, b"`\n"
# A long name stands before the data: this prefix, then its length (4.4BSD).
LONG_NAME = "#1/"
NAME_LIMIT = 4096
_NUMBER = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True)
class ArMember:
    """One member; offset and size say where its bytes are in the archive."""

    name: str
    offset: int
    size: int


def read_ar(stream: BinaryIO, where: str) -> Iterator[ArMember]:
    """The members of an archive, in their order. GNU's tables of names (`//`) are passed over.

    Raises GlassmasterError, which names `where`, for anything that is not such an archive or breaks off.
    """
    end = stream.seek(0, 2)
    stream.seek(0)
    if stream.read(len(MAGIC)) != MAGIC:
        raise _damaged(where, "it does not begin as an ar archive does")
    at = len(MAGIC)
    while at < end:
        stream.seek(at)
        header = stream.read(HEADER_SIZE)
        if len(header) < HEADER_SIZE or header[58:] != HEADER_END:
            raise _damaged(where, f"no member begins at byte {at:,}")
        name, offset = header[:16].decode("latin-1").rstrip(" "), at + HEADER_SIZE
        size = _number(header[48:58].decode("latin-1").rstrip(" "), where)
        if offset + size > end:
            raise _damaged(where, f"the member {name!r} claims {size:,} bytes, the archive ends before")
        at = offset + size + size % 2
        if name.startswith(LONG_NAME):
            length = _number(name.removeprefix(LONG_NAME), where)
            if length > min(size, NAME_LIMIT):
                raise _damaged(where, f"a member's name claims {length:,} bytes")
            name, offset, size = stream.read(length).rstrip(b"\0").decode("latin-1"), offset + length, size - length
        elif name != "//":
            name = name.removesuffix("/")
        if name not in ("//", ""):
            yield ArMember(name, offset, size)


def _number(text: str, where: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise _damaged(where, f"{text!r} stands where a number should")
    return int(text)


def _damaged(where: str, why: str) -> GlassmasterError:
    return GlassmasterError(f"{where}: the signed package is damaged", why=why, hint=REFETCH)
