"""A package's file as a seekable tar in the store, with an index that is made and checked once (pkg_add(1)).

What pkg_add refuses is refused here: a package whose members do not stand in their order, or are not those of its
packing list, byte for byte.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from glassmaster.atomic import write_bytes, writing
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.decompress import CHUNK, REFETCH, unpacked
from glassmaster.inputs.pkgsrc.ar import MAGIC, ArMember, read_ar
from glassmaster.inputs.pkgsrc.contents import Contents, PackedFile, parse_contents
from glassmaster.inputs.pkgsrc.signature import GPG_SIGNATURE, X509_SIGNATURE, checked_blocks, parse_hashes
from glassmaster.inputs.store import Store
from glassmaster.inputs.tarindex import UNPACKED_LIMIT, Member, TarIndex, read_index, read_members, write_index

VERSION = 1
# The order in which pkg_add wants them, and the mode in which it writes them down (add/perform.c).
META = {
    "+CONTENTS": 0o644, "+COMMENT": 0o444, "+DESC": 0o444, "+INSTALL": 0o555, "+DEINSTALL": 0o555, "+DISPLAY": 0o444,
    "+MTREE_DIRS": 0o444, "+BUILD_VERSION": 0o444, "+BUILD_INFO": 0o444, "+SIZE_PKG": 0o444, "+SIZE_ALL": 0o444,
    "+PRESERVE": 0o444, "+VIEWS": 0o444, "+REQUIRED_BY": 0o644, "+INSTALLED_INFO": 0o644,
}  # fmt: skip
REQUIRED = ("+CONTENTS", "+COMMENT", "+DESC")
META_LIMIT = 64 << 20
HASH = "+PKG_HASH"
SIGNED = (HASH, X509_SIGNATURE, GPG_SIGNATURE)
SIGNED_LIMIT = 16 << 20


@dataclass(frozen=True)
class Archive:
    """A package in the store: name is what errors call it; signed holds the members of the outer archive, if any."""

    name: str
    index: TarIndex
    contents: Contents
    signed: dict[str, bytes]

    def meta(self) -> dict[str, Member]:
        """The members that say something about the package, by name."""
        return {name: self.index.members[name] for name in META if name in self.index.members}

    def read(self, name: str) -> bytes:
        """The bytes of one of these members; empty if the package has none."""
        member = self.index.members.get(name)
        if member is not None and member.size > META_LIMIT:
            raise GlassmasterError(f"{self.name}: {name} has {member.size:,} bytes", why="nothing real is so large")
        return self.index.read(name) or b""


def opened(sha512: str, name: str, store: Store) -> Archive:
    """A package that lies in the store; unpacked and checked against its list the first time, or where damaged."""
    key = f"{sha512}-{VERSION}"
    folder = store.derived("pkg", key)
    if folder.is_dir():
        index = read_index(folder)
        signed = _read_signed(folder)
        if index is not None and signed is not None:
            return Archive(name, index, _contents(index, name), signed)
        store.forget("pkg", key)
    with store.deriving("pkg", key) as work:
        signed = _unpack(store.verified(sha512, name), work / "data.tar", name)
        members = read_members(work / "data.tar", name)
        index = TarIndex(work / "data.tar", members)
        contents = _contents(index, name)
        require_order(index, contents, name)
        require_agreement(index, contents, name)
        write_index(work, members)
        for part, data in signed.items():
            write_bytes(work / part, data)
    return Archive(name, TarIndex(folder / "data.tar", members), contents, signed)


def _contents(index: TarIndex, name: str) -> Contents:
    member = index.members.get("+CONTENTS")
    if member is None or member.kind != "file" or member.size > META_LIMIT:
        raise GlassmasterError(f"{name}: not a package", why="it has no +CONTENTS", hint=REFETCH)
    return parse_contents(index.read("+CONTENTS") or b"", name)


def _read_signed(folder: Path) -> dict[str, bytes] | None:
    try:
        return {part: (folder / part).read_bytes() for part in SIGNED if (folder / part).exists()}
    except OSError:
        return None


def _unpack(path: Path, tar: Path, name: str) -> dict[str, bytes]:
    """Write the uncompressed tar, out of the outer archive if there is one; what that one has beside it."""
    signed: dict[str, bytes] = {}
    with path.open("rb") as stream:
        inner = ArMember(name, 0, stream.seek(0, 2))
        stream.seek(0)
        if stream.read(len(MAGIC)) == MAGIC:
            *beside, inner = _signed_members(stream, name)
            for member in beside:
                stream.seek(member.offset)
                signed[member.name] = stream.read(member.size)
        pieces = _checked(stream, inner, signed[HASH], name) if signed else _pieces(stream, inner)
        with writing(tar) as target:
            for piece in unpacked(pieces, name, UNPACKED_LIMIT):
                target.write(piece)
    return signed


def _checked(stream: BinaryIO, inner: ArMember, hash_file: bytes, name: str) -> Iterator[bytes]:
    hashes = parse_hashes(hash_file, name)
    if hashes.size != inner.size:
        raise GlassmasterError(f"{name}: {inner.size:,} bytes, signed were {hashes.size:,}", hint=REFETCH)
    stream.seek(inner.offset)
    return checked_blocks(hashes, stream.read, name)


def _signed_members(stream: BinaryIO, name: str) -> list[ArMember]:
    members = list(read_ar(stream, name))
    names = [member.name for member in members]
    if len(names) != 3 or names[0] != HASH or names[1] not in (X509_SIGNATURE, GPG_SIGNATURE):
        raise GlassmasterError(
            f"{name}: not a signed package", why=f"its outer archive holds {', '.join(names[:8]) or 'nothing'}",
            hint=f"expected {HASH}, a signature, and the package",
        )  # fmt: skip
    if any(member.size > SIGNED_LIMIT for member in members[:2]):
        raise GlassmasterError(f"{name}: its signature is too large to be one")
    return members


def _pieces(stream: BinaryIO, member: ArMember) -> Iterator[bytes]:
    left = member.size
    stream.seek(member.offset)
    while left and (piece := stream.read(min(CHUNK, left))):
        left -= len(piece)
        yield piece


def require_order(index: TarIndex, contents: Contents, name: str) -> None:
    """The members that say something first, in pkg_add's order; then the files, in the order of the packing list."""
    paths = list(index.members)
    order = list(META)
    meta = [path for path in paths if path in META]
    for path in REQUIRED:
        if path not in index.members:
            raise GlassmasterError(f"{name}: it has no {path}", why="pkg_add refuses such a package, too")
    for before, after in itertools.pairwise(meta):
        if order.index(after) < order.index(before):
            raise _disorder(name, f"{after} comes after {before}")
    if paths[: len(meta)] != meta:
        early = next(path for path in paths if path not in META)
        raise _disorder(name, f"{early} comes before {meta[-1]}")
    listed = [file.path for file in contents.files]
    found = paths[len(meta) :]
    missing, extra = set(listed) - set(found), set(found) - set(listed)
    if missing or extra:
        path = min(missing or extra)
        why = "is in +CONTENTS, not in the package" if missing else "is in the package, not in +CONTENTS"
        raise GlassmasterError(f"{name}: {path}: {why}", why="pkg_add refuses such a package, too", hint=REFETCH)
    for wanted, path in zip(listed, found, strict=True):
        if wanted != path:
            raise _disorder(name, f"{path} stands where +CONTENTS has {wanted}")


