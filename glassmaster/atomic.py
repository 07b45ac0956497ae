"""Files that are there whole or not at all: written beside their place, fsynced, renamed."""

from __future__ import annotations

import errno
import json
import os
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from glassmaster.errors import GlassmasterError

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTIAL = ".partial"


@contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """A name in the folder of `path` for something unfinished; removed unless the block renamed it away."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PARTIAL}")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """Open a new file for `path`; it takes that name, on the disk, only if the block ends without an error."""
    with temporary_beside(path) as temporary:
        try:
            with temporary.open("xb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise GlassmasterError(
                    f"no room left for {path}",
                    why=str(error),
                    hint="free some space and run the same command again",
                ) from error
            raise
        put_in_place(temporary, path)


def put_in_place(temporary: Path, path: Path) -> None:
    """Rename a finished, fsynced file to its final name and make the renaming durable."""
    temporary.chmod(0o666 & ~_umask())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file at once; see `writing`."""
    with writing(path) as stream:
        stream.write(data)


def write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 text file at once; see `writing`."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any, *, indent: int | None = 1) -> None:
    """Write JSON with sorted keys, so that equal values are equal files."""
    write_text(path, json.dumps(value, sort_keys=True, indent=indent, ensure_ascii=False) + "\n")


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
