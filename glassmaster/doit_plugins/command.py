"""What our doit commands have in common: --help, options anywhere on the line, and errors of one message."""

from __future__ import annotations

import difflib
import getopt
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from doit.cmd_base import Command, DoitCmdBase
from doit.cmdparse import CmdParseError
from doit.control import TaskControl
from doit.exceptions import InvalidCommand, InvalidTask
from doit.task import Task

# Options are doit's own dictionaries (doit.cmdparse.CmdOption).
Option = dict[str, Any]

JSON: Option = {
    "name": "as_json", "long": "json", "type": bool, "default": False, "help": "print JSON instead of text",
}  # fmt: skip
OUTPUT: Option = {
    "name": "output_file", "short": "o", "long": "output", "type": str, "default": "", "metavar": "FILE",
    "help": "write to FILE instead of standard output",
}  # fmt: skip


class PlainCommand(Command):  # type: ignore[misc]  # doit has no type hints
    """A command that needs no tasks. Subclasses give `doc_purpose`, `doc_usage`, `doc_description` and an example."""

    # Command lines, one a line, each with what stands after the program's name.
    examples: ClassVar[Sequence[str]] = ()

    def __init__(self, bin_name: str = "doit", **keywords: Any) -> None:
        # Started as `python -m doit`, doit takes "-m" for its own name.
        super().__init__(bin_name="doit" if bin_name in ("-m", "__main__.py") else bin_name, **keywords)

    def parse_execute(self, in_args: list[str]) -> Any:
        """Print the help, or run; a reader that has seen enough (`| head`) is no error."""
        try:
            if "--help" in in_args or "-h" in in_args:
                print(self.help())
                status = 0
            else:
                status = super().parse_execute(self._options_first(in_args))
            sys.stdout.flush()
            return status
        except BrokenPipeError:
            # Python flushes once more at its end; into nothing, so that it does not complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0

    def help(self) -> str:
        """doit's help page with the examples at its end."""
        lines = "\n".join(f"    {self.bin_name} {example}" for example in self.examples)
        return f"{super().help()}\n\nEXAMPLES\n{lines}"

    def _options_first(self, words: list[str]) -> list[str]:
        """The words with the options before the tasks: doit would take `--json` in `plan iso --json` for the task's."""
        parser = self.cmdparser
        try:
            options, rest = getopt.gnu_getopt(words, parser.get_short(), parser.get_long())
        except getopt.GetoptError as error:
            raise CmdParseError(f"{self.name}: {error} (`{self.bin_name} {self.name} --help` lists them)") from error
        first = []
        for name, value in options:
            if name.startswith("--") and value:
                first.append(f"{name}={value}")
            else:
                first += [name, value] if value else [name]
        return [*first, *(["--"] if any(word.startswith("-") for word in rest) else []), *rest]


class TasksCommand(PlainCommand, DoitCmdBase):  # type: ignore[misc]  # doit has no type hints
    """A command that looks at the tasks of a dodo.py and starts none of them."""

    def all_tasks(self) -> dict[str, Task]:
        """Every task by name, with the dependencies that come from one task's targets being another's inputs."""
        tasks: dict[str, Task] = TaskControl(self.task_list).tasks
        return tasks

    def asked_for(self, tasks: Mapping[str, Task], words: Sequence[str], *, default: bool = True) -> list[str]:
        """Names of the tasks that the words mean: names, patterns (*) and targets.

        Without words: the default tasks, or all where there are none (or `default` is False).
        """
        if not words:
            words = list(self.sel_tasks or ()) if default and self.sel_default_tasks else []
            if not words:
                return [name for name in tasks if not name.startswith("_")]
        chosen: list[str] = []
        for word in words:
            chosen += expand(word, tasks)
        return list(dict.fromkeys(chosen))


def expand(word: str, tasks: Mapping[str, Task]) -> list[str]:
    """The tasks that a word of the command line means; raises InvalidCommand when there is none."""
    if word in tasks:
        return [word]
    if "*" in word:
        import fnmatch

        found = fnmatch.filter(tasks, word)
    else:
        found = [task.name for task in tasks.values() if word in task.targets]
    if not found:
        raise InvalidCommand(unknown("task", word, tasks))
    return found


def unknown(kind: str, word: str, known: Iterable[str]) -> str:
    """The message for a word that is not known, with the nearest one that is."""
    close = difflib.get_close_matches(word, known, n=1)
    hint = f"did you mean {close[0]}?" if close else "`doit list --all` shows all" if kind == "task" else ""
    return f"there is no {kind} {word!r}" + (f"\n  {hint}" if hint else "")


def with_dependencies(tasks: Mapping[str, Task], names: Iterable[str]) -> list[str]:
    """The tasks and all that they depend on, each after its dependencies; raises InvalidTask for a circle."""
    ordered: dict[str, None] = {}
    position = {name: number for number, name in enumerate(tasks)}
    # Explicit stack: chains of tasks may be longer than Python's.
    for first in names:
        stack: list[tuple[str, list[str]]] = [(first, [])]
        inside: dict[str, None] = {}
        while stack:
            name, left = stack.pop()
            if name not in inside:
                if name in ordered:
                    continue
                inside[name] = None
                # By definition: doit finds most of them by sets of files, each time in another order.
                left = sorted(
                    (dep for dep in dependencies(tasks[name]) if dep not in ordered), key=position.__getitem__
                )
            while left and left[0] in ordered:
                left = left[1:]
            if not left:
                ordered[name] = None
                inside.pop(name, None)
                continue
            if left[0] in inside:
                circle = [*inside][[*inside].index(left[0]) :]
                raise InvalidTask(f"the tasks depend on each other in a circle: {' -> '.join([*circle, left[0]])}")
            stack += [(name, left[1:]), (left[0], [])]
    return list(ordered)


def dependencies(task: Task) -> list[str]:
    """Names of the tasks that run before a task, or beside it as setup."""
    return list(dict.fromkeys([*task.task_dep, *task.setup_tasks, *sorted(task.calc_dep)]))


def write_result(text: str, output_file: str) -> None:
    """Text to a file, or to standard output when the name is empty; raises InvalidCommand when that cannot be."""
    if not output_file:
        sys.stdout.write(text)
        return
    try:
        with open(output_file, "w", encoding="utf-8") as stream:  # noqa: PTH123
            stream.write(text)
    except OSError as error:
        raise InvalidCommand(f"{output_file}: cannot be written: {error.strerror}") from error
