"""Places that releases are published to: a directory, an object store, a machine with rsync."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

from glassmaster.atomic import explained, put_in_place, temporary_beside, write_bytes
from glassmaster.errors import GlassmasterError
from glassmaster.inputs import objects
from glassmaster.inputs.source import explained as explained_url
from glassmaster.inputs.source import opened
from glassmaster.places import near
from glassmaster.release.artefacts import CHUNK, digest_chunks, digest_of
from glassmaster.release.publishing.rsync import RsyncPlace, rsync_target

SMALL = 64 << 20


class Place(Protocol):
    """Where releases are published. Names are paths below it. A file is there whole, or as it was before."""

    @property
    def url(self) -> str:
        """What people call it."""

    def read(self, name: str) -> bytes | None:
        """A small file; None if it is not there."""

    def put(self, files: Mapping[str, Path]) -> None:
        """Files by name, each of which may be there already."""

    def write(self, name: str, data: bytes) -> None:
        """A small file, in the place of one that is there."""

    def other(self, files: Mapping[str, Path], digests: Mapping[str, str]) -> list[str]:
        """Names of those whose bytes, read there, have not these SHA-512. files: what was put."""

    def only(self, folder: str, files: Mapping[str, Path]) -> None:
        """Remove whatever is below a folder besides these. files: what was put, all of it below the folder."""


class DirectoryPlace:
    """A directory of this machine, such as one that a web server shows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def url(self) -> str:
        """Its path."""
        return str(self.folder)

    def read(self, name: str) -> bytes | None:
        """See Place."""
        try:
            return (self.folder / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def put(self, files: Mapping[str, Path]) -> None:
        """See Place."""
        for name, path in files.items():
            target = self.folder / name
            with temporary_beside(target) as temporary:
                with path.open("rb") as stream, temporary.open("xb") as out:
                    out.writelines(_chunks(stream))
                put_in_place(temporary, target)

    def write(self, name: str, data: bytes) -> None:
        """See Place."""
        write_bytes(self.folder / name, data)

    def other(self, files: Mapping[str, Path], digests: Mapping[str, str]) -> list[str]:
        """See Place."""
        found = {name: self.folder / name for name in files}
        return [
            name for name, path in found.items() if not path.is_file() or digest_of(path).sha512 != digests[name]
        ]  # fmt: skip

    def only(self, folder: str, files: Mapping[str, Path]) -> None:
        """See Place."""
        kept = {self.folder / name for name in files}
        for below, folders, names in os.walk(self.folder / folder, topdown=False):
            for path in (Path(below) / name for name in [*names, *folders]):
                if path not in kept:
                    with explained(path):
                        _remove(path)


class ObjectPlace:
    """A directory of an object store, by fsspec. An object appears whole when its upload is finished."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def read(self, name: str) -> bytes | None:
        """See Place."""
        where = f"{self.url}/{name}"
        with explained_url(where):
            size = objects.size_of(where)
            if size is None:
                return None
            if size > SMALL:
                raise GlassmasterError(f"{where}: larger than {SMALL:,} bytes", why="a release has none of this name")
            return b"".join(objects.pieces_of(where, 0, size))

    def put(self, files: Mapping[str, Path]) -> None:
        """See Place."""
        for name, path in files.items():
            where = f"{self.url}/{name}"
            with explained_url(where), path.open("rb") as stream:
                objects.put(where, _chunks(stream))

    def write(self, name: str, data: bytes) -> None:
        """See Place."""
        with explained_url(f"{self.url}/{name}"):
            objects.put(f"{self.url}/{name}", [data])

    def other(self, files: Mapping[str, Path], digests: Mapping[str, str]) -> list[str]:
        """See Place: everything is fetched once more."""
        wrong = []
        for name in files:
            with opened(f"{self.url}/{name}") as body:
                if digest_chunks(body.pieces).sha512 != digests[name]:
                    wrong.append(name)
        return wrong

    def only(self, folder: str, files: Mapping[str, Path]) -> None:
        """See Place."""
        with explained_url(f"{self.url}/{folder}"):
            kept = {name.removeprefix(f"{folder}/") for name in files}
            for name in objects.names_below(f"{self.url}/{folder}"):
                if name not in kept:
                    objects.remove(f"{self.url}/{folder}/{name}")


def place_of(word: str, here: Path) -> Place:
    """The place that a command line names: a directory, file:, rsync:, ssh: or s3:. here: where the user stands."""
    scheme = urlsplit(word).scheme
    if scheme in ("rsync", "ssh"):
        return RsyncPlace(word.rstrip("/"), rsync_target(word))
    if scheme in objects.SCHEMES:
        return ObjectPlace(word)
    if scheme == "file":
        return DirectoryPlace(Path(unquote(urlsplit(word).path)))
    if "://" in word:
        raise GlassmasterError(
            f"{word}: not a place to publish to", why="known are a directory, file:, rsync:, ssh: and s3:",
            hint="what a web server shows is written as a directory, or by rsync",
        )  # fmt: skip
    return DirectoryPlace(near(Path(os.path.normpath(here / word))))


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: stream.read(CHUNK), b"")


def _remove(path: Path) -> None:
    """A file, a link, or a directory with nothing in it; one that holds something stays."""
    if path.is_symlink() or not path.is_dir():
        path.unlink()
    elif not any(path.iterdir()):
        path.rmdir()
