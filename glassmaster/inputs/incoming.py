"""Downloads that are not whole yet: incoming/SHA512.part in the store, each under a lock (flock) while it grows.

They outlive a killed run on purpose, so that the next one goes on where it ended; until a file is whole and its
digest is right it has no name in the store. Whoever wants a file that another process (or thread) is fetching waits
for the lock, and then finds the file in the store.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from glassmaster.atomic import explained, put_in_place
from glassmaster.inputs.store import CHUNK, Store

SUFFIX = ".part"
_HEAD = 512
# How often the rest of a damaged copy is read for each new one: where all of it differs that would be no use.
MOST_LOOKS = 8


@dataclass(frozen=True)
class Wanted:
    """A file from outside. urls: where it may be had, tried in this order; sha512: hex; size: bytes."""

    name: str
    urls: tuple[str, ...]
    sha512: str
    size: int


class Partial:
    """The beginning of a wanted file, as far as it has come; the bytes are not verified. Made by `claimed` alone.

    A whole copy that turns out damaged is not thrown away: the next one is written over it from the beginning, and as
    soon as that has put right what was damaged, the file is whole. One flipped bit costs half a file on average.
    """

    def __init__(self, path: Path, descriptor: int, wanted: Wanted, store: Store) -> None:
        self.path, self.wanted = path, wanted
        self._descriptor, self._store = descriptor, store
        self._digest, self.size = hashlib.sha512(), 0
        # Whether the rest of a damaged copy follows what is here, what differed from it, how often that was looked at.
        self._over_old, self._differs, self._looks = False, False, 0
        with explained(path), os.fdopen(os.dup(descriptor), "rb") as stream:
            while piece := stream.read(CHUNK):
                self._digest.update(piece)
                self.size += len(piece)

    @property
    def whole(self) -> bool:
        """Whether there are as many bytes as there should be."""
        return self.size == self.wanted.size

    @property
    def sha512(self) -> str:
        """The digest of what is here."""
        return self._digest.hexdigest()

    @property
    def looks_like_html(self) -> bool:
        """Whether it begins like a web page."""
        return is_html(os.pread(self._descriptor, _HEAD, 0))

    def append(self, piece: bytes) -> None:
        """Add bytes; GlassmasterError where the disk takes no more."""
        with explained(self.path):
            if self._over_old and os.pread(self._descriptor, len(piece), self.size) != piece:
                self._differs = True
            rest = memoryview(piece)
            while rest:
                written = os.pwrite(self._descriptor, rest, self.size)
                self._digest.update(rest[:written])
                self.size += written
                rest = rest[written:]

    def mend(self) -> bool:
        """Whether what is here, with the rest of the damaged copy below it, is the file; then it is whole."""
        if not self._differs or self._looks >= MOST_LOOKS:
            return False
        self._differs, self._looks = False, self._looks + 1
        digest, place = self._digest.copy(), self.size
        with explained(self.path):
            while piece := os.pread(self._descriptor, CHUNK, place):
                digest.update(piece)
                place += len(piece)
        if digest.hexdigest() != self.wanted.sha512:
            return False
        self._digest, self.size = digest, place
        return True

    def begin_again(self) -> None:
        """What is here is not the file. It stays below what comes next if it has the file's length."""
        with explained(self.path):
            self._over_old = os.fstat(self._descriptor).st_size == self.wanted.size
            if not self._over_old:
                os.ftruncate(self._descriptor, 0)
        self._digest, self.size = hashlib.sha512(), 0
        self._differs, self._looks = False, 0

    def take_in(self) -> None:
        """Give the file its name in the store. Only with the right digest."""
        if self.sha512 != self.wanted.sha512:
            raise ValueError(f"{self.path}: not the digest that was wanted")
        final = self._store.path(self.wanted.sha512)
        with explained(final):
            final.parent.mkdir(parents=True, exist_ok=True)
        put_in_place(self.path, final)


@contextmanager
def claimed(wanted: Wanted, store: Store, waiting: Callable[[], None]) -> Iterator[Partial | None]:
    """The partial file of what is wanted, for this thread alone; None if it is in the store by now.

    waiting: called when somebody else has it, before waiting for them.
    """
    descriptor = None
    path = partial_path(wanted.sha512, store)
    try:
        while wanted.sha512 not in store:
            descriptor = _locked(path, waiting)
            # It was perhaps finished or pruned while we waited: then what is locked has another name or none.
            if wanted.sha512 not in store and _is(descriptor, path):
                yield Partial(path, descriptor, wanted, store)
                return
            os.close(descriptor)
            descriptor = None
        yield None
    finally:
        if descriptor is not None:
            os.close(descriptor)


def partial_path(sha512: str, store: Store) -> Path:
    """Where the beginning of a file is, or would be."""
    return store.root / "incoming" / f"{sha512}{SUFFIX}"


def remove_unclaimed(path: Path) -> bool:
    """Remove a partial file unless somebody is fetching it; whether it is gone."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is(descriptor, path):
            path.unlink()
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def is_html(head: bytes) -> bool:
    """Whether bytes begin like a web page: what captive portals and broken mirrors send for anything."""
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return begin.startswith((b"<!doctype html", b"<html", b"<head", b"<!--"))


def _locked(path: Path, waiting: Callable[[], None]) -> int:
    """A descriptor of the file, which is made if it is missing, with the lock."""
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _is(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False
