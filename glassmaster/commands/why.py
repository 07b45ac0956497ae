"""`doit why`: where a file of an image comes from, what it hid, who owns it and why."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from doit.exceptions import InvalidCommand

from glassmaster.doit_plugins.command import JSON, Option
from glassmaster.doit_plugins.looking import LookingCommand

if TYPE_CHECKING:
    from glassmaster.commands.why_found import Answer, Looked

DOMU: Option = {
    "name": "domu", "long": "domu", "type": str, "default": "", "metavar": "NAME",
    "help": "look into the root image of this domU instead of the CD",
}  # fmt: skip
NOT_THERE = 1


class Why(LookingCommand):
    """doit's command."""

    name = "why"
    doc_purpose = "say where a file of an image comes from, what it hid, who owns it and why"
    doc_usage = "PATH [recipe=NAME]"
    doc_description = (
        "PATH is a path of the CD, or domu:NAME/PATH one of a domU's root image. Shown are the layer that it is from, "
        "the archive, package or file that holds it, the lines by which it got there and has its owner and mode, and "
        "what other layers have at the same path. For a path that is not there: what deleted or moved it, and paths "
        "that are like it; the exit status is 1 then. The recipe must have been built; what changed since is said."
    )
    examples = ("why /etc/rc", "why /etc/master.passwd recipe=racks --json", "why domu:web/etc/rc.conf")
    cmd_options = (DOMU, JSON)

    def _execute(self, domu: str, as_json: bool, pos_args: list[str]) -> int:
        if len(pos_args) != 1:
            raise InvalidCommand("why takes one path of an image, such as /etc/rc")
        # Here, not above: doit loads all commands to list them.
        from glassmaster.commands.recipes import recipe_of, words_asked_for
        from glassmaster.commands.why_found import Looked, path_of
        from glassmaster.commands.why_text import as_text
        from glassmaster.errors import GlassmasterError, readable
        from glassmaster.tree.path import normalized

        try:
            domu, word = path_of(pos_args[0], domu)
            path = normalized(word.lstrip("/"), pos_args[0])
            looked = [(name, Looked(recipe_of(name), domu)) for name in words_asked_for()]
            answers = [replace(look.answer(path), stale=self._stale(look, name)) for name, look in looked]
        except GlassmasterError as error:
            raise InvalidCommand(str(error)) from error
        if as_json:
            print(json.dumps([as_data(answer) for answer in answers], indent=1))
        else:
            print(readable("\n\n".join(map(as_text, answers))))
        return 0 if all(answer.entry for answer in answers) else NOT_THERE

    def _stale(self, looked: Looked, word: str) -> str:
        """What the image would be built again for, and how; "" while it is what the recipe and its inputs say."""
        from glassmaster.commands.recipes import default_recipe
        from glassmaster.doit_plugins.outlook import outlook

        found = [item for item in outlook(self.all_tasks(), [looked.task], self.dep_manager) if item.will == "run"]
        if not found:
            return ""
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        how = f"./doit {looked.task}{'' if word == default_recipe() else f' recipe={word}'}"
        return (
            f"this is of the last build; {found[0].name} would run now ({found[0].reasons[0]}){more}: `{how}` builds it"
        )


def as_data(answer: Answer) -> dict[str, Any]:
    """All of it; entries without the places of their bytes."""

    def plain(value: Any) -> Any:
        return str(value) if not isinstance(value, str | int | dict | list | tuple | None) else value

    found = dataclasses.asdict(answer, dict_factory=lambda pairs: {k: plain(v) for k, v in pairs if k != "blob"})
    return {"there": answer.entry is not None, **found}
