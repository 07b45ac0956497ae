"""Two workers on this machine build three sites, and what comes back is what a build here makes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.conftest import Project
from tests.matrix.conftest import SITES, Cluster, make_project

pytestmark = pytest.mark.slow
SECONDS = 1800
BUILT = SITES[:2]
IMAGES = {"dom0.iso", "dom0.mtree", "kernel.config", "domu/base.img", "domu/small.img"}


def digests(project: Project) -> dict[str, str]:
    """Of every file of a recipe's out/."""
    out = project.path / "out"
    files = [path for site in BUILT for path in sorted((out / site).rglob("*")) if path.is_file()]
    return {path.relative_to(out).as_posix(): hashlib.sha512(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path)


def matrix(project: Project, cluster: Cluster, results: Path, status: int = 0) -> str:
    words = ("matrix", "recipe=site-[ab]", f"executor={cluster.executor}", f"results={results}")
    done = subprocess.run(
        [sys.executable, "-m", "doit", *words],
        cwd=project.path, env=project.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stdout
    return done.stdout


def test_two_workers_make_what_is_made_here(project: Project, cluster: Cluster, tmp_path: Path) -> None:
    text = matrix(project, cluster, tmp_path / "results")
    table = text.rpartition("\n\n")[2].splitlines()
    assert [row.split()[0] for row in table[1:]] == list(BUILT)
    assert len({row.split()[1] for row in table[1:]}) == 2, "both workers have built"
    from_workers = digests(project)
    for path in (project.path / "out", project.path / "build"):
        path.rename(path.with_name(f"{path.name}-of-workers"))
    (project.path / ".doit.db").unlink()
    project.doit("iso", f"recipe={','.join(BUILT)}")
    assert digests(project) == from_workers
    assert {f"{site}/{name}" for site in BUILT for name in IMAGES} <= set(from_workers)
    assert from_workers["site-a/dom0.iso"] != from_workers["site-b/dom0.iso"]


def test_one_recipe_that_fails_is_named_and_the_others_are_there(
    project: Project, cluster: Cluster, tmp_path: Path
) -> None:
    recipe = project.path / "recipes/site-b.yaml"
    recipe.write_text(f"{recipe.read_text()}media: {{budget: 1000000, volume_id: SMALL}}\n")
    text = matrix(project, cluster, tmp_path / "results", status=1)
    assert "site-b: FAILED" in text and "budget" in text
    out = project.path / "out"
    assert (out / "site-a/dom0.iso").exists()
    assert not (out / "site-b/dom0.iso").exists()


def test_a_share_is_built_here(project: Project) -> None:
    assert project.doit("matrix", "--list", "recipe=site-*", "shard=2/2") == "site-b\n"
    assert project.doit("matrix", "--json", "recipe=site-*", "shard=1/2") == '["site-a", "site-c"]\n'
    project.doit("matrix", "mtree", "recipe=site-*", "shard=2/2")
    assert [path.parent.name for path in (project.path / "out").glob("*/dom0.mtree")] == ["site-b"]
    assert project.doit("matrix", "recipe=site-a", "shard=2/2") == "no recipe is this shard's\n"
