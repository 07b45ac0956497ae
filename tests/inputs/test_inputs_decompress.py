"""Decompression in pieces: any split, any damage, any claim."""

from __future__ import annotations

import bz2
import contextlib
import ctypes
import gzip
import lzma
import random
import tracemalloc
from collections.abc import Callable, Iterator

import libarchive
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.inputs import decompress
from glassmaster.inputs.decompress import CHUNK, DAMAGED, decompressed, unpacked
from glassmaster.inputs.zstd import ZstdError

Compress = Callable[[bytes], bytes]


def zstd(data: bytes) -> bytes:
    """Compressed by libarchive's writer."""
    room = ctypes.create_string_buffer(len(data) + (1 << 16))
    used = ctypes.c_size_t(0)
    writer = libarchive.ffi
    handle = writer.write_new()
    writer.get_write_filter_function("zstd")(handle)
    writer.get_write_format_function("raw")(handle)
    writer.write_set_bytes_in_last_block(handle, 1)
    writer.write_open_memory(handle, room, len(room), ctypes.byref(used))
    entry = writer.entry_new()
    writer.entry_set_filetype(entry, 0o100000)
    writer.write_header(handle, entry)
    writer.write_data(handle, data, len(data))
    writer.write_finish_entry(handle)
    writer.write_close(handle)
    writer.entry_free(entry)
    writer.write_free(handle)
    return room.raw[: used.value]


FORMATS: list[Compress] = [gzip.compress, lzma.compress, bz2.compress]
BODY = random.Random("body").randbytes(3000) + b"\0" * 3000


