"""`doit checklist`: what has to be done to bring up a server, each line done, stale or to do, with the evidence."""

from __future__ import annotations

import json
from typing import Any

from doit.exceptions import InvalidCommand

from glassmaster.commands.checklist_lines import Line, lines_of
from glassmaster.commands.checklist_text import as_data, as_text
from glassmaster.commands.recipes import recipe_of, words_asked_for
from glassmaster.doit_plugins.command import JSON
from glassmaster.doit_plugins.looking import LookingCommand
from glassmaster.errors import GlassmasterError


class Checklist(LookingCommand):
    """doit's command."""

    name = "checklist"
    doc_purpose = "show the bootstrap checklist: done, stale or to do, with the evidence"
    doc_usage = "[recipe=NAME,...]"
    doc_description = (
        "done: everything that the line names is there and up to date. stale: it is there, but what it is made of "
        "has changed, or may have. to do: it is not there. Digests are SHA-256, of the files as they are now. "
        "Runs nothing."
    )
    examples = ("checklist", "checklist recipe=racks --json")
    cmd_options = (JSON,)

    def _execute(self, as_json: bool, pos_args: list[str]) -> int:
        if pos_args:
            raise InvalidCommand(f"checklist takes no {pos_args[0]!r}; recipes are named by recipe=NAME")
        tasks = self.all_tasks()
        found: dict[str, list[Line]] = {}
        try:
            names = [recipe_of(word).name for word in words_asked_for()]
            for name in names:
                found[name] = lines_of(name, tasks, self.dep_manager, self.loader.cmd_names)
        except GlassmasterError as error:
            raise InvalidCommand(str(error)) from error
        result: dict[str, Any] = {name: as_data(lines) for name, lines in found.items()}
        print(json.dumps(result, indent=1) if as_json else "\n\n".join(as_text(*item) for item in found.items()))
        return 0
