"""The block of a cylinder group: which inodes and fragments are free, and how many. Source: fs.h (struct cg), mkfs.c.

Bitmaps are whole numbers here: bit n is fragment n of the group.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from glassmaster.images.ffs.blocks import Tail
from glassmaster.images.ffs.layout import FIRST_INODE, GROUP_HEADER_BYTES, Layout, eighths, up

MAGIC = 0x090255
MOST_FRAGMENTS = 8  # MAXFRAG

_HEADER = struct.Struct("<4ihHi4i3i8i5i5i12xq24x")
_CSUM = struct.Struct("<4i")


@dataclass(frozen=True)
class Totals:
    """What is free, and how many directories there are; of a group or of all."""

    directories: int
    blocks: int
    inodes: int
    fragments: int

    def packed(self) -> bytes:
        """As struct csum."""
        return _CSUM.pack(self.directories, self.blocks, self.inodes, self.fragments)


@dataclass(frozen=True)
class Used:
    """What the files take: inodes and blocks from the first on, without the free ends of blocks partly taken.

    directories: the number of directories by group.
    """

    inodes: int
    blocks: int
    free_tails: dict[int, list[tuple[int, int]]]
    directories: Counter[int]


def tails_by_group(layout: Layout, tails: Iterable[Tail]) -> dict[int, list[tuple[int, int]]]:
    """For each group the free fragments at ends of blocks: the first, from the group's start, and how many."""
    found: dict[int, list[tuple[int, int]]] = {}
    for tail in tails:
        group, start = divmod(layout.address(tail.block) + tail.first, layout.group_fragments)
        found.setdefault(group, []).append((start, tail.fragments))
    return found


def group_blocks(layout: Layout, used: Used, epoch: int) -> Iterator[tuple[bytes, Totals]]:
    """Each group's block and totals, in order."""
    for number in range(layout.groups):
        yield _group_block(layout, used, number, epoch)


def _group_block(layout: Layout, used: Used, number: int, epoch: int) -> tuple[bytes, Totals]:
    free = _free(layout, used, number).to_bytes(eighths(layout.group_fragments), "little")
    blocks, fragments, by_length = _counts(free, layout.per_block)
    taken = min(max(used.inodes + FIRST_INODE - number * layout.group_inodes, 0), layout.group_inodes)
    totals = Totals(used.directories[number], blocks, layout.group_inodes - taken, fragments)
    inode_map = ((1 << taken) - 1).to_bytes(eighths(layout.group_inodes), "little")
    old_version = layout.version == 1
    inode_map_at = GROUP_HEADER_BYTES + (6 if old_version else 0)
    free_at = inode_map_at + len(inode_map)
    end = free_at + len(free)
    sums_at = clusters_at = cluster_blocks = 0
    sums = clusters = b""
    if layout.cluster_sizes:
        cluster_blocks = layout.group_length(number) // layout.per_block
        sums, clusters = _clusters(free, layout)
        sums_at = up(end - 4, 4)  # it begins with a count of runs of length 0, which is never looked at
        clusters_at = sums_at + len(sums)
        end = clusters_at + len(clusters)
    header = _HEADER.pack(
        0, MAGIC, epoch if old_version else 0, number, int(old_version),
        layout.group_inodes & 0xFFFF if old_version else 0, layout.group_length(number),
        totals.directories, totals.blocks, totals.inodes, totals.fragments,
        0, 0, 0, *by_length,
        GROUP_HEADER_BYTES if old_version else 0, GROUP_HEADER_BYTES + 4 if old_version else 0,
        inode_map_at, free_at, end, sums_at, clusters_at, cluster_blocks,
        0 if old_version else layout.group_inodes, 0 if old_version else _prepared(layout, taken),
        0 if old_version else epoch,
    )  # fmt: skip
    block = bytearray(layout.group_block_bytes)
    for position, part in (
        (0, header), (inode_map_at, inode_map), (sums_at, sums), (free_at, free), (clusters_at, clusters),
    ):  # fmt: skip
        block[position : position + len(part)] = part
    return bytes(block), totals


def _prepared(layout: Layout, taken: int) -> int:
    """Up to which inode a table of UFS2 counts as initialised; the kernel goes on from there, block by block."""
    each = layout.inodes_per_block
    return min(layout.group_inodes, max(2 * each, up(taken, each)))


def _free(layout: Layout, used: Used, group: int) -> int:
    base = group * layout.group_fragments
    free = 0
    for run in layout.runs[2 * group : 2 * group + 2]:
        taken = min(max(used.blocks - run.number, 0), run.blocks)
        free |= _bits(run.address - base + taken * layout.per_block, (run.blocks - taken) * layout.per_block)
    if group == 0:
        free |= _bits(layout.summary_end, up(layout.summary_end, layout.per_block) - layout.summary_end)
    for start, fragments in used.free_tails.get(group, ()):
        free |= _bits(start, fragments)
    return free


def _bits(start: int, length: int) -> int:
    return ((1 << length) - 1) << start


def _counts(free: bytes, per_block: int) -> tuple[int, int, list[int]]:
    """Free blocks; free fragments that are not of those; how many runs of each length these make."""
    blocks = fragments = 0
    by_length = [0] * MOST_FRAGMENTS
    for value, times in Counter(free).items():
        for bits in _block_bits(value, per_block):
            if "0" not in bits:
                blocks += times
                continue
            for run in bits.split("0"):
                if run:
                    by_length[len(run)] += times
                    fragments += len(run) * times
    return blocks, fragments, by_length


@cache
def _block_bits(value: int, per_block: int) -> tuple[str, ...]:
    """One byte of the bitmap as the bits of its blocks, in order."""
    text = f"{value:08b}"[::-1]
    return tuple(text[start : start + per_block] for start in range(0, 8, per_block))


def _clusters(free: bytes, layout: Layout) -> tuple[bytes, bytes]:
    """How many runs of free blocks there are of each length (longer ones count as the longest), and their bitmap."""
    whole = {
        value: "".join("0" if "0" in bits else "1" for bits in _block_bits(value, layout.per_block))
        for value in set(free)
    }
    text = "".join(whole[value] for value in free)
    lengths = Counter(min(len(run[0]), layout.cluster_sizes) for run in re.finditer("1+", text))
    sums = struct.pack(f"<{layout.cluster_sizes + 1}i", *(lengths[n] for n in range(layout.cluster_sizes + 1)))
    # The count of length 0 overlaps the end of the map of free fragments, so it is left out here.
    bitmap = int(text[::-1], 2).to_bytes(eighths(len(text)), "little")
    return sums, bitmap
