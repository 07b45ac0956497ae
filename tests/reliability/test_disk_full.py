"""Builds without room fail cleanly and end right when there is some; and the harness sees it when they do not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.reliability import disk_full

PROGRAM = Path(disk_full.__file__)


@pytest.fixture(scope="module", autouse=True)
def _namespaces() -> None:
    command = disk_full.namespace_command(["true"])
    if subprocess.run(command, stderr=subprocess.PIPE, check=False).returncode != 0:
        pytest.skip("no mount namespaces for this user here")


def squeezed(*arguments: str) -> None:
    finished = subprocess.run([sys.executable, PROGRAM, *arguments], stdout=subprocess.PIPE, text=True, check=False)
    assert finished.returncode == 0, finished.stdout


def test_some_sizes() -> None:
    squeezed("--points", "4", "--build", "synthetic")


@pytest.mark.slow
def test_50_sizes() -> None:
    squeezed("--points", "50", "--build", "standin")


def test_the_harness_sees_what_is_wrong() -> None:
    assert disk_full.judged(1, "no room left for out/x") == []
    assert disk_full.judged(0, "no room left for out/x") == ["status 0 for a build without room"]
    assert disk_full.judged(1, "something failed") == ["the reason is not named"]
    assert disk_full.judged(3, "Traceback (most recent call last)\nOSError: No space left on device") == ["a traceback"]
