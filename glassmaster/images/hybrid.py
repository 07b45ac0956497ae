"""What lets a BIOS start the disc as a stick too: GRUB's boot_hybrid.img in the first sector, an MBR, padding.

Never a GPT: with one NetBSD makes wedges and cannot take its root from the disk. The single partition is the UEFI
system partition, the FAT image inside the ISO. Both block addresses that GRUB needs are patched in here.
Sources: grub-core/boot/i386/pc/{boot,cdboot,diskboot}.S, the boot information table of mkisofs(8) -boot-info-table.
"""

from __future__ import annotations

import struct

SECTOR, BLOCK = 512, 2048
SECTORS_PER_BLOCK = BLOCK // SECTOR
# Reading ahead past the last file must not leave the disc: GRUB got garbage there, without an error.
PADDING = 300 * 1024

_KERNEL_SECTOR_AT = 0x1B0  # boot_hybrid.img: 64-bit address of the sector after cdboot.img
_DISK_ID_AT, _TABLE_AT, _SIGNATURE = 0x1B8, 0x1BE, b"\x55\xaa"
_ACTIVE, _EFI_SYSTEM = 0x80, 0xEF
_BLOCKLIST_AT = 2548  # diskboot.img follows the four sectors of cdboot.img; its block list begins at 500
_INFO_TABLE_AT, _INFO_TABLE_END = 8, 64


def master_boot_record(boot_hybrid: bytes, *, core_block: int, efi_block: int, efi_bytes: int, disk_id: int) -> bytes:
    """The first sector: GRUB's code, where the core image is, and one partition on the FAT image.

    core_block, efi_block: addresses in blocks of 2048 bytes; disk_id: 32 bits.
    """
    if len(boot_hybrid) != SECTOR:
        raise ValueError(f"boot_hybrid.img has {len(boot_hybrid)} bytes, expected {SECTOR}")
    sector = bytearray(boot_hybrid)
    struct.pack_into("<Q", sector, _KERNEL_SECTOR_AT, core_block * SECTORS_PER_BLOCK + 4)
    struct.pack_into("<I", sector, _DISK_ID_AT, disk_id)
    start, count = efi_block * SECTORS_PER_BLOCK, -(-efi_bytes // SECTOR)
    entry = struct.pack("<B3sB3sII", _ACTIVE, chs(start), _EFI_SYSTEM, chs(start + count - 1), start, count)
    sector[_TABLE_AT : _TABLE_AT + 64] = entry.ljust(64, b"\0")
    sector[510:512] = _SIGNATURE
    return bytes(sector)


def located_core(core: bytes, core_block: int) -> bytes:
    """The core image with its own address: in diskboot's block list (disks) and the boot information table (CDs)."""
    patched = bytearray(core)
    struct.pack_into("<Q", patched, _BLOCKLIST_AT, core_block * SECTORS_PER_BLOCK + 5)
    padded = bytes(patched).ljust(-(-len(patched) // 4) * 4, b"\0")
    words = struct.unpack(f"<{(len(padded) - _INFO_TABLE_END) // 4}I", padded[_INFO_TABLE_END:])
    table = struct.pack("<IIII", 16, core_block, len(core), sum(words) & 0xFFFFFFFF)
    patched[_INFO_TABLE_AT:_INFO_TABLE_END] = table.ljust(_INFO_TABLE_END - _INFO_TABLE_AT, b"\0")
    return bytes(patched)


def chs(sector: int) -> bytes:
    """A sector as cylinder, head, sector of 255 x 63; addresses beyond 1023 cylinders as the highest one."""
    cylinder, rest = divmod(sector, 255 * 63)
    if cylinder > 1023:
        return b"\xfe\xff\xff"
    head, in_track = divmod(rest, 63)
    return bytes([head, (in_track + 1) | (cylinder >> 2 & 0xC0), cylinder & 0xFF])
