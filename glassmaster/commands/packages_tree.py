"""`doit packages-tree`: the packages of a recipe's images, each below what needs it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from doit.exceptions import InvalidCommand

from glassmaster.doit_plugins.command import JSON, PlainCommand

if TYPE_CHECKING:
    from glassmaster.inputs.pkgsrc.choice import Branch, Resolution

COLUMNS = 80
LEAST_WHY = 24


class PackagesTree(PlainCommand):
    """doit's command."""

    name = "packages-tree"
    doc_purpose = "show a recipe's packages: version, size, and why they are there"
    doc_usage = "[recipe=NAME,...]"
    doc_description = (
        "What the lock names is shown, and nothing is looked at outside: what a pkgset wants, with the reason for it, "
        "and below it what that needs, with the pattern. Sizes are of what is installed. A package that stands there "
        "a second time has ... for what is below it."
    )
    examples = ("packages-tree", "packages-tree recipe=racks --json")
    cmd_options = (JSON,)

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        """Print the trees."""
        if pos_args:
            raise InvalidCommand(f"packages-tree takes no {pos_args[0]!r}; recipes are named by recipe=NAME")
        # Here, not above: doit loads all commands to list them.
        from glassmaster.commands.recipes import fresh_lock, recipe_of, words_asked_for
        from glassmaster.errors import GlassmasterError
        from glassmaster.inputs.package_tree import resolution_of

        try:
            found = {}
            for word in words_asked_for():
                loaded = recipe_of(word)
                for image, rows in fresh_lock(loaded).packages.items():
                    found[loaded.name, image] = resolution_of(rows)
        except GlassmasterError as error:
            raise InvalidCommand(str(error)) from error
        if opt_values["as_json"]:
            print(json.dumps([as_data(*names, resolution) for names, resolution in found.items()], indent=1))
        else:
            print("\n\n".join(as_text(*names, resolution) for names, resolution in found.items()) or "no packages")
        return 0


def as_data(recipe: str, image: str, resolution: Resolution) -> dict[str, Any]:
    """All of it; sizes in bytes, packages in the order of their installation, `why` from the pkgset on."""
    packages = [
        {
            "name": item.package.base, "version": item.package.version, "size": item.package.size,
            "automatic": item.automatic, "why": list(resolution.why(item.package.name)),
        }
        for item in resolution.chosen
    ]  # fmt: skip
    return {"recipe": recipe, "image": image, "packages": packages}


def as_text(recipe: str, image: str, resolution: Resolution) -> str:
    """The tree, no wider than a terminal."""
    from glassmaster.doit_plugins.summary import size_text

    total = size_text(sum(item.package.size for item in resolution.chosen))
    branches = list(resolution.tree())
    names = [
        f"{'  ' * branch.depth}{branch.chosen.package.base} {branch.chosen.package.version}" for branch in branches
    ]
    width = min(max(map(len, names), default=0), COLUMNS - LEAST_WHY - 12)
    lines = [f"packages of {recipe}, {image}: {len(resolution.chosen)}, {total} installed", ""]
    for name, branch in zip(names, branches, strict=True):
        lines += _lines(name, width, size_text(branch.chosen.package.size), _why(branch))
    return "\n".join(lines)


def _lines(name: str, width: int, size: str, why: str) -> Iterator[str]:
    import textwrap

    if len(name) > width:
        yield name
        name = ""
    first, *others = textwrap.wrap(why, COLUMNS - width - 12) or [""]
    yield f"{name:<{width}} {size:>9}  {first}".rstrip()
    yield from (" " * (width + 12) + more for more in others)


def _why(branch: Branch) -> str:
    from glassmaster.inputs.pkgsrc.choice import Wanted

    reason = branch.reason
    if isinstance(reason, Wanted):
        text = f"{reason.pkgset}: {reason.reason or reason.pattern}"
    else:
        text = reason.pattern
    return f"{text} ..." if branch.again else text
