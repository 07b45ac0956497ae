"""How blocks are handed out, how files find them, and how directories are packed."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.images.ffs import directory
from glassmaster.images.ffs.blocks import Allocator, Tail, block_map, indirect_blocks
from glassmaster.images.ffs.layout import layout_for


@given(requests=st.lists(st.integers(1, 7), max_size=60))
def test_tails_share_blocks_and_never_overlap(requests: list[int]) -> None:
    allocator = Allocator(8)
    tails = [allocator.tail(fragments) for fragments in requests]
    taken = [(tail.block, tail.first + n) for tail in tails for n in range(tail.fragments)]
    free = [(tail.block, tail.first + n) for tail in allocator.free_tails() for n in range(tail.fragments)]
    assert sorted(taken + free) == [(block, n) for block in range(allocator.blocks) for n in range(8)]
    assert [tail.fragments for tail in tails] == requests


def test_a_tail_goes_where_it_leaves_the_least() -> None:
    allocator = Allocator(8)
    assert [allocator.tail(n) for n in (5, 2, 6, 3, 1)] == [
        Tail(0, 0, 5), Tail(0, 5, 2), Tail(1, 0, 6), Tail(2, 0, 3), Tail(0, 7, 1),
    ]  # fmt: skip
    assert allocator.whole(4) == 3 and allocator.blocks == 7
    assert sorted(allocator.free_tails(), key=lambda tail: tail.block) == [Tail(1, 6, 2), Tail(2, 3, 5)]


def test_small_files_have_no_indirect_blocks() -> None:
    found = block_map(iter(range(100, 112)), 12, 3)
    assert (found.direct, found.indirect, found.tables) == (list(range(100, 112)), [], [])


def test_indirect_blocks_stand_before_what_they_list() -> None:
    # Three addresses to a block: 12 direct blocks, 3 of the first level, 9 of the second, 2 of the third.
    assert indirect_blocks(26, 3) == 1 + 4 + 3
    found = block_map(iter(range(26 + 8)), 26, 3)
    assert found.direct == list(range(12))
    assert found.indirect == [12, 16, 29]
    assert dict(found.tables) == {
        12: [13, 14, 15],
        16: [17, 21, 25], 17: [18, 19, 20], 21: [22, 23, 24], 25: [26, 27, 28],
        29: [30], 30: [31], 31: [32, 33],
    }  # fmt: skip
    assert found.data == [*range(12), 13, 14, 15, 18, 19, 20, 22, 23, 24, 26, 27, 28, 32, 33]


@given(blocks=st.integers(0, 12 + 3 + 9 + 27))
def test_the_count_of_indirect_blocks_is_that_of_the_map(blocks: int) -> None:
    addresses = iter(range(1000))
    found = block_map(addresses, blocks, 3)
    assert next(addresses) == blocks + indirect_blocks(blocks, 3) == blocks + len(found.tables)
    assert len(set(found.data)) == blocks


def test_a_file_that_no_addresses_reach() -> None:
    with pytest.raises(GlassmasterError, match="a file of 52 blocks is too large"):
        indirect_blocks(52, 3)


def test_a_directory_of_two() -> None:
    assert directory.packed([(b".", 5, 4), (b"..", 2, 4)]) == (
        struct.pack("<IHBB4s", 5, 12, 4, 1, b".") + struct.pack("<IHBB4s", 2, 500, 4, 2, b"..") + bytes(488)
    )


@given(lengths=st.lists(st.integers(1, 255), max_size=40))
def test_records_of_a_directory_do_not_cross_its_blocks(lengths: list[int]) -> None:
    names = [b"n" * length for length in lengths]
    data = directory.packed([(b".", 2, 4), *((name, 7 + n, 8) for n, name in enumerate(names))])
    assert len(data) % 512 == 0
    at, found = 0, []
    while at < len(data):
        inode, size, kind, length = struct.unpack_from("<IHBB", data, at)
        assert at // 512 == (at + size - 1) // 512 and data[at + 8 + length] == 0
        found.append((data[at + 8 : at + 8 + length], inode, kind))
        at += size
    assert found == [(b".", 2, 4), *((name, 7 + n, 8) for n, name in enumerate(names))]


@given(
    version=st.sampled_from([1, 2]),
    shape=st.sampled_from([(16384, 2048), (4096, 512), (8192, 8192), (65536, 8192)]),
    blocks=st.integers(0, 3_000_000),
    inodes=st.integers(1, 500_000),
)
def test_shapes_hold_together(version: int, shape: tuple[int, int], blocks: int, inodes: int) -> None:
    assert version in (1, 2)
    layout = layout_for(1 if version == 1 else 2, *shape, blocks=blocks, inodes=inodes)
    if layout is None:
        return
    assert layout.inodes >= inodes
    assert layout.group_block_bytes <= layout.block_bytes
    assert layout.fragments <= blocks * layout.per_block
    assert layout.group_fragments % 8 == 0 and layout.group_inodes % layout.inodes_per_block == 0
    last = layout.group_length(layout.groups - 1)
    assert layout.data + layout.per_block <= last <= layout.group_fragments
    end = 0
    for run in layout.runs:
        assert run.address >= end and run.address % layout.per_block == 0 and run.blocks >= 0
        end = run.address + run.blocks * layout.per_block
    assert end <= layout.fragments
    assert layout.capacity == sum(run.blocks for run in layout.runs)
    assert layout.address(layout.capacity - 1) == max(
        run.address + (run.blocks - 1) * layout.per_block for run in layout.runs if run.blocks
    )
