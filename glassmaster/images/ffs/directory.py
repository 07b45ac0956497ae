"""The contents of a directory. Source: dir.h (struct direct)."""

from __future__ import annotations

import struct
from collections.abc import Iterable

BLOCK = 512  # DIRBLKSIZ: no record crosses from one of these into the next
LONGEST_NAME = 255  # FFS_MAXNAMLEN, in bytes
TYPES = {"dir": 4, "file": 8, "link": 10}

_HEADER = struct.Struct("<IHBB")  # inode, length of the record, type, length of the name


def packed(records: Iterable[tuple[bytes, int, int]]) -> bytes:
    """A directory with these records of name, inode number and type, `.` and `..` among them, in this order.

    Each record ends on a multiple of 4 with at least one zero byte behind the name; the last of a block of 512 bytes
    takes what is left of it.
    """
    blocks: list[bytearray] = []
    last = 0
    for name, inode, kind in records:
        size = _HEADER.size + (len(name) + 4) // 4 * 4
        if not blocks or len(blocks[-1]) + size > BLOCK:
            if blocks:
                _stretch(blocks[-1], last)
            blocks.append(bytearray())
        last = len(blocks[-1])
        blocks[-1] += (_HEADER.pack(inode, size, kind, len(name)) + name).ljust(size, b"\0")
    _stretch(blocks[-1], last)
    return b"".join(blocks)


def _stretch(block: bytearray, last: int) -> None:
    struct.pack_into("<H", block, last + 4, BLOCK - last)
    block.extend(bytes(BLOCK - len(block)))
