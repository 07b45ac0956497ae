"""`doit outdated`: which of a recipe's packages their repository has in newer versions by now."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from doit.exceptions import InvalidCommand

from glassmaster.doit_plugins.command import JSON, PlainCommand

if TYPE_CHECKING:
    from glassmaster.inputs.pkgsrc.outdated import Outdated as Found
    from glassmaster.recipe.load import LoadedRecipe


class Outdated(PlainCommand):
    """doit's command."""

    name = "outdated"
    doc_purpose = "say which packages the repositories have in newer versions than the locks"
    doc_usage = "[recipe=NAME,...]"
    doc_description = (
        "The repository's summary is read as it is now and compared with the lock, which is not changed. newer: there "
        "is a higher version. older: there are only lower ones. rebuilt: the version is the same, the file is another. "
        "renamed: another package took its place. gone: there is none. Beside `doit lock` and `doit doctor` this is "
        "the one command that uses the network."
    )
    examples = ("outdated", "outdated recipe=racks --json")
    cmd_options = (JSON,)

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        """Compare and say it."""
        if pos_args:
            raise InvalidCommand(f"outdated takes no {pos_args[0]!r}; recipes are named by recipe=NAME")
        # Here, not above: doit loads all commands to list them.
        from glassmaster.commands.recipes import recipe_of, words_asked_for
        from glassmaster.errors import GlassmasterError

        try:
            looked = [look for word in words_asked_for() for look in _looks(recipe_of(word))]
        except GlassmasterError as error:
            raise InvalidCommand(str(error)) from error
        if opt_values["as_json"]:
            print(json.dumps(looked, indent=1))
        else:
            print("\n\n".join(map(as_text, looked)) or "no packages")
        return 0


def _looks(loaded: LoadedRecipe) -> list[dict[str, Any]]:
    """For each image of a recipe what was found; see as_data."""
    from glassmaster.commands.recipes import fresh_lock
    from glassmaster.inputs.package_locking import standin_repository
    from glassmaster.inputs.package_tree import newer_packages
    from glassmaster.inputs.pkgsrc.repository import read_repository
    from glassmaster.recipe.parts import images_with_packages

    lock = fresh_lock(loaded)
    looked = []
    for image, packages in images_with_packages(loaded.recipe).items():
        repository = read_repository(packages.repository or (standin_repository(loaded.name, loaded.recipe.release),))
        found = [as_data(item) for item in newer_packages(lock, image, repository.summary)]
        looked.append({
            "recipe": loaded.name, "image": image, "summary": repository.summary.what,
            "packages": len(lock.packages[image]), "outdated": found,
        })  # fmt: skip
    return looked


def as_data(item: Found) -> dict[str, Any]:
    """One package: its name and version in the lock, how it is outdated, what the repository has instead."""
    return {"name": item.package.name, "how": item.how, "now": list(item.now)}


def as_text(look: dict[str, Any]) -> str:
    """What was found for one image."""
    found = look["outdated"]
    lines = [
        f"{look['recipe']}, {look['image']}: {len(found)} of {look['packages']} packages are others by now",
        f"    {look['summary']}",
    ]
    lines += [
        f"{item['how']:<8} {item['name']}{' -> ' if item['now'] else ''}{', '.join(item['now'])}" for item in found
    ]
    return "\n".join([*lines, *(["`doit lock` takes what is there now"] if found else [])])
