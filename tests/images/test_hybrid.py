"""The first sector and what GRUB finds in its core image."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.images import hybrid
from glassmaster.images.iso import BootImages

BLOCKS = st.integers(20, 2**32 // 4 - 100_000)


def partition(sector: bytes) -> tuple[int, bytes, int, bytes, int, int]:
    """Status, first CHS, type, last CHS, start, number of sectors."""
    return struct.unpack("<B3sB3sII", sector[0x1BE : 0x1BE + 16])


@given(BLOCKS, BLOCKS, st.integers(1, 1 << 24), st.integers(0, 2**32 - 1))
def test_master_boot_record(core: int, efi: int, size: int, disk_id: int) -> None:
    code = bytes(range(256)) * 2
    sector = hybrid.master_boot_record(code, core_block=core, efi_block=efi, efi_bytes=size, disk_id=disk_id)
    assert len(sector) == 512 and sector[510:] == b"\x55\xaa"
    assert struct.unpack_from("<Q", sector, 0x1B0) == (core * 4 + 4,)
    assert struct.unpack_from("<I", sector, 0x1B8) == (disk_id,)
    status, _, kind, _, start, count = partition(sector)
    assert (status, kind, start, count) == (0x80, 0xEF, efi * 4, -(-size // 512))
    assert sector[0x1CE:510] == bytes(48)
    assert sector[:0x1B0] == code[:0x1B0]


@pytest.mark.parametrize(("sector", "chs"), [
    (0, (0, 0, 1)), (62, (0, 0, 63)), (63, (0, 1, 1)), (255 * 63, (1, 0, 1)), (1023 * 255 * 63, (1023, 0, 1)),
])  # fmt: skip
def test_cylinder_head_sector(sector: int, chs: tuple[int, int, int]) -> None:
    first = partition(hybrid.master_boot_record(bytes(512), core_block=0, efi_block=0, efi_bytes=512, disk_id=0))[1]
    assert first == b"\0\1\0"
    head, low, cylinder = hybrid.chs(sector)
    assert (cylinder | (low & 0xC0) << 2, head, low & 0x3F) == chs


def test_beyond_what_cylinders_can_say() -> None:
    assert hybrid.chs(1024 * 255 * 63) == b"\xfe\xff\xff"


def test_another_size_is_no_boot_sector() -> None:
    with pytest.raises(ValueError, match="511 bytes"):
        hybrid.master_boot_record(bytes(511), core_block=1, efi_block=1, efi_bytes=1, disk_id=1)


@given(st.binary(min_size=2560, max_size=6000), st.integers(1, 1 << 24))
def test_located_core(core: bytes, block: int) -> None:
    located = hybrid.located_core(core, block)
    assert len(located) == len(core)
    assert struct.unpack_from("<Q", located, 2548) == (block * 4 + 5,)
    descriptor, where, size, checksum = struct.unpack_from("<IIII", located, 8)
    assert (descriptor, where, size) == (16, block, len(core))
    padded = located[64:] + bytes(-len(located) % 4)
    assert checksum == sum(struct.unpack(f"<{len(padded) // 4}I", padded)) % 2**32
    assert located[24:64] == bytes(40)
    assert located[:8] + located[64:2548] + located[2556:] == core[:8] + core[64:2548] + core[2556:]


def test_the_finished_disc(awkward_iso: Path, boot: BootImages) -> None:
    data = awkward_iso.read_bytes()
    _, _, kind, _, start, count = partition(data[:512])
    assert kind == 0xEF and data[start * 512 :].startswith(boot.efi) and count * 512 == len(boot.efi)
    core_block = struct.unpack_from("<Q", data, 0x1B0)[0] // 4 - 1
    core = data[core_block * 2048 :][: len(boot.core)]
    assert hybrid.located_core(boot.core, core_block) == core


def test_no_gpt(awkward_iso: Path) -> None:
    # With one NetBSD makes wedges and cannot take its root from the disk.
    data = awkward_iso.read_bytes()
    assert b"EFI PART" not in data[: 16 * 2048]
    assert b"EFI PART" not in data[-64 * 1024 :]
    assert data[512 : 16 * 2048] == bytes(16 * 2048 - 512)