def _disorder(name: str, why: str) -> GlassmasterError:
    return GlassmasterError(f"{name}: its members do not stand in their order", why=f"{why}; pkg_add refuses it, too")


def require_agreement(index: TarIndex, contents: Contents, name: str) -> None:
    """Every file has the MD5 and every link the target that the packing list says."""
    with index.tar.open("rb") as stream:
        for file in contents.files:
            problem = _problem(file, index.members[file.path], stream)
            if problem:
                why = f"{problem} (+CONTENTS, line {file.line})"
                raise GlassmasterError(f"{name}: {file.path}: the packing list disagrees", why=why, hint=REFETCH)


def _problem(file: PackedFile, member: Member, stream: BinaryIO) -> str:
    if member.kind == "dir":
        return "it says a file, the package holds a directory"
    if file.link and (member.kind != "link" or member.link != file.link):
        found = member.link if member.kind == "link" else "a file"
        return f"it says a link to {file.link}, the package holds {found}"
    if file.md5 and member.kind == "link":
        return f"it says a file, the package holds a link to {member.link}"
    if file.md5 and (found := _md5(member, stream)) != file.md5:
        return f"it says MD5 {file.md5}, the package's file has {found}"
    return ""


def _md5(member: Member, stream: BinaryIO) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for piece in _pieces(stream, ArMember(member.path, member.offset, member.size)):
        digest.update(piece)
    return digest.hexdigest()
