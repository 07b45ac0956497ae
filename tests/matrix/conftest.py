"""A project with three sites, and a Dask cluster on this machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.commands.conftest import Project, copy_repository

REPOSITORY = Path(__file__).resolve().parents[2]
SITES = ("site-a", "site-b", "site-c")


def make_project(folder: Path) -> Project:
    """A copy of this repository with glassmaster itself, since workers get all of it, and recipes of sites."""
    project = copy_repository(folder / "project", folder / "store")
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "glassmaster", project.path / "glassmaster", ignore=ignore)
    for name in SITES:
        text = f'extends: standin.yaml\ndescription: "{name}"\nvariables: {{hostname: {name}}}\n'
        (project.path / "recipes" / f"{name}.yaml").write_text(text)
    return project


@dataclass(frozen=True)
class Cluster:
    """executor: what the command line says."""

    executor: str
    workers: tuple[subprocess.Popen[bytes], ...]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A scheduler and two workers, each a process with a store of its own."""
    place = tmp_path / "scheduler.json"
    python = (sys.executable, "-m")
    ready = ("--scheduler-file", str(place))
    scheduler = _started(
        (*python, "distributed.cli.dask_scheduler", *ready, "--host", "127.0.0.1", "--port", "0", "--no-dashboard"),
        tmp_path / "s",
    )
    workers = tuple(
        _started(
            (*python, "distributed.cli.dask_worker", *ready, "--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard",
             "--no-nanny", "--name", name, "--local-directory", str(tmp_path / name)), tmp_path / name,
        )
        for name in ("one", "two")
    )  # fmt: skip
    try:
        yield Cluster(_executor(place, scheduler), workers)
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


def _started(argv: tuple[str, ...], folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GLASSMASTER_STORE": str(folder / "store")}
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(argv, cwd=folder, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)


def _executor(place: Path, scheduler: subprocess.Popen[bytes]) -> str:
    """Where the scheduler is: it writes that down when it is ready."""
    while not place.exists() or not place.read_text().rstrip().endswith("}"):
        assert scheduler.poll() is None, "the scheduler has ended"
        os.sched_yield()
    return str(json.loads(place.read_text())["address"]).replace("tcp://", "dask://")
