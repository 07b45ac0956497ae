"""The small FAT image that UEFI starts from, by mtools: no mount, and the same bytes every time."""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePosixPath

from glassmaster.atomic import write_bytes
from glassmaster.run import Command, run

SECTOR = 512
# FAT12 and its directories take well under this beside the file.
ROOM = 64 * 1024
CYLINDER = 32 * SECTOR


def mformat(image: Path, sectors: int, serial: int, epoch: int) -> Command:
    """Make an empty FAT file system in a file (mformat(1)); without -N its serial number is random."""
    return Command(
        (
            "mformat",
            "-C",
            "-i",
            str(image),
            "-T",
            str(sectors),
            "-h",
            "1",
            "-s",
            "32",
            "-N",
            f"{serial:08x}",
            "::",
        ),
        _fixed(epoch),
    )


def mmd(image: Path, directory: PurePosixPath, epoch: int) -> Command:
    """Make a directory in the image (mmd(1))."""
    return Command(("mmd", "-i", str(image), f"::/{directory}"), _fixed(epoch))


def mcopy(image: Path, file: Path, target: PurePosixPath, epoch: int) -> Command:
    """Copy a file into the image (mcopy(1)); its time is SOURCE_DATE_EPOCH."""
    return Command(("mcopy", "-i", str(image), str(file), f"::/{target}"), _fixed(epoch))


def write_fat(output: Path, file: Path, target: str, *, serial: int, epoch: int) -> None:
    """Write a FAT image that holds one file, at the path `target`."""
    path = PurePosixPath(target)
    size = -(-(file.stat().st_size + ROOM) // CYLINDER) * CYLINDER
    with tempfile.TemporaryDirectory() as work:
        image = Path(work) / "fat.img"
        run(mformat(image, size // SECTOR, serial, epoch))
        for directory in reversed(path.parents[:-1]):
            run(mmd(image, directory, epoch))
        run(mcopy(image, file, path, epoch))
        write_bytes(output, image.read_bytes())


def _fixed(epoch: int) -> dict[str, str]:
    # A user's own mtools configuration, $HOME/.mtoolsrc, could change names; MTOOLSRC is only read in addition to it.
    return {"SOURCE_DATE_EPOCH": str(epoch), "HOME": "/nonexistent", "MTOOLS_SKIP_CHECK": "1"}
