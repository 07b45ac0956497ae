"""An image as firmware sees it on a stick: by its partition table, with nothing that only a CD has."""

from __future__ import annotations

import shutil
from pathlib import Path

from glassmaster.errors import GlassmasterError

# The boot record volume descriptor: sector 17 (El Torito 1.0, 2.0). What tells El Torito comes after type, CD001 and
# version; those stay, since the file system has volume descriptors after this one.
_DESCRIPTOR = 17 * 2048
_BEGIN, _IDENTIFIER = b"\0CD001\x01", b"EL TORITO SPECIFICATION"


def without_el_torito(image: Path, target: Path) -> None:
    """Copy an image and blank what marks it as a bootable CD.

    OVMF starts a hard disk or a stick through El Torito too, if it finds that, and so hides a broken partition table.
    """
    shutil.copyfile(image, target)
    with target.open("r+b") as stream:
        stream.seek(_DESCRIPTOR)
        if stream.read(len(_BEGIN + _IDENTIFIER)) != _BEGIN + _IDENTIFIER:
            raise GlassmasterError(f"{image}: no El Torito boot record in sector 17", why="is it a bootable CD image?")
        stream.seek(_DESCRIPTOR + len(_BEGIN))
        stream.write(bytes(len(_IDENTIFIER)))
