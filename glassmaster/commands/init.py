"""`doit init DIR`: makes a repository that uses glassmaster as a library."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from doit.exceptions import InvalidCommand

from glassmaster.commands.starter import FILES
from glassmaster.doit_plugins.command import PlainCommand
from glassmaster.places import caller_directory


class Init(PlainCommand):
    """doit's command."""

    name = "init"
    doc_purpose = "make a repository of one's own that uses glassmaster as a library"
    doc_usage = "DIR"
    doc_description = (
        "Makes DIR with a dodo.py, a recipe for the stand-in, an overlay and a README. DIR must not be there yet, or "
        "be empty: nothing is ever overwritten."
    )
    examples = ("init racks",)

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        """Make it, then say how to go on."""
        if len(pos_args) != 1:
            raise InvalidCommand("init takes one directory, such as `doit init racks`")
        target = caller_directory() / pos_args[0]
        make_repository(target)
        print("\n".join(str(target / name) for name in FILES))
        print(f"next: cd {pos_args[0]} && doit doctor && doit iso")
        return 0


def make_repository(target: Path) -> None:
    """Write the files, all or none; raises InvalidCommand when the directory holds something or cannot be made."""
    try:
        if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
            raise InvalidCommand(f"{target} is there already and not empty\n  name a directory that is not there yet")
        temporary = target.with_name(f".{target.name}.partial")
        shutil.rmtree(temporary, ignore_errors=True)
        try:
            for name, text in FILES.items():
                path = temporary / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            # Over an empty directory that is allowed, over any other it fails.
            temporary.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise InvalidCommand(f"{target}: cannot be made: {error.strerror or error}") from error
