"""doit reporters that say what happens while it happens, and end with what was made or what failed.

AutoReporter   a live view on a terminal, else plain lines
PlainReporter  always plain lines
JsonlReporter  events for programs (docs/events.md)

A task says how to show its result with ``meta={"show": (function, [arguments])}``; the function returns text.

Results go to doit's output stream (standard output, or the file of ``--output-file``), all else to standard error.

Environment   DOIT_EVENTS_FD  number of an open file descriptor that gets the events as well, whichever reporter runs
              DOIT_PLAIN      not empty: no live view; as with TERM=dumb
"""

from __future__ import annotations

import os
import shlex
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing import active_children
from typing import Any, ClassVar, Protocol, TextIO

from doit.action import CmdAction
from doit.exceptions import BaseFail, InvalidCommand, TaskFailed, UnmetDependency
from doit.globals import Globals

from glassmaster.doit_plugins import repeat
from glassmaster.doit_plugins.jsonl import FdEvents, StreamEvents
from glassmaster.doit_plugins.observed import Event, Hub, observe
from glassmaster.doit_plugins.plain import PlainView
from glassmaster.doit_plugins.streams import Output, is_terminal

EVENTS_FD = "DOIT_EVENTS_FD"
PLAIN = "DOIT_PLAIN"
FORMAT = 1
LOG_LINES = 20


class View(Protocol):
    """Shows events; each call is made while nobody else shows anything."""

    tick: Callable[[], None] | None

    def show(self, event: Event) -> None:
        """An event has happened."""


class AutoReporter:
    """Turns doit's calls into events, and gives them to the views."""

    desc = "a live view on a terminal, plain lines elsewhere; then what was made, or what failed"
    # Seconds, from any beginning.
    clock: ClassVar[Callable[[], float]] = staticmethod(time.monotonic)

    def __init__(self, outstream: TextIO, options: dict[str, Any]) -> None:
        self._begin = type(self).clock()
        self._lock = threading.RLock()
        self._views: list[View] = [*self._own_views(Output(outstream, must=True)), *_events_for_environment()]
        self._tasks: dict[str, Any] = {}
        self._asked_for: list[str] = []
        self._hub: Hub | None = None
        self._started: dict[str, float] = {}
        self._why: dict[str, list[str]] = {}
        self._status = 0
        self._failed = False
        self._counts = {"ran": 0, "up_to_date": 0, "ignored": 0, "failed": 0, "not_run": 0}

    def _own_views(self, results: Output) -> list[View]:
        if os.environ.get(PLAIN) or not is_terminal(sys.stdout) or not is_terminal(sys.stderr):
            return [PlainView(results, Output(sys.stderr))]
        from glassmaster.doit_plugins.live import LiveView

        return [LiveView(results, Output(sys.stderr), type(self).clock)]

    # What doit calls, in its order.

    def initialize(self, tasks: dict[str, Any], selected_tasks: list[str]) -> None:
        """Before anything else; a group stands for its members."""
        self._tasks = tasks
        for name in selected_tasks:
            self._asked_for += tasks[name].task_dep if tasks[name].has_subtask else [name]
        self._hub = Hub(self._hear, self._about_to_run)
        needed = _needed(tasks, selected_tasks)
        for name in needed:
            observe(tasks[name])
        total = sum(_does_something(tasks[name]) for name in needed)
        self._emit({"event": "run-start", "format": FORMAT, "selected": list(selected_tasks), "total": total})

    def get_status(self, task: Any) -> None:
        """Before it is decided whether a task runs; the first time that a delayed task is seen."""
        observe(task)

    def execute_task(self, task: Any) -> None:
        """A task starts. From a worker this comes some time after the start, of which the task itself tells the hub."""
        if not _does_something(task):
            return
        assert self._hub is not None
        ticks = [view.tick for view in self._views if view.tick is not None]
        parallel = bool(active_children())
        if parallel or ticks:
            self._hub.start(self._tick if ticks else None)
        if not parallel:
            self._task_starts(task.name)

    def add_success(self, task: Any) -> None:
        """A task has ended well."""
        if _does_something(task):
            self._caught_up()
            self._counts["ran"] += 1
            targets = [{"path": path, "size": _size(path)} for path in task.targets]
            self._emit(
                {"event": "task-success", "task": task.name, "seconds": self._seconds(task.name), "targets": targets}
            )

    def add_failure(self, task: Any, fail: BaseFail) -> None:
        """A task has failed, or cannot run."""
        self._caught_up()
        self._failed = True
        self._status = max(self._status, 1 if isinstance(fail, TaskFailed) else 2)
        if fail.report:
            self._counts["not_run" if isinstance(fail, UnmetDependency) else "failed"] += 1
            self._emit(
                {
                    "event": "task-failure", "task": task.name,
                    "kind": fail.get_name(), "message": fail.get_msg().strip(),
                    "seconds": self._seconds(task.name) if task.name in self._started else None,
                    "command": _command(task) if task.executed else None, "log": _log(task) if task.executed else [],
                    "repeat": repeat.command_line(task.name),
                }
            )  # fmt: skip

    def skip_uptodate(self, task: Any) -> None:
        """A task has nothing to do."""
        if _does_something(task):
            self._counts["up_to_date"] += 1
            self._emit({"event": "task-up-to-date", "task": task.name})

    def skip_ignore(self, task: Any) -> None:
        """A task is ignored (`doit ignore`)."""
        self._counts["ignored"] += 1
        self._emit({"event": "task-ignored", "task": task.name})

    def teardown_task(self, task: Any) -> None:
        """The teardown of a task starts."""

    def cleanup_error(self, exception: BaseFail) -> None:
        """The teardown of a task that is not observed has failed."""
        self._emit({"event": "error", "message": exception.get_msg().strip()})

    def runtime_error(self, msg: str) -> None:
        """doit itself has failed."""
        self._failed, self._status = True, 2
        self._emit({"event": "error", "message": msg.strip()})

    def complete_run(self) -> None:
        """The end, whatever has happened; also while an exception (an interrupt) passes through doit."""
        if self._hub is not None:
            self._hub.stop()
        passing = sys.exc_info()[1]
        status = self._status if passing is None else _status_of(passing)
        if not self._failed and passing is None:
            for name in dict.fromkeys(self._asked_for):
                show = (self._tasks[name].meta or {}).get("show")
                if show is not None:
                    self._emit({"event": "result", "task": name, "text": _result(name, *show)})
        self._emit(
            {
                "event": "run-end", "status": status, "seconds": self._now(), "interrupted": passing is not None,
                **self._counts,
            }
        )  # fmt: skip

    # Where events come together.

    def _about_to_run(self, task: Any) -> None:
        """doit has decided that a task runs: now, before it changes anything, is the time to ask why."""
        if _does_something(task) and task.name not in self._why:
            from glassmaster.doit_plugins.reasons import reasons

            try:
                self._why[task.name] = [str(reason) for reason in reasons(task, Globals.dep_manager, self._tasks)]
            except OSError:  # a file that went away just now: the task runs all the same, and says so itself
                self._why[task.name] = []

    def _hear(self, event: Event) -> None:
        """An event that a running task tells."""
        if event["event"] == "task-start":
            self._task_starts(event["task"])
        else:
            self._emit(event)

    def _task_starts(self, name: str) -> None:
        with self._lock:
            if name not in self._started and _does_something(self._tasks[name]):
                self._started[name] = type(self).clock()
                task = self._tasks[name]
                self._emit(
                    {
                        "event": "task-start", "task": name, "title": task.title(), "why": self._why.get(name, []),
                        "takes_terminal": not task.io.capture,
                    }
                )  # fmt: skip

    def _emit(self, event: Event) -> None:
        with self._lock:
            timed = {"event": event["event"], "time": self._now(), **event}
            for view in self._views:
                view.show(timed)

    def _tick(self) -> None:
        with self._lock:
            for view in self._views:
                if view.tick is not None:
                    view.tick()

    def _caught_up(self) -> None:
        if self._hub is not None:
            self._hub.catch_up()

    def _now(self) -> float:
        return round(type(self).clock() - self._begin, 3)

    def _seconds(self, name: str) -> float:
        """How long a task has been running; a task without a start of its own took no time."""
        now = type(self).clock()
        return round(now - self._started.get(name, now), 3)


