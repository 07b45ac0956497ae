"""What a run would do, task by task, and why. Nothing is run and nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from doit.task import Task

from glassmaster.doit_plugins.command import dependencies, with_dependencies
from glassmaster.doit_plugins.reasons import Reason, reasons

# run:        there is a reason of its own.
# may run:    another task before it would run; if that makes the same as last time, this one is left alone.
# up to date: nothing to do.  ignored: `doit ignore` said so.
Will = Literal["run", "may run", "up to date", "ignored"]
# The entry of a task's saved values with the seconds that it took.
SECONDS = "seconds:"


@dataclass(frozen=True)
class Outlook:
    """What would become of one task.

    after:   the tasks because of which it may run. missing: inputs that are not there and that no task makes.
    seconds: how long it took the last time; None when that is not known.
    """

    name: str
    will: Will
    reasons: tuple[Reason, ...]
    after: tuple[str, ...]
    missing: tuple[str, ...]
    seconds: float | None


def outlook(tasks: Mapping[str, Task], names: Sequence[str], state: Any) -> list[Outlook]:
    """The tasks of these names and all that they depend on, in an order in which they could run; groups left out.

    state: doit's Dependency.
    """
    found: dict[str, Outlook] = {}
    makers = {target: task.name for task in tasks.values() for target in task.targets}
    for name in with_dependencies(tasks, names):
        task = tasks[name]
        if not task.has_subtask:
            found[name] = _outlook(task, tasks, state, found, makers)
    return list(found.values())


def _outlook(
    task: Task, tasks: Mapping[str, Task], state: Any, found: Mapping[str, Outlook], makers: Mapping[str, str]
) -> Outlook:
    seconds = _seconds(state, task)
    if state.status_is_ignore(task):
        return Outlook(task.name, "ignored", (), (), (), seconds)
    running = {name for name, item in found.items() if item.will in ("run", "may run")}
    after = tuple(name for name in _before(task, tasks) if name in running)
    own, missing = [], []
    for reason in reasons(task, state, dict(tasks)):
        if reason.kind == "file-missing" and makers.get(reason.what) in running:
            continue  # made by then
        if reason.kind == "file-missing":
            missing.append(reason.what)
        own.append(reason)
    will: Will = "run" if own else "may run" if after else "up to date"
    return Outlook(task.name, will, tuple(own), after, tuple(missing), seconds)


def _before(task: Task, tasks: Mapping[str, Task]) -> list[str]:
    """The tasks that come before one, with the members of groups in the place of the groups.

    Also those that only have to be first: what they write may be in the key of this one.
    """
    names: list[str] = []
    for name in dependencies(task):
        names += list(tasks[name].task_dep) if tasks[name].has_subtask else [name]
    position = {name: number for number, name in enumerate(tasks)}
    return sorted(dict.fromkeys(names), key=lambda name: position[name])


def _seconds(state: Any, task: Task) -> float | None:
    value = state.get_values(task.name).get(SECONDS)
    return float(value) if isinstance(value, int | float) else None
