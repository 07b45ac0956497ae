"""Partition tables: the MBR of any disk or hybrid disc, and NetBSD's disklabel. Sources: bootblock.h, disklabel(5)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import reduce
from operator import xor

SECTOR = 512
NETBSD, EFI_SYSTEM, GPT_GUARD = 169, 0xEF, 0xEE
LABEL_MAGIC = 0x82564557
TYPES = {
    0x01: "FAT12", 0x04: "FAT16", 0x05: "extended", 0x06: "FAT16", 0x07: "NTFS or exFAT", 0x0B: "FAT32", 0x0C: "FAT32",
    0x0E: "FAT16", 0x0F: "extended", 0x17: "hidden (isohybrid)", 0x82: "Linux swap", 0x83: "Linux", NETBSD: "NetBSD",
    0xA5: "FreeBSD", 0xA6: "OpenBSD", GPT_GUARD: "GPT", EFI_SYSTEM: "EFI system",
}  # fmt: skip
KINDS = {
    0: "unused",
    1: "swap",
    7: "4.2BSD",
    8: "MSDOS",
    10: "unknown",
    12: "ISO9660",
    15: "RAID",
    16: "CCD",
    20: "vinum",
}
_TABLE_AT, _ROWS_AT, _ROW = 446, 148, struct.Struct("<IIIBBH")


@dataclass(frozen=True)
class MbrPartition:
    """A row of an MBR; start and sectors in sectors of 512 bytes."""

    number: int
    active: bool
    type: int
    start: int
    sectors: int

    @property
    def name(self) -> str:
        """The type for people."""
        return TYPES.get(self.type, f"type {self.type}")


@dataclass(frozen=True)
class LabelPartition:
    """A row of a disklabel. kind: the file system, in disklabel(8)'s words."""

    letter: str
    kind: str
    start: int
    sectors: int


@dataclass(frozen=True)
class Label:
    """A disklabel. problem: what is wrong with it, "" if nothing."""

    type: str
    name: str
    partitions: tuple[LabelPartition, ...]
    problem: str = ""


def read_mbr(sector: bytes) -> tuple[MbrPartition, ...] | None:
    """The used rows of an MBR; None where there is none."""
    if len(sector) < SECTOR or sector[510:512] != b"\x55\xaa":
        return None
    found = []
    for number in range(4):
        status, kind, start, count = struct.unpack_from("<B3xB3xII", sector, _TABLE_AT + 16 * number)
        if status & 0x7F:
            return None  # the boot sector of a file system, which has other bytes there
        if kind and count:
            found.append(MbrPartition(number + 1, status == 0x80, kind, start, count))
    return tuple(found)


def boot_code(sector: bytes) -> str:
    """What starts from a first sector, as far as it can be told."""
    code = sector[:440]
    if not any(code):
        return "none"
    if code.startswith(b"\xcd\x18"):
        return "sends the BIOS on to its next device (a glassmaster hard disk)"
    if b"GRUB" in code:
        return "GRUB"
    return "ISOLINUX" if b"isolinux" in code.lower() else "NetBSD" if b"NetBSD" in code else "some"


def read_disklabel(sector: bytes) -> Label | None:
    """NetBSD's label in a sector; None where there is none."""
    if len(sector) < SECTOR or struct.unpack_from("<I", sector)[0] != LABEL_MAGIC:
        return None
    (second,), (rows,) = struct.unpack_from("<I", sector, 132), struct.unpack_from("<H", sector, 138)
    if second != LABEL_MAGIC or rows > 22:
        return Label("", "", (), f"damaged: second magic number {second:#x}, {rows} partitions")
    end = _ROWS_AT + rows * _ROW.size
    checksum = reduce(xor, (word for (word,) in struct.iter_unpack("<H", sector[:end])))
    partitions = []
    for number in range(rows):
        sectors, start, _, kind, _, _ = _ROW.unpack_from(sector, _ROWS_AT + number * _ROW.size)
        if sectors:
            partitions.append(LabelPartition(chr(ord("a") + number), KINDS.get(kind, f"type {kind}"), start, sectors))
    problem = f"its checksum is wrong by {checksum:#06x}" if checksum else ""
    return Label(_text(sector[8:24]), _text(sector[24:40]), tuple(partitions), problem)


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", "backslashreplace").strip()
