"""The superblock. Source: fs.h (struct fs), mkfs.c.

Fields that the kernel keeps for itself while a file system is mounted, pointers among them, are zeros here.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from glassmaster.errors import GlassmasterError
from glassmaster.images.ffs.blocks import DIRECT, LEVELS
from glassmaster.images.ffs.group import Totals
from glassmaster.images.ffs.inode import inline_limit
from glassmaster.images.ffs.layout import (
    INODE_BYTES,
    POINTER_BYTES,
    STRUCT_BYTES,
    SUPERBLOCK_AT,
    SUPERBLOCK_BYTES,
    Layout,
    up,
)

MAGIC = {1: 0x011954, 2: 0x19540119}
LONGEST_LABEL = 31  # bytes, in fs_volname with a zero behind them
SECTOR = 512
CLEAN, FLAGS_MOVED, INODE_FORMAT_44, DYNAMIC_TABLES = 1, 0x80, 2, 1
FOR_TIME, FOR_SPACE, LEAST_FREE_FOR_TIME = 0, 1, 5  # below 5 % free newfs(8) chooses space
FILE_BYTES, FILES_PER_DIRECTORY = 16384, 64  # AVFILESIZ, AFPDIR: what the kernel expects of new directories


@dataclass(frozen=True)
class Identity:
    """What makes one file system differ from another of the same shape. minfree: reserved for root, per cent."""

    label: str
    epoch: int
    minfree: int

    @property
    def seed(self) -> int:
        """A number from the label, 31 bits."""
        return zlib.crc32(self.label.encode()) & 0x7FFFFFFF


def superblock(layout: Layout, identity: Identity, totals: Totals) -> bytes:
    """The 8192 bytes that stand at SUPERBLOCK_AT and, the same, in each group."""
    block = bytearray(SUPERBLOCK_BYTES)
    fields = _sizes(layout) | _choices(layout, identity) | _computed(layout)
    if layout.version == 1:
        fields |= _old(layout, identity)
        block[192:208] = totals.packed()
    for offset, value in fields.items():
        struct.pack_into("<i", block, offset, value)
    block[209], block[211] = CLEAN, FLAGS_MOVED
    block[680:712] = identity.label.encode().ljust(32, b"\0")
    wide = {
        1000: SUPERBLOCK_AT[layout.version], 1008: totals.directories, 1016: totals.blocks, 1024: totals.inodes,
        1032: totals.fragments, 1072: identity.epoch, 1080: layout.fragments, 1088: layout.data_fragments,
        1096: layout.data, 1328: largest_file(layout), 1336: layout.block_bytes - 1, 1344: layout.fragment_bytes - 1,
    }  # fmt: skip
    for offset, value in wide.items():
        struct.pack_into("<q", block, offset, value)
    return bytes(block)


def largest_file(layout: Layout) -> int:
    """The size of the largest file that addresses can describe, in bytes."""
    blocks: int = DIRECT + sum(layout.pointers_per_block**level for level in range(1, LEVELS + 1))
    return blocks * layout.block_bytes - 1


def _sizes(layout: Layout) -> dict[int, int]:
    """fs_sblkno to fs_frag, fs_sbsize, fs_cssize, fs_cgsize, fs_ipg, fs_fpg: by offset."""
    return {
        8: layout.superblock_copy, 12: layout.group_block, 16: layout.inode_table, 20: layout.data,
        44: layout.groups, 48: layout.block_bytes, 52: layout.fragment_bytes, 56: layout.per_block,
        104: min(up(STRUCT_BYTES, layout.fragment_bytes), SUPERBLOCK_BYTES),
        156: layout.summary_bytes, 160: layout.group_block_bytes, 184: layout.group_inodes,
        188: layout.group_fragments,
    }  # fmt: skip


def _choices(layout: Layout, identity: Identity) -> dict[int, int]:
    """fs_minfree, fs_maxcontig, fs_maxbpg, fs_optim, fs_id, fs_maxbsize, fs_avgfilesize, fs_avgfpdir."""
    return {
        60: identity.minfree, 88: layout.most_contiguous, 92: layout.block_bytes // POINTER_BYTES[layout.version],
        128: FOR_TIME if identity.minfree >= LEAST_FREE_FOR_TIME else FOR_SPACE,
        144: identity.epoch & 0x7FFFFFFF, 148: identity.seed,
        860: layout.block_bytes, 1196: FILE_BYTES, 1200: FILES_PER_DIRECTORY,
    }  # fmt: skip


def _computed(layout: Layout) -> dict[int, int]:
    """Masks, shifts and the like, which follow from the sizes; fs_contigsumsize, fs_maxsymlinklen, fs_magic."""
    return {
        72: -layout.block_bytes, 76: -layout.fragment_bytes,
        80: layout.block_bytes.bit_length() - 1, 84: layout.fragment_bytes.bit_length() - 1,
        96: layout.per_block.bit_length() - 1, 100: (layout.fragment_bytes // SECTOR).bit_length() - 1,
        116: layout.pointers_per_block, 120: layout.block_bytes // INODE_BYTES[layout.version],
        1316: layout.cluster_sizes, 1320: inline_limit(layout.version), 1324: INODE_FORMAT_44,
        1372: MAGIC[layout.version],
    }  # fmt: skip


def _old(layout: Layout, identity: Identity) -> dict[int, int]:
    """What UFS1 has from the days of real cylinders: each group is one cylinder with one track."""
    sectors = layout.fragment_bytes // SECTOR
    cylinder = layout.group_fragments * sectors
    return {
        28: -1, 32: identity.epoch, 36: layout.fragments, 40: layout.data_fragments, 68: 60, 124: sectors,
        132: cylinder, 136: 1, 152: layout.data, 168: cylinder, 172: cylinder, 176: layout.groups, 180: 1,
        1356: DYNAMIC_TABLES, 1360: 1,
    }  # fmt: skip


def block_sizes(image: Path) -> tuple[int, int]:
    """Bytes of a block and of a fragment of an FFS image. Raises GlassmasterError if the file is none."""
    try:
        with image.open("rb") as stream:
            for version, position in SUPERBLOCK_AT.items():
                stream.seek(position)
                block = stream.read(STRUCT_BYTES)
                if block[1372:] == struct.pack("<I", MAGIC[version]):
                    block_bytes, fragment_bytes = struct.unpack_from("<2i", block, 48)
                    return block_bytes, fragment_bytes
    except OSError as error:
        raise GlassmasterError(f"{image}: cannot be read", why=str(error)) from error
    raise GlassmasterError(f"{image}: is no image of an FFS", why="it has no superblock of UFS1 or UFS2, little endian")
