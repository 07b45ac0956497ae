"""Writing an image to a disc or a disk, and reading it back: the same bytes or an error."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, BinaryIO

from glassmaster.errors import GlassmasterError
from glassmaster.release.device import Device
from glassmaster.run import Command, failure, run, started

PROGRAM = "xorriso"
BLOCK = 2048
CHUNK = 4 << 20
# A GPT has its copy at the end of a disk: one of an earlier life would make NetBSD see wedges instead of the image.
TAIL = 1 << 20
# A disc is read back in parts of so many bytes, each of which is compared and deleted before the next one is read.
PART = 128 << 20
SPARE = 1 << 20
NOT_KNOWN = "whether a disc that was written is good is not known: it was not compared to its end"
# ioctl(2) BLKFLSBUF: forget what is cached of a block device, so that it is the device that is read.
_FORGET = 0x1261
_WRITTEN = re.compile(rb"(\d+) of +(\d+) MB written")
_NOT_KEPT = re.compile(r"Cannot (?:write|open|create)[^\n]*read\.iso|No space left on device")
_SPACE = re.compile(rb"Media space *: *(\d+)s")
Tell = Callable[[str, float, float], None]


class MachineError(GlassmasterError):
    """It is not the disc: this machine cannot go on."""


def burn_command(device: str, image: Path) -> Command:
    """Write an image to the disc in a drive; a disc that can be rewritten is blanked first if it must be."""
    return Command((PROGRAM, "-as", "cdrecord", "-v", f"dev={device}", "blank=as_needed", str(image)))


def space_command(device: str) -> Command:
    """Say how much room there is on the disc."""
    return Command((PROGRAM, "-outdev", device, "-tell_media_space"))


def read_command(device: str, first: int, last: int, target: Path) -> Command:
    """Read blocks of the disc into a file, at their own places in it, from the drive and past the system's cache."""
    media = ("use=indev", f"min_lba={first}", f"max_lba={last}", f"data_to={target}", "--")
    return Command((PROGRAM, "-indev", device, "-check_media", *media))


def eject_command(device: str) -> Command:
    """Hand out the disc."""
    return Command((PROGRAM, "-outdev", device, "-eject", "out"))


def burn_disc(device: Device, image: Path, tell: Tell) -> None:
    """Burn, read back, compare. Raises GlassmasterError."""
    size = image.stat().st_size
    space = _SPACE.search(_said(space_command(device.name), lambda line: None))
    if space is None:
        raise GlassmasterError(f"{device.name}: no disc that can be written", why="xorriso finds no room on it")
    if int(space[1]) * BLOCK < size:
        raise GlassmasterError(
            f"{device.name}: not written to: the disc is too small",
            why=f"it has room for {int(space[1]) * BLOCK:,} bytes, the image has {size:,}",
        )

    _require_place(min(size, PART))

    def line(text: bytes) -> None:
        if match := _WRITTEN.search(text):
            tell("writing", float(match[1]), float(match[2]))

    _said(burn_command(device.name, image), line)
    with image.open("rb") as wanted:
        for at in range(0, size, PART):
            _compare_part(wanted, at, min(PART, size - at), device.name)
            tell("reading back", min(at + PART, size), size)


