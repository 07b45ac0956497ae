"""Source sets unpacked into a directory, which nothing in them can lead out of.

The one place where names from an archive become names on the host. Only files, directories, symbolic and hard links
are made, below usr/src, never through a link, with no owners and no modes but what is executable.
"""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.decompress import REFETCH, unpacked

# Source sets unpack to usr/src (release(7)).
TOP = PurePosixPath("usr/src")
# Twenty times what NetBSD's sources have.
MEMBERS_LIMIT, BYTES_LIMIT = 4_000_000, 32 << 30
COPY = 1 << 20
_DAMAGED = (tarfile.TarError, EOFError, UnicodeError, ValueError, OverflowError)


def unpack_sources(packed: Iterator[bytes], name: str, target: Path) -> int:
    """Unpack a source set over what `target` (the tree's usr/src) holds; how many members it has.

    packed: its bytes in pieces, compressed or not, read to their end. Raises GlassmasterError, and leaves what it had
    unpacked, for an archive that is damaged or means no good.
    """
    unpacking, stream = _Unpacking(name, target.resolve()), _Stream(unpacked(packed, name, BYTES_LIMIT))
    try:
        with tarfile.open(fileobj=stream, mode="r|", encoding="utf-8", errors="surrogateescape") as tar:  # type: ignore[call-overload]
            for member in tar:
                unpacking.add(tar, member)
        # tarfile takes an archive that breaks off between two members for one that ends there.
        if any(stream.last_block()):
            raise EOFError("it breaks off before its end")
    except _DAMAGED as error:
        raise GlassmasterError(f"{name}: the archive is damaged", why=str(error), hint=REFETCH) from error
    unpacking.finish()
    return unpacking.members


class _Stream:
    """Pieces of bytes as a file that can be read once, from its beginning to its end."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._piece, self._last = pieces, io.BytesIO(), b"?"

    def read(self, size: int) -> bytes:
        """So many bytes, fewer at the end."""
        data = self._piece.read(size)
        while len(data) < size and (piece := next(self._pieces, b"")):
            self._last = (self._last + piece[-tarfile.BLOCKSIZE :])[-tarfile.BLOCKSIZE :]
            self._piece = io.BytesIO(piece)
            data += self._piece.read(size - len(data))
        return data

    def last_block(self) -> bytes:
        """The end of the file; zeros in an archive that is whole. Nothing can be read after that."""
        while self.read(COPY):
            pass
        return self._last


@dataclass
class _Unpacking:
    """One archive on its way to the disk. links: the symbolic links that were made, by path below the top."""

    name: str
    top: Path
    members: int = 0
    links: list[PurePosixPath] = field(default_factory=list)

    def add(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        """Make one member."""
        self.members += 1
        if self.members > MEMBERS_LIMIT:
            raise self._refused(member.name, "the archive is larger than any source set")
        path = self._below_top(member.name)
        if path is None:
            return
        place = self._place(path, member.name)
        if member.isdir():
            self._directory(place, member.name)
            return
        if place.is_dir() and not place.is_symlink():
            raise self._refused(member.name, "it was a directory before")
        place.unlink(missing_ok=True)
        if member.isreg():
            self._file(tar, member, place)
        elif member.issym():
            self._symlink(member, place, path)
        elif member.islnk():
            self._hardlink(member, place)
        else:
            raise self._refused(member.name, "it is neither a file, a directory nor a link")

    def finish(self) -> None:
        """See that no link leads out, now that all that it may lead through is there."""
        for link in self.links:
            if not Path(os.path.realpath(self.top / link)).is_relative_to(self.top):
                (self.top / link).unlink()
                raise self._refused(str(TOP / link), "the link leads out of the sources")

    def _below_top(self, name: str) -> PurePosixPath | None:
        """The path below usr/src; None for usr/src itself and what is above it."""
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\0" in name:
            raise self._refused(name, "it leads out of the archive")
        if path in (TOP, *TOP.parents):
            return None
        if not path.is_relative_to(TOP):
            raise self._refused(name, f"it is not in {TOP}, as a source set's files are")
        return path.relative_to(TOP)

    def _place(self, path: PurePosixPath, name: str) -> Path:
        """Where it goes, with the directories above it."""
        place = self.top
        for part in path.parts[:-1]:
            place /= part
            if place.is_symlink() or (place.exists() and not place.is_dir()):
                raise self._refused(name, f"{place.relative_to(self.top)} is no directory")
        place.mkdir(parents=True, exist_ok=True)
        return self.top / path

    def _directory(self, place: Path, name: str) -> None:
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            raise self._refused(name, "it was something else before")
        place.mkdir(exist_ok=True)

    def _file(self, tar: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> None:
        source = tar.extractfile(member)
        assert source is not None
        with place.open("xb") as stream:
            shutil.copyfileobj(source, stream, COPY)
        place.chmod(0o755 if member.mode & 0o111 else 0o644)
        # make(1) goes by times.
        os.utime(place, (member.mtime, member.mtime))

    def _symlink(self, member: tarfile.TarInfo, place: Path, path: PurePosixPath) -> None:
        if PurePosixPath(member.linkname).is_absolute():
            raise self._refused(member.name, f"the link leads to {member.linkname}")
        place.symlink_to(member.linkname)
        self.links.append(path)

    def _hardlink(self, member: tarfile.TarInfo, place: Path) -> None:
        path = self._below_top(member.linkname)
        other = None if path is None else self._place(path, member.linkname)
        if other is None or other.is_symlink() or not other.is_file():
            raise self._refused(member.name, f"there is no file {member.linkname} before it")
        os.link(other, place, follow_symlinks=False)

    def _refused(self, member: str, why: str) -> GlassmasterError:
        return GlassmasterError(f"{self.name}: {member}: not unpacked", why=why, hint="this is no source set of NetBSD")
