"""`doit info TASK`, with one clear message for a task that there is not, where doit's own has a traceback."""

from __future__ import annotations

from typing import Any

from doit import cmd_info
from doit.exceptions import InvalidCommand

from glassmaster.doit_plugins.command import unknown
from glassmaster.doit_plugins.looking import LookingCommand


class Info(LookingCommand, cmd_info.Info):  # type: ignore[misc]  # doit has no type hints
    """doit's command, in the place of doit's own."""

    examples = ("info iso",)
    cmd_options = cmd_info.Info.cmd_options

    def _execute(self, pos_args: list[str], hide_status: bool = False) -> Any:
        tasks = self.all_tasks()
        if len(pos_args) == 1 and pos_args[0] not in tasks:
            raise InvalidCommand(unknown("task", pos_args[0], tasks))
        return super()._execute(pos_args, hide_status)
