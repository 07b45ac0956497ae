"""A repository as a runner of CI has it, and ci/build.sh in it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Checkout:
    """Where it is, and the environment that its programs get."""

    path: Path
    environment: dict[str, str]

    def git(self, *words: str) -> str:
        """What git printed."""
        identity = ("-c", "user.name=ci", "-c", "user.email=ci@example.org")
        return subprocess.run(
            ["git", *identity, *words], cwd=self.path, env=self.environment, check=True, capture_output=True, text=True
        ).stdout

    def script(self, *steps: str, status: int, seconds: float, **more: str) -> str:
        """Run the script, which must end with that status; what it printed. more: variables besides."""
        done = subprocess.run(
            ["/bin/sh", str(self.path / "ci/build.sh"), *steps], cwd="/", env={**self.environment, **more},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds,
            check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stdout
        return done.stdout
