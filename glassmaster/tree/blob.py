"""A file that holds the bytes of entries made here, one after another; each distinct content once."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from glassmaster.atomic import writing
from glassmaster.tree.entry import Content

if TYPE_CHECKING:
    from collections.abc import Iterator


class Blob:
    """Appends contents to an open file that will be `path`."""

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self._path = path
        self._stream = stream
        self._known: dict[str, Content] = {}

    def add(self, data: bytes) -> Content:
        """Keep these bytes, and say where they are."""
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 not in self._known:
            self._known[sha256] = Content(self._path, self._stream.tell(), len(data), sha256)
            self._stream.write(data)
        return self._known[sha256]


@contextmanager
def new_blob(path: Path) -> Iterator[Blob]:
    """A blob to fill; the file takes its name when the block ends without an error."""
    with writing(path) as stream:
        yield Blob(path, stream)
