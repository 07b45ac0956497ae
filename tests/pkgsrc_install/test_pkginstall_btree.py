"""The btree that we write, read by a reader of its own: by the tree and by the links of its leaves."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.inputs.pkgsrc.btree import PAGE_SIZE, btree

INTERNAL, LEAF, OVERFLOW, PRESERVE = 1, 2, 4, 0x20


class Reader:
    """Berkeley DB 1.85's btree, as lib/libc/db/btree/btree.h describes it; it stops at whatever looks wrong."""

    def __init__(self, data: bytes) -> None:
        assert len(data) % PAGE_SIZE == 0
        self.pages = [data[at : at + PAGE_SIZE] for at in range(0, len(data), PAGE_SIZE)]
        magic, version, size, free, records, flags = struct.unpack_from("<6I", self.pages[0])
        assert (magic, version, size, free, records, flags) == (0x53162, 3, PAGE_SIZE, 0, 0, 0x20)
        assert not self.pages[0][24:].strip(b"\0")
        self.used = {0}

    def head(self, number: int) -> tuple[int, int, int, list[int]]:
        """Page before, page after, type, and where the items are."""
        page = self.pages[number]
        own, before, after, flags, lower, upper = struct.unpack_from("<IIIIHH", page)
        assert own == number
        assert 20 <= lower <= upper <= PAGE_SIZE
        return before, after, flags, list(struct.unpack_from(f"<{(lower - 20) // 2}H", page, 20))

    def chain(self, place: bytes, *, preserved: bool | None = None) -> bytes:
        """What stands on a chain of overflow pages."""
        number, size = struct.unpack("<II", place)
        if preserved is not None:
            assert bool(struct.unpack_from("<I", self.pages[number], 12)[0] & PRESERVE) == preserved
        data = b""
        while number:
            self.used.add(number)
            own, _, number_after, flags = struct.unpack_from("<IIII", self.pages[number])
            assert own == number and flags & OVERFLOW
            data += self.pages[number][20:]
            number = number_after
        assert size <= len(data) < size + PAGE_SIZE
        return data[:size]

    def leaf(self, number: int) -> list[tuple[bytes, bytes]]:
        page, found = self.pages[number], []
        for at in self.head(number)[3]:
            assert at % 4 == 0
            key_size, data_size, flags = struct.unpack_from("<IIB", page, at)
            key = page[at + 9 : at + 9 + key_size]
            data = page[at + 9 + key_size : at + 9 + key_size + data_size]
            found.append((self.chain(key) if flags & 2 else key, self.chain(data) if flags & 1 else data))
        return found

    def children(self, number: int) -> list[tuple[bytes, int]]:
        page, found = self.pages[number], []
        for at in self.head(number)[3]:
            key_size, child, flags = struct.unpack_from("<IIB", page, at)
            key = page[at + 9 : at + 9 + key_size]
            found.append((self.chain(key, preserved=True) if flags & 2 else key, child))
        return found

    def records(self) -> list[tuple[bytes, bytes]]:
        """All records, through the tree; what the tree and the leaves' links say must agree."""
        leaves: list[int] = []
        self._descend(1, None, None, leaves)
        found: list[tuple[bytes, bytes]] = []
        for place, number in enumerate(leaves):
            before, after, _, _ = self.head(number)
            assert before == (leaves[place - 1] if place else 0)
            assert after == (leaves[place + 1] if place + 1 < len(leaves) else 0)
            found += self.leaf(number)
        assert self.used == set(range(len(self.pages)))
        return found

    def _descend(self, number: int, low: bytes | None, high: bytes | None, leaves: list[int]) -> None:
        assert number not in self.used
        self.used.add(number)
        if self.head(number)[2] == LEAF:
            keys = [key for key, _ in self.leaf(number)]
            assert keys == sorted(keys)
            assert all((low is None or low <= key) and (high is None or key < high) for key in keys)
            leaves.append(number)
            return
        assert self.head(number)[2] == INTERNAL
        children = self.children(number)
        assert len(children) >= 2 or number != 1
        for place, (key, child) in enumerate(children):
            end = children[place + 1][0] if place + 1 < len(children) else high
            self._descend(child, low if place == 0 else key, end, leaves)


def check(records: dict[bytes, bytes]) -> None:
    assert Reader(btree(records)).records() == sorted(records.items())


@pytest.mark.parametrize("number", [0, 1, 2, 50, 100, 3000, 20_000])
def test_any_number_of_records(number: int) -> None:
    check({f"/usr/pkg/share/{n % 97}/file {n}".encode() + b"\0": b"package-%d\0" % (n % 7) for n in range(number)})


@pytest.mark.parametrize("length", [1, 2000, 2023, 2024, 2025, 4075, 4076, 4077, 8152, 8153, 20_000])
def test_long_keys_and_values_stand_on_overflow_pages(length: int) -> None:
    check({b"k" * length + bytes([n]): b"value" for n in range(9)})
    check({bytes([n]): b"v" * length for n in range(9)})
    check({b"k" * length + bytes([n]): b"v" * length for n in range(9)})


@given(st.dictionaries(st.binary(min_size=1, max_size=60), st.binary(max_size=60), max_size=200))
def test_whatever_the_bytes(records: dict[bytes, bytes]) -> None:
    check(records)


def test_the_file_depends_on_the_records_alone() -> None:
    records = {b"b\0": b"1", b"a\0": b"2", b"c\0": b"3"}
    assert btree(records) == btree(dict(reversed(records.items())))


def test_the_reader_notices_damage() -> None:
    data = bytearray(btree({b"%d" % n: b"value" for n in range(1000)}))
    data[PAGE_SIZE * 2 + 4] ^= 1
    with pytest.raises(AssertionError):
        Reader(bytes(data)).records()
