"""What the documentation site is built from: the pages of docs/, and those that are made of the program itself.

python -m glassmaster.manual TARGET    makes that directory anew
"""

from __future__ import annotations

import shutil
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from glassmaster.atomic import write_bytes, write_text
from glassmaster.errors import GlassmasterError
from glassmaster.run import Command, run

DOCS = Path("docs")
# doit's own that are used daily; the others are in its handbook.
DOITS = ("list", "forget")
WIDTH = {"COLUMNS": "80"}
COMMANDS_HEAD = """\
# Commands, as --help says it

Made of `./doit help COMMAND` when this site was built. [commands.md](commands.md) tells more, with what they print.
"""
TASKS_HEAD = """\
# Tasks

Made of `./doit list` when this site was built. A task is started by its name (`./doit iso`), or for one recipe by
`./doit iso recipe=NAME`; what it needs runs before it. `./doit info TASK` says what a task reads and makes.
"""


def doit(*words: str) -> Command:
    """doit as a user starts it, at the width of a page."""
    return Command((sys.executable, "-m", "glassmaster", *words), WIDTH)


def command_names() -> list[str]:
    """Our commands, and some of doit's, sorted."""
    table = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    return sorted({*table["tool"]["doit"]["plugins"]["command"], *DOITS})


def commands_page(helps: Mapping[str, str]) -> str:
    """The page of all commands: their help texts, by name."""
    parts = [f"## {name}\n\n{_block(text)}" for name, text in sorted(helps.items())]
    return "\n".join([COMMANDS_HEAD, *parts])


def tasks_page(listed: str) -> str:
    """The page of all tasks."""
    rows = [line.split(maxsplit=1) for line in listed.splitlines() if line.strip()]
    lines = [f"| `{name}` | {''.join(what)} |" for name, *what in rows]
    return "\n".join([TASKS_HEAD, "| task | what it does |", "| --- | --- |", *lines, ""])


def make(target: Path) -> None:
    """Make the directory anew."""
    if not DOCS.is_dir():
        raise GlassmasterError(f"there is no {DOCS} here", hint="start it in glassmaster's own repository")
    shutil.rmtree(target, ignore_errors=True)
    for path in sorted(DOCS.iterdir()):
        write_bytes(target / path.name, path.read_bytes())
    helps = {name: run(doit("help", name)).decode() for name in command_names()}
    write_text(target / "reference-commands.md", commands_page(helps))
    write_text(target / "reference-tasks.md", tasks_page(run(doit("list")).decode()))


def _block(text: str) -> str:
    return "".join(f"    {line}".rstrip() + "\n" for line in text.strip().splitlines())


if __name__ == "__main__":
    try:
        make(Path(sys.argv[1]))
    except GlassmasterError as error:
        sys.exit(str(error))
