"""Completion in the shells themselves, as far as they are installed; bash is everywhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.commands.conftest import Project

# Asks the function for the completions of a line, with the words split as readline does it.
BASH = r"""
source ./completion.bash
complete_line() {
    COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
    COMP_WORDS=(./doit) COMP_CWORD=1
    COMPREPLY=()
    _doit_completion
    printf '%s\n' "${COMPREPLY[@]}"
}
complete_line "$LINE"
"""


@pytest.fixture
def typed(clone: Project) -> Project:
    """A repository with a launcher, as ours, and bash's script."""
    (clone.path / "doit").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m doit "$@"\n')
    (clone.path / "doit").chmod(0o755)
    (clone.path / "recipes/racks.yaml").write_text("extends: standin.yaml\n")
    (clone.path / "completion.bash").write_text(clone.doit("completion", "bash"))
    return clone


def in_bash(project: Project, line: str) -> set[str]:
    result = subprocess.run(
        ["bash", "-c", BASH], cwd=project.path, env=project.environment(LINE=line), text=True, timeout=60,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True,
    )  # fmt: skip
    return set(result.stdout.split())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("./doit pl", {"plan"}),
        ("./doit iso", {"iso", "iso:standin"}),
        ("./doit iso:st", {"standin"}),
        ("./doit overlay:standin:", {"dom0", "machine"}),
        ("./doit recipe=", {path.stem for path in Path("recipes").glob("*.yaml")} | {"racks"}),
        ("./doit iso recipe=r", {"racks"}),
        ("./doit graph --fo", {"--format=mermaid", "--format=dot", "--format=svg"}),
        ("./doit plan --js", {"--json"}),
        ("./doit --no-w", {"--no-wait"}),
        ("./doit completion ", {"bash", "zsh", "fish"}),
        ("./doit doctor is", set()),
        ("./doit plan kern", {"kernel", "kernel:standin", "kernel:standin:domu"}),
    ],
)
def test_bash(typed: Project, line: str, expected: set[str]) -> None:
    assert in_bash(typed, line) == expected


def test_bash_offers_every_command(typed: Project) -> None:
    assert {"checklist", "clean", "doctor", "init", "plan", "run", "schema", "recipe="} <= in_bash(typed, "./doit ")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_right_in_form(typed: Project, shell: str) -> None:
    text = typed.doit("completion", shell)
    assert "@" not in text.replace('"$@"', "").replace("[@]", "")
    path = typed.path / f"script.{shell}"
    path.write_text(text)
    subprocess.run([shell, "-n", str(path)], check=True, timeout=60)


def test_fish(typed: Project, tmp_path: Path) -> None:
    path = typed.path / "doit.fish"
    path.write_text(typed.doit("completion", "fish"))

    def complete(line: str) -> set[str]:
        result = subprocess.run(
            ["fish", "--no-config", "-c", f"source {path}; complete -C '{line}'"], cwd=typed.path,
            env=typed.environment(), text=True, timeout=60, stdout=subprocess.PIPE, check=True,
        )  # fmt: skip
        return {row.split("\t")[0] for row in result.stdout.splitlines()}

    assert complete("./doit pl") == {"plan"}
    assert {"iso", "iso:standin"} <= complete("./doit iso")
    assert {"recipe=standin", "recipe=racks"} <= complete("./doit recipe=")
    assert complete("./doit graph --fo") == {"--format"} or "--format=" in complete("./doit graph --fo")
    assert complete("./doit completion z") == {"zsh"}


def test_bad_input(typed: Project) -> None:
    assert "there is: bash, zsh, fish" in typed.doit("completion", "ksh", status=3)
    assert "one of bash, zsh, fish" in typed.doit("completion", status=3)
