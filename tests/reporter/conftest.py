"""Small projects in which doit runs with our reporters."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
# Seconds after which doit counts as hung.
TIMEOUT = 60

# A clock that stands still unless a task moves it, so that all times of a serial run are known; and reasons that are.
HEAD = """\
from glassmaster.doit_plugins import reasons, reporter
from glassmaster.doit_plugins.progress import progress

now = [100.0]


def passes(seconds):
    now[0] += seconds


class Reporter(reporter.PlainReporter):
    clock = staticmethod(lambda: now[0])


DOIT_CONFIG = {"reporter": Reporter, "verbosity": 2}
reasons.reasons = lambda task, dep_manager, tasks: ["first of " + task.name, "second"][: len(task.name) - 3]
"""
PLUGINS = """\
[tool.doit.plugins.reporter]
auto = "glassmaster.doit_plugins.reporter:AutoReporter"
plain = "glassmaster.doit_plugins.reporter:PlainReporter"
jsonl = "glassmaster.doit_plugins.reporter:JsonlReporter"
"""
# doit, in a program that chooses how multiprocessing starts its workers.
MAIN = """\
import multiprocessing
import sys

from doit.doit_cmd import DoitMain

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    sys.exit(DoitMain().run(sys.argv[2:]))
"""


@dataclass(frozen=True)
class Project:
    """A directory with a dodo.py."""

    path: Path

    def command(self, *arguments: str, start_method: str = "") -> list[str]:
        """The command that runs doit."""
        return [sys.executable, *(["main.py", start_method] if start_method else ["-m", "doit"]), *arguments]

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The variables that doit gets."""
        return {
            "PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1", **(extra or {}),
        }  # fmt: skip

    def doit(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        start_method: str = "",
        pass_fds: Sequence[int] = (),
        **options: Any,
    ) -> subprocess.CompletedProcess[str]:
        """Run doit."""
        return subprocess.run(
            self.command(*arguments, start_method=start_method), cwd=self.path, env=self.environment(environment),
            capture_output=True, text=True, timeout=TIMEOUT, pass_fds=pass_fds, **options,
        )  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Project]:
    """Makes a project of the source of its tasks; `head` stands before them."""

    def make(tasks: str, head: str = HEAD) -> Project:
        (tmp_path / "dodo.py").write_text(f"{head}\n{tasks}")
        (tmp_path / "pyproject.toml").write_text(PLUGINS)
        (tmp_path / "main.py").write_text(MAIN)
        return Project(tmp_path)

    return make
