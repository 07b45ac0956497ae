"""The bytes of files, wherever a tree's are: on a disc, in an image, in the store, or nowhere."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from glassmaster.atomic import explained
from glassmaster.checks.ffs_reader import Image
from glassmaster.checks.readback import BLOCK, explained_ffs, link_of, name_of
from glassmaster.errors import GlassmasterError
from glassmaster.tree.entry import Content

if TYPE_CHECKING:
    from collections.abc import Callable

# What is larger is no text, program or kernel that anything here looks into.
LIMIT = 128 << 20


class Contents(Protocol):
    """Files by path. known: False where there are no bytes, and nothing below gives any."""

    @property
    def known(self) -> bool:
        """Whether there are bytes at all."""

    def each(self, paths: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """The bytes of these files, each once, in whatever order is fast; what is over LIMIT is left out."""

    def copy(self, path: str, target: Path) -> None:
        """One file of any size into a file of this machine."""


@dataclass(frozen=True)
class NoContents:
    """Of a mere specification."""

    known: bool = False

    def each(self, paths: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """Nothing."""
        return iter(())

    def copy(self, path: str, target: Path) -> None:
        """Refused."""
        raise GlassmasterError(f"{path}: its bytes are not known", why="there is a specification of the tree only")


@dataclass(frozen=True)
class DiscContents:
    """Of an ISO, read by libarchive from its beginning to its end: all that is wanted in one go."""

    disc: Path
    known: bool = True

    def each(self, paths: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """See Contents."""
        wanted = set(paths)
        elsewhere: dict[str, list[str]] = {}
        seen: set[str] = set()

        def take(path: str, entry: Any) -> bytes | None:
            if path not in wanted or path in seen:
                return None
            if entry.islnk:
                # A name of a file whose bytes came with an earlier name.
                elsewhere.setdefault(link_of(entry), []).append(path)
                return None
            seen.add(path)
            return b"".join(entry.get_blocks()) if entry.isreg and entry.size <= LIMIT else None

        if wanted:
            yield from _walked(self.disc, take)
        # The earlier name may not have been wanted, or is past already.
        if elsewhere:
            wanted, seen = set(elsewhere), set()
            names = dict(elsewhere)
            for first, data in _walked(self.disc, take):
                yield from ((path, data) for path in names[first])

    def copy(self, path: str, target: Path) -> None:
        """See Contents."""

        def take(found: str, entry: Any) -> bytes | None:
            if found != path or not entry.isreg:
                return None
            with explained(target), target.open("wb") as stream:
                for block in entry.get_blocks():
                    stream.write(block)
            return b""

        if not any(True for _ in _walked(self.disc, take)):
            raise GlassmasterError(f"{self.disc}: there is no file {path}")


def _walked(disc: Path, take: Callable[[str, Any], bytes | None]) -> Iterator[tuple[str, bytes]]:
    """What `take` gives for the entries of a disc, without those for which it gives None."""
    import libarchive  # loads the C library, which a machine that only lists tasks need not have

    try:
        with libarchive.file_reader(str(disc), format_name="iso9660", block_size=BLOCK) as archive:
            for entry in archive:
                path = name_of(entry)
                data = take(path, entry)
                if data is not None:
                    yield path, data
    except libarchive.ArchiveError as error:
        raise GlassmasterError(f"{disc}: libarchive cannot read it as an ISO", why=str(error)) from error


@dataclass(frozen=True)
class FfsContents:
    """Of an FFS image."""

    image: Path
    known: bool = True

    def each(self, paths: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """See Contents."""
        wanted = set(paths)
        with explained_ffs(self.image):
            image = Image(self.image)
            for path, found in image.walk():
                if path in wanted and found.kind == "file" and found.size <= LIMIT:
                    yield path, image.content(found)

    def copy(self, path: str, target: Path) -> None:
        """See Contents."""
        for _, data in self.each([path]):
            with explained(target):
                target.write_bytes(data)


@dataclass(frozen=True)
class LayerContents:
    """Of layers: where each file's bytes are on this machine."""

    places: Mapping[str, Content]
    known: bool = True

    def each(self, paths: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """See Contents."""
        for path in sorted(paths, key=lambda path: self._order(path)):
            content = self.places.get(path)
            if content is not None and content.size <= LIMIT:
                yield path, _read(content)

    def _order(self, path: str) -> tuple[str, int]:
        content = self.places.get(path)
        return (str(content.blob), content.offset) if content else ("", 0)

    def copy(self, path: str, target: Path) -> None:
        """See Contents."""
        content = self.places[path]
        with explained(target), content.blob.open("rb") as source, target.open("wb") as stream:
            source.seek(content.offset)
            left = content.size
            while left > 0 and (piece := source.read(min(left, BLOCK))):
                stream.write(piece)
                left -= len(piece)


def _read(content: Content) -> bytes:
    try:
        with content.blob.open("rb") as stream:
            stream.seek(content.offset)
            return stream.read(content.size)
    except OSError as error:
        raise GlassmasterError(f"{content.blob}: cannot be read", why=str(error)) from error
