"""Small doit projects that use the plugins as any project would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TIMEOUT = 120
CONFIG = """\
[tool.doit]
backend = "state"
dep_file = "state.db"
reporter = "console"
[tool.doit.plugins.backend]
state = "glassmaster.doit_plugins.state:StateDB"
[tool.doit.plugins.command]
run = "glassmaster.doit_plugins.command_run:Run"
"""
HEAD = """\
import os
from pathlib import Path
from glassmaster.doit_plugins.checker import ContentChecker
from glassmaster.doit_plugins.keys import Key, Targets, Tool
from glassmaster.doit_plugins.modules import Code
DOIT_CONFIG = {"check_file_uptodate": ContentChecker}
"""


@dataclass(frozen=True)
class Project:
    """A directory with a dodo.py."""

    path: Path

    def dodo(self, text: str) -> None:
        """Write dodo.py: imports and DOIT_CONFIG are there already."""
        (self.path / "dodo.py").write_text(HEAD + textwrap.dedent(text))

    def write(self, name: str, text: str) -> Path:
        """Write a file; returns its path."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start doit; both its streams are stdout."""
        return subprocess.Popen(
            [sys.executable, "-m", "doit", *arguments],
            cwd=self.path, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={
                "PATH": os.environ["PATH"], "PYTHONPATH": f"{self.path}:{REPOSITORY}",
                "PYTHONDONTWRITEBYTECODE": "1", **environment,
            },
        )  # fmt: skip

    def doit(self, *arguments: str, status: int = 0, **environment: str) -> str:
        """Run doit, which must end with a status; returns what it printed."""
        with self.start(*arguments, **environment) as process:
            output, _ = process.communicate(timeout=TIMEOUT)
        assert process.returncode == status, output
        assert "Traceback" not in output, output
        return output

    def ran(self, *arguments: str) -> list[str]:
        """The tasks that a successful run really ran, sorted."""
        return sorted(re.findall(r"^\.  (\S+)", self.doit(*arguments), re.M))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A new project."""
    (tmp_path / "pyproject.toml").write_text(CONFIG)
    return Project(tmp_path)
