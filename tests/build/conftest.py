"""Copies of this repository in which doit builds, as a user's clone is."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
# Seconds after which a build or boot counts as hung.
TIMEOUT = 300


@dataclass(frozen=True)
class Clone:
    """A copy of the repository, and how doit is started in it."""

    path: Path
    store: Path
    umask: int = 0o022

    def doit(
        self, *arguments: str, environment: Mapping[str, str] | None = None, timeout: float = TIMEOUT, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run doit; what it prints, both streams, is in stdout."""
        result: subprocess.CompletedProcess[str] = subprocess.run(
            [sys.executable, "-m", "doit", *arguments],
            cwd=self.path,
            env={
                "PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "GLASSMASTER_STORE": str(self.store),
                "PYTHONDONTWRITEBYTECODE": "1", **(environment or {}),
            },
            umask=self.umask, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout,
            **options,
        )  # fmt: skip
        return result

    def out(self, name: str, recipe: str = "standin") -> Path:
        """A file of a release."""
        return self.path / "out" / recipe / name

    def recipe(self, name: str, text: str) -> str:
        """Write a recipe that extends the stand-in's; returns its name."""
        (self.path / "recipes" / f"{name}.yaml").write_text(f"extends: standin.yaml\n{text}")
        return name


def copy_repository(target: Path, umask: int = 0o022) -> None:
    """Copy what a clone of the working tree would hold, with the modes that git and a umask give."""
    listing = subprocess.run(
        ["git", "-c", f"safe.directory={REPOSITORY}", "ls-files", "-coz", "--exclude-standard"],
        cwd=REPOSITORY, check=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    for name in filter(None, listing.stdout.decode().split("\0")):
        source = REPOSITORY / name
        if name.startswith("tests/") or not os.path.lexists(source):
            continue
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            copy.symlink_to(source.readlink())
        else:
            shutil.copyfile(source, copy)
            copy.chmod((0o777 if os.access(source, os.X_OK) else 0o666) & ~umask)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of this test run, for all its processes: pytest-xdist gives each one of its own below it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "glassmaster"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def first_build(shared: Path) -> tuple[Clone, str]:
    """A clone in which the stand-in was built, and what doit printed; made once in a test run, not to be changed."""
    clone = Clone(shared / "clone", shared / "store")
    log = shared / "first-build.log"
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not log.exists():
            shutil.rmtree(clone.path, ignore_errors=True)
            copy_repository(clone.path)
            result = clone.doit("iso")
            assert result.returncode == 0, result.stdout
            log.write_text(result.stdout)
    return clone, log.read_text()


@pytest.fixture
def built(first_build: tuple[Clone, str], tmp_path: Path) -> Clone:
    """A clone of one's own in which the stand-in was built."""
    shutil.copytree(first_build[0].path, tmp_path / "clone", symlinks=True)
    return Clone(tmp_path / "clone", first_build[0].store)


@pytest.fixture
def fresh(first_build: tuple[Clone, str], tmp_path: Path) -> Callable[[Path, int], Clone]:
    """Makes a clone in which nothing was built yet, below a directory of the test; the store is full."""

    def make(below: Path, umask: int) -> Clone:
        target = tmp_path / below
        old = os.umask(umask)
        try:
            target.mkdir(parents=True)
            copy_repository(target, umask)
        finally:
            os.umask(old)
        return Clone(target, first_build[0].store, umask)

    return make


@pytest.fixture(scope="session")
def steps_run() -> Callable[[str], list[str]]:
    """Picks the tasks that ran out of what doit printed, in order."""
    return lambda output: [name.split(":")[0] for name in re.findall(r"^ *[\d.]+ s  (\S+) starts", output, re.M)]
