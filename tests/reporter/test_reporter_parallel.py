"""Several tasks at once: what they print never mixes, and nothing of it is lost."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.reporter.conftest import Project

Make = Callable[..., "Project"]

HEAD = """\
import os
import sys
from pathlib import Path

from glassmaster.doit_plugins.progress import progress
from glassmaster.doit_plugins.reporter import JsonlReporter, PlainReporter

DOIT_CONFIG = {"reporter": PlainReporter, "verbosity": 2}
"""
# Two tasks that take turns, by named pipes: each half line is written while the other task has one open too.
TURNS = """
for name in ("to-a", "to-b"):
    if not Path(name).exists():
        os.mkfifo(name)


def turns(name, own, other, first):
    mine = os.open(own, os.O_RDWR)
    others = os.open(other, os.O_RDWR)
    with progress("turns", 50) as advance:
        for number in range(50):
            if not first or number:
                os.read(mine, 1)
            print(f"{name} begins", end="")
            sys.stderr.write(f"{name} error {number}\\n")
            os.write(others, b"x")
            print(f" and ends {number}")
            advance()
    if first:
        os.read(mine, 1)
    Path(name).write_text(name)


def task_a():
    return {"actions": [(turns, ["a", "to-a", "to-b", True])], "targets": ["a"], "uptodate": [True]}


def task_b():
    return {"actions": [(turns, ["b", "to-b", "to-a", False])], "targets": ["b"], "uptodate": [True]}


def task_c():
    return {"actions": ["echo last"], "file_dep": ["a", "b"]}
"""


@pytest.mark.parametrize("start_method", ["fork", "forkserver", "spawn"])
def test_two_tasks_that_print_at_the_same_time(project: Make, start_method: str) -> None:
    result = project(TURNS, HEAD).doit("-n", "2", "c", start_method=start_method)
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
    for name in "ab":
        said = re.findall(rf"^ *[\d.]+ s  {name} \| (.*)$", result.stderr, re.M)
        assert [line for line in said if "error" not in line] == [f"{name} begins and ends {n}" for n in range(50)]
        assert [line for line in said if "error" in line] == [f"{name} error {n}" for n in range(50)]
    lines = [line[12:] for line in result.stderr.splitlines()]
    # All of a task stands between its start and its end.
    for name in "abc":
        of_task = [line for line in lines if re.match(rf"{name} (\||starts|done)", line)]
        assert of_task[0].startswith(f"{name} starts") and of_task[-1].startswith(f"{name} done")
    assert lines.index("c | last") > max(index for index, line in enumerate(lines) if " | " in line and line[0] in "ab")


def test_events_of_two_workers(project: Make) -> None:
    made = project(TURNS, HEAD)
    result = made.doit("-n", "2", "-r", "jsonl", "c")
    assert result.returncode == 0 and result.stderr == "", result.stderr
    events = [json.loads(line) for line in result.stdout.splitlines()]
    last = {event["task"]: event for event in events if event["event"] == "progress"}
    assert [(last[name]["done"], last[name]["total"], last[name]["label"]) for name in "ab"] == [(50, 50, "turns")] * 2
    assert [event["time"] for event in events] == sorted(event["time"] for event in events)


FAILING = """
def fails(name):
    print("said by", name)
    raise ValueError("wrong in " + name)


def task_a():
    return {"actions": [(fails, ["a"])]}


def task_b():
    return {"actions": ["echo said by b; exit 4"]}


def quits():
    sys.exit("a step must not do this")


def task_quits():
    return {"actions": [quits]}
