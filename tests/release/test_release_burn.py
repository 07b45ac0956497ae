"""Burning to xorriso's file drives, to files in the place of disks, and what is said of a bad copy."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.release import burning
from glassmaster.release.burning import burn_command, burn_disc, eject_command, read_command, space_command, write_disk
from glassmaster.release.device import Device, System, find_device
from tests.release.conftest import Released

IMAGE_BYTES = 700 * 2048
TIMEOUT = 120


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Something that is as long as a disc's image may be."""
    path = tmp_path / "image.iso"
    path.write_bytes(random.Random(1).randbytes(IMAGE_BYTES))
    return path


def nothing(what: str, done: float, total: float) -> None:
    """Nobody is watching."""


def disk(path: Path, size: int) -> Device:
    path.write_bytes(b"\xee" * size)
    return Device(str(path), "disk", path, size, "x")


def test_commands() -> None:
    assert burn_command("/dev/sr0", Path("a b.iso")).line() == (
        "xorriso -as cdrecord -v dev=/dev/sr0 blank=as_needed 'a b.iso'"
    )
    assert space_command("/dev/sr0").line() == "xorriso -outdev /dev/sr0 -tell_media_space"
    assert read_command("/dev/sr0", 700, Path("/t/read.iso")).line() == (
        "xorriso -indev /dev/sr0 -check_media use=indev min_lba=0 max_lba=699 data_to=/t/read.iso --"
    )
    assert eject_command("/dev/sr0").line() == "xorriso -outdev /dev/sr0 -eject out"


def test_a_disc(image: Path, tmp_path: Path) -> None:
    device = find_device(f"stdio:{tmp_path / 'disc'}", System())
    burn_disc(device, image, nothing)
    assert (tmp_path / "disc").read_bytes()[:IMAGE_BYTES] == image.read_bytes()


