"""Which blocks a file gets: whole ones one after another, ends of files side by side in shared blocks.

Blocks are numbers here; layout.py gives them addresses once it is known how many there must be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from glassmaster.errors import GlassmasterError

DIRECT = 12  # UFS_NDADDR
LEVELS = 3  # UFS_NIADDR


@dataclass(frozen=True)
class Tail:
    """Fragments of one block: its number, the first fragment, how many."""

    block: int
    first: int
    fragments: int


class Allocator:
    """Hands out blocks from number 0 on. blocks: how many are taken."""

    def __init__(self, per_block: int) -> None:
        self.blocks = 0
        self._per_block = per_block
        # For each number of free fragments, the blocks that have so many at their end.
        self._open: list[list[int]] = [[] for _ in range(per_block)]

    def whole(self, blocks: int) -> int:
        """Take so many blocks in a row; the number of the first."""
        first = self.blocks
        self.blocks += blocks
        return first

    def tail(self, fragments: int) -> Tail:
        """Take fragments of one block: of the fullest one that has room for them, or else of a new one."""
        for free in range(fragments, self._per_block):
            if self._open[free]:
                block = self._open[free].pop()
                break
        else:
            block, free = self.whole(1), self._per_block
        if free > fragments:
            self._open[free - fragments].append(block)
        return Tail(block, self._per_block - free, fragments)

    def free_tails(self) -> list[Tail]:
        """What is free in blocks that are partly taken."""
        return [Tail(block, self._per_block - free, free) for free, blocks in enumerate(self._open) for block in blocks]


@dataclass
class BlockMap:
    """Where the blocks of a file are: what its inode says, what its indirect blocks say, and the data in order."""

    direct: list[int] = field(default_factory=list)
    indirect: list[int] = field(default_factory=list)
    tables: list[tuple[int, list[int]]] = field(default_factory=list)
    data: list[int] = field(default_factory=list)


def indirect_blocks(data_blocks: int, pointers: int) -> int:
    """How many indirect blocks a file of so many blocks needs."""
    rest, total = data_blocks - DIRECT, 0
    for level in range(1, LEVELS + 1):
        here = min(max(rest, 0), pointers**level)
        total += sum(-(-here // pointers**depth) for depth in range(1, level + 1))
        rest -= here
    if rest > 0:
        raise GlassmasterError(f"a file of {data_blocks:,} blocks is too large for an FFS with blocks of this size")
    return total


def block_map(addresses: Iterator[int], data_blocks: int, pointers: int) -> BlockMap:
    """Give addresses to a file's blocks as they lie on the disk: each indirect block right before what it lists."""
    found = BlockMap()
    direct = min(data_blocks, DIRECT)
    found.direct = [next(addresses) for _ in range(direct)]
    found.data = list(found.direct)
    rest = data_blocks - direct
    for level in range(1, LEVELS + 1):
        if rest > 0:
            here = min(rest, pointers**level)
            found.indirect.append(_table(found, addresses, level, here, pointers))
            rest -= here
    return found


def _table(found: BlockMap, addresses: Iterator[int], level: int, data_blocks: int, pointers: int) -> int:
    own = next(addresses)
    if level == 1:
        listed = [next(addresses) for _ in range(data_blocks)]
        found.data += listed
    else:
        each = pointers ** (level - 1)
        listed = [
            _table(found, addresses, level - 1, min(each, data_blocks - done), pointers)
            for done in range(0, data_blocks, each)
        ]
    found.tables.append((own, listed))
    return own
