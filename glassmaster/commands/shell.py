"""`doit shell TASK`: a shell where a step works, with the environment that its programs get."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from doit.exceptions import InvalidCommand
from doit.task import Task

from glassmaster.doit_plugins.command import Option, expand
from glassmaster.doit_plugins.looking import LookingCommand
from glassmaster.doit_plugins.reasons import reasons
from glassmaster.doit_plugins.repeat import command_line
from glassmaster.errors import GlassmasterError
from glassmaster.places import Places
from glassmaster.run import Command, run_interactive

# No short option: doit takes a word of its own with a = in it for a variable, so that only --command=... is safe.
COMMAND: Option = {
    "name": "command", "long": "command", "type": str, "default": "", "metavar": "COMMAND",
    "help": "run one command of /bin/sh instead of a shell",
}  # fmt: skip
FILES_SHOWN = 12


class Shell(LookingCommand):
    """doit's command."""

    name = "shell"
    doc_purpose = "start a shell where a step works, with the environment of its programs"
    doc_usage = "[TASK] [recipe=NAME]"
    doc_description = (
        "Without TASK, the step that failed last. "
        "The directory is the one in which steps run, the variables are those that their programs see, and TASK, "
        "NEEDS, MAKES, BUILD, OUT and LOGS say what belongs to the step (paths, for the shell to split). The shell is "
        "$SHELL. Exit status: the shell's own."
    )
    examples = ("shell", "shell smoke:standin", "shell iso:standin --command='ls -l $MAKES'")
    cmd_options = (COMMAND,)

    def _execute(self, command: str, pos_args: list[str]) -> int:
        if len(pos_args) > 1:
            raise InvalidCommand("shell takes one task, such as `doit shell iso:standin`")
        tasks = self.all_tasks()
        task = _single(tasks, pos_args[0]) if pos_args else self._failed(tasks)
        shell = os.environ.get("SHELL") or "/bin/sh"
        argv = ("/bin/sh", "-c", command) if command else (shell,)
        try:
            if not command:
                why = [str(reason) for reason in reasons(task, self.dep_manager, tasks)]
                print(banner(task, why, logs(task, tasks)), flush=True)
            self.dep_manager.close()
            return run_interactive(Command(argv, environment(task, logs(task, tasks)), Path.cwd()))
        except GlassmasterError as error:
            raise InvalidCommand(str(error)) from error

    def _failed(self, tasks: dict[str, Task]) -> Task:
        """The step that failed last; a backend that does not remember failures knows none."""
        failed_at = getattr(self.dep_manager.backend, "failed_at", lambda name: None)
        failed = [(at, name) for name in tasks if (at := failed_at(name)) is not None]
        if not failed:
            raise InvalidCommand("no step failed when it ran last\n  name one, such as `doit shell iso:standin`")
        return tasks[max(failed)[1]]


def _single(tasks: dict[str, Task], word: str) -> Task:
    """The one task of a word; a group with one member stands for that."""
    names = expand(word, tasks)
    if len(names) == 1 and tasks[names[0]].has_subtask:
        names = list(tasks[names[0]].task_dep)
    if len(names) != 1:
        raise InvalidCommand(f"{word} is {len(names)} tasks: {', '.join(names)}\n  name one of them")
    return tasks[names[0]]


def environment(task: Task, logs: list[str]) -> dict[str, str]:
    """What tells the step, beside the clean environment: paths, quoted for the shell and joined by spaces."""
    places = Places(task.name.split(":")[1]) if ":" in task.name else None
    return {
        "TASK": task.name,
        "NEEDS": shlex.join(sorted(task.file_dep)),
        "MAKES": shlex.join(task.targets),
        "BUILD": str(places.build) if places else "",
        "OUT": str(places.out) if places else "",
        "LOGS": shlex.join(logs),
    }


def logs(task: Task, tasks: dict[str, Task]) -> list[str]:
    """Logs that lie where the step makes its files, and nearer to them than to another step's; the newest first."""
    own = {Path(target).parent for target in task.targets}
    others = {Path(target).parent for other in tasks.values() for target in other.targets} - own
    found = {log for folder in own for log in folder.rglob("*.log") if log.is_file()}
    nearest = [log for log in found if next(above for above in log.parents if above in own | others) in own]
    return [str(log) for log in sorted(nearest, key=lambda log: (-log.stat().st_mtime_ns, log))]


def banner(task: Task, why: list[str], logs: list[str]) -> str:
    """What one wants to know before the first command."""
    rows = [("step", task.name), ("what", task.doc or ""), ("directory", str(Path.cwd()))]
    rows += [("state", why[0] if why else "up to date")]
    for name, paths in (("needs", sorted(task.file_dep)), ("makes", task.targets), ("logs", logs)):
        shown = paths[:FILES_SHOWN] + ([f"and {len(paths) - FILES_SHOWN} more"] if len(paths) > FILES_SHOWN else [])
        rows += [(name if number == 0 else "", path) for number, path in enumerate(shown)]
    lines = [f"{name:<11}{value}" for name, value in rows]
    return "\n".join([*lines, f"leave it with `exit`; run the step again with `{command_line(task.name)}`"])
