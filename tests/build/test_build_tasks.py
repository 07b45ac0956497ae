"""The task graph as a stranger sees it."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from glassmaster import tasks

if TYPE_CHECKING:
    from tests.build.conftest import Clone

TASKS = [
    "fetch",
    "grub",
    "iso",
    "kernel",
    "lint",
    "mtree",
    "overlay",
    "packages",
    "readback",
    "sets",
    "sign",
    "smoke",
    "standin",
    "test",
    "xen",
]


def test_every_task_has_a_line(built: Clone) -> None:
    result = built.doit("list")
    assert result.returncode == 0, result.stdout
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert set(TASKS) <= lines.keys()
    assert all(len(words.split()) > 3 for words in lines.values()), lines


def test_every_subtask_has_a_line_and_its_recipes_name(built: Clone) -> None:
    built.recipe("other", "overlays: []\n")
    lines = built.doit("list", "--all", "recipe=standin,other").stdout.splitlines()
    names = {line.split()[0] for line in lines}
    assert all(len(line.split()) > 2 for line in lines)
    assert {"iso:standin", "iso:other", "overlay:standin:dom0", "smoke:other"} <= names
    assert not any(name.startswith("overlay:other") for name in names)


def test_help(built: Clone) -> None:
    for task in TASKS:
        result = built.doit("help", task)
        assert result.returncode == 0 and task in result.stdout, result.stdout


def test_an_unknown_task(built: Clone) -> None:
    result = built.doit("isoo")
    assert result.returncode == 3 and "isoo" in result.stdout and "Traceback" not in result.stdout


def test_every_step_that_is_named_exists() -> None:
    source = ast.parse(Path(tasks.__file__).read_text())
    words = {node.value for node in ast.walk(source) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    steps = {word for word in words if re.fullmatch(r"(\w*steps|fetching|commands)\.[\w.]+", word)}
    assert len(steps) >= 15
    for step in steps:
        module, _, name = step.rpartition(".")
        assert callable(getattr(importlib.import_module(f"glassmaster.{module}"), name)), step


def test_listing_needs_nothing_that_only_the_steps_need(built: Clone) -> None:
    modules = built.path / "sitecustomize.py"
    modules.write_text(
        "import sys\nfor name in ('pycdlib', 'libarchive', 'requests'):\n    sys.modules[name] = None  # import fails\n"
    )
    result = built.doit("list", environment={"PYTHONPATH": str(built.path)})
    assert result.returncode == 0, result.stdout
    assert "iso" in result.stdout


def test_every_name_in_all_is_a_task() -> None:
    creators = {
        name for name, value in vars(tasks).items() if name.startswith("task_") and value.__module__ == tasks.__name__
    }
    assert {*creators, "DOIT_CONFIG"} == set(tasks.__all__)
