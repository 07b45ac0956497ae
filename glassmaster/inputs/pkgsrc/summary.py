"""The list of all packages of a repository: pkg_summary(5), compressed in whatever way.

Records are split and checked while the file streams in; what is in a record is looked at only when somebody asks for
that package: an image has a few hundred of a repository's 25,000.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.decompress import unpacked
from glassmaster.inputs.pkgsrc import patterns
from glassmaster.inputs.pkgsrc.names import Names
from glassmaster.inputs.pkgsrc.package import Package, package

# Ten times the largest known, so that a small file cannot claim to hold terabytes.
SIZE_LIMIT = 512 << 20
RECORD_LIMIT = 4 << 20

# The name becomes part of paths; NetBSD's own have letters, digits and . _ + - in them.
_NAME = re.compile(rb"[A-Za-z0-9_][!-.0-~]*-[!-.0-~]*")
_LINES = re.compile(rb"(?:\n[A-Z][A-Z0-9_]*=[^\n]*)*")
_LINE = re.compile(rb"[A-Z][A-Z0-9_]*=.*", re.DOTALL)
_DESCRIPTION = b"\nDESCRIPTION="


@dataclass(slots=True)  # frozen would make 25,000 of them three times as slow
class _Record:
    """The text of a record without its description, each line after a line break. line: where it begins."""

    text: bytes
    number: int
    line: int


class Summary:
    """The packages of a repository."""

    def __init__(self, what: str, records: dict[str, _Record]) -> None:
        self.what = what
        self.names = Names(records)
        self._records = records
        self._packages: dict[str, Package] = {}

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, name: str) -> bool:
        return name in self._records

    def package(self, name: str) -> Package:
        """The package with this name and version; raises GlassmasterError where its record is of no use."""
        if name not in self._packages:
            record = self._records[name]
            self._packages[name] = package(record.text.decode("utf-8", "replace"), self._where(name))
        return self._packages[name]

    def providing(self, library: str) -> list[str]:
        """The names of the packages that say they provide a shared library; slow, meant for what an error says."""
        line = f"PROVIDES={library}".encode()
        return sorted(name for name, record in self._records.items() if line in record.text.split(b"\n"))

    def superseding(self, base: str) -> list[str]:
        """The names of the packages that took the place of one (its name without a version); slow like providing()."""
        word = re.compile(rb"\nSUPERSEDES=(?:[^\n]* )?" + re.escape(base.encode()))
        found = [self.package(name) for name, record in self._records.items() if word.search(record.text)]
        return sorted(item.name for item in found if base in map(patterns.base_of_pattern, item.supersedes))

    def _where(self, name: str) -> str:
        record = self._records[name]
        return f"{self.what}:{record.line}: record {record.number}, {name}"


def read_summary(packed: Iterator[bytes], what: str) -> Summary:
    """Read a summary in zst, xz, bz2, gz or as plain text. what: what errors call it.

    Raises GlassmasterError with the number and line of the record for whatever is wrong.
    """
    records: dict[str, _Record] = {}
    line = 1
    for text in _texts(unpacked(packed, what, SIZE_LIMIT), what):
        for raw in text.split(b"\n\n"):
            lines = raw.strip(b"\n")
            if lines:
                begins = line + len(raw) - len(raw.lstrip(b"\n"))
                record = _Record(_without_description(b"\n" + lines, what, begins), len(records) + 1, begins)
                _add(records, record, what)
            line += raw.count(b"\n") + 2
    return Summary(what, records)


def _texts(pieces: Iterator[bytes], what: str) -> Iterator[bytes]:
    """The same text in pieces that end where a record ends."""
    rest = b""
    for piece in pieces:
        rest += piece
        end = rest.rfind(b"\n\n")
        if end >= 0:
            yield rest[:end]
            rest = rest[end + 2 :]
        elif len(rest) > RECORD_LIMIT:
            raise GlassmasterError(f"{what}: this is no summary of packages", why="no empty line ends its records")
    yield rest


def _without_description(text: bytes, what: str, line: int) -> bytes:
    """A record as it is kept; an error where a line is not VARIABLE=VALUE, or the description is in parts."""
    start, end = text.find(_DESCRIPTION), len(text)
    if start < 0:
        start = end
    else:
        end = text.find(b"\n", text.rfind(_DESCRIPTION) + 1)
        end = len(text) if end < 0 else end
    in_one_piece = text.count(b"\n", start, end) == text.count(_DESCRIPTION, start, end)
    kept = text[:start] + text[end:]
    if not in_one_piece or not _LINES.fullmatch(kept):
        raise _bad_lines(text, what, line)
    return kept


def _bad_lines(text: bytes, what: str, line: int) -> GlassmasterError:
    for number, one in enumerate(text[1:].split(b"\n"), line):
        if not _LINE.fullmatch(one):
            shown = one[:60].decode("utf-8", "backslashreplace")
            return GlassmasterError(f"{what}:{number}: {shown!r}: expected VARIABLE=VALUE")
    return GlassmasterError(f"{what}:{line}: the lines of DESCRIPTION do not follow each other")


def _add(records: dict[str, _Record], record: _Record, what: str) -> None:
    where = f"{what}:{record.line}: record {record.number}"
    start = record.text.find(b"\nPKGNAME=") + 9
    if start < 9 or record.text.find(b"\nPKGNAME=", start) >= 0:
        raise GlassmasterError(f"{where}: PKGNAME must stand there once")
    end = record.text.find(b"\n", start)
    raw = record.text[start:] if end < 0 else record.text[start:end]
    if not _NAME.fullmatch(raw):
        shown = raw[:60].decode("utf-8", "backslashreplace")
        raise GlassmasterError(f"{where}: {shown!r} cannot be a package's name and version")
    name = raw.decode("ascii")
    if name in records:
        raise GlassmasterError(f"{where}: {name} stands twice", why=f"the first is at line {records[name].line}")
    records[name] = record
