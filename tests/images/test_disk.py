"""Hard-disk images: read by sfdisk, file and the Sleuth Kit, which share no code with their writer."""

from __future__ import annotations

import json
import os
import random
import re
import struct
import subprocess
from collections.abc import Callable
from functools import reduce
from operator import xor
from pathlib import Path

import pytest

from glassmaster.checks import readback
from glassmaster.checks.ffs_reader import Image, complaints
from glassmaster.errors import GlassmasterError
from glassmaster.images.disk import SECTOR, DiskPlan, Partition, disklabel, placed, write_disk
from glassmaster.images.ffs.writer import write_ffs
from glassmaster.tree.merge import Tree

Make = Callable[[dict[str, bytes]], Tree]
ENVIRONMENT = {"PATH": os.environ["PATH"] + ":/sbin:/usr/sbin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
MIB = 1 << 20
EPOCH = 1_700_000_000


def output(*argv: str | Path) -> str:
    return subprocess.run(argv, env=ENVIRONMENT, check=True, stdout=subprocess.PIPE).stdout.decode()


@pytest.fixture
def plan(tree_of: Make, tmp_path: Path) -> DiskPlan:
    """A configuration, swap, and what a virtual machine gets."""
    write_ffs(tree_of({"marker": b"1\n"}), tmp_path / "config.ffs", version=1, epoch=EPOCH, free_space=2 * MIB)
    (tmp_path / "other").write_bytes(random.Random("other").randbytes(700_001))
    return DiskPlan((
        Partition("e", "4.2BSD", 8 * MIB, tmp_path / "config.ffs"),
        Partition("b", "swap", 3 * MIB + 1),
        Partition("f", "unknown", 5 * MIB, tmp_path / "other"),
        Partition("p", "4.2BSD", MIB),
    ), "example")  # fmt: skip


def test_sfdisk_reads_the_mbr(plan: DiskPlan, tmp_path: Path) -> None:
    write_disk(plan, tmp_path / "disk")
    table = json.loads(output("sfdisk", "--json", tmp_path / "disk"))["partitiontable"]
    total = (tmp_path / "disk").stat().st_size // SECTOR
    assert table["label"] == "dos" and table["sectorsize"] == SECTOR and int(table["id"], 16) != 0
    (row,) = table["partitions"]
    assert (row["start"], row["size"], row["type"], row["bootable"]) == (2048, total - 2048, "a9", True)
    assert "DOS/MBR boot sector; partition 1 : ID=0xa9, active, start-CHS" in output("file", tmp_path / "disk")


def test_the_sleuth_kit_reads_the_label(plan: DiskPlan, tmp_path: Path) -> None:
    places = write_disk(plan, tmp_path / "disk")
    text = output("mmls", "-t", "bsd", "-o", "2048", tmp_path / "disk")
    rows = {
        int(slot): (int(start), int(length), what.strip())
        for slot, start, length, what in re.findall(r"^\d+: +0*(\d+) +0*(\d+) +\d+ +0*(\d+) +(.*)$", text, re.M)
    }
    total = (tmp_path / "disk").stat().st_size // SECTOR
    assert rows[2][:2] == (2048, total - 2048) and rows[3][:2] == (0, total)
    kinds = {"4.2BSD": "4.2BSD (0x07)", "swap": "Swap (0x01)", "unknown": "Unknown (0x0a)"}
    for place in places:
        row = rows["abcdefghijklmnop".index(place.partition.letter)]
        assert row[:2] == (place.start, place.sectors)
        assert row[2].lower() == kinds[place.partition.kind].lower()
    assert len(rows) == 2 + len(places)


def test_the_sleuth_kit_reads_the_file_system_in_its_place(plan: DiskPlan, tmp_path: Path) -> None:
    places = write_disk(plan, tmp_path / "disk")
    assert places[0].start == 4096
    text = output("fls", "-o", "4096", "-p", tmp_path / "disk")
    assert text.splitlines()[0] == "r/r 3:\tmarker"
    assert output("icat", "-o", "4096", tmp_path / "disk", "3") == "1\n"


def test_contents_stand_in_their_partitions_and_zeros_elsewhere(plan: DiskPlan, tmp_path: Path) -> None:
    places = write_disk(plan, tmp_path / "disk")
    data = (tmp_path / "disk").read_bytes()
    assert [place.start % 2048 for place in places] == [0] * 4
    rest = bytearray(data)
    rest[: 2050 * SECTOR] = bytes(2050 * SECTOR)
    for place in places:
        if place.partition.content is not None:
            content = place.partition.content.read_bytes()
            start = place.start * SECTOR
            assert data[start : start + len(content)] == content
            rest[start : start + len(content)] = bytes(len(content))
    assert not any(rest)
    config = tmp_path / "part"
    config.write_bytes(data[places[0].start * SECTOR :][: 8 * MIB])
    assert complaints(Image(config)) == []


def test_the_label(plan: DiskPlan) -> None:
    places, sectors = placed(plan)
    label = disklabel(places, sectors, "example")
    assert len(label) == 404
    assert struct.unpack_from("<I", label) == struct.unpack_from("<I", label, 132) == (0x82564557,)
    assert reduce(xor, (word for (word,) in struct.iter_unpack("<H", label))) == 0
    assert label[24:40] == b"example".ljust(16, b"\0")
    assert struct.unpack_from("<6I", label, 40) == (512, 63, 16, sectors // 1008, 1008, sectors)
    rows = [struct.unpack_from("<IIIBBH", label, 148 + 16 * n) for n in range(16)]
    assert rows[4] == (16384, 4096, 2048, 7, 8, 0)  # fragments of 2048 bytes, 8 to a block
    assert rows[1] == (6145, 4096 + 16384, 0, 1, 0, 0)
    assert rows[5] == (10240, 4096 + 16384 + 8192, 0, 10, 0, 0)
    assert rows[15] == (2048, 4096 + 16384 + 8192 + 10240, 0, 7, 0, 0)
    assert [n for n, row in enumerate(rows) if row == (0,) * 6] == [0, *range(6, 15)]


def test_the_same_plan_is_the_same_disk(plan: DiskPlan, tmp_path: Path) -> None:
    digests = set()
    for name in ("one", "two"):
        write_disk(plan, tmp_path / name)
        digests.add(readback.file_digest(tmp_path / name))
    assert len(digests) == 1
    write_disk(DiskPlan(plan.partitions, "another"), tmp_path / "three")
    assert readback.file_digest(tmp_path / "three") not in digests


def test_a_large_disk_takes_little_room(tmp_path: Path) -> None:
    with (tmp_path / "content").open("wb") as stream:
        stream.truncate(10 << 30)
        stream.seek(5 << 30)
        stream.write(b"here")
    parts = (Partition("a", "unknown", 11 << 30, tmp_path / "content"), Partition("b", "swap", 1 << 30))
    places = write_disk(DiskPlan(parts, "large", size=100 << 30), tmp_path / "disk")
    there = (tmp_path / "disk").stat()
    assert there.st_size == 100 << 30
    assert there.st_blocks * 512 < 4 * MIB
    with (tmp_path / "disk").open("rb") as stream:
        stream.seek(places[0].start * SECTOR + (5 << 30))
        assert stream.read(4) == b"here"


@pytest.mark.parametrize(
    ("partitions", "size", "message"),
    [
        ((Partition("c", "swap", 512),), None, "c and d are NetBSD's own"),
        ((Partition("q", "swap", 512),), None, "partition q"),
        ((Partition("", "swap", 512),), None, "partitions can be a, b, e"),
        ((Partition("ab", "swap", 512),), None, "partition ab"),
        ((Partition("a", "swap", 512), Partition("a", "swap", 512)), None, "stands twice"),
        ((Partition("a", "swap", 0),), None, "has no size"),
        (
            (Partition("a", "swap", 5 * MIB),),
            7 * MIB - 1,
            "the partitions take 7,340,032 bytes; the disk has 7,340,031",
        ),
        ((Partition("a", "swap", 2 << 40),), None, "a disk with an MBR has at most"),
        ((Partition("a", "unknown", 10, Path("/nowhere/at/all")),), None, "cannot be read"),
        ((Partition("a", "unknown", 10, Path(__file__)),), None, "make the partition larger"),
        ((Partition("a", "4.2BSD", MIB, Path(__file__)),), None, "is no image of an FFS"),
    ],
)
def test_plans_that_make_no_disk(
    tmp_path: Path, partitions: tuple[Partition, ...], size: int | None, message: str
) -> None:
    with pytest.raises(GlassmasterError) as caught:
        write_disk(DiskPlan(partitions, "example", size), tmp_path / "disk")
    assert message in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_the_label_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(GlassmasterError, match="longer than the 16 bytes"):
        write_disk(DiskPlan((), "seventeen letters"), tmp_path / "disk")
    places, sectors = placed(DiskPlan((), "sixteen letters!"))
    assert disklabel(places, sectors, "sixteen letters!")[24:40] == b"sixteen letters!"
