"""A console reporter that ends with the results of what was asked for, whether or not anything had to run.

A task says how to show its result with ``meta={"show": (function, [arguments])}``; the function returns text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from doit.reporter import ConsoleReporter


class ResultsReporter(ConsoleReporter):  # type: ignore[misc]  # doit has no type hints
    """doit's console reporter, and the results of the selected tasks at the end of a run without failures."""

    desc = "console output, then the results of the tasks that were asked for"

    def initialize(self, tasks: dict[str, Any], selected_tasks: list[str]) -> None:
        """Remember which tasks were asked for; a group stands for its members."""
        super().initialize(tasks, selected_tasks)
        self._asked_for = []
        for name in selected_tasks:
            members = tasks[name].task_dep if tasks[name].has_subtask else [name]
            self._asked_for += [tasks[member] for member in members]

    def complete_run(self) -> None:
        """Print failures as doit does; without any, print the results."""
        super().complete_run()
        if not self.failures and not self.runtime_errors:
            for task in self._asked_for:
                show = (task.meta or {}).get("show")
                if show is not None:
                    self.write(f"\n{_result(task.name, *show)}\n")


def _result(name: str, function: Callable[..., str], arguments: list[Any]) -> str:
    """The result as text; files that it is made of may be damaged, and doit looks at no target that is there."""
    try:
        return function(*arguments)
    except (OSError, ValueError, LookupError, TypeError) as error:
        return f"{name}: the result cannot be shown ({type(error).__name__}: {error})\n  make it again: doit -a {name}"
