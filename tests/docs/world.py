"""Where the commands of a page are run: a copy of the repository with the stand-in built, and nothing of the user's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

SECONDS = 900
# As the launcher ends: what it installs is there already.
DOIT = f'#!/bin/sh\nGLASSMASTER_CWD=$PWD\nexport GLASSMASTER_CWD\nexec {sys.executable} -m glassmaster "$@"\n'


@dataclass
class World:
    """replace: what stands for a path of the page; before: what happens before a command, each time the next one."""

    project: Path
    store: Path
    home: Path
    replace: dict[str, str] = field(default_factory=dict)
    before: dict[str, list[Callable[[], None]]] = field(default_factory=dict)

    def make_launcher(self) -> None:
        """./doit, and doit on PATH."""
        for path in (self.project / "doit", self.home / "bin/doit"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(DOIT)
            path.chmod(0o755)

    def run(self, command: str) -> tuple[int, str]:
        """A line typed into a shell at the top of the repository; its status and what it printed."""
        if waiting := self.before.get(command):
            waiting.pop(0)()
        for text, ours in self.replace.items():
            command = command.replace(text, ours)
        ran = subprocess.run(
            ["/bin/sh", "-c", command], cwd=self.project, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", timeout=SECONDS, env=self.environment(),
        )  # fmt: skip
        return ran.returncode, ran.stdout

    def environment(self) -> dict[str, str]:
        """What the shell is started with."""
        return {
            "PATH": f"{self.home / 'bin'}:{os.environ['PATH']}", "HOME": str(self.home), "COLUMNS": "80",
            "GLASSMASTER_STORE": str(self.store), "PYTHONDONTWRITEBYTECODE": "1",
            "GLASSMASTER_NO_INSTALL": "1",
        }  # fmt: skip
