"""What is this file? By its own bytes, never by its name."""

from __future__ import annotations

import re
import stat
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.kernel.file import ELF_MAGIC, KERNEL_LIMIT
from glassmaster.inputs.pkgsrc.ar import MAGIC
from glassmaster.inspection.archives import archive
from glassmaster.inspection.discs import disc, ffs, specification
from glassmaster.inspection.disks import disk
from glassmaster.inspection.kernels import kernel_facts
from glassmaster.inspection.model import Report
from glassmaster.inspection.partitions import SECTOR, read_mbr

_HEAD = 1 << 17
_ISO_AT, _ISO = 32769, b"CD001"
_FFS = ((65536 + 1372, 0x19540119), (8192 + 1372, 0x011954), (8192 + 1372, 0x19540119))
_TAR_AT, _TAR = 257, b"ustar"
_GZIP = b"\x1f\x8b"
_PACKED = (_GZIP, b"\xfd7zXZ\0", b"BZh", b"\x28\xb5\x2f\xfd")
# A line of an mtree specification: our own full paths, or the nested style with its defaults.
_SPECIFICATION = re.compile(rb"^(?:#mtree|/set[ \t]|\.(?:/\S*)?[ \t]+(?:\\|\w+=))", re.MULTILINE)
KNOWN = "a disc, a domU image, a hard-disk image, a kernel, a set, a package, an mtree specification"


def look(path: Path, label: str) -> Report:
    """Look into a file; raises GlassmasterError where it is nothing of these, or damaged."""
    head = _head(path, label)
    looker = _looker(head)
    if looker is None:
        raise GlassmasterError(
            f"{label}: nothing that is known here", why=f"it begins with {head[:16]!r}", hint=f"known are {KNOWN}"
        )
    try:
        return looker(path, label)
    except OSError as error:
        raise GlassmasterError(f"{label}: cannot be read", why=error.strerror or str(error)) from error


def _head(path: Path, label: str) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            inner = path / "dom0.iso"
            hint = f"its disc is {inner}" if inner.is_file() else "name a file"
            raise GlassmasterError(f"{label}: a directory", hint=hint)
        if not stat.S_ISREG(mode):
            raise GlassmasterError(f"{label}: not a plain file", hint="copy what it holds into a file first")
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except (OSError, ValueError) as error:
        raise GlassmasterError(f"{label}: cannot be read", why=getattr(error, "strerror", "") or str(error)) from error
    if not head:
        raise GlassmasterError(f"{label}: an empty file")
    return head


def _looker(head: bytes) -> Callable[[Path, str], Report] | None:
    """Who knows a file that begins so. A disc may have an MBR, and a disk something behind it: the order counts."""
    if head[_ISO_AT : _ISO_AT + len(_ISO)] == _ISO:
        return disc
    if any(head[at : at + 4] == struct.pack("<I", magic) for at, magic in _FFS):
        return ffs
    if head.startswith(ELF_MAGIC):
        return _kernel
    if head.startswith(_PACKED):
        return _packed
    if head.startswith(MAGIC) or head[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
        return archive
    if read_mbr(head[:SECTOR]):
        return disk
    return specification if b"\0" not in head and _SPECIFICATION.search(head) else None


def _kernel(path: Path, label: str) -> Report:
    if path.stat().st_size > KERNEL_LIMIT:
        raise GlassmasterError(f"{label}: {path.stat().st_size:,} bytes, too large for a kernel")
    report = kernel_facts(path.read_bytes(), label, whole=True)
    if "version" not in dict(report.facts) and not report.tables:
        raise GlassmasterError(
            f"{label}: an ELF file, but no kernel of NetBSD", why="neither a version nor a configuration is in it"
        )
    return report


def _packed(path: Path, label: str) -> Report:
    """A kernel may be gzip'd, as on NetBSD's mirrors; everything else that is packed is an archive."""
    with path.open("rb") as stream:
        head = stream.read(1 << 12)
    return _kernel(path, label) if _unpacked(head) == ELF_MAGIC else archive(path, label)


def _unpacked(head: bytes) -> bytes:
    """The first bytes of what is gzip'd; nothing of what is not."""
    try:
        return zlib.decompressobj(31).decompress(head, 4)
    except zlib.error:
        return b""
