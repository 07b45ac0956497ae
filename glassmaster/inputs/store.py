"""The store: downloads by their SHA-512, what was derived from them by a key. Nothing unverified has a name in it."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from glassmaster.atomic import PARTIAL, writing
from glassmaster.errors import GlassmasterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ENVIRONMENT = "GLASSMASTER_STORE"


@dataclass(frozen=True)
class Stored:
    """A verified file of the store: SHA-512 (hex), bytes."""

    sha512: str
    size: int


@dataclass(frozen=True)
class Store:
    """A store in a directory of the host; several builds may use it at once."""

    root: Path

    def path(self, sha512: str) -> Path:
        """Where the file with this digest is, or would be."""
        return self.root / "sha512" / sha512[:2] / sha512

    def __contains__(self, sha512: str) -> bool:
        return self.path(sha512).is_file()

    def add(self, chunks: Iterable[bytes], *, what: str, expected: str | None = None) -> Stored:
        """Take in a stream of bytes. With another digest than `expected` nothing is kept and it is an error.

        Without `expected` the caller vouches for the bytes (they were made here, or apt verified them).
        """
        digest, size = hashlib.sha512(), 0
        with tempfile.NamedTemporaryFile(dir=self._made(self.root / "incoming"), suffix=PARTIAL) as incoming:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                incoming.write(chunk)
            found = digest.hexdigest()
            if expected is not None and found != expected:
                why = f"expected {expected}\nfound    {found}\n{size:,} bytes"
                raise GlassmasterError(f"{what}: wrong SHA-512", why=why, hint="try again, or another mirror")
            incoming.seek(0)
            if found not in self:
                with writing(self.path(found)) as stream:
                    shutil.copyfileobj(incoming, stream, 1 << 20)
        return Stored(found, size)

    def derived(self, kind: str, key: str) -> Path:
        """Where what was derived under this key is, or would be: a directory."""
        return self.root / "derived" / kind / key

    @contextmanager
    def deriving(self, kind: str, key: str) -> Iterator[Path]:
        """A new directory to fill; it takes its place in the store, whole, if the block ends without an error."""
        final = self.derived(kind, key)
        with tempfile.TemporaryDirectory(dir=self._made(final.parent), suffix=PARTIAL) as temporary:
            work = Path(temporary) / "made"
            work.mkdir()
            yield work
            for path in sorted(work.rglob("*")):
                if path.is_file():
                    _sync(path)
            try:
                work.rename(final)
            except OSError:
                # Another build was faster; what it made of the same key is the same.
                if not final.is_dir():
                    raise

    def _made(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def default_store() -> Store:
    """The user's store: $GLASSMASTER_STORE, or glassmaster/ in the user's cache directory (XDG)."""
    given = os.environ.get(ENVIRONMENT)
    if given:
        return Store(Path(given))
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Store(Path(cache) / "glassmaster")


def _sync(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
