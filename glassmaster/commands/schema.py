"""`doit schema`: the JSON Schema of recipes, for editors."""

from __future__ import annotations

import json
from typing import Any

from doit.exceptions import InvalidCommand

from glassmaster.doit_plugins.command import OUTPUT, PlainCommand, write_result


class Schema(PlainCommand):
    """doit's command."""

    name = "schema"
    doc_purpose = "print the JSON Schema of recipes, for editors"
    doc_usage = ""
    doc_description = (
        "Editors that know the YAML language server complete and check a recipe whose first line is\n"
        "# yaml-language-server: $schema=FILE\n"
        "The schema (2020-12) is made of the same declarations as docs/recipe.md."
    )
    examples = ("schema", "schema -o recipes/recipe.schema.json")
    cmd_options = (OUTPUT,)

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        """Print or write it."""
        if pos_args:
            raise InvalidCommand(f"schema takes no {pos_args[0]!r}: it is the same for all recipes")
        # Here, not above: doit loads all commands to list them.
        from glassmaster.recipe.schema import schema

        write_result(json.dumps(schema(), indent=1) + "\n", opt_values["output_file"])
        return 0