def _compare_part(wanted: BinaryIO, at: int, size: int, name: str) -> None:
    """Read a part of a disc and compare it: never more than one part of it lies on this machine's own disk."""
    _require_place(size, NOT_KNOWN)
    with tempfile.TemporaryDirectory(prefix="glassmaster-") as folder:
        back = Path(folder) / "read.iso"
        try:
            _said(read_command(name, at // BLOCK, (at + size - 1) // BLOCK, back), lambda line: None)
            found = back.open("rb")
        except GlassmasterError as error:
            if _NOT_KEPT.search(error.why):
                raise MachineError(
                    f"{name}: cannot be compared: what is read has no place in {folder}", why=error.why, hint=NOT_KNOWN
                ) from error
            raise
        with found:
            wanted.seek(at)
            found.seek(at)
            require_same(wanted, found, size, name, at=at)


def _require_place(size: int, hint: str = "") -> None:
    folder = tempfile.gettempdir()
    free, needed = shutil.disk_usage(folder).free, size + SPARE
    if free < needed:
        raise MachineError(
            f"{folder}: there is no room to read a disc back", why=f"{needed:,} bytes are needed, {free:,} are free",
            hint="; ".join(filter(None, ["make room, or name another directory: TMPDIR=DIR", hint])),
        )  # fmt: skip


def write_disk(device: Device, image: Path, tell: Tell) -> None:
    """Write to a disk or a file from its first byte on, read back, compare. Raises GlassmasterError."""
    size = image.stat().st_size
    # For a block device O_EXCL means that nobody else has it, such as a mount since it was looked at (open(2)).
    exclusive = os.O_EXCL if device.kind == "disk" else 0
    try:
        descriptor = os.open(device.path, os.O_RDWR | os.O_CLOEXEC | exclusive)
    except OSError as error:
        raise GlassmasterError(f"{device.name}: cannot be written", why=error.strerror or str(error)) from error
    with os.fdopen(descriptor, "r+b", buffering=0) as disk, image.open("rb") as stream:
        try:
            _copy(stream, disk, size, tell)
            _clear_tail(disk, size, device.size or size)
            os.fsync(disk.fileno())
        except OSError as error:
            raise GlassmasterError(f"{device.name}: writing failed", why=error.strerror or str(error)) from error
        _forget(disk, device)
        stream.seek(0)
        disk.seek(0)
        require_same(stream, disk, size, device.name, tell)


def require_same(
    wanted: BinaryIO, found: BinaryIO, size: int, name: str, tell: Tell = lambda *_: None, at: int = 0
) -> None:  # fmt: skip
    """Compare the next `size` bytes, which are at `at`; GlassmasterError with the place of the first difference."""
    end = at + size
    while at < end:
        try:
            one, other = wanted.read(min(CHUNK, end - at)), _whole(found, min(CHUNK, end - at))
        except OSError as error:
            raise GlassmasterError(
                f"{name}: cannot be read back", why=f"after byte {at:,}: {error.strerror}"
            ) from error
        if one != other:
            place = next((n for n, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(other))
            raise GlassmasterError(
                f"{name}: what was read back is not what was written", why=f"first difference at byte {at + place:,}",
                hint="throw the disc away, and look at the drive if it happens again",
            )  # fmt: skip
        at += len(one)
        tell("reading back", at, end)


def _whole(stream: BinaryIO, size: int) -> bytes:
    """So many bytes, fewer only at the end: devices may give less at a time."""
    data = b""
    while len(data) < size and (more := stream.read(size - len(data))):
        data += more
    return data


def _copy(stream: BinaryIO, disk: BinaryIO, size: int, tell: Tell) -> None:
    done = 0
    while chunk := stream.read(CHUNK):
        left = memoryview(chunk)
        while left:
            left = left[disk.write(left) :]
        done += len(chunk)
        tell("writing", done, size)


def _clear_tail(disk: BinaryIO, size: int, whole: int) -> None:
    begin = max(size, whole - TAIL)
    if begin < whole:
        disk.seek(begin)
        left = whole - begin
        while left:
            left -= disk.write(bytes(left))


def _forget(disk: BinaryIO, device: Device) -> None:
    """What the system has cached is no proof of what the device holds."""
    if device.kind == "disk":
        with suppress(OSError):  # in tests it is a file; the advice below does its part
            fcntl.ioctl(disk.fileno(), _FORGET)
    os.posix_fadvise(disk.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _said(command: Command, line: Callable[[bytes], None]) -> bytes:
    """Run xorriso, telling of its lines as they come; returns all it said. A status other than 0 is an error."""
    said = b""
    with started(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        for text in _lines(process.stdout):
            said += text + b"\n"
            line(text)
        process.wait()
    if process.returncode != 0:
        raise failure(command, process.returncode, said, None)
    return said


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Lines, also those that end with nothing but a carriage return."""
    rest = b""
    while chunk := os.read(stream.fileno(), 1 << 16):
        *whole, rest = re.split(rb"[\r\n]+", rest + chunk)
        yield from whole
    yield rest


def eject(device: Device) -> None:
    """Hand out a disc; a drive that does not is no error."""
    with suppress(GlassmasterError):
        run(eject_command(device.name))
