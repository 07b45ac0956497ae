"""Files that are there whole or not at all: written beside their place, fsynced, renamed."""

from __future__ import annotations

import errno
import json
import os
import secrets
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from glassmaster.doit_plugins.rundir import unfinished
from glassmaster.errors import GlassmasterError

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTIAL = ".partial"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """A name in the folder of `path` for something unfinished; removed unless the block renamed it away.

    The folder is made where it is missing. A full disk is an error for people, whoever in the block met it.
    """
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PARTIAL}")
    try:
        with unfinished(temporary):
            try:
                yield temporary
            finally:
                with suppress(OSError):  # such as a name that is too long: then nothing was made
                    temporary.unlink()
    except OSError as error:
        if error.errno in NO_ROOM:
            raise _failure(path, error) from error
        raise


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """Open a new file for `path`; it takes that name, on the disk, only if the block ends without an error."""
    with temporary_beside(path) as temporary:
        with explained(path):
            stream = temporary.open("xb")
        with stream:
            yield stream
        put_in_place(temporary, path)


def put_in_place(temporary: Path, path: Path) -> None:
    """Rename a finished file to its final name, and make its content and the renaming durable."""
    with explained(path):
        _fsync(temporary, os.O_RDONLY)
        temporary.replace(path)
        _fsync(path.parent, os.O_RDONLY | os.O_DIRECTORY)


def _fsync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """What the system refuses to do for `path` as an error for people."""
    try:
        yield
    except OSError as error:
        raise _failure(path, error) from error


def _failure(path: Path, error: OSError) -> GlassmasterError:
    if error.errno in NO_ROOM:
        hint = "free some space and run the same command again"
        return GlassmasterError(f"no room left for {path}", why=str(error), hint=hint)
    return GlassmasterError(f"{path}: cannot be written", why=str(error))


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file at once; see `writing`."""
    with writing(path) as stream:
        stream.write(data)


def write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 text file at once; see `writing`."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any, *, indent: int | None = 1) -> None:
    """Write JSON with sorted keys, so that equal values are equal files."""
    text = json.dumps(value, sort_keys=True, indent=indent, ensure_ascii=False) + "\n"
    # Bytes that were no UTF-8 (surrogate escapes) become JSON's own \u escapes and are read back as they were.
    write_bytes(path, text.encode("utf-8", "backslashreplace"))
