"""--help of every command of ours, and how they are registered."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from glassmaster.doit_plugins.command import PlainCommand

if TYPE_CHECKING:
    from tests.commands.conftest import Project

REPOSITORY = Path(__file__).resolve().parents[2]
PYPROJECT: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
COMMANDS: dict[str, str] = PYPROJECT["tool"]["doit"]["plugins"]["command"]
OURS = sorted(
    name
    for name, place in COMMANDS.items()
    if place.split(":")[0].rpartition(".")[2] in (name.replace("-", "_"), f"command_{name}")
)


def loaded(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


def test_entry_points_and_the_checkouts_table_are_the_same() -> None:
    plugins = PYPROJECT["tool"]["doit"]["plugins"]
    points = PYPROJECT["project"]["entry-points"]
    assert {f"doit.{kind.upper()}": table for kind, table in plugins.items()} == points


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_is_named_as_it_is_registered(name: str) -> None:
    assert loaded(COMMANDS[name]).get_name() == name


@pytest.mark.parametrize("name", [name for name in OURS if issubclass(loaded(COMMANDS[name]), PlainCommand)])
def test_help_has_an_example_that_begins_with_the_command(name: str, clone: Project) -> None:
    text = clone.doit(name, "--help")
    assert "EXAMPLES\n" in text and f"    doit {name}" in text.partition("EXAMPLES")[2]
    assert max(map(len, text.splitlines())) <= 80
    assert clone.doit("help", name).strip() == text.strip()


def test_an_option_after_a_task(project: Project) -> None:
    assert project.doit("plan", "join", "--json") == project.doit("plan", "--json", "join")


def test_a_task_whose_name_begins_with_a_dash(project: Project) -> None:
    assert "there is no task '--json'" in project.doit("plan", "--", "--json", status=3)


def test_a_reader_that_has_seen_enough(project: Project) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.Popen(
        [sys.executable, "-m", "doit", "graph"], cwd=project.path, env=project.environment(), stdout=writing,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    os.close(writing)
    assert process.communicate(timeout=60)[1] == "" and process.returncode == 0


def test_a_reader_of_the_help_that_goes_away_is_no_error(clone: Project) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "doit", "plan", "--help"], cwd=clone.path, env=clone.environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, b"")
