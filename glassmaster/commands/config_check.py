"""`doit config-check DIR`: checks a configuration tree before servers get it."""

from __future__ import annotations

import dataclasses
import json
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from doit import get_var
from doit.exceptions import InvalidCommand

from glassmaster.doit_plugins.command import JSON, Option, PlainCommand
from glassmaster.places import caller_directory

if TYPE_CHECKING:
    from glassmaster.config.findings import Finding
    from glassmaster.config.tree import ConfigTree
    from glassmaster.config.view import Release

WIDTH = 80
SEEN: Option = {
    "name": "seen", "long": "seen", "type": bool, "default": False,
    "help": "record that what hides files of the recipe's CD has been looked at",
}  # fmt: skip


class ConfigCheck(PlainCommand):
    """doit's command."""

    name = "config-check"
    doc_purpose = "check a configuration tree, with file and line"
    doc_usage = "DIR [recipe=NAME]"
    doc_description = (
        "DIR is a checkout with /pservers, /vservers and /global. With recipe=NAME, which must have been built, also "
        "whether images, kernels and links lead to something on its CD, and what hides files of it. "
        "Exit status: 0 when there is no error (warnings are allowed), 1 otherwise."
    )
    examples = ("config-check racks/checkout", "config-check racks/checkout recipe=standin --json")
    cmd_options = (JSON, SEEN)

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        """Look at everything, then say it."""
        from glassmaster.config.check import check
        from glassmaster.config.tree import read_config_tree
        from glassmaster.errors import GlassmasterError
        from glassmaster.inputs.pkgsrc.uids import UIDS_FILE, read_uids

        if len(pos_args) != 1:
            raise InvalidCommand("config-check takes one directory, such as `doit config-check racks/checkout`")
        try:
            tree = read_config_tree(caller_directory() / pos_args[0])
            release = release_asked_for()
            if opt_values["seen"]:
                _record(tree, release)
                tree = read_config_tree(tree.root)
            findings = check(tree, release, read_uids(Path(UIDS_FILE)))
        except GlassmasterError as error:
            raise InvalidCommand(str(error)) from error
        if opt_values["as_json"]:
            print(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=1))
        else:
            print("".join(f"{as_text(finding)}\n" for finding in findings) + summary(tree, findings, release))
        return int(any(finding.level == "error" for finding in findings))


def release_asked_for() -> Release | None:
    """The release of recipe=NAME; None when the command line names no recipe."""
    from glassmaster.commands.recipes import recipe_of
    from glassmaster.config.view import read_release

    word = get_var("recipe", None)
    return read_release(recipe_of(str(word)).name) if word else None


def _record(tree: ConfigTree, release: Release | None) -> None:
    """Each host's record of what it hides, as it is now."""
    from glassmaster.atomic import write_text
    from glassmaster.config.check_hidden import RECORD, record

    if release is None:
        raise InvalidCommand("--seen needs recipe=NAME: the CD whose files have been looked at")
    for host in tree.hosts.values():
        write_text(tree.root / host.place / RECORD, record(host, release))


def as_text(finding: Finding) -> str:
    """One finding for a terminal: the place first, as compilers do."""
    lines = [f"{finding.where}: {finding.level}: {finding.what}"]
    if finding.remedy:
        lines += textwrap.wrap(
            f"-> {finding.remedy}", WIDTH, initial_indent="    ", subsequent_indent="       ",
            break_on_hyphens=False, break_long_words=False,
        )  # fmt: skip
    return "\n".join(lines)


def summary(tree: ConfigTree, findings: Sequence[Finding], release: Release | None) -> str:
    """The last lines."""
    errors = sum(finding.level == "error" for finding in findings)
    counts = f"{count(len(tree.hosts), 'host')}, {count(len(tree.guests), 'virtual machine')}"
    against = f"against the CD of {release.name}" if release else "not against a CD (no recipe=NAME)"
    return f"{counts}, {against}: {count(errors, 'error')}, {count(len(findings) - errors, 'warning')}"


def count(number: int, word: str) -> str:
    """`1 host`, `2 hosts`."""
    return f"{number} {word}{'' if number == 1 else 's'}"
