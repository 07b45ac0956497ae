"""Compression whose bytes are the same on every machine: gzip by libdeflate, of the version that requirements/ pins.

zlib's bytes are those of whichever zlib, or zlib-ng, the host's Python happens to use. The wheel brings its own
library, so the compressor is an input by digest, like any other. A file is cut into pieces, each a gzip member of its
own (RFC 1952, 2.2: gunzip reads them as one), so that memory stays bounded and all cores help.
"""

from __future__ import annotations

import gzip
import hashlib
import itertools
import os
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import deflate

from glassmaster.doit_plugins.progress import progress
from glassmaster.errors import GlassmasterError

PIECE = 16 << 20
LEVEL = 9
CHUNK = 1 << 20
SUFFIX = ".gz"


def compressed(data: bytes) -> bytes:
    """One gzip member: no name, no time, and the same header everywhere."""
    return bytes(deflate.gzip_compress(data, LEVEL))


def compress(source: Path, target: Path) -> None:
    """Compress a file, and see that what zlib reads in the result is what was given."""
    workers = os.cpu_count() or 1
    before = hashlib.sha256()
    with (
        source.open("rb") as stream, target.open("xb") as out, ThreadPoolExecutor(workers) as pool,
        progress(f"compressing {source.name}", source.stat().st_size, "bytes") as advance,
    ):  # fmt: skip
        pieces = _pieces(stream)
        # An empty file is one empty member. As many pieces in memory as there are cores, no more.
        while several := list(itertools.islice(pieces, workers)):
            for piece, member in zip(several, pool.map(compressed, several), strict=True):
                before.update(piece)
                out.write(member)
                advance(len(piece))
    if digest_inside(target) != before.hexdigest():
        raise GlassmasterError(
            f"{target}: what is inside is not {source}", why="compressed by libdeflate, read by zlib"
        )


def read_inside(path: Path) -> Iterator[bytes]:
    """The bytes inside a compressed file; GlassmasterError where it is damaged."""
    try:
        with gzip.open(path, "rb") as stream:
            while chunk := stream.read(CHUNK):
                yield chunk
    except (OSError, EOFError, zlib.error) as error:
        raise GlassmasterError(f"{path}: not sound gzip data", why=str(error)) from error


def digest_inside(path: Path, algorithm: str = "sha256", most: int | None = None) -> str:
    """The digest of what is inside a compressed file. most: bytes; one with more has another digest."""
    return _digest(read_inside(path) if most is None else _up_to(most, read_inside(path)), algorithm)


def _up_to(most: int, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The first chunks: all of them, or more bytes than were asked for."""
    for chunk in chunks:
        yield chunk
        most -= len(chunk)
        if most < 0:
            return


def _digest(chunks: Iterable[bytes], algorithm: str) -> str:
    digest = hashlib.new(algorithm)
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    piece = stream.read(PIECE)
    yield piece
    while piece := stream.read(PIECE):
        yield piece
