"""The volume descriptors of an ISO 9660 disc, and what El Torito boots from it (ECMA-119; El Torito 1.0)."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import BinaryIO

from glassmaster.errors import GlassmasterError

BLOCK = 2048
_FIRST, _MOST = 16, 64  # descriptors
_BOOT, _PRIMARY, _SUPPLEMENTARY, _END = 0, 1, 2, 255
_EL_TORITO = b"EL TORITO SPECIFICATION"
_JOLIET = (b"%/@", b"%/C", b"%/E")
_ESCAPES = slice(88, 120)
_IDENTIFIERS = {"system": (8, 40), "volume": (40, 72), "set": (190, 318), "publisher": (318, 446),
                "preparer": (446, 574), "application": (574, 702)}  # fmt: skip
_PLATFORMS = {0: "BIOS", 1: "PowerPC", 2: "Macintosh", 0xEF: "UEFI"}
_MEDIA = {0: "no emulation", 1: "1.2 MB floppy", 2: "1.44 MB floppy", 3: "2.88 MB floppy", 4: "hard disk"}
_HEADERS = (0x90, 0x91)
_DATE = re.compile(rb"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)\d\d")


@dataclass(frozen=True)
class Boot:
    """An image that El Torito offers. block: where it lies; sectors: of 512 bytes, as many as the firmware loads."""

    platform: str
    bootable: bool
    media: str
    block: int
    sectors: int


@dataclass(frozen=True)
class Volume:
    """names: what the primary descriptor says of itself, without what it leaves blank. blocks: of 2048 bytes.

    created: its time, "" where it has none. boots: None where there is no boot record. problem: of its catalog.
    """

    names: dict[str, str]
    blocks: int
    created: str
    joliet: bool
    descriptors: tuple[str, ...]
    boots: tuple[Boot, ...] | None = None
    problem: str = ""


def read_volume(stream: BinaryIO, name: str) -> Volume:
    """Read the descriptors; raises GlassmasterError, which names `name`, where there is no primary one."""
    found: list[tuple[int, bytes]] = []
    for number in range(_MOST):
        data = _block(stream, _FIRST + number)
        if len(data) < BLOCK or data[1:6] != b"CD001":
            break
        found.append((data[0], data))
        if data[0] == _END:
            break
    primary = next((data for kind, data in found if kind == _PRIMARY), None)
    if primary is None:
        raise GlassmasterError(f"{name}: no ISO 9660 volume", why="there is no primary volume descriptor")
    joliet = any(kind == _SUPPLEMENTARY and data[_ESCAPES].startswith(_JOLIET) for kind, data in found)
    record = next((data for kind, data in found if kind == _BOOT and data[7:39].startswith(_EL_TORITO)), None)
    boots, problem = (None, "") if record is None else _catalog(stream, struct.unpack_from("<I", record, 71)[0])
    names = {word: _text(primary[start:end]) for word, (start, end) in _IDENTIFIERS.items()}
    return Volume(
        {word: text for word, text in names.items() if text}, struct.unpack_from("<I", primary, 80)[0],
        _date(primary[813:830]), joliet, tuple(_descriptor(kind, data) for kind, data in found), boots, problem,
    )  # fmt: skip


def _block(stream: BinaryIO, number: int) -> bytes:
    stream.seek(number * BLOCK)
    return stream.read(BLOCK)


def _descriptor(kind: int, data: bytes) -> str:
    words = {_PRIMARY: "primary", _SUPPLEMENTARY: "supplementary", _END: "end", 3: "partition"}
    if kind == _BOOT:
        return f"boot record ({_text(data[7:39]) or 'no name'})"
    if kind == _SUPPLEMENTARY and data[_ESCAPES].startswith(_JOLIET):
        return "supplementary (Joliet)"
    if kind == _SUPPLEMENTARY and data[6] == 2:
        return "enhanced (ISO 9660:1999)"
    return words.get(kind, f"type {kind}")


def _catalog(stream: BinaryIO, number: int) -> tuple[tuple[Boot, ...], str]:
    """The entries of a boot catalog: the default one, then those below section headers."""
    data = _block(stream, number)
    if len(data) < 64 or data[0] != 1 or data[30:32] != b"\x55\xaa":
        return (), f"there is no boot catalog at block {number}"
    problem = "the boot catalog's checksum is wrong" if sum(struct.unpack_from("<16H", data)) & 0xFFFF else ""
    boots = [_boot(data[1], data[32:64])]
    at, last = 64, False
    while at + 32 <= len(data) and not last and data[at] in _HEADERS:
        last, platform, count = data[at] == 0x91, data[at + 1], struct.unpack_from("<H", data, at + 2)[0]
        for row in range(at + 32, min(at + 32 + 32 * count, len(data) - 31), 32):
            boots.append(_boot(platform, data[row : row + 32]))
        at += 32 + 32 * count
    return tuple(boots), problem


def _boot(platform: int, row: bytes) -> Boot:
    media, sectors, block = struct.unpack_from("<BxxxxHI", row, 1)
    return Boot(
        _PLATFORMS.get(platform, f"platform {platform}"), row[0] == 0x88, _MEDIA.get(media & 15, f"type {media}"),
        block, sectors,
    )  # fmt: skip


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", "backslashreplace").strip()


def _date(field: bytes) -> str:
    """A date of 17 bytes: digits, and the offset from Greenwich in quarters of an hour."""
    match = _DATE.match(field)
    if match is None or field[:16] == b"0" * 16:
        return ""
    year, month, day, hour, minute, second = (part.decode() for part in match.groups())
    offset = struct.unpack_from("b", field, 16)[0] * 15
    zone = "UTC" if not offset else f"UTC{'+' if offset > 0 else '-'}{abs(offset) // 60:02}:{abs(offset) % 60:02}"
    return f"{year}-{month}-{day} {hour}:{minute}:{second} {zone}"
