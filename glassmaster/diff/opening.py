"""From a word of a command line to a side of a comparison."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from glassmaster.diff.latest import latest_path
from glassmaster.diff.layers import open_recipe
from glassmaster.diff.parallel import both
from glassmaster.diff.published import SCHEMES, open_url
from glassmaster.diff.source import Source, open_path
from glassmaster.errors import GlassmasterError
from glassmaster.places import CALLER_DIRECTORY
from glassmaster.recipe.load import FOLDER, SUFFIX, LoadedRecipe, find, load
from glassmaster.recipe.model import Recipe
from glassmaster.run import Command, run

# What is found out about a recipe's layers goes by these variables, too.
_ENVIRONMENT = ("GLASSMASTER_STORE", CALLER_DIRECTORY, "SOURCE_DATE_EPOCH")
SHOWN = 5


@dataclass(frozen=True)
class Wanted:
    """A release to open. word: as it was given; path: where it is, or None for a URL; work: for what is fetched."""

    word: str
    path: Path | None
    recipe: LoadedRecipe | None
    work: Path


def wanted(word: str, here: Path, work: Path) -> Wanted:
    """What a word means: a URL, a path (seen from `here`), or a recipe; GlassmasterError for anything else."""
    if word.startswith(SCHEMES):
        return Wanted(word, None, None, work)
    path = latest_path(here / word)
    is_recipe = word.endswith((".yaml", ".yml"))
    if not is_recipe and _exists(path):
        return Wanted(word, path, None, work)
    if not is_recipe and ("/" in word or "." in word):
        raise GlassmasterError(
            f"{word}: there is no such file or directory",
            hint="a release is named by its directory, disc, image, mtree specification, recipe or URL",
        )
    return Wanted(word, None, load(find(word, caller_directory=here)), work)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def open_both(old: Wanted, new: Wanted) -> tuple[Source, Source]:
    """Open both sides at once."""
    for side in (old, new):
        if side.recipe is not None:
            require_fresh(side.recipe, side.word)
    return both(_open, old, new)


def _open(side: Wanted) -> Source:
    if side.recipe is not None:
        return open_recipe(side.recipe, side.word)
    source = open_url(side.word, side.work) if side.path is None else open_path(side.path, side.word)
    if source.side.recipe and not source.side.budget:
        return replace(source, side=replace(source.side, budget=budget_of(source.side.recipe)))
    return source


def budget_of(recipe: str) -> int:
    """What the medium of a recipe holds, as far as the recipe is here; otherwise 0."""
    found = recipe_here(recipe)
    return found.media.budget if found else 0


def recipe_here(name: str) -> Recipe | None:
    """The recipe of recipes/ that a release says it was made of; None where there is none that can be read.

    The name is somebody else's word, so that it is never taken for the path of a file.
    """
    if "/" in name:
        return None
    try:
        return load(FOLDER / f"{name}{SUFFIX}").recipe
    except (GlassmasterError, OSError):
        return None


def plan(recipe: LoadedRecipe) -> Command:
    """Ask doit itself what it would do for the tree of a recipe: nothing is built by that."""
    passed = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    task = f"mtree:{recipe.name}"
    return Command((sys.executable, "-m", "doit", "plan", task, f"recipe={recipe.files[0]}", "--json"), passed)


def require_fresh(recipe: LoadedRecipe, word: str) -> None:
    """Raise GlassmasterError unless the layers are what the recipe and its lock say."""
    stale = [task for task in json.loads(run(plan(recipe)))["tasks"] if task["will"] in ("run", "may run")]
    if stale:
        why = [f"{task['name']} would run" + _reason(task) for task in stale if task["will"] == "run"]
        why += [f"and {len(why) - SHOWN} more"] if len(why) > SHOWN else []
        raise GlassmasterError(
            f"{word}: what was built of this recipe is not what it says now",
            why="\n".join(why[:SHOWN] + why[-1:] if len(why) > SHOWN else why),
            hint=f"run ./doit mtree:{recipe.name} recipe={word}, and then the same again",
        )  # fmt: skip


def _reason(task: dict[str, object]) -> str:
    reasons = task.get("reasons")
    first = reasons[0] if isinstance(reasons, list) and reasons else {}
    return f": {first.get('what')}" if isinstance(first, dict) and first.get("what") else ""
