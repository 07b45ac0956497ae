"""Streams decompressed piece by piece, gzip or xz told by their first bytes."""

from __future__ import annotations

import itertools
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Any

CHUNK = 1 << 20
# What decompressed() raises for a damaged or shortened stream.
DAMAGED = (zlib.error, lzma.LZMAError, EOFError)

_GZIP_MAGIC, _XZ_MAGIC = b"\x1f\x8b", b"\xfd7zXZ\x00"


def decompressed(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress gzip or xz, told by the first bytes; anything else is passed through.

    Several streams one after another are read as one. Raises EOFError when the last one breaks off.
    """
    first = next(chunks, b"")
    everything = itertools.chain([first], chunks)
    if first.startswith(_GZIP_MAGIC):
        yield from _streams(everything, lambda: zlib.decompressobj(wbits=31))
    elif first.startswith(_XZ_MAGIC):
        yield from _streams(everything, lzma.LZMADecompressor)
    else:
        yield from everything


def _streams(chunks: Iterator[bytes], new: Callable[[], Any]) -> Iterator[bytes]:
    decompressor, begun = new(), False
    for chunk in chunks:
        left = chunk
        while left:
            if decompressor.eof:
                left = left.lstrip(b"\0")
                if not left:
                    break
                decompressor = new()
            yield from _bounded(decompressor, left)
            begun = True
            left = decompressor.unused_data if decompressor.eof else b""
    if not begun or not decompressor.eof:
        raise EOFError("it breaks off before its end")


def _bounded(decompressor: Any, data: bytes) -> Iterator[bytes]:
    """Decompress one piece, a bounded number of bytes at a time: a small file may claim terabytes."""
    while data or not getattr(decompressor, "needs_input", True):
        piece = decompressor.decompress(data, CHUNK)
        if piece:
            yield piece
        if decompressor.eof:
            return
        data = getattr(decompressor, "unconsumed_tail", b"")
        if not data and getattr(decompressor, "needs_input", not piece):
            return
