"""The SBOM: valid for its own project's strictest validator, the same bytes each time, and what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from glassmaster.inputs.lock import Lock, LockedInput, LockedPackage
from glassmaster.recipe.load import LoadedRecipe, load
from glassmaster.release.artefacts import Digest
from glassmaster.release.identity import serial_number
from glassmaster.release.licences import SPDX, licence
from glassmaster.release.sbom import sbom
from glassmaster.release.sbom_components import Subject
from glassmaster.release.sbom_inputs import Image, PackageFacts, Share, shares
from glassmaster.tree.mtree import Listed
from tests.release.conftest import Released

SET = LockedInput(
    "amd64/binary/sets/base.tar.xz", "release", ("file:/mirror/base.tar.xz", "https://cdn.example.org/base.tar.xz"), 9,
    "ab" * 64, "signed",
)  # fmt: skip
XEN = LockedInput(
    "debian/xen-hypervisor-4.17-amd64", "debian", ("http://deb.example.org/x_4.17.7+1_amd64.deb",), 9, "cd" * 64, "apt",
    "4.17.7+1",
)  # fmt: skip
SUDO = LockedInput("packages/sudo-1.9.tgz", "package", ("https://p.example.org/All/sudo-1.9.tgz",), 9, "ef" * 64, "x")
PACKAGES = (
    LockedPackage("libx-2nb1", SUDO.name, 5), LockedPackage("sudo-1.9", SUDO.name, 5, (), {"libx>=1": "libx-2nb1"}),
)  # fmt: skip
FACTS = {
    "sudo-1.9": PackageFacts("Become somebody", {
        "LICENSE": "isc AND modified-bsd", "HOMEPAGE": "https://sudo.example.org/", "PKGPATH": "security/sudo",
        "MACHINE_ARCH": "x86_64", "OS_VERSION": "10.1",
    }),
}  # fmt: skip
DISC = Digest(7, "11" * 32, "22" * 64)
KERNEL = Digest(7, "33" * 32, "44" * 64)


def share(*contents: str) -> Share:
    return Share(3, len(contents), 100, "99" * 32, frozenset(contents))


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedRecipe:
    path = tmp_path / "racks.yaml"
    path.write_text(
        "description: racks\nepoch: 2026-01-01\nrelease: {version: '10.1', mirrors: ['http://m.invalid'], "
        "trust: first-use, sets: [base, etc]}\nkernel: {config: XEN3_DOM0}\n"
        "xen: {package: xen-hypervisor-4.17-amd64, member: boot/xen.gz}\noverlays: []\n"
        "media: {budget: cd80, volume_id: X}\n"
    )
    return load(path)


def document(loaded: LoadedRecipe) -> dict[str, Any]:
    lock = Lock("racks", {}, (SET, XEN, SUDO), packages={"dom0": PACKAGES})
    origins = {
        "set:base": share(), "kernel:XEN3_DOM0": share(KERNEL.sha256), "xen:4.17.7+1": share(), "overlay:ours": share(),
        "package:sudo-1.9": share(), "package:libx-2nb1": share(), "grub": share(), "domu:www": share(),
    }  # fmt: skip
    images = [
        Image("dom0", "dom0.iso", DISC, origins, PACKAGES, FACTS),
        Image("domu:www", "domu/www.img", KERNEL, {"set:base": share(), "made": share()}, (), {}),
    ]
    text = sbom(Subject(loaded, "0123456789ab", lock, {"dom0.iso": DISC, "kernel": KERNEL}), images)
    assert text == sbom(Subject(loaded, "0123456789ab", lock, {"dom0.iso": DISC, "kernel": KERNEL}), images)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    return dict(json.loads(text))


def by_name(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {f"{item.get('group', '')}:{item['name']}": item for item in document["components"]}


def test_what_it_says(loaded: LoadedRecipe) -> None:
    found = document(loaded)
    assert found["serialNumber"] == f"urn:uuid:{serial_number('0123456789ab')}"
    assert found["metadata"]["timestamp"] == "2026-01-01T00:00:00+00:00"
    parts = by_name(found)
    assert parts["set:base"]["purl"] == (
        f"pkg:generic/netbsd/base@10.1?arch=amd64&checksum=sha512:{SET.sha512}"
        "&download_url=https://cdn.example.org/base.tar.xz"
    )
    assert [item["url"] for item in parts["set:base"]["externalReferences"]] == ["https://cdn.example.org/base.tar.xz"]
    sudo = parts[":sudo"]
    assert sudo["purl"] == "pkg:bsd/netbsd/sudo@1.9?arch=x86_64&distro=10.1" and sudo["version"] == "1.9"
    assert sudo["licenses"] == [{"expression": "ISC AND BSD-3-Clause"}] and sudo["description"] == "Become somebody"
    assert parts[":libx"].get("licenses") is None
    assert parts[":xen"]["purl"] == "pkg:deb/debian/xen-hypervisor-4.17-amd64@4.17.7%2B1?arch=amd64"
    [kernel] = parts["kernel:XEN3_DOM0"]["components"]
    assert kernel["name"] == "kernel" and {item["content"] for item in kernel["hashes"]} == {
        KERNEL.sha256,
        KERNEL.sha512,
    }
    assert {item["name"] for item in parts["domu:www"]["components"]} == {"base", "made"}
    for part in found["components"]:
        assert "purl" not in part or PackageURL.from_string(part["purl"]).to_string() == part["purl"]


def test_what_needs_what(loaded: LoadedRecipe) -> None:
    found = document(loaded)
    parts = by_name(found)
    needs = {item["ref"]: item.get("dependsOn", []) for item in found["dependencies"]}
    assert needs[parts[":sudo"]["bom-ref"]] == [parts[":libx"]["bom-ref"]]
    assert set(needs[found["metadata"]["component"]["bom-ref"]]) == {item["bom-ref"] for item in found["components"]}
    inside = {item["bom-ref"] for item in parts["domu:www"]["components"]}
    assert set(needs[parts["domu:www"]["bom-ref"]]) == inside


def test_that_of_the_stand_in(released_once: Released) -> None:
    text = (released_once.folder / "sbom.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found = json.loads(text)
    assert "not NetBSD" in json.dumps(found["metadata"]["component"])
    purls = {item.get("purl", "").partition("/")[0] for item in found["components"]}
    assert purls == {"", "pkg:generic", "pkg:deb"}  # nothing of it is a package of NetBSD's
    images = [item for item in found["components"] if item.get("group") == "domu"]
    assert [item["name"] for item in images] == ["base", "small"] and all(item["components"] for item in images)


def test_a_digest_of_a_share_holds_what_is_in_it() -> None:
    def line(path: str, **other: Any) -> Listed:
        values = {"kind": "file", "mode": 0o444, "uid": 0, "gid": 0, "mtime": 1, "size": 5, "sha256": "ab", "link": ""}
        return Listed(path, **{**values, **other}, inode="", origin="set:base", hid=())

    one = shares([line("a"), line("b")])["set:base"]
    assert one == shares([line("b"), line("a")])["set:base"]
    assert (one.entries, one.files, one.bytes) == (2, 2, 10)
    others = [line("b", sha256="cd"), line("c"), line("b", kind="link", sha256="", link="x")]
    assert len({one.sha256, *(shares([line("a"), other])["set:base"].sha256 for other in others)}) == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("modified-bsd", "BSD-3-Clause"), ("isc AND mit", "ISC AND MIT"),
        ("mit AND (apache-2.0 OR gnu-gpl-v2)", "MIT AND (Apache-2.0 OR LicenseRef-pkgsrc-gnu-gpl-v2)"),
        ("gnu-gpl-v2", "gnu-gpl-v2"), ("gnu-gpl-v2 OR gnu-gpl-v3", "gnu-gpl-v2 OR gnu-gpl-v3"),
        ("mit AND", "mit AND"), ("(mit", "(mit"), ("mit / isc", "mit / isc"), ("mit isc", "mit isc"), ("  ", None),
    ],
)  # fmt: skip
def test_licences(text: str, expected: str | None) -> None:
    found = licence(text)
    if isinstance(found, LicenseExpression):
        assert found.value == expected
    elif isinstance(found, DisjunctiveLicense):
        assert (found.id or found.name) == expected
        assert bool(found.id) == (text in SPDX)
    else:
        assert expected is None


def test_licences_of_the_table_are_on_spdx_list() -> None:
    from cyclonedx.spdx import is_supported_id

    assert [value for value in SPDX.values() if not is_supported_id(value)] == []
