"""The FAT image that UEFI starts from."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from glassmaster.images import fat

IMAGE, FILE = Path("/w/fat.img"), Path("/w/grub.efi")
FIXED = {"SOURCE_DATE_EPOCH": "5", "HOME": "/nonexistent", "MTOOLS_SKIP_CHECK": "1"}


def test_commands() -> None:
    made = [
        fat.mformat(IMAGE, 640, 0xBEEF, 5),
        fat.mmd(IMAGE, PurePosixPath("EFI/BOOT"), 5),
        fat.mcopy(IMAGE, FILE, PurePosixPath("EFI/BOOT/X.EFI"), 5),
    ]
    assert [" ".join(command.argv) for command in made] == [
        "mformat -C -i /w/fat.img -T 640 -h 1 -s 32 -N 0000beef ::",
        "mmd -i /w/fat.img ::/EFI/BOOT",
        "mcopy -i /w/fat.img /w/grub.efi ::/EFI/BOOT/X.EFI",
    ]
    assert all(command.environment == FIXED for command in made)


@pytest.mark.parametrize("size", [0, 1, 511, 150_000, 3_000_000])
def test_twice_the_same_and_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    data = bytes(number % 251 for number in range(size))
    (tmp_path / "grub.efi").write_bytes(data)
    fat.write_fat(
        tmp_path / "one", tmp_path / "grub.efi", "EFI/BOOT/BOOTX64.EFI", serial=0x1234ABCD, epoch=1_700_000_000
    )
    # Neither the time zone, the age of the file nor a user's settings get in.
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MTOOLS_NO_VFAT", "1")
    (tmp_path / ".mtoolsrc").write_text("mtools_lower_case=1\nmtools_no_vfat=1\n")
    os.utime(tmp_path / "grub.efi", (1, 1))
    fat.write_fat(
        tmp_path / "two", tmp_path / "grub.efi", "EFI/BOOT/BOOTX64.EFI", serial=0x1234ABCD, epoch=1_700_000_000
    )
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()

    mtools = {"PATH": os.environ["PATH"], "TZ": "UTC", "MTOOLSRC": "/dev/null"}
    listing = subprocess.run(
        ["mdir", "-/", "-i", tmp_path / "one", "::"], env=mtools, check=True, stdout=-1
    ).stdout.decode()
    assert "Volume Serial Number is 1234-ABCD" in listing
    assert "Directory for ::/EFI/BOOT" in listing
    assert listing.count("2023-11-14  22:13") >= 3
    copied = subprocess.run(
        ["mtype", "-i", tmp_path / "one", "::/EFI/BOOT/BOOTX64.EFI"], env=mtools, check=True, stdout=-1
    )
    assert copied.stdout == data


@pytest.mark.parametrize("epoch", [0, 5_800_000_000])
def test_times_that_fat_does_not_know_are_the_same_twice(tmp_path: Path, epoch: int) -> None:
    (tmp_path / "file").write_bytes(b"x")
    for name in ("one", "two"):
        fat.write_fat(tmp_path / name, tmp_path / "file", "A/B", serial=1, epoch=epoch)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