"""


@pytest.mark.parametrize("start_method", ["fork", "forkserver"])
def test_errors_of_workers_are_told_fully(project: Make, start_method: str) -> None:
    result = project(FAILING, HEAD).doit("-n", "2", "-c", "a", "b", start_method=start_method)
    assert result.returncode == 2
    end = result.stderr[result.stderr.index("2 failed") :]
    assert "ValueError: wrong in a" in end and "    | said by a\n" in end and "to run it again: doit a" in end
    assert "the command: echo said by b; exit 4" in end and "    | said by b\n" in end
    assert end.count("failed after") == 2


def test_a_step_that_ends_its_worker(project: Make) -> None:
    result = project(FAILING, HEAD).doit("-n", "2", "quits")
    assert result.returncode != 0
    assert "interrupted after" in result.stderr and "a step must not do this" in result.stderr


@pytest.mark.parametrize("arguments", [["a"], ["-n", "2", "a"]])
def test_a_teardown_that_fails(project: Make, arguments: list[str]) -> None:
    text = "def task_a():\n    return {'actions': ['true'], 'teardown': ['echo in vain; exit 5']}\n"
    result = project(text, HEAD).doit(*arguments)
    assert result.returncode == 0, result.stderr
    assert "a | in vain\n" in result.stderr
    assert result.stderr.endswith("\na: its teardown failed: Command failed: 'echo in vain; exit 5' returned 5\n")


def test_very_long_lines_and_odd_characters(project: Make, tmp_path: Path) -> None:
    text = (
        "def talk():\n    print('x' * 300_000)\n    print('\\udcff\\x07 ü\\tt')\n\n\n"
        "def task_a():\n    return {'actions': [talk]}\n\n\ndef task_b():\n    return {'actions': [talk]}\n"
    )
    result = project(text, HEAD).doit("-n", "2", "-o", "events", "-r", "jsonl", "a", "b")
    assert result.returncode == 0, result.stderr
    events = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
    said = [event["line"] for event in events if event["event"] == "output" and event["task"] == "a"]
    assert "".join(said) == "x" * 300_000 + "\udcff\x07 ü\tt"
    result = project(text, HEAD).doit("-n", "2", "a", "b")
    assert result.returncode == 0 and "a | \\udcff\\x07 " in result.stderr


def test_many_lines_at_once(project: Make) -> None:
    text = (
        "def talk(name):\n    for number in range(3000):\n        print(name, number)\n\n\n"
        "def task_t():\n    for name in 'abcd':\n        yield {'name': name, 'actions': [(talk, [name])]}\n"
    )
    result = project(text, HEAD).doit("-n", "3", "t")
    assert result.returncode == 0, result.stderr
    for name in "abcd":
        said = re.findall(rf"^ *[\d.]+ s  t:{name} \| {name} (\d+)$", result.stderr, re.M)
        assert said == [str(number) for number in range(3000)]


def test_a_worker_goes_on_when_the_master_was_killed(project: Make) -> None:
    # It says a lot more than the socket holds, to nobody.
    text = (
        "import signal\n\n\ndef talk(descriptor):\n    os.kill(os.getppid(), signal.SIGKILL)\n"
        "    for number in range(20_000):\n        print(number)\n    os.write(descriptor, b'done')\n    os._exit(0)\n"
        "\n\n"
        "def task_a():\n    return {'actions': [(talk, [int(os.environ['TOLD'])])]}\n"
    )
    reading, writing = os.pipe()
    result = project(text, HEAD).doit("-n", "2", "a", environment={"TOLD": str(writing)}, pass_fds=[writing])
    os.close(writing)
    with open(reading, "rb") as stream:  # noqa: PTH123  # a descriptor
        assert stream.read() == b"done"
    assert result.returncode == -signal.SIGKILL


def test_tasks_that_are_made_late(project: Make) -> None:
    text = (
        "from doit import create_after\n\n\ndef talk():\n    print('late', 1)\n\n\n"
        "def task_early():\n    return {'actions': ['true']}\n\n\n"
        "@create_after(executed='early')\ndef task_late():\n"
        "    for name in 'ab':\n        yield {'name': name, 'actions': [talk]}\n"
    )
    made = project(text, HEAD)
    for arguments in (["late"], ["-n", "2", "late"]):
        result = made.doit(*arguments)
        assert result.returncode == 0, result.stderr
        assert "late:a | late 1\n" in result.stderr and "late:b | late 1\n" in result.stderr
