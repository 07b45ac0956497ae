"""The kernel and the hypervisor as layers."""

from __future__ import annotations

from collections.abc import Mapping

from glassmaster.errors import GlassmasterError
from glassmaster.tree.blob import Blob
from glassmaster.tree.entry import Entry
from glassmaster.tree.layer import Layer

KERNEL_PATH, XEN_PATH = "netbsd", "boot/xen.gz"
KERNEL_MODE, XEN_MODE = 0o555, 0o444
ELF_MAGIC, GZIP_MAGIC = b"\x7fELF", b"\x1f\x8b"


def kernel_layer(kernels: Mapping[str, bytes], name: str, epoch: int, blob: Blob) -> Layer:
    """Kernels by file name: netbsd at /netbsd, as ksyms(4), config(1) and savecore(8) expect it, not compressed.

    name: of their configuration.
    """
    entries = [
        Entry(file, "file", KERNEL_MODE, 0, 0, epoch, content=blob.add(data)) for file, data in sorted(kernels.items())
    ]
    return Layer(f"kernel:{name}", tuple(entries))


def xen_layer(data: bytes, name: str, version: str, epoch: int, blob: Blob) -> Layer:
    """The hypervisor, compressed as it came: GRUB unpacks it. name: what errors call it."""
    if not data.startswith((GZIP_MAGIC, ELF_MAGIC)):
        raise GlassmasterError(f"{name}: neither gzip'd nor ELF", why="GRUB could not start it")
    entry = Entry(XEN_PATH, "file", XEN_MODE, 0, 0, epoch, content=blob.add(data))
    return Layer(f"xen:{version}", (entry,))
