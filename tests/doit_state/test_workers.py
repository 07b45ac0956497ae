"""A worker process of -n that dies ends the run; doit by itself would wait for ever."""

from __future__ import annotations

import signal

import pytest

from tests.doit_state.conftest import Project

DODO = """
    def die():
        os.kill(os.getpid(), {signal})

    def fine():
        Path("fine").write_text("made")

    def task_die():
        return {{"actions": [die]}}

    def task_fine():
        return {{"actions": [fine], "targets": ["fine"]}}
"""


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_a_killed_worker_ends_the_run(project: Project, method: str) -> None:
    project.dodo(f"import multiprocessing\nmultiprocessing.set_start_method({method!r}, force=True)\n")
    text = (project.path / "dodo.py").read_text()
    project.dodo(DODO.format(signal=int(signal.SIGKILL)))
    (project.path / "dodo.py").write_text(text + (project.path / "dodo.py").read_text())
    process = project.start("-n", "2", "die", "fine")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2, output
    assert "a worker process of -n ended by signal 9" in output


def test_workers_that_live_are_left_alone(project: Project) -> None:
    project.dodo(DODO.format(signal=0))
    process = project.start("-n", "2", "die", "fine")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert (project.path / "fine").read_text() == "made"
