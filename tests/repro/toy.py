"""A project that doit builds in no time, with the names that the matrix asks for, and whatever faults a test wants."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from glassmaster.checks.repro.check import Matrix, Wanted
from glassmaster.checks.repro.rooms import Project
from glassmaster.inputs.store import Store

REPOSITORY = Path(__file__).resolve().parents[2]
LEAKS = Path(__file__).with_name("leaks.py")

DODO = """
from pathlib import Path

import leaks

leaks.mark()
leaks.DERIVED.mkdir(parents=True, exist_ok=True)
FOLDER = Path("out/toy")
BOOT = "../../build/toy/grub/core.img"


def write(names):
    for name in names:
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text({**leaks.LEAKS, **leaks.RESTLESS}[path.name]() if path.parent.name == "leaks" else name)


def make(names, after=()):
    return {"name": "toy", "actions": [(write, [names])], "targets": [str(FOLDER / name) for name in names],
            "file_dep": [str(FOLDER / name) for name in after] + ["recipes/toy.yaml"]}


def task_sets():
    yield make(["sets"])


def task_grub():
    yield make([BOOT], ["sets"])


def task_domu():
    yield make(["domu/base"], [BOOT])


def task_iso():
    yield make(["dom0.raw", *LEAKS], ["domu/base"])
"""
PYPROJECT = """
[tool.doit]
dep_file = ".doit.db"
backend = "state"
[tool.doit.plugins.backend]
state = "glassmaster.doit_plugins.state:StateDB"
[tool.doit.plugins.command]
run = "glassmaster.doit_plugins.command_run:Run"
[tool.doit.plugins.reporter]
jsonl = "glassmaster.doit_plugins.reporter:JsonlReporter"
"""


def make_project(top: Path, leaks: Sequence[str]) -> Project:
    """The project, with these faults."""
    names = [f"leaks/{name}" for name in leaks]
    files = {
        "dodo.py": DODO.replace("LEAKS]", f"{names!r}]").replace("*[", "*["), "pyproject.toml": PYPROJECT,
        "recipes/toy.yaml": "epoch: 2026-01-01\n", "recipes/toy.lock": "{}",
    }  # fmt: skip
    for name, text in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    shutil.copyfile(LEAKS, top / "leaks.py")
    return Project(top, "toy", Path("recipes/toy.yaml"), Path("recipes/toy.lock"), ())


def matrix_of(project: Project, work: Path, python: str, *, quick: bool = False) -> Matrix:
    """A matrix for it. The store of the user is empty."""
    wanted = Wanted(project, "recipes/toy.yaml", "0123456789ab", built=False, quick=quick, toolchain=False)
    return Matrix(wanted, work, Store(work.with_name("no-store")), python)
