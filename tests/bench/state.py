"""How long doit takes when there is nothing to do: 2,000 tasks on small files, and this repository's `iso`.

python tests/bench/state.py
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
TASKS, TIMES = 2000, 7
BARE = "def task_one():\n    return {'actions': ['true'], 'uptodate': [True]}\n"
MANY = f"""\
from pathlib import Path
from glassmaster.doit_plugins.checker import ContentChecker
from glassmaster.doit_plugins.keys import Key, Targets
DOIT_CONFIG = {{"check_file_uptodate": ContentChecker}}

def copy(number):
    Path(f"out/{{number}}").write_bytes(Path(f"in/{{number}}").read_bytes())

def task_copy():
    for number in range({TASKS}):
        yield {{"name": str(number), "actions": [(copy, [number])], "file_dep": [f"in/{{number}}"],
               "targets": [f"out/{{number}}"], "uptodate": [Key(number=number, more={{"a": [1, 2]}}), Targets()]}}
"""
CONFIG = """\
[tool.doit]
backend = "state"
reporter = "executed-only"
[tool.doit.plugins.backend]
state = "glassmaster.doit_plugins.state:StateDB"
[tool.doit.plugins.command]
run = "glassmaster.doit_plugins.command_run:Run"
"""


def seconds(directory: Path, *arguments: str) -> float:
    """Wall-clock time of one start of doit."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "doit", *arguments], cwd=directory, check=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return time.perf_counter() - started


def row(what: str, directory: Path, *arguments: str) -> None:
    """Print the median of several starts, after one that warms up."""
    seconds(directory, *arguments)
    print(f"{what:<44} {statistics.median(seconds(directory, *arguments) for _ in range(TIMES)):6.3f} s", flush=True)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        bare, many = Path(name) / "bare", Path(name) / "many"
        for folder in (bare, many / "in", many / "out"):
            folder.mkdir(parents=True)
        (bare / "dodo.py").write_text(BARE)
        (many / "dodo.py").write_text(MANY)
        (many / "pyproject.toml").write_text(CONFIG)
        for number in range(TASKS):
            (many / "in" / str(number)).write_text(f"{number}\n")
        row("doit's own bare start (one task, up to date)", bare)
        row("doit list, here", REPOSITORY, "list")
        row("doit iso, here, up to date", REPOSITORY, "iso")
        print(f"{f'{TASKS:,} tasks, all run once':<44} {seconds(many):6.3f} s", flush=True)
        row(f"{TASKS:,} tasks, up to date", many)


if __name__ == "__main__":
    main()
