"""The live view, in a pseudo-terminal."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest

from glassmaster.doit_plugins.live import LiveView
from glassmaster.doit_plugins.streams import Output

if TYPE_CHECKING:
    from tests.reporter.conftest import Project

Make = Callable[..., "Project"]

HEAD = """\
from glassmaster.doit_plugins import reporter
from glassmaster.doit_plugins.progress import progress

DOIT_CONFIG = {"reporter": "auto", "verbosity": 2}
"""
TASKS = """
import sys


def write():
    with progress("writing", 2_000_000, "bytes") as advance:
        advance(500_000)
        print("a line \\033]0;title\\007 of output", "and much more of it" * 9)
        advance(1_500_000)


def task_with_a_long_name():
    for name in ("made", "broken"):
        yield {
            "name": "a-part-of-it-that-has-a-long-name-too-" + name, "actions": [write], "targets": [name * 20],
            "uptodate": [False], "meta": {"show": (str, ["the result"])},
        }


def task_broken():
    return {"actions": [write, "false"]}


def task_done():
    return {"actions": ["touch done"], "targets": ["done"], "uptodate": [True]}


def task_asks():
    return {"actions": ["stty size"], "io": {"capture": False}}


def warn():
    print("a warning of doit", file=sys.stderr)
    return False


def task_warns():
    return {"actions": ["true"], "uptodate": [warn], "task_dep": ["broken-not"]}


def task_first():
    return {"basename": "broken-not", "actions": [write]}


def task_rich():
    return {"actions": [lambda: print("rich is", "loaded" if "rich.live" in sys.modules else "absent")]}
"""
MADE = "with_a_long_name:a-part-of-it-that-has-a-long-name-too-made"
CONTROL = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]")


def in_terminal(
    project: Project, *arguments: str, columns: int = 80, environment: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """Run doit in a terminal: its exit status, and what it wrote there."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        project.command(*arguments), cwd=project.path, stdin=slave, stdout=slave, stderr=slave,
        env=project.environment({"TERM": "xterm-256color", "LANG": "C.UTF-8", **(environment or {})}),
    )  # fmt: skip
    os.close(slave)
    data = b""
    try:
        while chunk := os.read(master, 1 << 16):
            data += chunk
    except OSError:
        pass  # Linux's word for the end of a terminal
    os.close(master)
    return process.wait(), data


def lines(data: bytes) -> list[str]:
    """The lines, those that were drawn over as well."""
    return CONTROL.sub(b"", data).decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")


@pytest.mark.parametrize("arguments", [[MADE], ["-n", "2", "with_a_long_name"]])
def test_the_view_fits_80_columns(project: Make, arguments: list[str]) -> None:
    status, data = in_terminal(project(TASKS, HEAD), *arguments)
    assert status == 0, data.decode()
    shown = lines(data)
    drawn = [line for line in shown if "all tasks" in line]
    assert drawn and "0 of " in drawn[0] and all(len(line) <= 80 for line in drawn)
    bars = [line for line in shown if "writing" in line and " | " not in line]
    assert bars and all(len(line) <= 80 for line in bars) and any("of 2.0 MB" in line for line in bars)
    end = shown[len(shown) - 1 - shown[::-1].index(next(line for line in shown if line.startswith("task  "))) :]
    assert all(len(line) <= 80 for line in end) and "the result" in end
    # What was printed is not drawn over, and cannot do anything to the terminal.
    assert b"\x1b]0;" not in data and any(line.endswith("of output " + "and much more of it" * 9) for line in shown)
    # The cursor stays visible, whenever the run is killed.
    assert data.count(b"\x1b[?25l\x1b[?25h") == data.count(b"\x1b[?25l") >= 1


def test_failures_are_the_last_lines(project: Make) -> None:
    status, data = in_terminal(project(TASKS, HEAD), "-c", "broken", MADE)
    assert status == 1
    assert lines(data)[-2:] == ["  to run it again: doit broken", ""]
    assert "the result" not in lines(data)


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"TERM": ""}, {"DOIT_PLAIN": "1"}])
def test_no_view_where_none_is_wanted(project: Make, environment: dict[str, str]) -> None:
    status, data = in_terminal(project(TASKS, HEAD), MADE, "rich", environment=environment)
    assert status == 0 and b"\x1b" not in data
    assert f"{MADE} starts: " in data.decode() and b"rich is absent" in data


def test_no_colours_where_none_are_wanted(project: Make) -> None:
    _, coloured = in_terminal(project(TASKS, HEAD), MADE)
    status, data = in_terminal(project(TASKS, HEAD), MADE, environment={"NO_COLOR": "1"})
    assert re.search(rb"\x1b\[[0-9;]*m", coloured)
    assert status == 0 and not re.search(rb"\x1b\[(3|4|9)[0-9;]*m", data) and b"all tasks" in data


def test_rich_is_only_loaded_when_something_runs(project: Make) -> None:
    made = project(TASKS, HEAD)
    _, data = in_terminal(made, "done", "rich")
    assert b"rich is loaded" in data
    (made.path / "sitecustomize.py").write_text("import sys\nsys.modules['rich'] = None  # import fails\n")
    status, data = in_terminal(made, "done", environment={"PYTHONPATH": f"{made.path}:{os.environ['PYTHONPATH']}"}
                               if "PYTHONPATH" in os.environ else {})  # fmt: skip
    assert (status, data) == (0, b"up to date: 1 task checked in " + data[30:])


def test_a_task_that_wants_the_terminal_gets_it(project: Make) -> None:
    status, data = in_terminal(project(TASKS, HEAD), "asks", columns=100)
    assert status == 0 and "24 100" in lines(data)


def test_what_doit_itself_says_does_not_tear_the_picture(project: Make) -> None:
    status, data = in_terminal(project(TASKS, HEAD), "warns")
    assert status == 0 and "a warning of doit" in lines(data)


def test_a_terminal_that_has_another_encoding(project: Make) -> None:
    status, data = in_terminal(
        project(TASKS, HEAD), MADE, environment={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LANG": "C"}
    )
    assert status == 0 and data.isascii()


def test_time_left_is_told_when_it_can_be() -> None:
    now = [0.0]
    terminal = io.StringIO()
    view = LiveView(Output(io.StringIO()), Output(terminal), lambda: now[0])
    start = {"event": "task-start", "time": 0, "task": "t", "title": "t", "why": [], "takes_terminal": False}
    view.show({"event": "run-start", "time": 0, "format": 1, "selected": ["t"], "total": 2})
    view.show(start)
    progress = {"event": "progress", "time": 0, "task": "t", "label": "x", "unit": "bytes", "total": 4e6, "done": 0}
    view.show(progress)
    now[0] = 60
    view.show({**progress, "done": 1e6})
    from rich.console import Console

    console = Console(file=io.StringIO(), width=80)
    console.print(view._picture())
    task, everything = console.file.getvalue().splitlines()  # type: ignore[attr-defined]  # a StringIO
    assert re.fullmatch(r"t +x, 16.7 kB/s +\S+ +1.0 of 4.0 MB 3:00 left", task)
    assert re.fullmatch(r"all tasks +\S* +0 of 2 +1:00", everything)
    view.show({"event": "run-end", "time": 60, "status": 0, "seconds": 60, "interrupted": True, "ran": 0,
               "up_to_date": 0, "ignored": 0, "failed": 0, "not_run": 0})  # fmt: skip
    assert terminal.getvalue().endswith("interrupted after 60.00 s; 0 tasks done\n")
