"""The store: downloads by their SHA-512, what was derived from them by a key. Nothing unverified has a name in it."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from glassmaster.atomic import PARTIAL, put_in_place, writing
from glassmaster.doit_plugins.rundir import unfinished
from glassmaster.errors import GlassmasterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ENVIRONMENT = "GLASSMASTER_STORE"
CHUNK = 1 << 20
AGAIN = "the same command, run again, fetches it anew"


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
        incoming = self.root / "incoming" / f"{secrets.token_hex(8)}{PARTIAL}"
        with unfinished(incoming):
            try:
                with writing(incoming) as stream:
                    for chunk in chunks:
                        digest.update(chunk)
                        size += len(chunk)
                        stream.write(chunk)
                    found = digest.hexdigest()
                    if expected is not None and found != expected:
                        why = f"expected {expected}\nfound    {found}\n{size:,} bytes"
                        raise GlassmasterError(f"{what}: wrong SHA-512", why=why, hint="try again, or another mirror")
                self.path(found).parent.mkdir(parents=True, exist_ok=True)
                put_in_place(incoming, self.path(found))
            finally:
                incoming.unlink(missing_ok=True)
        return Stored(found, size)

    def read(self, sha512: str, what: str) -> Iterator[bytes]:
        """The bytes of a file, in pieces; an error after the last one if they are no longer those of the digest.

        Whoever reads keeps nothing before the end was reached. `what` is what errors call the file.
        """
        path, digest = self.path(sha512), hashlib.sha512()
        try:
            with path.open("rb") as stream:
                while chunk := stream.read(CHUNK):
                    digest.update(chunk)
                    yield chunk
        except OSError as error:
            why = f"{path}: {error.strerror}"
            raise GlassmasterError(f"{what}: the store lacks it", why=why, hint=AGAIN) from error
        if digest.hexdigest() != sha512:
            raise GlassmasterError(
                f"{what}: the store's copy has changed since it was verified",
                why=str(path), hint=f"delete it (rm {path}); {AGAIN}",
            )  # fmt: skip

    def verified(self, sha512: str, what: str) -> Path:
        """The path of a file, read through and compared with its digest first; for programs that want a path."""
        for _ in self.read(sha512, what):
            pass
        return self.path(sha512)

    def derived(self, kind: str, key: str) -> Path:
        """Where what was derived under this key is, or would be: a directory."""
        return self.root / "derived" / kind / key

    @contextmanager
    def deriving(self, kind: str, key: str) -> Iterator[Path]:
        """A new directory to fill; it takes its place in the store, whole, if the block ends without an error."""
        final = self.derived(kind, key)
        temporary = final.with_name(f".{key}.{secrets.token_hex(4)}{PARTIAL}")
        with unfinished(temporary):
            try:
                self._make(temporary)
                yield temporary
                for path in (temporary, *temporary.rglob("*")):
                    _sync(path)
                try:
                    temporary.rename(final)
                except OSError:
                    # Another build was faster; what it made of the same key is the same.
                    if not final.is_dir():
                        raise
                _sync(final.parent)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)

    def forget(self, kind: str, key: str) -> None:
        """Remove what was derived under this key, if there is anything: it was found damaged."""
        shutil.rmtree(self.derived(kind, key), ignore_errors=True)

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            hint = f"the variable {ENVIRONMENT} can name another place"
            raise GlassmasterError(f"the store {self.root} cannot be written", why=str(error), hint=hint) from error


def default_store() -> Store:
    """The user's store: $GLASSMASTER_STORE, or glassmaster/ in the user's cache directory (XDG)."""
    given = os.environ.get(ENVIRONMENT)
    if given:
        return Store(Path(given))
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Store(Path(cache) / "glassmaster")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