def pieces(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    """The data in pieces of these sizes, over and over; empty ones among them."""
    at, turn = 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        yield data[at : at + size]
        at, turn = at + size, turn + 1


SPLITS = st.lists(st.integers(0, 50), min_size=1, max_size=5).filter(any)


@given(st.sampled_from(FORMATS), st.binary(), SPLITS)
@example(gzip.compress, BODY, [1])
@example(lzma.compress, BODY, [1])
def test_any_split_gives_the_same_bytes(compress: Compress, data: bytes, sizes: list[int]) -> None:
    assert b"".join(decompressed(pieces(compress(data), sizes))) == data


@given(st.binary(), SPLITS)
def test_what_is_not_compressed_is_passed_through(data: bytes, sizes: list[int]) -> None:
    plain = b"plain" + data
    assert b"".join(decompressed(pieces(plain, sizes))) == plain


def test_nothing_gives_nothing() -> None:
    assert b"".join(decompressed(iter(()))) == b""


@given(st.sampled_from(FORMATS), SPLITS, st.integers(0, 20), st.integers(0, 20))
def test_streams_one_after_another_with_padding(compress: Compress, sizes: list[int], between: int, after: int) -> None:
    data = compress(BODY) + bytes(4 * between) + compress(b"second") + bytes(4 * after)
    assert b"".join(decompressed(pieces(data, sizes))) == BODY + b"second"


@pytest.mark.parametrize("compress", FORMATS)
@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_sizes_around_a_piece(compress: Compress, size: int) -> None:
    for body in (bytes(size), random.Random(size).randbytes(size)):
        assert b"".join(decompressed(iter([compress(body)]))) == body


@pytest.mark.parametrize("compress", FORMATS)
def test_truncation_at_any_point_is_an_error(compress: Compress) -> None:
    whole = compress(b"a body that is not long" * 3)
    for end in range(6, len(whole)):
        with pytest.raises(EOFError):
            list(decompressed(iter([whole[:end]])))
        with pytest.raises(EOFError):
            list(decompressed(iter([whole + whole[:end]])))


@given(st.sampled_from([b"\x1f\x8b", b"\xfd7zXZ\0", b"\x1f\x8b\x08\0\0\0\0\0\0\3"]), st.binary(), SPLITS)
def test_random_bytes_never_raise_anything_else(magic: bytes, junk: bytes, sizes: list[int]) -> None:
    with pytest.raises(DAMAGED):
        list(decompressed(pieces(magic + junk, sizes)))


@given(st.sampled_from(FORMATS), st.integers(0, 10**6), st.integers(1, 255))
def test_a_flipped_bit_is_an_error_or_gives_the_same(compress: Compress, at: int, flip: int) -> None:
    data = bytearray(compress(BODY))
    data[at % len(data)] ^= flip
    try:
        out = b"".join(decompressed(iter([bytes(data)])))
    except DAMAGED:
        return
    # Only fields that say nothing of the content may change (gzip's time, for one), or the magic itself.
    assert out in (BODY, bytes(data))


def test_rubbish_after_the_end_is_an_error() -> None:
    for compress in FORMATS:
        with pytest.raises(DAMAGED):
            list(decompressed(iter([compress(BODY) + b"rubbish"])))


def test_a_stream_that_asks_for_gigabytes_of_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = lzma.compress(BODY, preset=6)
    assert b"".join(decompressed(iter([data]))) == BODY
    monkeypatch.setattr(decompress, "XZ_MEMORY", 1 << 20)
    with pytest.raises(lzma.LZMAError):
        list(decompressed(iter([data])))


@pytest.mark.parametrize("compress", FORMATS)
def test_a_bomb_is_decompressed_in_bounded_pieces(compress: Compress) -> None:
    bomb = compress(bytes(64 << 20))
    assert len(bomb) < CHUNK
    tracemalloc.start()
    try:
        largest = max(len(piece) for piece in decompressed(iter([bomb])))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert largest <= CHUNK
    # The window of `xz -6` has 8 MiB; the output 64.
    assert peak < 16 << 20


def test_unpacked_stops_a_bomb_at_its_limit() -> None:
    given_out = 0
    with pytest.raises(GlassmasterError, match=r"set bomb: unpacks to more than 5,000,000 bytes"):
        for piece in unpacked(iter([gzip.compress(bytes(64 << 20))]), "set bomb", 5_000_000):
            given_out += len(piece)
    assert given_out <= 5_000_000


def test_unpacked_reads_damaged_input_to_its_end() -> None:
    source = iter([gzip.compress(BODY)[:-9] + b"damage", b"more", b"last"])
    with pytest.raises(GlassmasterError, match=r"base.tgz: the compressed data is damaged") as caught:
        list(unpacked(source, "base.tgz", 1 << 20))
    assert "fetch it again" in caught.value.hint
    assert next(source, None) is None


@given(st.binary(min_size=1), SPLITS)
@example(BODY, [1])
@example(bytes(3 * CHUNK), [1000])
def test_zstd_in_any_split_gives_the_same_bytes(data: bytes, sizes: list[int]) -> None:
    packed = zstd(data) + zstd(data[:1])
    assert b"".join(decompressed(pieces(packed, sizes))) == data + data[:1]


def test_zstd_that_breaks_off_or_goes_on_with_rubbish_is_an_error() -> None:
    packed = zstd(BODY)
    for damaged in (*(packed[:end] for end in range(6, len(packed))), packed + b"rubbish", zstd(b"")):
        with pytest.raises(ZstdError):
            list(decompressed(iter([damaged])))


@given(st.binary(), SPLITS)
def test_random_zstd_never_raises_anything_else(junk: bytes, sizes: list[int]) -> None:
    with contextlib.suppress(ZstdError):
        list(decompressed(pieces(b"\x28\xb5\x2f\xfd" + junk, sizes)))


def test_what_goes_wrong_while_zstd_is_read_is_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    def source() -> Iterator[bytes]:
        yield zstd(random.Random(1).randbytes(10 * CHUNK))[:CHUNK]
        raise GlassmasterError("the store's copy has changed")

    with pytest.raises(GlassmasterError, match="the store's copy"):
        list(decompressed(source()))
    assert capfd.readouterr().err == ""


def test_a_zstd_bomb_comes_in_bounded_pieces() -> None:
    assert max(map(len, decompressed(iter([zstd(bytes(16 << 20))])))) <= CHUNK
