"""How large an FFS must be, or how to divide the room that there is."""

from __future__ import annotations

from dataclasses import dataclass

from glassmaster.errors import GlassmasterError
from glassmaster.images.ffs.layout import INODE_BYTES, SMALLEST_BYTES, Layout, Version, layout_for

FRAGMENTS_PER_INODE = 4  # newfs(8): one inode to each so many fragments
MOST_FRAGMENTS = {1: 2**31 - 1, 2: 2**60}


@dataclass(frozen=True)
class Room:
    """What the tree takes: inodes and blocks of data, with indirect blocks; and how blocks are cut."""

    version: Version
    block_bytes: int
    fragment_bytes: int
    minfree: int
    inodes: int
    blocks: int


def fitted(room: Room, *, size: int | None, free_space: int, free_inodes: int | None) -> Layout:
    """The shape of an image of `size` bytes, or of about the smallest one that leaves `free_space` bytes to everybody.

    Where the number of free inodes was left open, a size that has room for the files but not for more inodes is
    enough. Raises GlassmasterError if the tree has no room.
    """
    _check(room, (free_space if size is None else size) // room.fragment_bytes)
    spare = free_space if size is None else max(0, size - room.blocks * room.block_bytes)
    by_space = spare // (FRAGMENTS_PER_INODE * room.fragment_bytes)
    if size is None:
        layout = _smallest(room, free_space, by_space if free_inodes is None else free_inodes)
    else:
        layout = _divided(room, size, free_space, (by_space, 0) if free_inodes is None else (free_inodes,))
    _check(room, layout.fragments)
    return layout


def _check(room: Room, fragments: int) -> None:
    if fragments > MOST_FRAGMENTS[room.version]:
        raise GlassmasterError(
            f"{fragments * room.fragment_bytes:,} bytes are too much for UFS{room.version}",
            hint="choose version 2, or larger fragments",
        )


def _divided(room: Room, size: int, free_space: int, free_inodes: tuple[int, ...]) -> Layout:
    for extra in free_inodes:
        layout = _layout(room, size // room.block_bytes, extra)
        if layout is not None and _missing(room, layout, free_space) <= 0:
            return layout
    least = _smallest(room, free_space, free_inodes[-1])
    raise GlassmasterError(
        f"the tree has no room in an image of {size:,} bytes",
        why=f"it takes at least {least.fragments * room.fragment_bytes:,} bytes with {room.inodes:,} files, "
        f"{room.blocks * room.block_bytes:,} bytes of data and {free_space:,} bytes to spare",
        hint="make the image larger, or leave something out",
    )


def _smallest(room: Room, free_space: int, free_inodes: int) -> Layout:
    inode_bytes = (room.inodes + free_inodes) * INODE_BYTES[room.version]
    blocks = max(room.blocks + (inode_bytes + free_space) // room.block_bytes, SMALLEST_BYTES // room.block_bytes)
    while True:
        layout = _layout(room, blocks, free_inodes)
        missing = blocks // 256 + 1 if layout is None else _missing(room, layout, free_space)
        if layout is not None and missing <= 0:
            return layout
        blocks += missing


def _layout(room: Room, blocks: int, free_inodes: int) -> Layout | None:
    inodes = room.inodes + free_inodes
    return layout_for(room.version, room.block_bytes, room.fragment_bytes, blocks=blocks, inodes=inodes)


def _missing(room: Room, layout: Layout, free_space: int) -> int:
    """By how many blocks, about, the shape is too small; not above 0: it has room."""
    free = layout.capacity - room.blocks
    if free < 0:
        return -free
    if not free_space:
        return 0
    reserve = layout.data_fragments * room.minfree // 100
    missing = free_space - (free * layout.per_block - reserve) * room.fragment_bytes
    return -(-missing // room.block_bytes)
