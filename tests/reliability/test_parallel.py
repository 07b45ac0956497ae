"""`doit -n 2` under the supervisor, for each way in which multiprocessing starts processes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.project import GONE_SECONDS, TIMEOUT, Project, marked, wait_for_end

MAIN = """
import multiprocessing, sys
from glassmaster.doit_plugins.supervisor import supervised

def main():
    multiprocessing.set_start_method(sys.argv.pop(1))
    from doit.doit_cmd import DoitMain
    return DoitMain().run(sys.argv[1:])

if __name__ == "__main__":
    supervised("doit", main)
"""
DODO = """
from pathlib import Path
from glassmaster.run import Command, run

def act(name):
    run(Command(("sh", "-c", "setsid sleep 600 & sleep 600 & echo done")))
    Path(name).write_text("x")

def task_part():
    for number in range(4):
        yield {"name": str(number), "actions": [(act, [f"part-{number}"])], "targets": [f"part-{number}"]}
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory with a short name: multiprocessing's sockets are below it, and theirs are limited to 107 bytes."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_all_run_and_all_end(folder: Path, method: str) -> None:
    project = Project(folder)
    project.path.mkdir()
    project.temporary.mkdir()
    (project.path / "dodo.py").write_text(DODO)
    (project.path / "main.py").write_text(MAIN)
    finished = subprocess.run(
        [sys.executable, "main.py", method, "run", "-n", "2"], cwd=project.path, env=project.environment(),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT,
        check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout
    assert sorted(path.name for path in project.path.glob("part-*")) == [f"part-{number}" for number in range(4)]
    assert wait_for_end(marked(project.marker), GONE_SECONDS) == []
    assert list(project.temporary.iterdir()) == []