def test_a_disc_that_came_out_bad(image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "disc"

    def spoilt(device: str, blocks: int, back: Path) -> object:
        data = bytearray(target.read_bytes())
        data[123456] ^= 1
        target.write_bytes(data)
        return read_command(device, blocks, back)

    monkeypatch.setattr(burning, "read_command", spoilt)
    with pytest.raises(GlassmasterError, match="first difference at byte 123,456"):
        burn_disc(find_device(f"stdio:{target}", System()), image, nothing)


def test_a_drive_without_a_disc(image: Path, tmp_path: Path) -> None:
    with pytest.raises(GlassmasterError, match=r"xorriso ended with status|no disc that can be written"):
        burn_disc(find_device(f"stdio:{tmp_path / 'no/such/folder/disc'}", System()), image, nothing)


def test_a_disc_that_is_too_small(image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(burning, "_SPACE", re.compile(rb"Media space *: *(\d{2})"))
    with pytest.raises(GlassmasterError, match="the disc is too small"):
        burn_disc(find_device(f"stdio:{tmp_path / 'disc'}", System()), image, nothing)
    assert not (tmp_path / "disc").exists() or (tmp_path / "disc").stat().st_size == 0


def test_a_disk(image: Path, tmp_path: Path) -> None:
    size = IMAGE_BYTES + 5 * burning.TAIL
    told: list[tuple[str, float]] = []
    write_disk(disk(tmp_path / "disk", size), image, lambda what, done, total: told.append((what, done / total)))
    data = (tmp_path / "disk").read_bytes()
    assert data[:IMAGE_BYTES] == image.read_bytes() and len(data) == size
    # The end is cleared: the copy of an old GPT would lie there. What is between is left alone.
    assert data[-burning.TAIL :] == bytes(burning.TAIL) and set(data[IMAGE_BYTES : -burning.TAIL]) == {0xEE}
    assert told[-1] == ("reading back", 1.0) and ("writing", 1.0) in told


@pytest.mark.parametrize("spare", [0, 1, 512, burning.TAIL - 1])
def test_a_disk_with_little_to_spare(image: Path, tmp_path: Path, spare: int) -> None:
    write_disk(disk(tmp_path / "disk", IMAGE_BYTES + spare), image, nothing)
    assert (tmp_path / "disk").read_bytes() == image.read_bytes() + bytes(spare)


def test_an_old_gpt_is_gone(image: Path, tmp_path: Path) -> None:
    path = tmp_path / "disk"
    path.write_bytes(bytes(IMAGE_BYTES + 5 * burning.TAIL))
    subprocess.run(["sfdisk", "-q", path], input=b"label: gpt\nsize=1MiB\n", check=True)
    assert b"EFI PART" in path.read_bytes()[-1024:]
    write_disk(Device(str(path), "disk", path, path.stat().st_size, "x"), image, nothing)
    assert b"EFI PART" not in path.read_bytes()


def test_a_disk_that_forgets(image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = disk(tmp_path / "disk", IMAGE_BYTES)

    def forget(stream: object, _: Device) -> None:
        with device.path.open("r+b") as other:
            other.seek(1000)
            other.write(b"\0" * 10)

    monkeypatch.setattr(burning, "_forget", forget)
    with pytest.raises(GlassmasterError, match="first difference at byte 1,000"):
        write_disk(device, image, nothing)


def test_a_disk_that_ends_early(image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = disk(tmp_path / "disk", IMAGE_BYTES)
    monkeypatch.setattr(burning, "_forget", lambda stream, _: os.truncate(device.path, IMAGE_BYTES - 5))
    with pytest.raises(GlassmasterError, match=f"first difference at byte {IMAGE_BYTES - 5:,}"):
        write_disk(device, image, nothing)


def test_a_full_device(image: Path) -> None:
    with pytest.raises(GlassmasterError, match="writing failed"):
        write_disk(Device("/dev/full", "file", Path("/dev/full"), None, "x"), image, nothing)


def burn(released: Released, *arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
    """The command, as a user starts it."""
    return subprocess.run(
        [sys.executable, "-m", "doit", "burn", *arguments], cwd=released.clone.path, input=said, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GLASSMASTER_CWD": str(released.clone.path)},
    )  # fmt: skip


def test_the_command(released: Released, tmp_path: Path) -> None:
    result = burn(released, f"stdio:{tmp_path / 'disc'}")
    assert result.returncode == 0, result.stdout
    iso = (released.folder / "dom0.iso").read_bytes()
    assert "copy 1 of 1: written, read back, the same" in result.stdout and "1 of 1 good" in result.stdout
    assert (tmp_path / "disc").read_bytes()[: len(iso)] == iso


def test_copies(released: Released, tmp_path: Path) -> None:
    target = tmp_path / "stick"
    target.write_bytes(bytes((released.folder / "dom0.iso").stat().st_size))
    result = burn(released, str(target), "--copies", "3", said="\n\n")
    assert result.returncode == 0, result.stdout
    assert result.stdout.count("press Enter") == 2 and "3 of 3 good" in result.stdout
    result = burn(released, str(target), "--copies", "3", said="\n")
    assert result.returncode == 1 and "2 of 3 good" in result.stdout


def test_what_the_command_refuses(released: Released, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.write_bytes(bytes(1000))
    for arguments, why in (
        ([str(small)], "it is too small"), (["/dev/null"], "neither a disk"), ([], "burn takes one device"),
        ([str(small), "--copies", "0"], "expected a number"), ([str(small), "image=nothing"], "there is no such file"),
    ):  # fmt: skip
        result = burn(released, *arguments)
        assert result.returncode == 3 and why in result.stdout, result.stdout
    assert small.read_bytes() == bytes(1000)
    with (released.folder / "dom0.iso").open("r+b") as stream:
        stream.write(b"x")
    assert "not the file that SHA512 lists" in burn(released, str(small)).stdout
    shutil.rmtree(released.folder)
    assert "there is no release" in burn(released, str(small)).stdout
