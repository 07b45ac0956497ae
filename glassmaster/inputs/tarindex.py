"""Set archives as seekable tars with an index, made once and kept in the store. Nothing is unpacked on the host."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from glassmaster.atomic import write_json, writing
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.decompress import CHUNK, REFETCH, unpacked
from glassmaster.inputs.store import Store
from glassmaster.tree.entry import PERMISSIONS, Kind
from glassmaster.tree.path import ROOT, ancestors, normalized

VERSION = 2
# The largest set of a NetBSD release (debug) unpacks to less than half of this.
UNPACKED_LIMIT = 4 << 30
# A header with the records of a long name (pax, GNU) is far smaller than this.
HEADER_LIMIT = 1 << 20
BLOCK = 512


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an archive; offset and size say where its bytes are in the uncompressed tar.

    hardlink: the path of the first member with these bytes (LNKTYPE), otherwise "".
    """

    path: str
    kind: Kind
    mode: int
    uname: str
    gname: str
    mtime: int
    link: str
    hardlink: str
    offset: int
    size: int
    sha256: str


@dataclass(frozen=True)
class TarIndex:
    """An archive in the store: the uncompressed tar and what is in it, by path."""

    tar: Path
    members: dict[str, Member]

    def read(self, path: str) -> bytes | None:
        """The bytes of a member, or None if there is none of this path."""
        member = self.members.get(path)
        if member is None:
            return None
        with self.tar.open("rb") as stream:
            stream.seek(member.offset)
            return stream.read(member.size)


def indexed(sha512: str, name: str, store: Store) -> TarIndex:
    """The index of an archive that lies in the store; `name` is what errors call it. Made anew where damaged."""
    key = f"{sha512}-{VERSION}"
    folder = store.derived("tar", key)
    if folder.is_dir():
        index = read_index(folder)
        if index is not None:
            return index
        store.forget("tar", key)
    with store.deriving("tar", key) as work:
        tar = work / "data.tar"
        with writing(tar) as target:
            for piece in unpacked(store.read(sha512, name), name, UNPACKED_LIMIT):
                target.write(piece)
        members = read_members(tar, name)
        write_index(work, members)
    return TarIndex(folder / "data.tar", members)


def write_index(folder: Path, members: dict[str, Member]) -> None:
    """Keep the index beside the tar, data.tar."""
    rows = [asdict(member) for member in members.values()]
    write_json(folder / "index.json", {"size": (folder / "data.tar").stat().st_size, "members": rows}, indent=None)


def read_index(folder: Path) -> TarIndex | None:
    """What write_index kept in a directory of the store; None where that is not whole."""
    tar = folder / "data.tar"
    try:
        document = json.loads((folder / "index.json").read_bytes())
        members = {row["path"]: Member(**row) for row in document["members"]}
        return TarIndex(tar, members) if tar.stat().st_size == document["size"] else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def read_members(tar: Path, name: str) -> dict[str, Member]:
    """All members of an uncompressed tar, by path; anything that an image cannot hold safely is an error."""
    members: dict[str, Member] = {}
    try:
        with (
            Headers(io.FileIO(tar)) as headers,
            tarfile.open(fileobj=headers, mode="r:", encoding="utf-8", errors="surrogateescape") as archive,
            tar.open("rb") as data,
        ):
            for info in archive:
                member = _member(info, name, members, data)
                if member.path in members and member.path != ROOT:
                    raise GlassmasterError(f"{name}: {member.path}: stands twice in the archive")
                members[member.path] = member
            _require_end(data, archive.offset, name)
    except (tarfile.TarError, EOFError, OverflowError, ValueError, RecursionError) as error:
        raise GlassmasterError(f"{name}: the archive is damaged", why=str(error), hint=REFETCH) from error
    _require_real_parents(members, name)
    return members


class Headers(io.BufferedReader):
    """A tar's headers for tarfile, which reads whatever number of bytes a header claims, also a negative one."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= HEADER_LIMIT:
            raise tarfile.ReadError(f"a header claims to be {size} bytes long")
        return super().read(size)


def _member(info: tarfile.TarInfo, name: str, members: dict[str, Member], data: BinaryIO) -> Member:
    path = normalized(info.name, name)
    where = f"{name}: {path}"
    hardlink, link, offset, size, sha256 = "", "", 0, 0, ""
    kind: Kind = "file"
    if info.islnk():
        target = members.get(normalized(info.linkname, f"{where}: hard link"))
        if target is None or target.kind != "file":
            raise GlassmasterError(f"{where}: a hard link to {info.linkname!r}, which is no file that comes before it")
        hardlink, offset, size, sha256 = target.hardlink or target.path, target.offset, target.size, target.sha256
    elif info.isfile() and not info.issparse():
        offset, size = info.offset_data, info.size
        sha256 = _digest(data, offset, size, where)
    elif info.issym():
        kind, link = "link", _link_target(info.linkname, where)
    elif info.isdir():
        kind = "dir"
    else:
        raise GlassmasterError(
            f"{where}: a device node, FIFO, sparse file or other special file",
            why="sets have none: NetBSD's init makes /dev in memory",
        )
    if path == ROOT and kind != "dir":
        raise GlassmasterError(f"{where}: the root is not a directory")
    if not (_is_text(info.uname) and _is_text(info.gname)):
        raise GlassmasterError(f"{where}: the names of its owner {info.uname!r} and group {info.gname!r} are not UTF-8")
    mode, mtime = info.mode & PERMISSIONS, max(0, int(info.mtime))
    return Member(path, kind, mode, info.uname, info.gname, mtime, link, hardlink, offset, size, sha256)


def _link_target(target: str, where: str) -> str:
    if not target or "\0" in target or not _is_text(target):
        raise GlassmasterError(f"{where}: the symbolic link's target {target!r} is empty or not UTF-8 text")
    return target


def _is_text(name: str) -> bool:
    """False for bytes that were not UTF-8: they were read as surrogate escapes."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _digest(data: BinaryIO, offset: int, size: int, where: str) -> str:
    digest, left = hashlib.sha256(), size
    data.seek(offset)
    while left:
        piece = data.read(min(left, CHUNK)) if left > 0 else b""
        if not piece:
            raise GlassmasterError(f"{where}: claims {size:,} bytes, but the archive ends before", hint=REFETCH)
        digest.update(piece)
        left -= len(piece)
    return digest.hexdigest()


def _require_end(data: BinaryIO, offset: int, name: str) -> None:
    """A tar ends with zero blocks; one that was cut between two members would pass for a shorter archive."""
    data.seek(offset)
    rest = data.read(BLOCK)
    if len(rest) < BLOCK:
        raise GlassmasterError(f"{name}: the archive breaks off without its end mark", hint=REFETCH)
    while rest:
        if rest.strip(b"\0"):
            raise GlassmasterError(f"{name}: the archive goes on where no member begins", hint=REFETCH)
        rest = data.read(CHUNK)


def _require_real_parents(members: dict[str, Member], name: str) -> None:
    for path in members:
        for above in ancestors(path):
            if above in members and members[above].kind != "dir":
                word = "symbolic link" if members[above].kind == "link" else "file"
                raise GlassmasterError(f"{name}: {path}: lies below the {word} {above} of the same archive")
