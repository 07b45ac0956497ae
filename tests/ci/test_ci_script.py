"""ci/build.sh, run whole: a repository with a tag, a change after it, and a tag of that, which is released."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ci.checkout import Checkout

REPOSITORY = Path(__file__).resolve().parents[2]
PARTS = (
    "dodo.py", "pyproject.toml", ".gitignore", "ci", "recipes", "overlays", "pkgsets", "requirements", "glassmaster",
    "docs", "README.md", "LICENSE",
)  # fmt: skip
SECONDS = 3600
DOIT = f'#!/bin/sh\nexec {sys.executable} -m glassmaster "$@"\n'


@dataclass(frozen=True)
class Clone(Checkout):
    """A clone that a runner has checked out."""

    def commit(self, tag: str = "") -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "x")
        if tag:
            self.git("tag", tag)

    def ci(self, *steps: str, status: int = 0, **more: str) -> str:
        """Run the script; what it printed."""
        return self.script(*steps, status=status, seconds=SECONDS, **more)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    top = tmp_path_factory.mktemp("ci")
    path = top / "clone"
    path.mkdir()
    for name in PARTS:
        if (REPOSITORY / name).is_dir():
            shutil.copytree(REPOSITORY / name, path / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(REPOSITORY / name, path / name)
    (path / "recipes/standin.lock").unlink(missing_ok=True)
    doit = top / "doit"
    doit.write_text(DOIT)
    doit.chmod(0o755)
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(top), "DOIT": str(doit), "GLASSMASTER_STORE": str(top / "store"),
        "GIT_CONFIG_NOSYSTEM": "1",
    }  # fmt: skip
    made = Clone(path, environment)
    made.git("init", "--quiet", "--initial-branch=main")
    made.commit("v1")
    return made


def test_a_step_that_is_none_is_refused(clone: Clone) -> None:
    assert "there is no step deploy" in clone.ci("deploy", status=3)


def test_a_runner_without_a_recipe_has_nothing_to_do(clone: Clone) -> None:
    assert "no recipe is this runner's" in clone.ci("build", RECIPES="standin", SHARD="2/2")


@pytest.mark.slow
def test_a_failed_step_is_the_end(clone: Clone) -> None:
    text = clone.ci("lock", "build", status=3, RECIPES="nowhere")
    assert "nowhere" in text and "ci: build" not in text


@pytest.mark.slow
def test_the_whole_pipeline_from_a_change_to_a_published_release(clone: Clone, tmp_path: Path) -> None:
    recipe = clone.path / "recipes/standin.yaml"
    recipe.write_text(recipe.read_text().replace("(not NetBSD)", "after the change (not NetBSD)"))
    motd = clone.path / "overlays/dom0/etc/motd"
    motd.write_text("changed since the last tag\n")
    clone.commit("v2")
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True, timeout=60)
    public = " ".join(key.with_suffix(".pub").read_text().split()[:2])
    (tmp_path / "signers").write_text(f'glassmaster namespaces="glassmaster" {public}\n')
    text = clone.ci(
        "lock", "build", "nightly", "smoke", "diff", "release", GLASSMASTER_SIGNING_KEY=str(key),
        SIGNERS=str(tmp_path / "signers"), PUBLISH=str(tmp_path / "published"),
    )  # fmt: skip
    out = clone.path / "out/standin"
    assert [line for line in text.splitlines() if line.startswith("ci: ")] == [
        f"ci: {step}: standin" for step in ("lock", "build", "nightly", "smoke", "diff", "release")
    ]
    difference = json.loads((out / "diff.json").read_text())
    assert difference["old"]["release_id"] != difference["new"]["release_id"]
    assert "/etc/motd" in (out / "diff.md").read_text()
    assert json.loads((out / "repro.json").read_text())["passed"] is True
    release = json.loads((out / "release/release.json").read_text())
    (row,) = json.loads((tmp_path / "published/index.json").read_text())["releases"]
    assert row["release_id"] == release["release_id"] == difference["new"]["release_id"]
    assert (tmp_path / "published/standin/latest").read_text().strip() == release["release_id"]
