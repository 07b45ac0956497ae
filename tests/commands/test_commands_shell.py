"""`doit shell`: where a step works, and with what its programs see."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from doit.task import Task

from glassmaster.commands.shell import banner, logs

if TYPE_CHECKING:
    from tests.commands.conftest import Project


def variables(project: Project, *words: str, **environment: str) -> dict[str, str]:
    lines = project.doit("shell", *words, "--command=env; echo PWD=$(pwd)", status=0, **environment).splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def test_the_environment_and_the_directory(clone: Project) -> None:
    found = variables(clone, "iso", LANG="de_DE.UTF-8", SECRET="x", PS4="y")
    assert found["TASK"] == "iso:standin" and found["OUT"] == "out/standin" and found["BUILD"] == "build/standin"
    assert shlex.split(found["MAKES"])[0] == "out/standin/dom0.iso" and found["NEEDS"]
    assert found["LANG"] == "C.UTF-8" and "SECRET" not in found and found["PWD"] == str(clone.path)


def test_the_status_is_the_shells(clone: Project) -> None:
    clone.doit("shell", "xen", "--command=exit 7", status=7)


def test_a_shell_on_standard_input(clone: Project) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "doit", "shell", "overlay:standin:machine"],
        cwd=clone.path, env=clone.environment(SHELL="/bin/sh"), input="echo I am $TASK\nexit 3\n",
        stdout=subprocess.PIPE, text=True, timeout=60,
    )  # fmt: skip
    assert result.returncode == 3 and "I am overlay:standin:machine" in result.stdout
    assert "overlays/machine/etc/rc" in result.stdout and "it has not run yet" in result.stdout


@pytest.mark.slow
def test_the_step_that_failed_last(clone: Project) -> None:
    assert "no step failed" in clone.doit("shell", "--command=true", status=3)
    (clone.path / "overlays/machine/etc/rc.conf.j2").write_text("{{ vars.none }}\n")
    clone.doit("iso", status=None)
    assert variables(clone)["TASK"] == "overlay:standin:machine"


def test_nothing_is_locked_or_left_while_it_runs(clone: Project) -> None:
    before = clone.files()
    assert (
        clone.doit("shell", "xen", "--command=ls -d ${TMPDIR:-/tmp}/doit-look-* 2>/dev/null | wc -l").strip().isdigit()
    )
    assert clone.files() == before


def test_logs_belong_to_the_nearest_step(tmp_path: Path) -> None:
    outer = Task("outer", [], targets=[str(tmp_path / "image")])
    inner = Task("inner", [], targets=[str(tmp_path / "smoke/result")])
    (tmp_path / "smoke/bios").mkdir(parents=True)
    for number, name in enumerate(("image.log", "smoke/bios/old.log", "smoke/bios/new.log")):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (number, number))
    tasks = {"outer": outer, "inner": inner}
    assert logs(outer, tasks) == [str(tmp_path / "image.log")]
    assert [Path(log).name for log in logs(inner, tasks)] == ["new.log", "old.log"]


def test_the_banner_is_short() -> None:
    task = Task("t", [], file_dep=[f"f{n}" for n in range(30)], targets=["x"])
    text = banner(task, [], [])
    assert "and 18 more" in text and "up to date" in text and "logs" not in text


def test_bad_input(clone: Project) -> None:
    assert "did you mean iso?" in clone.doit("shell", "isso", status=3)
    assert "takes one task" in clone.doit("shell", "iso", "xen", status=3)
    assert "name one of them" in clone.doit("shell", "*:standin", status=3)
    assert "cannot be started" in clone.doit("shell", "iso", SHELL="/dev/null", status=3)
    assert "not installed" in clone.doit("shell", "iso", SHELL="/nonexistent/shell", status=3)
