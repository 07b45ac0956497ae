"""Burning to xorriso's file drives, to files in the place of disks, and what is said of a bad copy."""

from __future__ import annotations

import io
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from glassmaster.commands import burn as commands
from glassmaster.errors import GlassmasterError
from glassmaster.release import burning
from glassmaster.release.artefacts import digest_of
from glassmaster.release.burning import (
    MachineError,
    burn_command,
    burn_disc,
    eject_command,
    read_command,
    space_command,
    write_disk,
)
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
    assert read_command("/dev/sr0", 100, 699, Path("/t/read.iso")).line() == (
        "xorriso -indev /dev/sr0 -check_media use=indev min_lba=100 max_lba=699 data_to=/t/read.iso --"
    )
    assert eject_command("/dev/sr0").line() == "xorriso -outdev /dev/sr0 -eject out"


def test_a_disc(image: Path, tmp_path: Path) -> None:
    device = find_device(f"stdio:{tmp_path / 'disc'}", System())
    burn_disc(device, image, nothing)
    assert (tmp_path / "disc").read_bytes()[:IMAGE_BYTES] == image.read_bytes()


def test_a_disc_that_came_out_bad(image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "disc"

    def spoilt(device: str, first: int, last: int, back: Path) -> object:
        data = bytearray(target.read_bytes())
        data[123456] ^= first == 60  # the second part
        target.write_bytes(data)
        return read_command(device, first, last, back)

    monkeypatch.setattr(burning, "PART", 60 * 2048)
    monkeypatch.setattr(burning, "read_command", spoilt)
    with pytest.raises(GlassmasterError, match="first difference at byte 123,456"):
        burn_disc(find_device(f"stdio:{target}", System()), image, nothing)


@pytest.mark.parametrize("parts", [1, 3])
def test_a_disc_is_read_back_part_by_part(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: int
) -> None:
    read = []
    monkeypatch.setattr(burning, "PART", -(-IMAGE_BYTES // parts // 2048) * 2048)

    def noted(device: str, first: int, last: int, back: Path) -> object:
        assert list(back.parent.iterdir()) == []
        read.append((first, last))
        return read_command(device, first, last, back)

    monkeypatch.setattr(burning, "read_command", noted)
    told: list[float] = []
    image.write_bytes(image.read_bytes()[:-7])  # an image need not end with a block
    burn_disc(find_device(f"stdio:{tmp_path / 'disc'}", System()), image, lambda what, done, total: told.append(done))
    assert read == ([(0, 699)] if parts == 1 else [(0, 233), (234, 467), (468, 699)])
    assert told[-1] == IMAGE_BYTES - 7


def test_a_machine_without_room_is_no_bad_disc(image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = find_device(f"stdio:{tmp_path / 'disc'}", System())
    monkeypatch.setattr(burning, "SPARE", 1 << 60)
    with pytest.raises(MachineError, match="there is no room to read a disc back"):
        burn_disc(device, image, nothing)
    assert not (tmp_path / "disc").exists() or (tmp_path / "disc").stat().st_size == 0  # it was asked before
    monkeypatch.undo()

    def full(device: str, first: int, last: int, back: Path) -> object:
        back.symlink_to("/dev/full")
        return read_command(device, first, last, back)

    monkeypatch.setattr(burning, "read_command", full)
    with pytest.raises(MachineError, match="cannot be compared") as caught:
        burn_disc(device, image, nothing)
    assert "is not known" in str(caught.value)


@pytest.mark.parametrize(
    ("error", "said", "ejected"),
    [
        (GlassmasterError("x"), "copy 1 of 2: BAD, the one that was put in as number 1", 1),
        (MachineError("x"), "copy 1 of 2: STOPPED", 0),
    ],
)
def test_what_is_done_with_a_bad_one(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    error: GlassmasterError, said: str, ejected: int,
) -> None:  # fmt: skip
    handed_out: list[str] = []

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(burning, "burn_disc", fail)
    monkeypatch.setattr(burning, "eject", lambda device: handed_out.append(device.name))
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))  # nobody puts in another one
    assert commands._copies(image, find_device(f"stdio:{tmp_path / 'disc'}", System()), 2) == 1
    printed = capsys.readouterr()
    assert said in printed.err and len(handed_out) == ejected
    assert ("press Enter" in printed.out) == bool(ejected)  # a machine in trouble gets no further disc


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


@pytest.mark.slow
def test_the_command(released: Released, tmp_path: Path) -> None:
    result = burn(released, f"stdio:{tmp_path / 'disc'}")
    assert result.returncode == 0, result.stdout
    iso = (released.folder / "dom0.iso").read_bytes()
    assert "copy 1 of 1: written, read back, the same" in result.stdout and "1 of 1 good" in result.stdout
    assert (tmp_path / "disc").read_bytes()[: len(iso)] == iso


def test_copies(released: Released, tmp_path: Path) -> None:
    target = tmp_path / "stick"
    target.write_bytes(bytes((released.folder / "dom0.iso").stat().st_size))
    result = burn(released, f"file:{target}", "--copies", "3", said="\n\n")
    assert result.returncode == 0, result.stdout
    assert result.stdout.count("press Enter") == 2 and "3 of 3 good" in result.stdout
    result = burn(released, f"file:{target}", "--copies", "3", said="\n")
    assert result.returncode == 1 and "2 of 3 good" in result.stdout


def test_what_the_command_refuses(released: Released, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.write_bytes(bytes(1000))
    iso, before = released.folder / "dom0.iso", digest_of(released.folder / "dom0.iso")
    for arguments, why in (
        ([f"file:{small}"], "it is too small"), (["/dev/null"], "neither a disk"), ([], "burn takes one device"),
        ([str(small)], f"it is a file\n  a file in the place of a disk is file:{small}; all that it holds is lost"),
        ([f"file:{iso}"], "it is the image"), (["file:/dev/null"], "it is no file"),
        ([str(small), "--copies", "0"], "expected a number"), ([str(small), "image=nothing"], "there is no such file"),
    ):  # fmt: skip
        result = burn(released, *arguments)
        assert result.returncode == 3 and why in result.stdout, result.stdout
    assert small.read_bytes() == bytes(1000) and digest_of(iso) == before
    with (released.folder / "dom0.iso").open("r+b") as stream:
        stream.write(b"x")
    assert "not the file that SHA512 lists" in burn(released, str(small)).stdout
    shutil.rmtree(released.folder)
    assert "there is no release" in burn(released, str(small)).stdout
