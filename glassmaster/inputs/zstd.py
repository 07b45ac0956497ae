"""zstd streams decompressed piece by piece by libarchive, which the project has anyway."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

CHUNK = 1 << 20


class ZstdError(Exception):
    """The compressed data is damaged, breaks off, or asks for a window of more than 128 MiB (libzstd's own limit)."""


def zstd_decompressed(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress; pieces have at most CHUNK bytes. Several frames one after another are read as one.

    Raises ZstdError, also where nothing at all was compressed, and whatever `chunks` raises.
    """
    import libarchive  # loads the C library, which a machine that only lists tasks need not have

    source = _Source(chunks)
    try:
        with libarchive.stream_reader(source, format_name="raw", filter_name="zstd", block_size=CHUNK) as archive:
            for entry in archive:
                yield from entry.get_blocks(CHUNK)
    except libarchive.ArchiveError as error:
        if source.failure is not None:
            raise source.failure from None
        raise ZstdError(str(error.msg)) from error


class _Source:
    """The chunks as libarchive-c wants a stream. Nothing may be raised here: ctypes would print it and go on."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = memoryview(b"")
        self.failure: Exception | None = None

    def seekable(self) -> bool:
        """No."""
        return False

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as one chunk goes; gives how far, 0 at the end, -1 after an error."""
        try:
            if not self._held:
                # An empty chunk is not the end.
                self._held = memoryview(next(filter(None, self._chunks), b""))
        except Exception as error:
            self.failure = error
            return -1
        room = memoryview(buffer).cast("B")
        length = min(len(room), len(self._held))
        room[:length], self._held = self._held[:length], self._held[length:]
        return length
