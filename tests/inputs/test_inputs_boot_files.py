"""The kernel and the hypervisor as layers."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.inputs import boot_files
from glassmaster.inputs.boot_files import kernel_layer, xen_layer
from glassmaster.inputs.store import Store
from glassmaster.tree.blob import Blob, new_blob
from glassmaster.tree.entry import Entry

ELF = b"\x7fELF" + bytes(5000)


@pytest.fixture
def blob(tmp_path: Path) -> Iterator[Blob]:
    with new_blob(tmp_path / "blob") as made:
        yield made


@pytest.mark.parametrize("form", [gzip.compress, bytes])
def test_the_kernel_is_not_compressed(form: Callable[[bytes], bytes], blob: Blob) -> None:
    layer = kernel_layer(iter([form(ELF)]), "XEN3_DOM0", 5, blob)
    assert layer.origin == "kernel:XEN3_DOM0"
    assert layer.entries == (Entry("netbsd", "file", 0o555, 0, 0, 5, content=blob.add(ELF)),)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (gzip.compress(ELF, mtime=0)[:-9], "the compressed data is damaged"),
        (gzip.compress(b"text", mtime=0), "not an ELF file"),
        (b"", "not an ELF file"),
        (b"<html>", "not an ELF file"),
    ],
)
def test_what_is_no_kernel(data: bytes, what: str, blob: Blob) -> None:
    with pytest.raises(GlassmasterError, match=f"kernel XEN3_DOM0: {what}"):
        kernel_layer(iter([data]), "XEN3_DOM0", 5, blob)


def test_a_kernel_without_end(blob: Blob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boot_files, "KERNEL_LIMIT", 4000)
    with pytest.raises(GlassmasterError, match="kernel GENERIC: unpacks to more than 4,000 bytes"):
        kernel_layer(iter([gzip.compress(ELF)]), "GENERIC", 5, blob)


def test_a_kernel_that_changed_in_the_store(store: Store, blob: Blob) -> None:
    sha512 = store.add([gzip.compress(ELF, mtime=0)], what="x").sha512
    store.path(sha512).write_bytes(gzip.compress(ELF + b"more"))
    with pytest.raises(GlassmasterError, match=r"netbsd-GENERIC.gz: the store's copy has changed"):
        kernel_layer(store.read(sha512, "netbsd-GENERIC.gz"), "GENERIC", 5, blob)


@pytest.mark.parametrize("data", [gzip.compress(ELF, mtime=0), ELF])
def test_the_hypervisor_stays_as_it_came(data: bytes, tmp_path: Path, blob: Blob) -> None:
    file = tmp_path / "xen-4.17-amd64.gz"
    file.write_bytes(data)
    layer = xen_layer(file, "4.17.5", 5, blob)
    assert layer.origin == "xen:4.17.5"
    assert layer.entries == (Entry("boot/xen.gz", "file", 0o444, 0, 0, 5, content=blob.add(data)),)


def test_what_is_no_hypervisor(tmp_path: Path, blob: Blob) -> None:
    file = tmp_path / "xen.gz"
    file.write_bytes(b"text")
    with pytest.raises(GlassmasterError, match=r"xen\.gz: neither gzip'd nor ELF"):
        xen_layer(file, "4.17", 5, blob)
