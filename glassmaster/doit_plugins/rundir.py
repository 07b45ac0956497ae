"""A directory for each run: its temporary files, and notes of the files that are being made elsewhere.

While a run lives, its supervisors hold a lock (flock) on the directory. Whatever a killed run leaves is cleared away:
by its own supervisor at the end, or, if that was killed too, by the next run that starts with the same TMPDIR.

    $TMPDIR/doit-XXXXXXXX/               TMPDIR of everything in the run, and $DOIT_RUN
    $TMPDIR/doit-XXXXXXXX/.unfinished/   a symbolic link for each file or directory that has no final name yet

A note says exactly what belongs to the run, so nothing is searched for, and two runs that share a cache
never take each other's files.
"""

# Every start of doit pays for this module: system calls, not pathlib.
# ruff: noqa: PTH100, PTH102, PTH106, PTH108, PTH115, PTH208, PTH211

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from glassmaster.doit_plugins import processes

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE = "DOIT_RUN"
# A note is believed only if the name ends like this: nothing else is ever removed outside of a run's directory.
SUFFIX = ".partial"
_PREFIX, _RANDOM_BYTES = "doit-", 4
_NOTES, _MEMBER = ".unfinished", ".member"


@contextmanager
def unfinished(path: str | os.PathLike[str]) -> Iterator[None]:
    """Note that what is made at `path` (a name that ends in .partial) is worth nothing unless the block ends.

    The block renames or removes it. Without a supervisor there is nobody to tell, and nothing is noted.
    """
    run = os.environ.get(VARIABLE)
    note = f"{run}/{_NOTES}/{os.urandom(8).hex()}"
    try:
        if run:
            os.symlink(os.path.abspath(path), note)
    except FileNotFoundError:
        run = None  # the run that this process belonged to has ended
    try:
        yield
    finally:
        if run:
            with suppress(OSError):
                os.unlink(note)


class RunDirectory:
    """The directory of this run; the lock is held by this process and those forked from it that did not let go."""

    def __init__(self) -> None:
        """Clear away what dead runs left, make the directory and lock it. OSError where that cannot be done."""
        top = os.path.abspath(os.environ.get("TMPDIR") or "/tmp")
        _clear_dead(top)
        while True:
            self.path = f"{top}/{_PREFIX}{os.urandom(_RANDOM_BYTES).hex()}"
            os.mkdir(self.path, 0o700)
            # Until it is locked, another run's start may take it for a dead one's and remove it.
            lock = _lock(self.path, fcntl.LOCK_EX)
            if lock is not None:
                self._lock = lock
                break
        os.mkdir(f"{self.path}/{_NOTES}")

    def enter(self) -> None:
        """Let this process work in it: TMPDIR and $DOIT_RUN name it. The lock is the supervisors' alone.

        Programs are known by $DOIT_RUN in their environment. This process and those forked from it keep an open
        descriptor of a deleted file instead: nobody else can have one.
        """
        os.close(self._lock)
        os.environ["TMPDIR"] = os.environ[VARIABLE] = self.path
        name = f"{self.path}/{_MEMBER}"
        os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.unlink(name)

    def remove(self) -> None:
        """Remove it with all that is in it and what its notes name. Safe to call twice."""
        _clear(self.path)


def _lock(path: str, operation: int) -> int | None:
    """A descriptor that holds the lock of a directory; None if it is held by others or the directory is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, operation)
        if os.path.samestat(os.fstat(descriptor), os.lstat(path)):
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None


def _clear_dead(top: str) -> None:
    """Clear away the runs of this user in `top` that nobody holds the lock of."""
    with suppress(OSError), os.scandir(top) as entries:
        for entry in entries:
            if not _is_run(entry.name) or entry.stat(follow_symlinks=False).st_uid != os.getuid():
                continue
            lock = _lock(entry.path, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if lock is not None:
                # All its supervisors were killed, and there may be processes that they would have ended.
                processes.end_marked(f"{VARIABLE}={entry.path}", f"{entry.path}/{_MEMBER} (deleted)")
                _clear(entry.path)
                os.close(lock)


def _is_run(name: str) -> bool:
    digits = name.removeprefix(_PREFIX)
    return len(digits) == 2 * _RANDOM_BYTES and digits != name and set(digits) <= set("0123456789abcdef")


def _clear(path: str) -> None:
    notes = f"{path}/{_NOTES}"
    with suppress(OSError):
        for name in os.listdir(notes):
            target = os.readlink(f"{notes}/{name}")
            if target.endswith(SUFFIX):
                _remove(target)
            os.unlink(f"{notes}/{name}")
        os.rmdir(notes)
    _remove(path)


def _remove(path: str) -> None:
    """Remove a file, or a directory with what is in it, if it is there."""
    with suppress(OSError):
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            os.unlink(path)
            return
        with suppress(OSError):  # mostly it is empty, and shutil is slow to import
            os.rmdir(path)
            return
        import shutil

        shutil.rmtree(path, ignore_errors=True)
