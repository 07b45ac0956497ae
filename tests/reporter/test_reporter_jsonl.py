"""Events for programs: each as docs/events.schema.json says, as soon as it happens, and nobody's loss when unread."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from glassmaster.doit_plugins.jsonl import FdEvents

if TYPE_CHECKING:
    from tests.reporter.conftest import Project

Make = Callable[..., "Project"]

REPOSITORY = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((REPOSITORY / "docs" / "events.schema.json").read_text())
TYPES = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict, "null": type(None)}

TASKS = """
from doit.exceptions import TaskFailed


def write():
    print("text")
    with progress("step", 3) as advance:
        passes(0.5)
        advance(2)
    open("made", "w").write("12345")


def task_made():
    return {"actions": [write], "targets": ["made"], "uptodate": [True], "meta": {"show": (str, ["the result"])}}


def task_broken():
    return {"actions": [lambda: TaskFailed("broken")], "targets": ["x"]}


def task_needs():
    return {"actions": ["true"], "file_dep": ["x"]}


def task_torn():
    return {"actions": ["true"], "teardown": ["false"]}
"""


def problems(value: Any, schema: dict[str, Any], where: str = "event") -> list[str]:
    """What is wrong with a value; knows the words of JSON Schema that our schema has, and no others."""
    unknown = schema.keys() - {"type", "properties", "required", "additionalProperties", "items", "const", "enum",
                               "minimum", "description", "title", "$schema", "oneOf", "$ref", "$defs"}  # fmt: skip
    assert not unknown, unknown
    if "$ref" in schema:
        return problems(value, SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], where)
    if "oneOf" in schema:
        found = [problems(value, choice, where) for choice in schema["oneOf"]]
        return [] if sum(not item for item in found) == 1 else [f"{where}: {found}"]
    wrong = []
    words = schema.get("type", [])
    types = [words] if isinstance(words, str) else words
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = any(number if word == "number" else isinstance(value, TYPES[word]) for word in types)
    if types and not fits:
        wrong.append(f"{where}: {value!r} is no {types}")
    if "const" in schema and value != schema["const"]:
        wrong.append(f"{where}: {value!r} is not {schema['const']!r}")
    if "enum" in schema and value not in schema["enum"]:
        wrong.append(f"{where}: {value!r} is none of {schema['enum']}")
    if "minimum" in schema and number and value < schema["minimum"]:
        wrong.append(f"{where}: {value!r} < {schema['minimum']}")
    if isinstance(value, dict):
        known = schema.get("properties", {})
        wrong += [f"{where}: no {name}" for name in schema.get("required", []) if name not in value]
        wrong += [f"{where}: unknown {name}" for name in value if name not in known]
        wrong += [text for name in value.keys() & known for text in problems(value[name], known[name], name)]
    if isinstance(value, list):
        wrong += [text for item in value for text in problems(item, schema.get("items", {}), where)]
    return wrong


def events(text: str) -> list[dict[str, Any]]:
    """The events of a text, each checked."""
    found = [json.loads(line) for line in text.splitlines()]
    for event in found:
        assert problems(event, SCHEMA) == []
    return found


def kinds(found: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in found]


def jsonl(source: str) -> str:
    return source.replace("reporter.PlainReporter", "reporter.JsonlReporter")


@pytest.fixture
def made(project: Make, request: pytest.FixtureRequest) -> Project:
    """The project above, whose reporter tells events, with the clock that stands still."""
    result: Project = project(TASKS)
    path = result.path / "dodo.py"
    path.write_text(jsonl(path.read_text()))
    return result


def test_a_run_and_one_with_nothing_to_do(made: Project) -> None:
    result = made.doit("made")
    assert (result.returncode, result.stderr) == (0, "")
    found = events(result.stdout)
    assert found == [
        {"event": "run-start", "time": 0, "format": 1, "selected": ["made"], "total": 1},
        {"event": "task-start", "time": 0, "task": "made", "title": "made", "why": ["first of made"]},
        {"event": "output", "time": 0, "task": "made", "stream": "stdout", "line": "text"},
        {"event": "progress", "time": 0, "task": "made", "label": "step", "done": 0, "total": 3, "unit": "steps"},
        {"event": "progress", "time": 0.5, "task": "made", "label": "step", "done": 2, "total": 3, "unit": "steps"},
        {"event": "task-success", "time": 0.5, "task": "made", "seconds": 0.5,
         "targets": [{"path": "made", "size": 5}]},
        {"event": "result", "time": 0.5, "task": "made", "text": "the result"},
        {"event": "run-end", "time": 0.5, "status": 0, "seconds": 0.5, "interrupted": False, "ran": 1,
         "up_to_date": 0, "ignored": 0, "failed": 0, "not_run": 0},
    ]  # fmt: skip
    again = events(made.doit("made").stdout)
    assert kinds(again) == ["run-start", "task-up-to-date", "result", "run-end"]


def test_failures_errors_and_ignored_tasks(made: Project) -> None:
    assert made.doit("ignore", "made").returncode == 0
    result = made.doit("-c", "made", "broken", "needs", "torn")
    assert result.returncode == 2
    found = events(result.stdout)
    assert set(kinds(found)) == {
        "run-start", "task-start", "task-ignored", "task-failure", "task-success", "error", "run-end"
    }  # fmt: skip
    broken, needs = [event for event in found if event["event"] == "task-failure"]
    assert (broken["kind"], broken["message"], broken["repeat"]) == ("TaskFailed", "broken", "doit broken")
    assert needs["kind"] == "UnmetDependency" and needs["seconds"] is None
    assert found[-1]["status"] == 2 and (found[-1]["failed"], found[-1]["not_run"]) == (1, 1)


def test_every_event_of_the_schema_is_described_and_every_described_one_is_there() -> None:
    names = {choice["properties"]["event"]["const"] for choice in (SCHEMA["$defs"].values())
             if "event" in choice.get("properties", {})}  # fmt: skip
    text = (REPOSITORY / "docs" / "events.md").read_text().partition("## For programs")[2]
    assert names == set(re.findall(r"^\| `([a-z-]+)`", text, re.M))


def test_events_on_a_descriptor_beside_the_lines_for_people(project: Make) -> None:
    reading, writing = os.pipe()
    made = project(TASKS)
    result = made.doit("made", environment={"DOIT_EVENTS_FD": str(writing)}, pass_fds=[writing])
    os.close(writing)
    with open(reading, encoding="ascii") as stream:  # noqa: PTH123  # a descriptor
        assert kinds(events(stream.read()))[-1] == "run-end"
    assert result.stdout == "\nthe result\n" and "made done in" in result.stderr


def test_events_on_a_descriptor_and_nowhere_else(made: Project) -> None:
    reading, writing = os.pipe()
    result = made.doit("made", environment={"DOIT_EVENTS_FD": str(writing)}, pass_fds=[writing])
    os.close(writing)
    os.close(reading)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize("arguments", [["made"], ["-n", "2", "made", "torn"]])
def test_a_reader_that_goes_away(project: Make, arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    made = project(TASKS)
    result = made.doit(*arguments, environment={"DOIT_EVENTS_FD": str(writing)}, pass_fds=[writing])
    os.close(writing)
    assert result.returncode == 0 and "the result" in result.stdout, result.stderr


def test_a_descriptor_that_does_not_wait() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with ThreadPoolExecutor() as pool, open(reading, "rb") as stream:  # noqa: PTH123  # a descriptor
        data = pool.submit(stream.readline)
        FdEvents(writing).show({"event": "error", "time": 0, "message": "x" * 1_000_000})
        assert len(data.result()) > 1_000_000
    os.close(writing)


@pytest.mark.parametrize("word", ["77", "x", "-1"])
def test_a_descriptor_that_is_not_open(made: Project, word: str) -> None:
    result = made.doit("made", environment={"DOIT_EVENTS_FD": word})
    assert result.returncode == 3
    assert f"DOIT_EVENTS_FD={word}" in result.stderr and "Traceback" not in result.stderr


def test_each_line_is_there_as_soon_as_it_happens(project: Make, tmp_path: Path) -> None:
    # The task looks itself whether its start and its line have been written.
    text = (
        "def look():\n    print('now')\n    return open('events').read().count('\\n') == 3\n\n\n"
        "def task_a():\n    return {'actions': [look]}\n"
    )
    made = project(text)
    result = made.doit("-r", "jsonl", "-o", "events", "a")
    assert result.returncode == 0, (tmp_path / "events").read_text()
