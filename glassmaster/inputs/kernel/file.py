"""A kernel's file: plain or gzip'd, as it lies on a mirror, in a release or on a server's disc."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.decompress import CHUNK, unpacked

KERNEL_LIMIT = 1 << 30
ELF_MAGIC = b"\x7fELF"


def kernel_bytes(packed: Iterator[bytes], name: str) -> bytes:
    """The ELF file of a kernel, of its bytes in pieces; raises GlassmasterError where they are none."""
    data = b"".join(unpacked(packed, name, KERNEL_LIMIT))
    if not data.startswith(ELF_MAGIC):
        raise GlassmasterError(f"{name}: not an ELF file", why=f"it begins with {data[:4]!r}")
    return data


def read_kernel(path: Path) -> bytes:
    """The ELF file of a kernel on this machine."""
    return kernel_bytes(_pieces(path), str(path))


def _pieces(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as stream:
            while piece := stream.read(CHUNK):
                yield piece
    except (OSError, ValueError) as error:
        raise GlassmasterError(f"{path}: cannot be read", why=getattr(error, "strerror", None) or str(error)) from error
