"""The kernel and the hypervisor as layers."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.boot_files import kernel_layer, xen_layer
from glassmaster.inputs.kernel import file
from glassmaster.inputs.kernel.file import kernel_bytes
from glassmaster.inputs.store import Store
from glassmaster.tree.blob import Blob, new_blob
from glassmaster.tree.entry import Entry

ELF = b"\x7fELF" + bytes(5000)


@pytest.fixture
def blob(tmp_path: Path) -> Iterator[Blob]:
    with new_blob(tmp_path / "blob") as made:
        yield made


def test_kernels_lie_at_the_top_under_their_names(blob: Blob) -> None:
    layer = kernel_layer({"netbsd": ELF, "netbsd-usb": ELF + b"more"}, "DOM0CD", 5, blob)
    assert layer.origin == "kernel:DOM0CD"
    assert layer.entries == (
        Entry("netbsd", "file", 0o555, 0, 0, 5, content=blob.add(ELF)),
        Entry("netbsd-usb", "file", 0o555, 0, 0, 5, content=blob.add(ELF + b"more")),
    )


@pytest.mark.parametrize("form", [gzip.compress, bytes])
def test_a_kernel_is_read_plain_and_compressed(form: Callable[[bytes], bytes]) -> None:
    assert kernel_bytes(iter([form(ELF)]), "kernel XEN3_DOM0") == ELF


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (gzip.compress(ELF, mtime=0)[:-9], "the compressed data is damaged"),
        (gzip.compress(b"text", mtime=0), "not an ELF file"),
        (b"", "not an ELF file"),
        (b"<html>", "not an ELF file"),
    ],
)
def test_what_is_no_kernel(data: bytes, what: str) -> None:
    with pytest.raises(GlassmasterError, match=f"kernel XEN3_DOM0: {what}"):
        kernel_bytes(iter([data]), "kernel XEN3_DOM0")


def test_a_kernel_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "KERNEL_LIMIT", 4000)
    with pytest.raises(GlassmasterError, match="kernel GENERIC: unpacks to more than 4,000 bytes"):
        kernel_bytes(iter([gzip.compress(ELF)]), "kernel GENERIC")


def test_a_kernel_that_changed_in_the_store(store: Store) -> None:
    sha512 = store.add([gzip.compress(ELF, mtime=0)], what="x").sha512
    store.path(sha512).write_bytes(gzip.compress(ELF + b"more"))
    with pytest.raises(GlassmasterError, match=r"netbsd-GENERIC.gz: the store's copy has changed"):
        kernel_bytes(store.read(sha512, "netbsd-GENERIC.gz"), "kernel GENERIC")


def test_a_kernel_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(GlassmasterError, match="netbsd: cannot be read\n  No such file"):
        file.read_kernel(tmp_path / "netbsd")


@pytest.mark.parametrize("data", [gzip.compress(ELF, mtime=0), ELF])
def test_the_hypervisor_stays_as_it_came(data: bytes, blob: Blob) -> None:
    layer = xen_layer(data, "boot/xen-4.17-amd64.gz", "4.17.5", 5, blob)
    assert layer.origin == "xen:4.17.5"
    assert layer.entries == (Entry("boot/xen.gz", "file", 0o444, 0, 0, 5, content=blob.add(data)),)


def test_what_is_no_hypervisor(blob: Blob) -> None:
    with pytest.raises(GlassmasterError, match=r"xen\.gz: neither gzip'd nor ELF"):
        xen_layer(b"text", "xen.gz", "4.17", 5, blob)
