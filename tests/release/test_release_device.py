"""Which devices are written to, told by trees of sysfs as Linux has them; nothing here is a block device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.release.device import Device, System, find_device, require_room

MOUNTS = "25 1 {0} / {1} rw,relatime shared:1 - ext4 /dev/sdb1 rw\n"
SWAPS = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n{0}\n"


@pytest.fixture
def system(tmp_path: Path) -> System:
    """A machine with a stick sdb (8:16) with two partitions, a disk sda (8:0), and a drive sr0 (11:0)."""
    top = tmp_path / "sys"

    def block(name: str, numbers: str, **files: str) -> Path:
        folder = top / "devices" / name.rstrip("0123456789") / name if "partition" in files else top / "devices" / name
        for file, text in files.items():
            path = folder / file.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")
        (folder / "dev").write_text(f"{numbers}\n")
        link = top / "dev/block" / numbers
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(folder)
        return folder

    block("sda", "8:0", size="1000000", removable="0", ro="0", device__type="0", device__model="A DISK")
    block(
        "sdb", "8:16", size="20000", removable="1", ro="0", device__type="0", device__vendor="ACME", device__model="S"
    )
    block("sdb1", "8:17", partition="1", size="100")
    block("sdb2", "8:18", partition="2", size="100")
    block("sr0", "11:0", size="0", removable="1", ro="0", device__type="5", device__model="DVD RW")
    (tmp_path / "mounts").write_text(MOUNTS.format("8:2", "/home"))
    (tmp_path / "swaps").write_text(SWAPS.format("/dev/sda3 partition 1 0 -2"))
    known = {"/dev/sda": (8, 0), "/dev/sdb": (8, 16), "/dev/sdb1": (8, 17), "/dev/sr0": (11, 0), "/dev/sdz": (65, 144)}
    return System(top, tmp_path / "mounts", tmp_path / "swaps", lambda path: known.get(str(path)))


def test_what_may_be_written_to(system: System, tmp_path: Path) -> None:
    assert find_device("/dev/sdb", system) == Device("/dev/sdb", "disk", Path("/dev/sdb"), 20000 * 512, "ACME S")
    assert find_device("/dev/sr0", system) == Device("/dev/sr0", "optical", Path("/dev/sr0"), None, "DVD RW")
    assert find_device("stdio:/x/y", system).kind == "optical"
    (tmp_path / "stick").write_bytes(bytes(1000))
    device = find_device(f"file:{tmp_path / 'stick'}", system)
    assert (device.size, device.path) == (1000, tmp_path / "stick")
    # Without the prefix it may be a release that somebody keeps.
    with pytest.raises(
        GlassmasterError, match=f"it is a file\n  a file in the place of a disk is file:{tmp_path}/stick"
    ):
        find_device(str(tmp_path / "stick"), system)


def _mounted(system: System) -> None:
    system.mounts.write_text(MOUNTS.format("8:16", "/mnt/x"))


def _partition_mounted(system: System) -> None:
    system.mounts.write_text(MOUNTS.format("8:18", r"/media/my\040stick"))


def _swapped_to(system: System) -> None:
    system.swaps.write_text(SWAPS.format("/dev/sdb2 partition 1 0 -2"))


def _held(system: System) -> None:
    (system.sysfs / "devices/sdb/sdb1/holders/dm-0").mkdir(parents=True)


def _protected(system: System) -> None:
    (system.sysfs / "devices/sdb/ro").write_text("1\n")


def _nothing(system: System) -> None:
    pass


@pytest.mark.parametrize(
    ("change", "word", "why"),
    [
        (_mounted, "/dev/sdb", "it is mounted\n  at /mnt/x"),
        (_partition_mounted, "/dev/sdb", "it is mounted\n  at /media/my stick\n  umount /media/my stick"),
        (_swapped_to, "/dev/sdb", "the system swaps to it"),
        (_held, "/dev/sdb", "a part of something else\n  held by dm-0"),
        (_protected, "/dev/sdb", "write-protected"),
        (_nothing, "/dev/sdb1", "it is a partition"),
        (_nothing, "/dev/sda", "it is not removable"),
        (_nothing, "/dev/sdz", "Linux knows no such block device"),
        (_nothing, "/nowhere/at/all", "it cannot be looked at"),
        (_nothing, "/", "neither a disk nor a drive"),
    ],
)
def test_what_is_refused(system: System, change: Callable[[System], None], word: str, why: str) -> None:
    change(system)
    with pytest.raises(GlassmasterError) as caught:
        find_device(word, system)
    assert "not written to" in str(caught.value) and why in str(caught.value), str(caught.value)


def test_a_drive_that_is_mounted(system: System) -> None:
    system.mounts.write_text(MOUNTS.format("11:0", "/cdrom"))
    with pytest.raises(GlassmasterError, match="it is mounted"):
        find_device("/dev/sr0", system)


def test_one_that_is_too_small(system: System) -> None:
    device = find_device("/dev/sdb", system)
    require_room(device, 20000 * 512)
    with pytest.raises(GlassmasterError, match="too small"):
        require_room(device, 20000 * 512 + 1)
    require_room(find_device("/dev/sr0", system), 1 << 40)  # the drive itself will say


def test_the_machine_that_this_runs_on() -> None:
    with pytest.raises(GlassmasterError, match="neither a disk nor a drive"):
        find_device("/dev/null", System())
