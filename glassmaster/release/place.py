"""Putting a finished directory in its place: whole, on the disk, and at once."""

from __future__ import annotations

import ctypes
import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from glassmaster.atomic import PARTIAL, explained
from glassmaster.doit_plugins.rundir import unfinished
from glassmaster.errors import GlassmasterError

# renameat2(2): AT_FDCWD, RENAME_EXCHANGE.
_HERE, _EXCHANGE = -100, 2


@contextmanager
def directory_beside(path: Path) -> Iterator[Path]:
    """An empty directory beside `path`; it is gone when the block ends, unless it was put in place."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PARTIAL}")
    with unfinished(temporary):
        try:
            with explained(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                temporary.mkdir()
            yield temporary
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def put_directory_in_place(temporary: Path, path: Path) -> None:
    """Give a finished directory its name, when all that is in it is on the disk. One that has the name is exchanged
    for it, and left under the other's name for `directory_beside` to remove: at no moment is there none."""
    with explained(path):
        for folder, _, files in os.walk(temporary):
            for name in files:
                _fsync(Path(folder) / name)
            _fsync(Path(folder))
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            raise GlassmasterError(f"{path}: is not a directory", hint="move it out of the way")
        if path.exists():
            _exchange(temporary, path)
        else:
            temporary.rename(path)
        _fsync(path.parent)


def _exchange(one: Path, other: Path) -> None:
    renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    if renameat2(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) != 0:
        number = ctypes.get_errno()
        if number in (errno.EINVAL, errno.ENOSYS):  # NFS and a few others
            raise GlassmasterError(
                f"{other}: cannot be exchanged at once", why="this file system does not do that",
                hint=f"move it away (mv {other} {other}.old), then run the same command again",
            )  # fmt: skip
        raise OSError(number, f"{os.strerror(number)} (exchanging two directories)", str(other))


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
