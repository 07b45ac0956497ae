"""A release of the stand-in, made once in a test run, by doit as a user starts it; results of checks are made up."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from glassmaster.checks.repro.result import Repro, Row, write_result
from glassmaster.diff.model import Item, Result, Section, Side, TreeDiff, Verdict, dumps
from glassmaster.release.artefacts import digest_of
from tests.build.conftest import Clone, copy_repository


@dataclass(frozen=True)
class Released:
    """A clone with a release, and by whose key it is signed."""

    clone: Clone
    key: Path
    signers: Path

    @property
    def folder(self) -> Path:
        """The release."""
        return self.clone.out("release")

    def doit(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run doit with the key."""
        return self.clone.doit(*arguments, environment={"GLASSMASTER_SIGNING_KEY": str(self.key)}, **options)


def make_key(folder: Path, name: str = "key") -> Path:
    """A key that signs."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder / name], check=True)
    return folder / name


def signers_for(key: Path, path: Path) -> Path:
    """The file of allowed signers for it."""
    path.write_text(f'glassmaster namespaces="glassmaster" {key.with_name(key.name + ".pub").read_text()}')
    return path


def make_up_results(clone: Clone) -> None:
    """Results of smoke, repro and diff that fit what was built: the tests of those have real ones."""
    iso = digest_of(clone.out("dom0.iso")).sha256
    release_id = json.loads(clone.out("dom0.json").read_text())["release_id"]
    boots = [
        {"scenario": name, "failure": "", "expected": ["menu", "Xen"], "seconds": 2.5, "last_lines": [], "reached": [
            {"name": "menu", "seconds": 1.0, "line": "GRUB"}, {"name": "Xen", "seconds": 2.0, "line": "Xen 4.17"}]}
        for name in ("bios", "uefi")
    ]  # fmt: skip
    smoke = {"image": {"path": "out/standin/dom0.iso", "sha256": iso}, "boots": boots}
    clone.out("smoke").mkdir(exist_ok=True)
    clone.out("smoke/smoke.json").write_text(json.dumps(smoke))
    rows = [Row(name, "in words", True, 1.5, True, (), "", ("iso",), ()) for name in ("plain", "clock")]
    images = sorted(clone.out("domu").glob("*.img"))
    again = {"dom0.iso": iso, **{f"domu/{path.name}": digest_of(path).sha256 for path in images}}
    repro = Repro("standin", release_id, again, rows[0], (rows[1],), (), (), quick=False, toolchain=False)
    write_result(clone.out("repro.json"), repro)
    old, new = (
        Side("a release", "release", "standin", name, "title", True, sha256=digest)
        for name, digest in (("0123456789ab", "0" * 64), (release_id, iso))
    )
    item = Item("sudo", "up", "1.8", "1.9")
    tree = TreeDiff("", 5, 5, sections=(Section("packages", (item,)),))
    clone.out("diff.json").write_text(dumps(Result(old, new, (tree,), Verdict("allowed"))))
    clone.out("diff.md").write_text("sudo: 1.8 to 1.9\n")
    clone.out("smoke/bios").mkdir(exist_ok=True)
    clone.out("smoke/bios/serial.log").write_text("GNU GRUB\n")


@pytest.fixture(scope="session")
def released_once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Released:
    """Not to be changed."""
    base = tmp_path_factory.getbasetemp()
    top = (base if worker_id == "master" else base.parent) / "released"
    top.mkdir(exist_ok=True)
    clone = Clone(top / "clone", top / "store")
    with (top / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (top / "done").exists():
            shutil.rmtree(clone.path, ignore_errors=True)
            copy_repository(clone.path)
            signers_for(make_key(top), top / "signers")
            assert (built := clone.doit("iso")).returncode == 0, built.stdout
            make_up_results(clone)
            result = Released(clone, top / "key", top / "signers").doit("release")
            assert result.returncode == 0, result.stdout
            (top / "done").write_text(result.stdout)
    return Released(clone, top / "key", top / "signers")


@pytest.fixture
def released(released_once: Released, tmp_path: Path) -> Released:
    """A clone of one's own with the release."""
    shutil.copytree(released_once.clone.path, tmp_path / "clone", symlinks=True)
    return Released(Clone(tmp_path / "clone", released_once.clone.store), released_once.key, released_once.signers)


@pytest.fixture
def copy(released_once: Released, tmp_path: Path) -> Path:
    """A copy of the release alone, to be tampered with."""
    shutil.copytree(released_once.folder, tmp_path / "release")
    return tmp_path / "release"


@pytest.fixture(scope="session")
def another_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of somebody who is not among the signers."""
    return make_key(tmp_path_factory.mktemp("another"))