class PlainReporter(AutoReporter):
    """As in a log, also on a terminal."""

    desc = "plain lines with times; then what was made, or what failed"

    def _own_views(self, results: Output) -> list[View]:
        return [PlainView(results, Output(sys.stderr))]


class JsonlReporter(AutoReporter):
    """Events for programs, and nothing else."""

    desc = "one JSON object a line for each event, for programs (docs/events.md)"

    def _own_views(self, results: Output) -> list[View]:
        # Where the environment names a descriptor, that is the place for them.
        return [] if os.environ.get(EVENTS_FD) else [StreamEvents(results)]


def _events_for_environment() -> list[View]:
    word = os.environ.get(EVENTS_FD)
    if not word:
        return []
    try:
        return [FdEvents(int(word))]
    except (ValueError, OSError) as error:
        raise InvalidCommand(f"{EVENTS_FD}={word}: not the number of an open file descriptor ({error})") from error


def _needed(tasks: dict[str, Any], selected: list[str]) -> list[str]:
    """The names of the selected tasks and of all that may run for them; what delayed tasks bring is not known yet."""
    found: dict[str, None] = {}
    todo = list(selected)
    while todo:
        name = todo.pop()
        if name in tasks and name not in found:
            found[name] = None
            todo += [*tasks[name].task_dep, *tasks[name].setup_tasks, *tasks[name].calc_dep]
    return list(found)


def _does_something(task: Any) -> bool:
    """Whether a task has actions; doit makes them when they are asked for, which takes time when there are many."""
    return bool(task._actions)


def _size(path: str) -> int | None:
    """Bytes of a target; None if it is not a file."""
    try:
        status = os.stat(path)  # noqa: PTH116  # doit's targets are strings
    except OSError:
        return None
    return None if os.path.isdir(path) else status.st_size  # noqa: PTH112


def _log(task: Any) -> list[str]:
    """The last lines that a task printed; standard error after standard output, since doit keeps them apart."""
    text = "".join(f"{part.rstrip()}\n" for action in task.actions for part in (action.out, action.err) if part)
    return text.splitlines()[-LOG_LINES:]


def _command(task: Any) -> str | None:
    """The command that the task ran last, to paste into a shell; None if it was not a command."""
    ran = [action for action in task.actions if action.out is not None]
    if not ran or not isinstance(ran[-1], CmdAction):
        return None
    words = ran[-1].expand_action()
    return words if isinstance(words, str) else shlex.join(words)


def _status_of(exception: BaseException) -> int:
    """The exit status that an exception leads to when it leaves doit."""
    if isinstance(exception, SystemExit):
        return exception.code if isinstance(exception.code, int) else 0 if exception.code is None else 1
    return 130 if isinstance(exception, KeyboardInterrupt) else 3


def _result(name: str, function: Callable[..., str], arguments: list[Any]) -> str:
    """The result as text; files that it is made of may be damaged, and doit looks at no target that is there."""
    try:
        return function(*arguments)
    except (OSError, ValueError, LookupError, TypeError) as error:
        again = repeat.command_line(name, "-a")
        return f"{name}: the result cannot be shown ({type(error).__name__}: {error})\n  make it again: {again}"
