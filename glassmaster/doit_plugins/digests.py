"""SHA-256 digests of files, one per file and run, remembered by what stat(2) says of the file.

A file is taken to be the same as long as inode, size, mtime and ctime are. The times of last change (ctime) cannot be
set by programs, so a file with a clamped or restored mtime is seen all the same. One case is left, as in git ("racy"):
a file that is written twice within one tick of the file system's clock looks the same before and after. So a digest
is bound to such a signature only if the file had been at rest for longer than a tick when it was read.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from doit.exceptions import InvalidTask

# Linux stamps files by a clock that ticks every 1 to 10 ms; file systems that keep no fractions tick every 1 or 2 s.
TICK_NS, COARSE_TICK_NS = 20_000_000, 2_000_000_000
SECOND_NS = 1_000_000_000
# From this size on, reading a file a second time takes longer than waiting for one tick.
WORTH_WAITING_BYTES = 8 << 20
ATTEMPTS = 3


class NotAFile(InvalidTask):  # type: ignore[misc]  # doit has no type hints
    """A directory (or a device, a pipe) where a file was expected; doit shows it as one line."""


class Signature(NamedTuple):
    """By what a file is known to be unchanged. Times in nanoseconds."""

    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


class Seen(NamedTuple):
    """A file's content (SHA-256, hex) and size in bytes; its signature where that may be trusted later."""

    digest: str
    size: int
    signature: Signature | None


class Derived(NamedTuple):
    """A JSON value made of a file's content, and the digest of that content."""

    digest: str
    value: Any


def signature(info: os.stat_result) -> Signature:
    """The signature of a file."""
    return Signature(info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)


def stat_file(path: str) -> os.stat_result:
    """stat(2) of a regular file; NotAFile for anything else, OSError where there is nothing."""
    info = os.stat(path)  # noqa: PTH116  # called for every file of every task: Path would double its time
    if not stat.S_ISREG(info.st_mode):
        kind = "a directory" if stat.S_ISDIR(info.st_mode) else "neither a file nor a directory"
        raise NotAFile(f"{path}: is {kind}, and only files can be depended on; name the files in it")
    return info


class Digests:
    """The digests of this process. now: nanoseconds since 1970; sleep: seconds."""

    def __init__(self, now: Callable[[], int] = time.time_ns, sleep: Callable[[float], None] = time.sleep) -> None:
        self._now = now
        self._sleep = sleep
        self._files: dict[str, tuple[Signature, str]] = {}
        self._derived: dict[tuple[str, str], Derived] = {}
        self._new_files: set[str] = set()
        self._new_derived: set[tuple[str, str]] = set()
        self.hashed: list[str] = []  # what was really read, in order

    def look(self, path: str) -> Seen:
        """What a file holds now. OSError if it cannot be read, NotAFile if it is none."""
        info = stat_file(path)
        known = self._files.get(os.path.abspath(path))  # noqa: PTH100
        if known and known[0] == signature(info):
            return Seen(known[1], info.st_size, known[0])
        return self._read(path)

    def digest(self, path: str) -> str:
        """The SHA-256 of a file, hex."""
        return self.look(path).digest

    def note(self, path: str, found: Signature, digest: str) -> None:
        """Take over what somebody else remembered of a file."""
        self._files.setdefault(os.path.abspath(path), (found, digest))  # noqa: PTH100

    def derived(self, path: str, kind: str, make: Callable[[bytes], Any]) -> Any:
        """`make(content)` of a file, a JSON value, made once for each content. kind: names `make` and its version."""
        key, digest = (os.path.abspath(path), kind), self.digest(path)  # noqa: PTH100
        found = self._derived.get(key)
        if found is None or found.digest != digest:
            with open(path, "rb") as stream:  # noqa: PTH123
                data = stream.read()
            # Of what was read just now, which may be newer than the digest.
            found = Derived(hashlib.sha256(data).hexdigest(), make(data))
            self._derived[key] = found
            self._new_derived.add(key)
        return found.value

    def kept(self, name: str, kind: str, version: str, make: Callable[[], Any]) -> Any:
        """`make()`, a JSON value, made anew when `version` is another text than when it was made last."""
        key = name, kind
        found = self._derived.get(key)
        if found is None or found.digest != version:
            found = self._derived[key] = Derived(version, make())
            self._new_derived.add(key)
        return found.value

    def restore(self, files: Iterable[tuple[str, Signature, str]], derived: Iterable[tuple[str, str, Derived]]) -> None:
        """Take over what an earlier process remembered: absolute paths; newer knowledge stays."""
        for path, found, digest in files:
            self._files.setdefault(path, (found, digest))
        for path, kind, item in derived:
            self._derived.setdefault((path, kind), item)

    def unsaved(self) -> tuple[list[tuple[str, Signature, str]], list[tuple[str, str, Derived]]]:
        """What was learnt since `saved` was called last, in the form that `restore` takes."""
        files = [(path, *self._files[path]) for path in sorted(self._new_files)]
        return files, [(*key, self._derived[key]) for key in sorted(self._new_derived)]

    def saved(self) -> None:
        """All that `unsaved` gives is kept somewhere now."""
        self._new_files.clear()
        self._new_derived.clear()

    def _read(self, path: str) -> Seen:
        absolute = os.path.abspath(path)  # noqa: PTH100
        with open(path, "rb", buffering=0) as stream:  # noqa: PTH123
            for _ in range(ATTEMPTS):
                before = os.fstat(stream.fileno())
                if before.st_size >= WORTH_WAITING_BYTES:
                    self._wait(before)
                at_rest = self._at_rest(before)
                self.hashed.append(path)
                stream.seek(0)
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
                if signature(os.fstat(stream.fileno())) == signature(before):
                    break
            else:  # somebody goes on writing
                at_rest = False
        if not at_rest:
            self._files.pop(absolute, None)
            self._new_files.discard(absolute)
            return Seen(digest, before.st_size, None)
        self._files[absolute] = signature(before), digest
        self._new_files.add(absolute)
        return Seen(digest, before.st_size, signature(before))

    def _at_rest(self, info: os.stat_result) -> bool:
        """Whether a change from now on would show in the signature."""
        coarse = info.st_ctime_ns % SECOND_NS == 0
        return self._now() - info.st_ctime_ns > (COARSE_TICK_NS if coarse else TICK_NS)

    def _wait(self, info: os.stat_result) -> None:
        """Let one (short) tick pass since the file's last change."""
        age = self._now() - info.st_ctime_ns
        if 0 <= age <= TICK_NS and info.st_ctime_ns % SECOND_NS:
            self._sleep((TICK_NS - age + 1) / SECOND_NS)


DIGESTS = Digests()
