"""Set archives as seekable tars with an index, made once and kept in the store. Nothing is unpacked on the host."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from glassmaster.atomic import write_json
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.decompress import CHUNK, DAMAGED, decompressed
from glassmaster.inputs.store import Store
from glassmaster.tree.entry import PERMISSIONS, Kind
from glassmaster.tree.path import ROOT, ancestors, normalized

VERSION = 1
# The largest set of a NetBSD release (debug) unpacks to less than half of this.
UNPACKED_LIMIT = 4 << 30


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an archive; offset and size say where its bytes are in the uncompressed tar.

    hardlink: the path of the member whose bytes these are (LNKTYPE), otherwise "".
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
    """The index of an archive that lies in the store; `name` is what errors call it."""
    key = f"{sha512}-{VERSION}"
    folder = store.derived("tar", key)
    if not folder.is_dir():
        with store.deriving("tar", key) as work:
            _unpack(store.path(sha512), sha512, work / "data.tar", name)
            members = read_members(work / "data.tar", name)
            write_json(work / "index.json", [asdict(member) for member in members.values()], indent=None)
    rows = json.loads((folder / "index.json").read_bytes())
    return TarIndex(folder / "data.tar", {row["path"]: Member(**row) for row in rows})


def read_members(tar: Path, name: str) -> dict[str, Member]:
    """All members of an uncompressed tar, by path; anything that an image cannot hold safely is an error."""
    members: dict[str, Member] = {}
    try:
        with (
            tarfile.open(tar, "r:", encoding="utf-8", errors="surrogateescape") as archive,
            tar.open("rb") as data,
        ):
            for info in archive:
                member = _member(info, name, members, data)
                if member.path in members and member.path != ROOT:
                    raise GlassmasterError(f"{name}: {member.path}: stands twice in the archive")
                members[member.path] = member
            _require_end(archive, tar, name)
    except (tarfile.TarError, EOFError, OverflowError, ValueError) as error:
        raise GlassmasterError(f"{name}: the archive is damaged", why=str(error), hint=REFETCH) from error
    _require_real_parents(members, name)
    return members


REFETCH = "fetch it again: the file on the mirror itself may be damaged"


def _unpack(archive: Path, sha512: str, tar: Path, name: str) -> None:
    digest, size = hashlib.sha512(), 0
    try:
        with archive.open("rb") as source, tar.open("wb") as target:
            for piece in decompressed(_hashed(source, digest)):
                size += len(piece)
                if size > UNPACKED_LIMIT:
                    raise GlassmasterError(
                        f"{name}: unpacks to more than {UNPACKED_LIMIT >> 30} GiB", why="no set is so large"
                    )
                target.write(piece)
    except DAMAGED as error:
        raise GlassmasterError(f"{name}: the compressed archive is damaged", why=str(error), hint=REFETCH) from error
    if digest.hexdigest() != sha512:
        raise GlassmasterError(f"{archive}: the store's copy of {name} has changed", hint=f"delete it: rm {archive}")


def _member(info: tarfile.TarInfo, name: str, members: dict[str, Member], data: BinaryIO) -> Member:
    path = normalized(info.name, name)
    hardlink, offset, size, sha256 = "", info.offset_data, info.size, ""
    kind: Kind = "file"
    if info.islnk():
        target = members.get(normalized(info.linkname, f"{name}: {path}: hard link"))
        if target is None or target.kind != "file":
            raise GlassmasterError(f"{name}: {path}: a hard link to {info.linkname!r}, which does not come before it")
        hardlink, offset, size, sha256 = target.path, target.offset, target.size, target.sha256
    elif info.isfile():
        sha256 = _digest(data, offset, size, f"{name}: {path}")
    elif info.isdir() or info.issym():
        kind, offset, size = ("dir" if info.isdir() else "link"), 0, 0
    else:
        raise GlassmasterError(
            f"{name}: {path}: a device node, FIFO or other special file",
            why="sets have none: NetBSD's init makes /dev in memory",
        )
    link = _link_target(info.linkname, f"{name}: {path}") if info.issym() else ""
    return Member(
        path,
        kind,
        info.mode & PERMISSIONS,
        info.uname,
        info.gname,
        max(0, int(info.mtime)),
        link,
        hardlink,
        offset,
        size,
        sha256,
    )


def _link_target(target: str, where: str) -> str:
    if not target or "\0" in target or any("\ud800" <= character <= "\udfff" for character in target):
        raise GlassmasterError(f"{where}: the symbolic link's target {target!r} is empty or not UTF-8 text")
    return target


def _digest(data: BinaryIO, offset: int, size: int, where: str) -> str:
    digest, left = hashlib.sha256(), size
    data.seek(offset)
    while left:
        piece = data.read(min(left, CHUNK))
        if not piece:
            raise GlassmasterError(f"{where}: claims {size:,} bytes, but the archive ends before", hint=REFETCH)
        digest.update(piece)
        left -= len(piece)
    return digest.hexdigest()


def _require_end(archive: tarfile.TarFile, tar: Path, name: str) -> None:
    """A tar ends with zero blocks; one that was cut between two members would pass for a shorter archive."""
    with tar.open("rb") as stream:
        stream.seek(archive.offset)
        if stream.read(512).strip(b"\0") or stream.tell() == archive.offset:
            raise GlassmasterError(f"{name}: the archive breaks off without its end mark", hint=REFETCH)


def _require_real_parents(members: dict[str, Member], name: str) -> None:
    for path in members:
        for above in ancestors(path):
            if above in members and members[above].kind != "dir":
                word = "symbolic link" if members[above].kind == "link" else "file"
                raise GlassmasterError(f"{name}: {path}: lies below the {word} {above} of the same archive")


def _hashed(source: BinaryIO, digest: hashlib._Hash) -> Iterator[bytes]:
    """A file's bytes in pieces, each added to the digest."""
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        yield chunk
