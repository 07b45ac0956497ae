"""Where everything of an FFS lies: sizes in, addresses out; nothing here knows of files.

A file system is a row of cylinder groups of equal size. Each group has, from its own start: room for data (in the
first: for boot code and the superblock), a copy of the superblock, the group's own block with its bitmaps, its inodes,
and then data. Addresses count fragments from the start of the file system.

Sources: fs.h (struct fs, CGSIZE, the macros of cylinder groups), mkfs.c of newfs(8).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Literal

Version = Literal[1, 2]

SUPERBLOCK_BYTES = 8192
SUPERBLOCK_AT = {1: 8192, 2: 65536}
STRUCT_BYTES = 1376  # struct fs
# Kernels and others look for a superblock here too, and give up where they cannot read (SBLOCK_PIGGY).
SMALLEST_BYTES = 262144 + SUPERBLOCK_BYTES
INODE_BYTES = {1: 128, 2: 256}
POINTER_BYTES = {1: 4, 2: 8}
FIRST_INODE = 2  # the root's; 0 means none, 1 is for whiteouts
GROUP_HEADER_BYTES, GROUP_STRUCT_BYTES = 168, 176  # struct cg up to its maps, and whole
CSUM_BYTES = 16
WANTED_GROUPS = 4  # MINCYLGRPS
LARGEST_TRANSFER = 65536  # MAXPHYS: how much a kernel reads ahead at once
LARGEST_CLUSTER = 16  # FS_MAXCONTIG


@dataclass(frozen=True)
class Run:
    """Blocks for data that lie side by side: the number of the first, its address, how many."""

    number: int
    address: int
    blocks: int


@dataclass(frozen=True)
class Layout:
    """The shape of a file system. Sizes in bytes where they say so; addresses and lengths in fragments."""

    version: Version
    block_bytes: int
    fragment_bytes: int
    groups: int
    group_fragments: int
    group_inodes: int
    fragments: int

    @property
    def per_block(self) -> int:
        """Fragments of a block."""
        return self.block_bytes // self.fragment_bytes

    @property
    def inodes_per_block(self) -> int:
        """Inodes in a block of the inode table."""
        return self.block_bytes // INODE_BYTES[self.version]

    @property
    def pointers_per_block(self) -> int:
        """Addresses in an indirect block."""
        return self.block_bytes // POINTER_BYTES[self.version]

    @property
    def superblock_copy(self) -> int:
        """From the start of a group to its copy of the superblock."""
        return up(-(-(SUPERBLOCK_AT[self.version] + SUPERBLOCK_BYTES) // self.fragment_bytes), self.per_block)

    @property
    def group_block(self) -> int:
        """From the start of a group to its bitmaps."""
        return self.superblock_copy + up(-(-SUPERBLOCK_BYTES // self.fragment_bytes), self.per_block)

    @property
    def inode_table(self) -> int:
        """From the start of a group to its inodes."""
        return self.group_block + self.per_block

    @property
    def data(self) -> int:
        """From the start of a group to the data behind its inodes."""
        return self.inode_table + self.group_inodes // self.inodes_per_block * self.per_block

    @property
    def summary_bytes(self) -> int:
        """The table of all groups' free space, which lies where the first group's data begins."""
        return up(self.groups * CSUM_BYTES, self.fragment_bytes)

    @property
    def summary_end(self) -> int:
        """The first address behind that table."""
        return self.data + self.summary_bytes // self.fragment_bytes

    @property
    def most_contiguous(self) -> int:
        """How many blocks a kernel reads at once."""
        return max(1, LARGEST_TRANSFER // self.block_bytes)

    @property
    def cluster_sizes(self) -> int:
        """Up to which length runs of free blocks are counted in each group; 0: not at all."""
        return min(self.most_contiguous, LARGEST_CLUSTER) if self.most_contiguous > 1 else 0

    @property
    def group_block_bytes(self) -> int:
        """The size of a group's bitmaps with their header."""
        old_tables = 6 if self.version == 1 else 0
        clusters = 4 * self.cluster_sizes + eighths(self.group_fragments // self.per_block) if self.cluster_sizes else 0
        maps = eighths(self.group_inodes) + eighths(self.group_fragments)
        return up(GROUP_STRUCT_BYTES + 4 + old_tables + maps + clusters, self.fragment_bytes)

    @property
    def inodes(self) -> int:
        """How many files, directories and links there can be."""
        return self.groups * self.group_inodes - FIRST_INODE

    @property
    def data_fragments(self) -> int:
        """What the superblock calls the size of all data: the reserve is a share of it."""
        red_tape = self.superblock_copy + self.groups * (self.data - self.superblock_copy)
        return self.fragments - red_tape - self.summary_bytes // self.fragment_bytes

    def group_length(self, group: int) -> int:
        """Fragments of a group; the last may be shorter."""
        return min(self.group_fragments, self.fragments - group * self.group_fragments)

    def inode_at(self, number: int) -> int:
        """Where an inode lies, in bytes from the start of the file system."""
        group, index = divmod(number, self.group_inodes)
        table = group * self.group_fragments + self.inode_table
        return table * self.fragment_bytes + index * INODE_BYTES[self.version]

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """All blocks for data, numbered in the order of their addresses."""
        return tuple(self._runs())

    @property
    def capacity(self) -> int:
        """How many blocks for data there are."""
        return self.runs[-1].number + self.runs[-1].blocks

    def address(self, block: int) -> int:
        """The address of a block of data."""
        run = self.runs[bisect_right(self.runs, block, key=lambda run: run.number) - 1]
        return run.address + (block - run.number) * self.per_block

    def addresses(self, first: int, blocks: int) -> Iterator[int]:
        """The addresses of blocks of data that follow each other."""
        return (self.address(number) for number in range(first, first + blocks))

    def _runs(self) -> Iterator[Run]:
        number = 0
        for group in range(self.groups):
            base = group * self.group_fragments
            begin = self.data if group else up(self.summary_end, self.per_block)
            before = self.superblock_copy // self.per_block if group else 0
            for address, blocks in (
                (base, before),
                (base + begin, (self.group_length(group) - begin) // self.per_block),
            ):
                yield Run(number, address, blocks)
                number += blocks


def layout_for(version: Version, block_bytes: int, fragment_bytes: int, *, blocks: int, inodes: int) -> Layout | None:
    """A file system of at most `blocks` blocks, metadata included, for at least so many inodes; None if too small.

    As few groups as their bitmaps allow, since each group's must fit into one block; but four where that costs less
    than half of the room.
    """
    per_block = block_bytes // fragment_bytes
    per_inode_block = block_bytes // INODE_BYTES[version]
    table = -(-(inodes + FIRST_INODE) // per_inode_block)
    red_tape = (SUPERBLOCK_AT[version] + SUPERBLOCK_BYTES) // block_bytes + 3 + table
    for groups in count(max(1, min(WANTED_GROUPS, blocks // 2 // red_tape))):
        if groups * 3 > blocks:
            return None
        group_fragments = up(-(-blocks * per_block // groups), 8)
        group_inodes = -(-table // groups) * per_inode_block
        whole = blocks * per_block
        groups_there = -(-whole // group_fragments)
        layout = Layout(version, block_bytes, fragment_bytes, groups_there, group_fragments, group_inodes, whole)
        if layout.group_block_bytes > block_bytes:
            continue
        last = layout.group_length(groups_there - 1)
        if last < layout.data + per_block:  # the last group has no room for its own inodes: do without it
            whole -= last
            layout = Layout(
                version, block_bytes, fragment_bytes, groups_there - 1, group_fragments, group_inodes, whole
            )
        if whole * fragment_bytes < SMALLEST_BYTES:
            return None
        if layout.inodes >= inodes and layout.summary_end + per_block <= layout.group_length(0):
            return layout
    return None


def up(number: int, step: int) -> int:
    """The next multiple of `step`."""
    return -(-number // step) * step


def eighths(bits: int) -> int:
    """Bytes of a bitmap."""
    return -(-bits // 8)
