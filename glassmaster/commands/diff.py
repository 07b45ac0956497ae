"""`doit diff OLD NEW`: what changes on the servers, and whether somebody has to decide about it."""

from __future__ import annotations

import json
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from doit import get_var
from doit.exceptions import InvalidCommand

from glassmaster.doit_plugins.command import JSON, Option, PlainCommand
from glassmaster.places import caller_directory

if TYPE_CHECKING:
    from glassmaster.diff.model import Result
    from glassmaster.diff.releases import Terms
    from glassmaster.diff.source import Source

ACCEPT: Option = {
    "name": "accept", "long": "accept", "type": list, "default": [], "metavar": "NAME",
    "help": "take a decision: RULE:SUBJECT as it is printed, or RULE for all of them; may be given several times",
}  # fmt: skip
SECTION: Option = {
    "name": "section", "long": "section", "type": str, "default": "", "metavar": "NAME",
    "help": "print one section whole, or `paths`, or `all`",
}  # fmt: skip
MARKDOWN: Option = {
    "name": "as_markdown", "long": "markdown", "type": bool, "default": False,
    "help": "print Markdown, for release notes",
}  # fmt: skip
FILES = ("diff.json", "diff.md", "diff.html")


class Diff(PlainCommand):
    """doit's command."""

    name = "diff"
    doc_purpose = "compare two releases, say what that means, and give a verdict"
    doc_usage = "OLD NEW [PATH] [config=DIR] [output=DIR] [recipe=NAME]"
    doc_description = (
        "OLD and NEW are releases in any form: a directory such as out/NAME, an ISO (ours or another), a domU image, "
        "an mtree specification, a recipe whose layers are built, or the URL of a published release. PATH shows all "
        "about one path of them. config=DIR also says which of your servers' files hide a change; output=DIR writes "
        "diff.json, diff.md and diff.html. The rules are those of the new release's recipe, or of recipe=NAME. "
        "Exit status: 0 the same, 1 different but allowed, 2 somebody must decide (--accept), 3 it could not be done."
    )
    examples = (
        "diff burnt/dom0.iso out/racks",
        "diff https://cd.example.org/racks/2026-10/ racks --section packages",
        "diff burnt/dom0.iso out/racks /etc/rc.conf",
        "diff burnt/dom0.iso out/racks --accept keys output=out/racks",
    )
    cmd_options = (JSON, MARKDOWN, SECTION, ACCEPT)

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        """Compare, print, write."""
        from glassmaster.diff.model import TROUBLE
        from glassmaster.diff.opening import open_both, wanted
        from glassmaster.diff.terminal import NAMES
        from glassmaster.errors import GlassmasterError

        if len(pos_args) not in (2, 3):
            raise InvalidCommand("diff takes two releases, and perhaps a path: `doit diff OLD NEW`")
        if len(pos_args) == 3 and any(opt_values[name] for name in ("as_json", "as_markdown", "section", "accept")):
            raise InvalidCommand(f"{pos_args[2]}: all about one path has no other form; leave the options out")
        if opt_values["section"] not in ("", *NAMES):
            raise InvalidCommand(f"there is no section {opt_values['section']!r}\n  there are: {', '.join(NAMES)}")
        here = caller_directory()
        try:
            with tempfile.TemporaryDirectory(prefix="doit-diff-") as folder:
                work = Path(folder)
                old, new = open_both(*(wanted(word, here, work) for word in pos_args[:2]))
                terms = _terms(new, tuple(opt_values["accept"]), here)
                if len(pos_args) == 3:
                    return _one_path(old, new, pos_args[2], work)
                return _whole(old, new, terms, work, opt_values, here)
        except GlassmasterError as error:
            raise InvalidCommand(str(error)) from error
        except OSError as error:
            raise InvalidCommand(f"diff: {error}") from error
        return TROUBLE


def _terms(new: Source, accepted: tuple[str, ...], here: Path) -> Terms:
    """The rules of recipe=NAME, or of the recipe that the new release was made of, where it is here."""
    from glassmaster.commands.recipes import recipe_of
    from glassmaster.config.tree import read_config_tree
    from glassmaster.diff.opening import recipe_here
    from glassmaster.diff.releases import Terms
    from glassmaster.diff.verdict import DEFAULT_RULES

    config = get_var("config", None)
    tree = read_config_tree(here / str(config)) if config else None
    if word := get_var("recipe", None):
        return Terms(recipe_of(str(word)).recipe.diff.rules, accepted, tree)
    own = recipe_here(new.side.recipe) if new.side.recipe else None
    return Terms(own.diff.rules if own else DEFAULT_RULES, accepted, tree)


def _one_path(old: Source, new: Source, path: str, work: Path) -> int:
    from glassmaster.diff.details import SAME, details
    from glassmaster.errors import readable

    text = details(old, new, path, work)
    print(readable(text), end="")
    return int(not text.endswith(f"{SAME}\n"))


def _whole(old: Source, new: Source, terms: Terms, work: Path, opt_values: dict[str, Any], here: Path) -> int:
    from glassmaster.diff.markdown import markdown
    from glassmaster.diff.model import to_json
    from glassmaster.diff.releases import compare_releases
    from glassmaster.diff.terminal import screen, section
    from glassmaster.errors import readable

    result = compare_releases(old, new, terms, work)
    if folder := get_var("output", None):
        _write(result, here / str(folder))
    if opt_values["as_json"]:
        print(json.dumps(to_json(result), sort_keys=True, indent=1))
    elif opt_values["as_markdown"]:
        print(markdown(result), end="")
    elif opt_values["section"]:
        print(readable(section(result, opt_values["section"])), end="")
    else:
        command = f"./doit diff {shlex.quote(old.side.label)} {shlex.quote(new.side.label)}"
        print(readable(screen(result, command)), end="")
    return result.verdict.exit_status


def _write(result: Result, folder: Path) -> None:
    """All forms of the result as files."""
    from glassmaster.atomic import write_text
    from glassmaster.diff.markdown import markdown
    from glassmaster.diff.model import dumps
    from glassmaster.diff.page import page

    for name, text in zip(FILES, (dumps(result), markdown(result), page(result)), strict=True):
        write_text(folder / name, text)
