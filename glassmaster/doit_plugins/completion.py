"""`doit completion bash|zsh|fish`: completion of commands, options, tasks, and values of variables.

doit's own `tabcompletion` knows no fish, completes no options in bash, and calls `doit` by a name that is not on PATH
when a project has a launcher of its own. These scripts ask the very program that is being typed for its tasks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from doit.exceptions import InvalidCommand

from glassmaster.doit_plugins.command import PlainCommand
from glassmaster.doit_plugins.completion_scripts import bash, fish, zsh


@dataclass(frozen=True)
class Option:
    """An option of a command: its names with their dashes, whether it wants a value, and its help in one line."""

    names: tuple[str, ...]
    value: bool
    choices: tuple[str, ...]
    help: str


@dataclass(frozen=True)
class Word:
    """A command. words: what it takes besides tasks; tasks: whether it takes tasks."""

    name: str
    help: str
    options: tuple[Option, ...]
    tasks: bool
    words: tuple[str, ...]


@dataclass(frozen=True)
class Grammar:
    """Everything that can be completed. variables: a pattern of files for each variable, whose stems are its values."""

    program: str
    commands: tuple[Word, ...]
    variables: Mapping[str, str]


SCRIPTS = {"bash": bash, "zsh": zsh, "fish": fish}


class Completion(PlainCommand):
    """doit's command."""

    name = "completion"
    doc_purpose = "print a completion script for bash, zsh or fish"
    doc_usage = "bash|zsh|fish"
    doc_description = (
        "bash: source it in ~/.bashrc. zsh: put it as _doit into a directory of $fpath. fish: put it as "
        "~/.config/fish/completions/doit.fish. It completes commands, their options, tasks, and variables."
    )
    examples = ("completion bash > ~/.doit-completion", "completion fish > ~/.config/fish/completions/doit.fish")
    words: ClassVar[Sequence[str]] = tuple(SCRIPTS)
    # NAME=VALUE on the command line: where the values come from. For subclasses.
    variables: ClassVar[Mapping[str, str]] = {}

    def __init__(self, cmds: Any = None, **keywords: Any) -> None:
        super().__init__(cmds=cmds, **keywords)
        self._commands = cmds
        self._keywords = {**keywords, "cmds": cmds}

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        """Print the script."""
        if len(pos_args) != 1:
            raise InvalidCommand(f"completion takes one of {', '.join(SCRIPTS)}")
        if pos_args[0] not in SCRIPTS:
            raise InvalidCommand(f"there is no completion for {pos_args[0]!r}\n  there is: {', '.join(SCRIPTS)}")
        words = tuple(self._word(name) for name in sorted(self._commands or ()))
        print(SCRIPTS[pos_args[0]](Grammar("doit", words, self.variables)), end="")
        return 0

    def _word(self, name: str) -> Word:
        command = self._commands.get_plugin(name)(**self._keywords)
        options = []
        for option in command.get_options():
            names = tuple(filter(None, (option.short and f"-{option.short}", option.long and f"--{option.long}")))
            if names:
                line = " ".join((option.help % {"default": option.default}).split())
                options.append(Option(names, option.type is not bool, tuple(option.choices), line))
        takes_tasks = "TASK" in command.doc_usage or name in ("run", "help")
        return Word(name, command.doc_purpose, tuple(options), takes_tasks, tuple(getattr(command, "words", ())))
