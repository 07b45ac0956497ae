"""Hard-disk images: an MBR, one NetBSD partition in it, a disklabel in that, and the partitions that the label lists.

    sector 0                 MBR: one partition of type 169, from sector 2048 to the end of the disk
    sector 2048              the NetBSD partition: `c` in the label
    sector 2049              the disklabel
    sector 4096              the first partition; each begins at a multiple of 1 MiB

`d` is the whole disk, as on every x86 NetBSD. Never a GPT: with one, NetBSD makes wedges in place of these partitions.
Sources: disklabel(5), sys/disklabel.h, bootblock.h, subr_disk_mbr.c.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import xor
from pathlib import Path
from typing import Literal

from glassmaster.atomic import writing
from glassmaster.errors import GlassmasterError
from glassmaster.images.ffs.superblock import block_sizes
from glassmaster.images.hybrid import chs

Kind = Literal["4.2BSD", "swap", "unknown"]

SECTOR = 512
ALIGNMENT = 2048  # sectors
LETTERS = "abefghijklmnop"  # c is NetBSD's part of the disk, d all of it
KINDS: dict[Kind, int] = {"4.2BSD": 7, "swap": 1, "unknown": 10}
NETBSD = 169  # the MBR's type
LONGEST_LABEL = 16  # bytes of d_packname
MOST_SECTORS = 2**32 - 1
COPY_BYTES = 1 << 20

# A BIOS that starts this disk first is sent on to its next device: int 0x18, and a halt should that return.
_BOOT_CODE = b"\xcd\x18\xf4\xeb\xfd"
_DISK_ID_AT, _TABLE_AT, _SIGNATURE = 0x1B8, 0x1BE, b"\x55\xaa"
_LABEL_SECTOR, _LABEL_MAGIC, _CHECKSUM_AT = 1, 0x82564557, 136
_LABEL = struct.Struct("<IHH16s16s6IHHI4HIII5I5IIHHII")
_LABEL_ROW = struct.Struct("<IIIBBH")
_ROWS, _NETBSD_ROW, _DISK_ROW = 16, 2, 3
_SECTORS_PER_TRACK, _TRACKS = 63, 16
_BOOT_AREA = _SUPERBLOCK = 8192


@dataclass(frozen=True)
class Partition:
    """A partition of the label. size: bytes, rounded up to whole sectors; content: the bytes that it begins with."""

    letter: str
    kind: Kind
    size: int
    content: Path | None = None


@dataclass(frozen=True)
class DiskPlan:
    """What a disk holds, in the order of the disk. label: names the disk (at most 16 bytes), and makes its MBR's id.

    size: bytes of the whole disk; None for as many as the partitions take.
    """

    partitions: tuple[Partition, ...]
    label: str
    size: int | None = None


@dataclass(frozen=True)
class Place:
    """Where a partition lies, in sectors."""

    partition: Partition
    start: int
    sectors: int


def write_disk(plan: DiskPlan, target: Path) -> tuple[Place, ...]:
    """Write the disk image to `target`, whole or not at all; return where the partitions lie.

    Nothing but the plan and its contents' bytes goes into it. What is zero is left out of the file where the host
    can do so. Raises GlassmasterError for a plan that makes no disk.
    """
    places, sectors = placed(plan)
    with writing(target) as stream:
        image = stream.fileno()
        stream.truncate(sectors * SECTOR)
        os.pwrite(image, master_boot_record(sectors, plan.label), 0)
        os.pwrite(image, disklabel(places, sectors, plan.label), (ALIGNMENT + _LABEL_SECTOR) * SECTOR)
        for place in places:
            if place.partition.content is not None:
                _copy(place.partition, image, place.start * SECTOR)
    return places


def placed(plan: DiskPlan) -> tuple[tuple[Place, ...], int]:
    """Where each partition lies, and the size of the disk in sectors."""
    _check(plan)
    places = []
    start = 2 * ALIGNMENT
    for partition in plan.partitions:
        places.append(Place(partition, start, -(-partition.size // SECTOR)))
        start += -(-places[-1].sectors // ALIGNMENT) * ALIGNMENT
    sectors = start if plan.size is None else plan.size // SECTOR
    if sectors < start:
        raise GlassmasterError(
            f"{plan.label}: the partitions take {start * SECTOR:,} bytes; the disk has {plan.size:,}",
            hint="make the disk larger, or a partition smaller",
        )
    if sectors > MOST_SECTORS:
        raise GlassmasterError(f"{plan.label}: a disk with an MBR has at most {MOST_SECTORS * SECTOR:,} bytes")
    return tuple(places), sectors


def master_boot_record(sectors: int, label: str) -> bytes:
    """The first sector of a disk of so many sectors."""
    sector = bytearray(_BOOT_CODE.ljust(SECTOR, b"\0"))
    struct.pack_into("<I", sector, _DISK_ID_AT, zlib.crc32(label.encode()))
    count = sectors - ALIGNMENT
    row = struct.pack("<B3sB3sII", 0x80, chs(ALIGNMENT), NETBSD, chs(sectors - 1), ALIGNMENT, count)
    sector[_TABLE_AT : _TABLE_AT + len(row)] = row
    sector[510:512] = _SIGNATURE
    return bytes(sector)


def disklabel(places: tuple[Place, ...], sectors: int, label: str) -> bytes:
    """The label: drive, geometry (an invented one), and 16 partitions."""
    rows = [_LABEL_ROW.pack(0, 0, 0, 0, 0, 0)] * _ROWS
    rows[_NETBSD_ROW] = _LABEL_ROW.pack(sectors - ALIGNMENT, ALIGNMENT, 0, 0, 0, 0)
    rows[_DISK_ROW] = _LABEL_ROW.pack(sectors, 0, 0, 0, 0, 0)
    for place in places:
        rows["abcdefghijklmnop".index(place.partition.letter)] = _row(place)
    cylinder = _SECTORS_PER_TRACK * _TRACKS
    head = _LABEL.pack(
        _LABEL_MAGIC, 0, 0, b"glassmaster", label.encode(),
        SECTOR, _SECTORS_PER_TRACK, _TRACKS, sectors // cylinder, cylinder, sectors,
        0, 0, 0, 3600, 1, 0, 0, 0, 0, 0, *[0] * 10, _LABEL_MAGIC, 0, _ROWS, _BOOT_AREA, _SUPERBLOCK,
    )  # fmt: skip
    whole = bytearray(head + b"".join(rows))
    # All 16-bit words of a label that is right, taken together by exclusive or, are 0.
    struct.pack_into("<H", whole, _CHECKSUM_AT, reduce(xor, (word for (word,) in struct.iter_unpack("<H", whole))))
    return bytes(whole)


def _row(place: Place) -> bytes:
    partition = place.partition
    fragment = per_block = 0
    if partition.kind == "4.2BSD" and partition.content is not None:
        # Where the superblock is damaged, older fsck_ffs(8) look for its copies by these.
        block, fragment = block_sizes(partition.content)
        per_block = block // fragment
    return _LABEL_ROW.pack(place.sectors, place.start, fragment, KINDS[partition.kind], per_block, 0)


def _check(plan: DiskPlan) -> None:
    if len(plan.label.encode()) > LONGEST_LABEL:
        raise GlassmasterError(f"{plan.label}: longer than the {LONGEST_LABEL} bytes that a disklabel has for a name")
    letters = [partition.letter for partition in plan.partitions]
    for partition in plan.partitions:
        what = f"{plan.label}: partition {partition.letter}"
        if partition.letter not in LETTERS or len(partition.letter) != 1:
            raise GlassmasterError(what, why=f"partitions can be {', '.join(LETTERS)}: c and d are NetBSD's own")
        if letters.count(partition.letter) > 1:
            raise GlassmasterError(f"{what}: stands twice in this plan")
        if partition.size <= 0:
            raise GlassmasterError(f"{what}: has no size")
        if partition.content is not None and (size := _size(partition.content)) > partition.size:
            raise GlassmasterError(
                f"{what}: has {partition.size:,} bytes",
                why=f"{partition.content} has {size:,}",
                hint="make the partition larger",
            )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise GlassmasterError(f"{path}: cannot be read", why=str(error)) from error


def copy_image(source: Path, target: Path) -> None:
    """Copy an image as it is; where it has nothing but zeros the copy takes no room."""
    with source.open("rb") as stream, target.open("wb") as copy:
        copy.truncate(_size(source))
        for start, end in _extents(stream.fileno()):
            for at in range(start, end, COPY_BYTES):
                os.pwrite(copy.fileno(), os.pread(stream.fileno(), min(COPY_BYTES, end - at), at), at)


def _copy(partition: Partition, image: int, position: int) -> None:
    assert partition.content is not None
    with partition.content.open("rb") as stream:
        for start, end in _extents(stream.fileno()):
            for at in range(start, end, COPY_BYTES):
                piece = os.pread(stream.fileno(), min(COPY_BYTES, end - at), at)
                if piece.count(0) != len(piece):
                    os.pwrite(image, piece, position + at)


def _extents(descriptor: int) -> Iterator[tuple[int, int]]:
    """Where a file has bytes, from and to: what lies between is zeros that need not be read."""
    end = 0
    size = os.fstat(descriptor).st_size
    while end < size:
        try:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError:  # ENXIO: nothing but a hole is left
            return
        end = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, end
