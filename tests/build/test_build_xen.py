"""Xen from pkgsrc, in a repository of the stand-in's form: locked with the dom0's packages, and on the disc."""

from __future__ import annotations

import gzip
import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from glassmaster.checks.readback import read_iso
from glassmaster.inputs.checksums import format_checksums
from glassmaster.inputs.standin.content import Item
from glassmaster.inputs.standin.package_archive import COMPRESSORS, StandinPackage, members, tar_of
from glassmaster.inputs.standin.package_repository import summary_record

if TYPE_CHECKING:
    from tests.build.conftest import Clone

MIRROR, REPOSITORY = "build/standin/mirror", "build/xen-packages"
XEN = gzip.compress(b"\x7fELF: no hypervisor at all", mtime=0)
OURS = "xen: {source: pkgsrc, package: xenkernel420, member: xen420-kernel/xen.gz}\n"
SYSTEM = ("x86_64", "standin-1")


@pytest.fixture
def clone(built: Clone) -> Clone:
    """With a repository that has xentools and Xen, and a pkgset of both."""
    folder = built.path / REPOSITORY
    (folder / "All").mkdir(parents=True)
    records, digests = [], {}
    for package in (
        StandinPackage("xenkernel420-20260610nb1", "Xen", (Item("xen420-kernel/xen.gz", data=XEN),)),
        StandinPackage("xentools420-20260610nb2", "xl", (Item("sbin/xl", data=b"xl", mode=0o555),)),
    ):
        data = COMPRESSORS["gzip"](tar_of(members(package, *SYSTEM), 1))
        (folder / "All" / f"{package.name}.tgz").write_bytes(data)
        digests[f"All/{package.name}.tgz"] = hashlib.sha512(data).hexdigest()
        records.append(summary_record(package, data, SYSTEM))
    (folder / "All/pkg_summary.gz").write_bytes(COMPRESSORS["gzip"]("\n".join(records).encode()))
    (folder / "SHA512.bz2").write_bytes(COMPRESSORS["bzip2"](format_checksums("SHA512", digests).encode()))
    packages = "packages:\n  xentools420: wanted here\n  xenkernel420: wanted here\n"
    (built.path / "pkgsets/xen.yaml").write_text(f"description: d\n{packages}")
    return built


def recipe(clone: Clone, xen: str) -> str:
    """A recipe that is not the stand-in's, with these packages."""
    mirror, repository = (clone.path / MIRROR).as_uri(), (clone.path / REPOSITORY).as_uri()
    return clone.recipe(
        "real",
        f"standin: ~\nrelease: {{trust: first-use, mirrors: ['{mirror}']}}\ndomus: {{}}\n"
        f"packages: {{repository: ['{repository}'], sets: [xen]}}\n{xen}",
    )


@pytest.mark.slow
def test_it_is_the_discs_hypervisor(clone: Clone) -> None:
    word = recipe(clone, OURS)
    result = clone.doit("iso", f"recipe={word}")
    assert result.returncode == 0, result.stdout
    lock = json.loads((clone.path / "recipes/real.lock").read_bytes())
    names = [item["name"] for item in lock["inputs"]]
    assert "packages/xenkernel420-20260610nb1.tgz" in names
    assert not [name for name in names if name.startswith("debian/xen")]
    found = {item.path: item for item in read_iso(clone.out("dom0.iso", "real"))}
    digest = hashlib.sha256(XEN).hexdigest()
    assert found["boot/xen.gz"].sha256 == found["usr/pkg/xen420-kernel/xen.gz"].sha256 == digest
    why = clone.doit("why", "boot/xen.gz", f"recipe={word}")
    assert "xen420-kernel/xen.gz of xenkernel420-20260610nb1.tgz" in why.stdout
    released = clone.doit("release", f"recipe={word}", "without=repro,smoke,readback,diff,signature")
    assert released.returncode == 0, released.stdout
    parts = json.loads(clone.out("release/sbom.cdx.json", "real").read_bytes())["components"]
    xen = [part for part in parts if part["name"] in ("xen", "xenkernel420")]
    assert [(part["name"], part["version"]) for part in xen] == [
        ("xenkernel420", "20260610nb1"), ("xen", "xenkernel420-20260610nb1"),
    ]  # fmt: skip


def test_debians_of_another_number_stops_the_build(clone: Clone) -> None:
    result = clone.doit("xen", f"recipe={recipe(clone, '')}")
    assert result.returncode == 1
    assert "is Xen 4.17, and the dom0's packages have xentools420-20260610nb2" in " ".join(result.stdout.split())
    assert "source: pkgsrc, package: xenkernel420" in " ".join(result.stdout.split())
