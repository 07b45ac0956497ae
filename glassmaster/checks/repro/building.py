"""One build of the matrix: doit, started as a user would, straight through, or killed and gone on with, or edited."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glassmaster.checks.repro.matrix import History
from glassmaster.checks.repro.rooms import Project
from glassmaster.run import Command, started

TAIL_BYTES = 2000
EDITED = """\
extends: {before}
description: "edited: {recipe}"
boot: {{timeout: {timeout}}}
media: {{volume_id: EDITED}}
"""
BEFORE = "before-it-was-edited-"
TIMEOUT = 77


@dataclass(frozen=True)
class Built:
    """What a build did. tasks: those that ran to their end, in order; failure: "" or why there is no result."""

    tasks: tuple[str, ...]
    failure: str = ""


def arguments(recipe: str, word: str, jobs: int) -> list[str]:
    """doit's command line, for the interpreter. word: what `recipe=` has to say."""
    several = ["-n", str(jobs)] if jobs > 1 else []
    tasks = [f"iso:{recipe}", "domu"]
    return ["-m", "glassmaster", "run", "--reporter", "jsonl", *several, *tasks, f"recipe={word}", "locked=yes"]


@dataclass(frozen=True)
class Doit:
    """doit in a room: how it is started, the clone as it is seen from outside, and where its standard error goes."""

    command: Command
    clone: Path
    log: Path

    def run(self, kill_at: str = "") -> Built:
        """Run it to its end, or kill it with all its processes as soon as a task starts."""
        done, failures, killed = [], [], False
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with (
            self.log.open("wb") as log,
            started(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log) as process,
        ):
            assert process.stdout is not None
            for event in map(_event, process.stdout):
                if event["event"] == "task-success":
                    done.append(event["task"])
                elif event["event"] == "task-failure" and event["seconds"] is not None:
                    failures.append(f"{event['task']}: {event['message']}")
                elif event["event"] == "task-start" and event["task"] == kill_at:
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                    killed = True
            status = process.wait()
        if killed:
            return Built(tuple(done))
        if kill_at:
            return Built(tuple(done), f"it was to be killed in {kill_at}, which did not start")
        if status != 0:
            return Built(tuple(done), "\n".join(failures[:1]) or self._said(status))
        return Built(tuple(done))

    def _said(self, status: int) -> str:
        text = self.log.read_bytes()[-TAIL_BYTES:].decode("utf-8", "replace").strip()
        return f"doit ended with status {status}\n{text}".strip()


def build(doit: Doit, history: History, project: Project, kill_at: Sequence[str], forget: Callable[[], None]) -> Built:
    """Build, as the history has it. kill_at: tasks for the one that is killed. forget: called before the last run."""
    done: list[str] = []
    for result in _runs(doit, history, project, kill_at, forget):
        done += [task for task in result.tasks if task not in done]
        if result.failure:
            return Built(tuple(done), result.failure)
    return Built(tuple(done))


def _runs(
    doit: Doit, history: History, project: Project, kill_at: Sequence[str], forget: Callable[[], None]
) -> Iterator[Built]:
    if history == "resumed":
        for task in kill_at:
            yield doit.run(task)
    elif history == "incremental":
        with edited(doit.clone, project):
            yield doit.run()
    if history in ("incremental", "warm"):
        forget()
    yield doit.run()


@contextmanager
def edited(clone: Path, project: Project) -> Iterator[None]:
    """The recipe says something else while the block lasts."""
    recipe = clone / project.file
    text = recipe.read_bytes()
    before = recipe.with_name(f"{BEFORE}{recipe.name}")
    before.write_bytes(text)
    recipe.write_text(EDITED.format(before=before.name, recipe=project.recipe, timeout=TIMEOUT), encoding="utf-8")
    try:
        yield
    finally:
        recipe.write_bytes(text)
        before.unlink()


def middle_and_last(tasks: Sequence[str]) -> tuple[str, ...]:
    """Where a build is killed: in the middle of its tasks, and in the last but one step, which writes the disc."""
    return tuple(dict.fromkeys([tasks[len(tasks) // 2], *[task for task in tasks if task.startswith("iso:")]]))


def _event(line: bytes) -> dict[str, Any]:
    """An event; a line that a killed run did not finish is none."""
    try:
        found = json.loads(line)
    except ValueError:
        return {"event": ""}
    return found if isinstance(found, dict) and "event" in found else {"event": ""}
