"""Sets and packages as archives: read as a stream by libarchive, nothing is unpacked."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from glassmaster.checks.readback import BLOCK, file_digest, name_of
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc.ar import MAGIC, ArMember, read_ar
from glassmaster.inputs.pkgsrc.archive import HASH
from glassmaster.inputs.pkgsrc.contents import Contents, parse_contents
from glassmaster.inputs.pkgsrc.scripts import Install, parse_install
from glassmaster.inspection.model import Cell, Report, Table, table
from glassmaster.inspection.trees import TOP

# What an archive says of itself is kept; nothing real is larger.
_KEPT = re.compile(r"\+[A-Z_]+|etc/mtree/set\.[^/]+")
_KEPT_LIMIT = 64 << 20
_MEMBERS_LIMIT = 2_000_000
_BUILD_INFO = ("MACHINE_ARCH", "OPSYS", "OS_VERSION", "PKGPATH", "LICENSE", "BUILD_DATE", "MAINTAINER", "HOMEPAGE")


@dataclass
class Members:
    """What is in an archive. room: bytes by top directory; said: members that say something about it."""

    kinds: Counter[str] = field(default_factory=Counter)
    room: Counter[str] = field(default_factory=Counter)
    said: dict[str, bytes] = field(default_factory=dict)
    bytes: int = 0


class _Part(io.RawIOBase):
    """A part of a file, for libarchive to read from its beginning to its end."""

    def __init__(self, stream: BinaryIO, member: ArMember) -> None:
        super().__init__()
        self._stream, self._left = stream, member.size
        stream.seek(member.offset)

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as the part goes."""
        data = self._stream.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)


def archive(path: Path, label: str) -> Report:
    """A set, a package, or any other tar."""
    facts = [("size", f"{path.stat().st_size:,} bytes"), ("SHA-256", file_digest(path))]
    with path.open("rb") as stream:
        signed: tuple[str, ...] = ()
        part = ArMember(label, 0, path.stat().st_size)
        if stream.read(len(MAGIC)) == MAGIC:
            parts = list(read_ar(stream, label))
            names = [member.name for member in parts]
            if not parts or HASH not in names:
                raise GlassmasterError(
                    f"{label}: an ar archive, and no signed package",
                    why=f"it holds {', '.join(names[:8]) or 'nothing'}",
                )
            signed, part = tuple(names[:-1]), parts[-1]
        members = _read(_Part(stream, part), label)
    facts.append(("members", _counted(members)))
    if "+CONTENTS" in members.said:
        return _package(members, facts, signed, label)
    manifests = sorted(name.removeprefix("etc/mtree/set.") for name in members.said if name.startswith("etc/mtree/"))
    what = "set of NetBSD" if manifests else "archive"
    facts += [("set", ", ".join(manifests))] if manifests else []
    return Report(label, what, tuple(facts), _directories(members))


def _read(part: _Part, label: str) -> Members:
    import libarchive  # loads the C library, which a machine that only lists tasks need not have

    members = Members()
    try:
        with libarchive.stream_reader(part, format_name="tar", block_size=BLOCK) as entries:
            for entry in entries:
                _take(entry, members)
                if members.kinds.total() > _MEMBERS_LIMIT:
                    raise GlassmasterError(f"{label}: more than {_MEMBERS_LIMIT:,} members")
    except (libarchive.ArchiveError, ValueError, OverflowError) as error:
        raise GlassmasterError(f"{label}: a damaged archive, or none", why=str(error)) from error
    return members


def _take(entry: Any, members: Members) -> None:
    path = name_of(entry).removeprefix("./")
    kind = (
        "directories" if entry.isdir else "symbolic links" if entry.issym else "hard links" if entry.islnk else "files"
    )
    members.kinds[kind] += 1
    if kind == "files":
        size = entry.size or 0
        members.bytes += size
        members.room[path.split("/")[0] if "/" in path else "."] += size
        if _KEPT.fullmatch(path) and size <= _KEPT_LIMIT:
            members.said[path] = b"".join(entry.get_blocks())


def _counted(members: Members) -> str:
    kinds = ("files", "hard links", "directories", "symbolic links")
    counts = ", ".join(f"{members.kinds[kind]:,} {kind}" for kind in kinds if members.kinds[kind])
    return f"{counts or 'none'}; {members.bytes:,} bytes"


def _directories(members: Members) -> tuple[Table, ...]:
    rows = sorted(members.room.items(), key=lambda pair: (-pair[1], pair[0]))
    return table("Bytes by directory", ("directory", "#bytes"), [*rows[:TOP]])


def _package(members: Members, facts: list[tuple[str, str]], signed: tuple[str, ...], label: str) -> Report:
    contents = parse_contents(members.said["+CONTENTS"], label)
    install = parse_install(members.said.get("+INSTALL", b""), label, contents.prefix)
    built = dict(line.partition("=")[::2] for line in _text(members.said.get("+BUILD_INFO", b"")).splitlines())
    said = [("package", contents.name), ("prefix", contents.prefix)]
    said += [("comment", _text(members.said.get("+COMMENT", b"")).strip())]
    said += [(key, built[key]) for key in _BUILD_INFO if built.get(key)]
    said += [("signed", ", ".join(signed) if signed else "no"), *_asked(install)]
    tables = (*_needs(contents), *_owners(install), *_directories(members))
    return Report(label, "package", (*(pair for pair in said if pair[1]), *facts), tables)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _asked(install: Install) -> Iterator[tuple[str, str]]:
    """What +INSTALL asks for beside the files."""
    if install.users:
        yield "users", ", ".join(user.name for user in install.users)
    if install.groups:
        yield "groups", ", ".join(group.name for group in install.groups)
    scripts = [file.path for file in install.files if file.rc]
    if scripts:
        yield "rc.d scripts", ", ".join(scripts)
    if install.shells:
        yield "shells", ", ".join(install.shells)


def _needs(contents: Contents) -> tuple[Table, ...]:
    rows: list[tuple[Cell, ...]] = [("needs", pattern) for pattern in contents.depends]
    rows += [("conflicts with", pattern) for pattern in contents.conflicts]
    return table("Other packages", ("", "pattern"), rows)


def _owners(install: Install) -> tuple[Table, ...]:
    rows: list[tuple[Cell, ...]] = [(row.path, row.mode, row.user, row.group) for row in install.permissions]
    rows += [(row.path, row.mode, row.user, row.group) for row in install.directories]
    rows += [(row.path, row.mode, row.user, row.group) for row in install.files]
    return table("Made or given an owner by +INSTALL", ("path", "mode", "user", "group"), rows)
