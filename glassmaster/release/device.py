"""What a device is, before anything is written to it: by Linux's sysfs, and who is using it. Nothing is opened."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from glassmaster.errors import GlassmasterError

STDIO, FILE = "stdio:", "file:"
SECTOR = 512
# SCSI peripheral device type 5: what reads and writes CDs (sd's are 0).
_OPTICAL_TYPE = "5"
_ESCAPE = re.compile(r"\\([0-7]{3})")
Kind = Literal["optical", "disk", "file"]
Numbers = tuple[int, int]


@dataclass(frozen=True)
class Device:
    """Where something can be written to. size: bytes, of a disc None: the drive knows. what: for people."""

    name: str
    kind: Kind
    path: Path
    size: int | None
    what: str


@dataclass(frozen=True)
class System:
    """Where Linux tells of its devices; numbers: major and minor of a block device, None for another file."""

    sysfs: Path = Path("/sys")
    mounts: Path = Path("/proc/self/mountinfo")
    swaps: Path = Path("/proc/swaps")
    numbers: Callable[[Path], Numbers | None] = lambda path: _numbers(path)


def find_device(word: str, system: System) -> Device:
    """The device that a command line names; GlassmasterError unless it may be written to.

    stdio:FILE is a file that xorriso takes for a drive; file:FILE one that exists and is written to like a disk.
    """
    if word.startswith(STDIO):
        return Device(word, "optical", Path(word.removeprefix(STDIO)), None, "a file in the place of a drive")
    if word.startswith(FILE):
        return _file(word, Path(word.removeprefix(FILE)))
    path = Path(word)
    numbers = system.numbers(path)
    if numbers is None:
        why = f"a file in the place of a disk is {FILE}{word}; all that it holds is lost" if path.is_file() else ""
        raise _refused(word, _no_device(path), why or "expected such as /dev/sdb or /dev/sr0")
    folder = system.sysfs / "dev/block" / f"{numbers[0]}:{numbers[1]}"
    if not folder.is_dir():
        raise _refused(word, "Linux knows no such block device", f"there is no {folder}")
    if (folder / "partition").exists():
        raise _refused(word, "it is a partition", "the image is that of a whole disk, with a partition table")
    _require_unused(word, folder, numbers, system)
    size = int(_read(folder / "size") or "0") * SECTOR
    what = " ".join(filter(None, [_read(folder / "device/vendor"), _read(folder / "device/model")])) or "no name"
    if _read(folder / "device/type") == _OPTICAL_TYPE:
        return Device(word, "optical", path, None, what)
    if _read(folder / "removable") != "1":
        raise _refused(word, "it is not removable", f"{what}, {size:,} bytes: {folder}/removable is not 1")
    if _read(folder / "ro") == "1":
        raise _refused(word, "it is write-protected", what)
    return Device(word, "disk", path, size, what)


def require_another(device: Device, image: Path) -> None:
    """Raise GlassmasterError if the device is the image itself."""
    try:
        same = device.path.samefile(image)
    except OSError:
        return
    if same:
        raise _refused(device.name, "it is the image", "writing it onto itself would make nothing")


def require_room(device: Device, size: int) -> None:
    """Raise GlassmasterError if an image of this size does not fit."""
    if device.size is not None and device.size < size:
        raise _refused(device.name, "it is too small", f"it has {device.size:,} bytes, the image {size:,}")


def _file(word: str, path: Path) -> Device:
    try:
        info = path.stat()
    except OSError as error:
        raise _refused(word, "it cannot be looked at", error.strerror or str(error)) from error
    if not stat.S_ISREG(info.st_mode):
        raise _refused(word, "it is no file", "a disk or a drive has no such prefix: /dev/sdb or /dev/sr0")
    return Device(word, "file", path, info.st_size, "a file in the place of a disk")


def _no_device(path: Path) -> str:
    """Why it is none."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return f"it cannot be looked at ({error.strerror})"
    return "it is a file" if stat.S_ISREG(mode) else "it is neither a disk nor a drive"


def _require_unused(word: str, folder: Path, numbers: Numbers, system: System) -> None:
    """Nothing of it is mounted, swapped to, or part of something else (a logical volume, a RAID)."""
    parts = {f"{numbers[0]}:{numbers[1]}": folder}
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and (entry / "partition").exists():
            parts[_read(entry / "dev")] = entry
    for line in system.mounts.read_text(encoding="utf-8", errors="replace").splitlines():
        words = line.split()
        if len(words) > 4 and words[2] in parts:
            raise _refused(word, "it is mounted", f"at {_plain(words[4])}", f"umount {_plain(words[4])}")
    names = {part.resolve().name for part in parts.values()}
    for line in system.swaps.read_text(encoding="utf-8", errors="replace").splitlines()[1:]:
        if line and Path(_plain(line.split()[0])).name in names:
            raise _refused(word, "the system swaps to it", line.split()[0])
    for part in parts.values():
        holders = sorted(item.name for item in (part / "holders").glob("*"))
        if holders:
            raise _refused(word, "it is a part of something else", f"held by {', '.join(holders)}")


def _refused(word: str, what: str, why: str, hint: str = "") -> GlassmasterError:
    return GlassmasterError(f"{word}: not written to: {what}", why=why, hint=hint)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _plain(text: str) -> str:
    """A path as /proc writes it: blanks and the like are octal escapes (proc(5))."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)


def _numbers(path: Path) -> Numbers | None:
    try:
        info = path.stat()
    except OSError:
        return None
    return (os.major(info.st_rdev), os.minor(info.st_rdev)) if stat.S_ISBLK(info.st_mode) else None
