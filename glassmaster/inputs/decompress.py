"""Streams decompressed piece by piece; gzip, xz, bzip2 and zstd are told by their first bytes."""

from __future__ import annotations

import bz2
import itertools
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.zstd import ZstdError, zstd_decompressed

CHUNK = 1 << 20


class Bzip2Error(Exception):
    """The compressed data is damaged; Python's own module calls that an OSError, like a disk that cannot be read."""


# What decompressed() raises for a damaged or shortened stream.
DAMAGED = (zlib.error, lzma.LZMAError, Bzip2Error, ZstdError, EOFError)
REFETCH = "fetch it again: the file on the mirror itself may be damaged"
# A stream of `xz -9` needs 65 MiB; a header can ask for 4 GiB.
XZ_MEMORY = 128 << 20

_GZIP_MAGIC, _XZ_MAGIC, _BZIP2_MAGIC, _ZSTD_MAGIC = b"\x1f\x8b", b"\xfd7zXZ\x00", b"BZh", b"\x28\xb5\x2f\xfd"


class _Decompressor(Protocol):
    """What lzma.LZMADecompressor offers: one stream, decompressed as far as asked for."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """zlib in the manner of lzma.LZMADecompressor: it keeps what it was given and has not used yet."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        piece = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        # A full piece: zlib may hold more, even where no input is left over.
        self.needs_input = len(piece) < max_length and not self._zlib.unconsumed_tail
        return piece


class _Bzip2:
    """bz2.BZ2Decompressor with an error of its own."""

    def __init__(self) -> None:
        self._bz2 = bz2.BZ2Decompressor()

    @property
    def eof(self) -> bool:
        return self._bz2.eof

    @property
    def needs_input(self) -> bool:
        return self._bz2.needs_input

    @property
    def unused_data(self) -> bytes:
        return self._bz2.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        try:
            return self._bz2.decompress(data, max_length)
        except OSError as error:
            raise Bzip2Error(str(error)) from error


def decompressed(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress gzip, xz, bzip2 or zstd, told by the first bytes; anything else is passed through.

    Pieces have at most CHUNK bytes (those that are passed through: as they come). Several streams one after another
    are read as one. Raises one of DAMAGED, the last stream's breaking off included.
    """
    first = b""
    for chunk in chunks:
        first += chunk
        if len(first) >= len(_XZ_MAGIC):
            break
    if first.startswith(_GZIP_MAGIC):
        yield from _streams(first, chunks, _Gzip)
    elif first.startswith(_XZ_MAGIC):
        yield from _streams(first, chunks, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, XZ_MEMORY))
    elif first.startswith(_BZIP2_MAGIC):
        yield from _streams(first, chunks, _Bzip2)
    elif first.startswith(_ZSTD_MAGIC):
        yield from zstd_decompressed(itertools.chain([first], chunks))
    else:
        yield first
        yield from chunks


def unpacked(packed: Iterator[bytes], what: str, limit: int) -> Iterator[bytes]:
    """What decompressed() gives, with errors for people: damage, and more than `limit` bytes.

    `packed` is read to its end also where it is damaged: a file of the store that was changed says so only there.
    """
    size = 0
    try:
        for piece in decompressed(packed):
            size += len(piece)
            if size > limit:
                raise GlassmasterError(f"{what}: unpacks to more than {limit:,} bytes", why="nothing real is so large")
            yield piece
    except DAMAGED as error:
        for _ in packed:
            pass
        raise GlassmasterError(f"{what}: the compressed data is damaged", why=str(error), hint=REFETCH) from error


def _streams(first: bytes, chunks: Iterator[bytes], new: Callable[[], _Decompressor]) -> Iterator[bytes]:
    decompressor = new()
    for chunk in itertools.chain([first], chunks):
        # Zeros between streams and after the last one are padding, for gzip(1) as for xz(1).
        data = chunk.lstrip(b"\0") if decompressor.eof else chunk
        while data:
            if decompressor.eof:
                decompressor = new()
            yield from _decoded(decompressor, data)
            data = decompressor.unused_data.lstrip(b"\0")
    if not decompressor.eof:
        raise EOFError("it breaks off before its end")


def _decoded(decompressor: _Decompressor, data: bytes) -> Iterator[bytes]:
    """All that one piece of input gives, a bounded number of bytes at a time: a small file may claim terabytes."""
    yield decompressor.decompress(data, CHUNK)
    while not (decompressor.eof or decompressor.needs_input):
        yield decompressor.decompress(b"", CHUNK)
