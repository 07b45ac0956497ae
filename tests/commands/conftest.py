"""Projects in which our commands are started as a user starts them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TIMEOUT = 300

PYPROJECT = """\
[tool.doit]
backend = "state"

[tool.doit.plugins.backend]
state = "glassmaster.doit_plugins.state:StateDB"

[tool.doit.plugins.command]
clean = "glassmaster.doit_plugins.clean:Clean"
completion = "glassmaster.doit_plugins.completion:Completion"
graph = "glassmaster.doit_plugins.graph:Graph"
info = "glassmaster.doit_plugins.info:Info"
init = "glassmaster.commands.init:Init"
plan = "glassmaster.doit_plugins.plan:Plan"
"""

DODO = """\
from glassmaster.doit_plugins.checker import ContentChecker
from glassmaster.doit_plugins.keys import Key, Targets

DOIT_CONFIG = {"check_file_uptodate": ContentChecker, "default_tasks": ["join"]}

def write(text, targets):
    import pathlib
    for target in targets:
        pathlib.Path(target).parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(target).write_text(text)

def task_part():
    "make the parts"
    for name in ("a", "b"):
        yield {"name": name, "actions": [(write, [name])], "file_dep": [f"{name}.txt"],
               "targets": [f"out/{name}/part"], "clean": True, "uptodate": [Key(width=3), Targets()]}

def task_join():
    "put the parts together"
    return {"actions": [(write, ["joined"])], "file_dep": ["out/a/part", "out/b/part"], "targets": ["out/whole"],
            "clean": True}
"""


@dataclass(frozen=True)
class Project:
    """A directory with a dodo.py, and how doit is started in it."""

    path: Path
    store: Path

    def doit(self, *arguments: str, status: int | None = 0, **environment: str) -> str:
        """Run doit; returns what it printed, both streams. status: the exit status that it must have."""
        result = subprocess.run(
            [sys.executable, "-m", "doit", *arguments],
            cwd=self.path, env=self.environment(**environment), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT,
        )  # fmt: skip
        assert "Traceback" not in result.stdout, result.stdout
        assert status is None or result.returncode == status, result.stdout
        return result.stdout

    def environment(self, **more: str) -> dict[str, str]:
        """What doit is started with."""
        return {
            "PATH": os.environ["PATH"], "HOME": str(self.path), "GLASSMASTER_STORE": str(self.store), "COLUMNS": "80",
            "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1", **more,
        }  # fmt: skip

    def files(self) -> dict[str, tuple[int, int]]:
        """Every path below the project, with inode and mtime in nanoseconds."""
        return {
            str(path.relative_to(self.path)): (path.lstat().st_ino, path.lstat().st_mtime_ns)
            for path in sorted(self.path.rglob("*"))
        }


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A small project that has nothing to do with NetBSD."""
    path = tmp_path / "project"
    path.mkdir()
    (path / "pyproject.toml").write_text(PYPROJECT)
    (path / "dodo.py").write_text(DODO)
    for name in ("a", "b"):
        (path / f"{name}.txt").write_text(name)
    return Project(path, tmp_path / "store")


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of this repository in which the stand-in was built; not to be changed."""
    top = tmp_path_factory.mktemp("commands")
    project = copy_repository(top / "clone", top / "store")
    project.doit("iso")
    return project


@pytest.fixture
def clone(tmp_path: Path) -> Project:
    """A copy of this repository in which nothing was built."""
    return copy_repository(tmp_path / "clone", tmp_path / "store")


@pytest.fixture
def built(built_once: Project, tmp_path: Path) -> Project:
    """A copy of one's own of the built repository; the store is shared."""
    shutil.copytree(built_once.path, tmp_path / "clone", symlinks=True)
    return Project(tmp_path / "clone", built_once.store)


def copy_repository(target: Path, store: Path) -> Project:
    """What commands need of this repository."""
    target.mkdir()
    for name in ("dodo.py", "pyproject.toml"):
        shutil.copyfile(REPOSITORY / name, target / name)
    for name in ("recipes", "overlays", "pkgsets", "requirements"):
        shutil.copytree(REPOSITORY / name, target / name, symlinks=True)
    return Project(target, store)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Makes a program of sh lines and puts it first on PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def make(name: str, lines: str) -> Path:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{lines}\n")
        path.chmod(0o755)
        return path

    return make
