"""`doit config-new DIR`: makes a configuration tree to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from doit.exceptions import InvalidCommand

from glassmaster.doit_plugins.command import PlainCommand
from glassmaster.places import caller_directory


class ConfigNew(PlainCommand):
    """doit's command."""

    name = "config-new"
    doc_purpose = "make a configuration tree: a Subversion repository with a worked example"
    doc_usage = "DIR"
    doc_description = (
        "Makes DIR/repository with /pservers, /vservers, /global and /docs, and DIR/checkout, a working copy of it. "
        "DIR must not be there yet, or be empty: nothing is ever overwritten."
    )
    examples = ("config-new racks",)

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        """Make it, then say how to go on."""
        from glassmaster.config.layout import REPOSITORY, make_config_tree
        from glassmaster.errors import GlassmasterError

        if len(pos_args) != 1:
            raise InvalidCommand("config-new takes one directory, such as `doit config-new racks`")
        try:
            checkout = make_config_tree(caller_directory() / pos_args[0])
        except GlassmasterError as error:
            raise InvalidCommand(str(error)) from error
        shown = Path(pos_args[0], checkout.name)
        print(f"{shown} is a checkout of {shown.parent / REPOSITORY}")
        print(f"next: read {shown / 'docs/README.md'}, then doit config-check {shown}")
        return 0
