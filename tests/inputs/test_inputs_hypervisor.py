"""The hypervisor of Debian's or pkgsrc's package, and the xentools that go with it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.hypervisor import hypervisor, package_row, require_same_number
from glassmaster.inputs.lock import LockedInput, LockedPackage
from glassmaster.inputs.record import Record, read_record, write_record
from glassmaster.inputs.standin.content import Item
from glassmaster.inputs.standin.package_archive import COMPRESSORS, StandinPackage, members, tar_of
from glassmaster.inputs.store import Store
from glassmaster.recipe.model import Xen

XEN = gzip.compress(b"\x7fELF hypervisor", mtime=0)
NAME = "xenkernel420-20260610nb1"
OURS = Xen(source="pkgsrc", package="xenkernel420", member="xen420-kernel/xen.gz")
DEBIAN = Xen(package="xen-hypervisor-4.17-amd64", member="boot/xen-4.17-amd64.gz")


def recorded(folder: Path, store: Store, *names: str) -> Record:
    """The inputs of a dom0 with these packages, all alike, and with Debian's Xen, whose file is not here."""
    package = StandinPackage(NAME, "Made", (Item("xen420-kernel/xen.gz", data=XEN),))
    data = COMPRESSORS["gzip"](tar_of(members(package, "x86_64", "10.0"), 1))
    sha512 = store.add([data], what="x").sha512
    rows = [
        LockedInput(f"packages/{name}.tgz", "package", ("file:/x",), len(data), sha512, "first-use") for name in names
    ]
    debian = LockedInput(
        f"debian/{DEBIAN.package}", "debian", ("file:/y",), 1, "0" * 128, "apt", "4.17.5+72-g01140da4e8-1"
    )
    chosen = tuple(LockedPackage(name, f"packages/{name}.tgz", 1) for name in names)
    write_record(folder / "inputs.json", "0123456789ab", [*rows, debian], {"dom0": chosen} if names else None)
    return read_record(folder / "inputs.json")


def test_out_of_pkgsrcs_package(tmp_path: Path, store: Store) -> None:
    inputs = recorded(tmp_path, store, "xentools420-20260610nb2", NAME)
    found = hypervisor(OURS, inputs, store)
    assert (found.version, found.data) == (NAME, XEN)
    assert package_row(OURS, inputs)["name"] == f"packages/{NAME}.tgz"
    assert package_row(DEBIAN, inputs)["urls"] == ["file:/y"]


def test_a_file_that_the_package_has_not(tmp_path: Path, store: Store) -> None:
    inputs = recorded(tmp_path, store, NAME)
    other = Xen(source="pkgsrc", package="xenkernel420", member="xen420-kernel/xen-debug.gz")
    with pytest.raises(GlassmasterError, match=f"{NAME}.tgz has no file xen420-kernel/xen-debug.gz") as caught:
        hypervisor(other, inputs, store)
    assert caught.value.why == "it has xen420-kernel/xen.gz"


@pytest.mark.parametrize("names", [(), ("xenkernel42-1", "screen-5.0")])
def test_a_package_that_is_not_among_the_dom0s(tmp_path: Path, store: Store, names: tuple[str, ...]) -> None:
    with pytest.raises(GlassmasterError, match="xenkernel420 is none of the dom0's packages") as caught:
        hypervisor(OURS, recorded(tmp_path, store, *names), store)
    assert "pkgset" in caught.value.hint


def test_xentools_of_another_number_stop_the_build(tmp_path: Path, store: Store) -> None:
    with pytest.raises(GlassmasterError) as caught:
        hypervisor(DEBIAN, recorded(tmp_path, store, "xentools420-20260610nb2"), store)
    message = str(caught.value)
    assert "xen-hypervisor-4.17-amd64 is Xen 4.17, and the dom0's packages have xentools420-20260610nb2" in message
    assert "xen: {source: pkgsrc, package: xenkernel420, member: xen420-kernel/xen.gz}" in message
    with pytest.raises(GlassmasterError, match=r"xenkernel420 is Xen 4\.20.* which is for Xen 4\.18"):
        hypervisor(OURS, recorded(tmp_path, store, "xentools418-20260609", NAME), store)


def test_what_goes_together_or_cannot_be_told() -> None:
    require_same_number("xen-hypervisor-4.17-amd64", "417", ["xentools417-4.17.5", "screen-5.0"])
    require_same_number("xen-hypervisor", "", ["xentools420-20260610"])
    require_same_number("xenkernel420", "420", ["xenkernel420-20260610", "py-xentools-1"])
