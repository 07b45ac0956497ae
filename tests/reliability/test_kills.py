"""Builds that are killed end right when they are run again; and the harness sees it when they do not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.reliability import kills, project

PROGRAM = Path(kills.__file__)


def test_some_kills(tmp_path: Path) -> None:
    # One of each kind; the numbers of jobs take turns. The seed is fixed so that a failure can be repeated.
    rounds = [item for index, item in enumerate(kills.plan(20, [1, 2], 4)) if index % 4 in (0, 3)]
    assert {item.kill for item in rounds} == set(kills.KILLS)
    build = kills.undisturbed(tmp_path, project.synthetic, [1, 2])
    assert kills.play(rounds, lambda _: build, tmp_path, 4) == []


@pytest.mark.slow
def test_200_kills() -> None:
    finished = subprocess.run(
        [sys.executable, PROGRAM, "--kills", "200", "--jobs", "1,2"], stdout=subprocess.PIPE, text=True, check=False
    )
    assert finished.returncode == 0, finished.stdout


def test_every_kind_of_kill_is_tried_with_each_number_of_jobs_and_both_builds() -> None:
    rounds = kills.plan(200, [1, 2], 1)
    assert len({(item.kill.name, item.jobs) for item in rounds}) == 2 * len(kills.KILLS)
    real = [item for item in rounds if kills.is_standin(item)]
    assert {(item.kill.name, item.jobs) for item in real} == {(item.kill.name, item.jobs) for item in rounds}
    assert len(real) == 20


def test_without_the_supervisor_processes_and_files_are_left(tmp_path: Path) -> None:
    def make(folder: Path) -> project.Project:
        return project.synthetic(folder, supervised=False)

    build = kills.undisturbed(tmp_path / "undisturbed", make, [1])
    kill = next(kill for kill in kills.KILLS if kill.name == "SIGKILL to the caller")
    wrong = kills.disturb(kills.Round(1, 1, kill, 0.5), build, tmp_path, gone_seconds=0.0)
    assert any(line.startswith("left behind: process") for line in wrong)


def test_the_harness_sees_what_is_wrong() -> None:
    expected = {"a": "1", "b": "2"}
    assert kills.different({"a": "1", "b": "2"}, expected) == []
    assert kills.different({"a": "3", "c": "1"}, expected) == ["stray file c", "missing file b", "wrong content a"]
    assert kills.repeated(["start a", "done a", "start b"], ["start b", "done b"]) == []
    assert kills.repeated(["start a", "done a", "start b"], ["start a", "start b"]) == ["a"]


def test_a_process_that_is_left_is_found(tmp_path: Path) -> None:
    made = project.synthetic(tmp_path)
    with subprocess.Popen(["sleep", "600"], env={**os.environ, project.MARKER: made.marker}) as process:
        assert project.marked(made.marker) == [process.pid]
        assert project.kill_left(made.marker) == [f"{process.pid} sleep 600 "]
