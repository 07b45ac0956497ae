"""`doit repro` on the stand-in: the whole matrix, as it is and with faults in its steps."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from glassmaster.checks.repro import contents
from glassmaster.checks.repro.artefacts import Release, release_below
from glassmaster.checks.repro.contents import inside
from glassmaster.checks.repro.matrix import AGAIN, ALL, RELEASE
from glassmaster.checks.repro.result import Repro, read_result
from glassmaster.tree.mtree import parse_mtree
from tests.repro.test_repro_faults import NAMED

if TYPE_CHECKING:
    from tests.build.conftest import Clone

BUILT = """\
boot: {root: ""}
kernel:
  source: built
  build:
    name: RACK
"""
INJECT = Path(__file__).parents[1] / "repro" / "inject"
# The serial number of the FAT image is the fault of `user`, too.
ARTEFACTS = {"dom0.iso", "dom0.mtree", "dom0.json"}
# Seconds after which a matrix counts as hung: it is more than twenty builds.
TIMEOUT = 1800


def result_of(clone: Clone) -> Repro:
    return read_result(clone.out("repro.json"))


@pytest.mark.parametrize(("image", "spec", "path"), [
    ("dom0.iso", "dom0.mtree", "etc/motd"), ("domu/base.img", "domu/base.mtree", "etc/rc"),
    ("domu/small.img", "domu/small.mtree", "etc/rc"),
])  # fmt: skip
def test_what_differs_inside_an_image_is_named_and_read(
    built: Clone, tmp_path: Path, image: str, spec: str, path: str
) -> None:
    one = release_below(built.path, "standin", Path("recipes/standin.lock"))
    two = Release(tmp_path / "out", one.grub, one.lock)
    shutil.copytree(one.out, two.out)
    tree = {item.path: item for item in parse_mtree((one.out / spec).read_text(), spec)}
    found = next((item for item in tree.values() if item.path == path), None) or next(
        item for item in tree.values() if item.kind == "file" and item.size > 30
    )
    plain = dict(inside_bytes(one.out / image, found.path))[found.path]
    other = b"host there" + plain[10:]
    data = (two.out / image).read_bytes()
    assert data.count(plain) >= 1
    (two.out / image).write_bytes(data.replace(plain, other))
    digest = hashlib.sha256(other).hexdigest()
    (two.out / spec).write_text((two.out / spec).read_text().replace(found.sha256, digest))
    names, pairs = inside(image, one, two)
    assert f"{found.path}: content" in names
    assert {(pair.plain, pair.other) for pair in pairs if pair.name == found.path} == {(plain, other)}


def inside_bytes(image: Path, path: str) -> Iterator[tuple[str, bytes]]:
    return contents._members(image, {path})


@pytest.mark.slow
def test_the_standin_is_the_same_in_all_surroundings(built: Clone) -> None:
    done = built.doit("repro", timeout=TIMEOUT)
    assert done.returncode == 0, done.stdout
    result = result_of(built)
    assert result.passed and len(result.variations) >= 14
    assert [row for row in result.variations if not (row.ran and row.identical) or row.differing] == []
    assert set(result.artefacts) >= {
        "dom0.iso", "dom0.mtree", "dom0.json", "kernel.config", "domu/base.img", "domu/small.img", "domu/SHA512",
        "boot/core.img", "boot/efi.img", "boot/boot_hybrid.img", "lock/standin.lock",
    }  # fmt: skip
    assert f"{len(result.artefacts)} artefacts identical" in done.stdout
    # Nothing but the result is left of it.
    assert not (built.path / "build" / "standin" / "repro").exists()
    schema = json.loads((built.path / "docs" / "repro.schema.json").read_text())
    import jsonschema

    jsonschema.validate(json.loads(built.out("repro.json").read_text()), schema)


@pytest.mark.slow
def test_quick(built: Clone) -> None:
    done = built.doit("repro", "--quick", timeout=TIMEOUT)
    assert done.returncode == 0, done.stdout
    assert [row.name for row in result_of(built).variations] == [RELEASE, "incremental", "resumed", ALL]
    for row in result_of(built).variations[2:]:
        assert {"standin", "sets", "kernel", "grub", "domu", "mtree", "iso"} <= set(row.rebuilt)
        assert row.from_store == ("downloads",)
    # The result stands until something changes, or more is asked for.
    assert "up to date" in built.doit("repro", "--quick").stdout
    assert "quick: true -> false" in built.doit("plan", "repro").stdout.lower()


@pytest.mark.slow
def test_kernels_from_source_are_built_again_and_their_tools_when_asked_for(built: Clone) -> None:
    built.recipe("rack", BUILT)
    for options, store in (((), ("downloads", "toolchain")), (("--toolchain",), ("downloads",))):
        done = built.doit("repro", "--quick", *options, "recipe=rack", timeout=TIMEOUT)
        assert done.returncode == 0, done.stdout
        result = read_result(built.out("repro.json", "rack"))
        assert result.toolchain == bool(options)
        for row in (result.plain, *result.variations[2:]):
            assert row.from_store == store and "kernel" in row.rebuilt
            assert ("toolchain" in row.rebuilt) == bool(options)
        incremental = result.variations[1]
        assert incremental.name == "incremental" and "kernel" in incremental.rebuilt


@pytest.mark.slow
def test_faults_in_the_steps_are_found_and_named_in_the_tree(built: Clone) -> None:
    environment = {"PYTHONPATH": str(INJECT)}
    # The release itself has the faults, too.
    built.out("dom0.iso").unlink()
    done = built.doit("repro", environment=environment, timeout=TIMEOUT)
    assert done.returncode == 1, done.stdout
    result = result_of(built)
    assert {row.name: row.failure for row in result.variations if row.failure} == {}
    rows = {row.name: row for row in result.variations}
    names = [name for name in rows if name not in (RELEASE, AGAIN, ALL)]
    assert set(result.causes) == set(names)
    for name in names:
        differing = {item.artefact: item for item in rows[name].differing}
        assert set(differing) == ARTEFACTS | ({"boot/efi.img"} if name == "user" else set()), name
        entries = differing["dom0.iso"].entries
        assert [entry.partition(":")[0] for entry in entries] == [f"leak/{name}"]
        assert differing["dom0.iso"].sources[0].what == NAMED[name]
        assert differing["dom0.iso"].reports and not differing["dom0.iso"].problems
    assert f"leak/user: uid {os.geteuid()} -> " in done.stdout
    assert "leak/umask: mode 0644 -> 0600" in done.stdout
    explained = next(item for item in rows["user"].differing if item.artefact == "boot/efi.img")
    text = (built.path / "out" / "standin" / explained.reports[0]).read_text()
    assert "serial number" in text and not explained.problems
