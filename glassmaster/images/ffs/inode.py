"""Inodes. Source: dinode.h (struct ufs1_dinode, struct ufs2_dinode)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

from glassmaster.images.ffs.blocks import DIRECT, LEVELS
from glassmaster.images.ffs.layout import POINTER_BYTES, Version
from glassmaster.tree.entry import Entry

TYPE_BITS = {"file": 0o100000, "dir": 0o040000, "link": 0o120000}
SECTOR = 512  # what di_blocks counts
MOST_LINKS = 32767  # LINK_MAX; di_nlink is an int16

_POINTERS = DIRECT + LEVELS
_UFS1 = struct.Struct("<HhIQ6i60sIIiIIQ")
_UFS2 = struct.Struct("<HhIIIQQ4q4iiIIi16x120sQ16x")


def inline_limit(version: Version) -> int:
    """Targets of symbolic links that are shorter than this many bytes stand in the inode, in place of addresses."""
    return _POINTERS * POINTER_BYTES[version]


def addresses(version: Version, direct: Sequence[int], indirect: Sequence[int]) -> bytes:
    """The addresses of an inode, as it holds them."""
    padded = [*direct, *[0] * (DIRECT - len(direct)), *indirect, *[0] * (LEVELS - len(indirect))]
    return struct.pack(f"<{_POINTERS}{'i' if version == 1 else 'q'}", *padded)


def table(version: Version, listed: Sequence[int]) -> bytes:
    """What an indirect block holds, up to its last address."""
    return struct.pack(f"<{len(listed)}{'i' if version == 1 else 'q'}", *listed)


def packed(version: Version, entry: Entry, *, links: int, size: int, held: int, where: bytes, generation: int) -> bytes:
    """An inode. held: bytes on the disk, with indirect blocks; where: its addresses, or a short link's target.

    All of its times are the entry's: an image has no other.
    """
    mode, time = TYPE_BITS[entry.kind] | entry.mode, entry.mtime
    where = where.ljust(inline_limit(version), b"\0")
    if version == 1:
        return _UFS1.pack(
            mode,
            links,
            0,
            size,
            time,
            0,
            time,
            0,
            time,
            0,
            where,
            0,
            held // SECTOR,
            generation,
            entry.uid,
            entry.gid,
            0,
        )
    return _UFS2.pack(
        mode, links, entry.uid, entry.gid, 0, size, held // SECTOR, time, time, time, time, 0, 0, 0, 0,
        generation, 0, 0, 0, where, 0,
    )  # fmt: skip


def generation(number: int, seed: int) -> int:
    """The generation number, by which NFS tells files apart that had the same inode: above 0, below 2^31."""
    return zlib.crc32(number.to_bytes(8, "little"), seed) % 0x7FFFFFFF + 1
