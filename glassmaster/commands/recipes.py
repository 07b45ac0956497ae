"""The recipes that a command line asks for, for commands that look at recipes and not at tasks."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from doit import get_var

from glassmaster.errors import GlassmasterError
from glassmaster.places import caller_directory
from glassmaster.recipe.load import LoadedRecipe, find, load

if TYPE_CHECKING:
    from glassmaster.inputs.lock import Lock


def words_asked_for() -> list[str]:
    """What `recipe=a,b` says, or the default of pyproject.toml; raises GlassmasterError when it says nothing."""
    words = [word.strip() for word in str(get_var("recipe", None) or default_recipe()).split(",") if word.strip()]
    if not words:
        raise GlassmasterError("recipe= names no recipe")
    return words


def recipe_of(word: str) -> LoadedRecipe:
    """The recipe that a word means, by name or by path seen from where the user stands; raises GlassmasterError."""
    return load(find(word, caller_directory=caller_directory()))


def fresh_lock(loaded: LoadedRecipe) -> Lock:
    """The lock of a recipe, as it is; raises GlassmasterError where there is none or the recipe has changed since."""
    from glassmaster.inputs.lock import read_lock
    from glassmaster.inputs.wants import require_fresh

    try:
        lock = read_lock(loaded.lock)
    except FileNotFoundError as error:
        raise GlassmasterError(f"{loaded.lock}: there is no lock", hint="`doit lock` makes it") from error
    require_fresh(lock, loaded.recipe, loaded.lock)
    return lock


def must_be_locked() -> bool:
    """Whether a build may only use locks that are there: `locked=yes`, or CI=true in the environment."""
    return str(get_var("locked", "")) == "yes" or os.environ.get("CI") == "true"


def default_recipe() -> str:
    """What is built when the command line names no recipe: `recipe` of [tool.glassmaster] in pyproject.toml."""
    path = Path("pyproject.toml")
    table = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return str(table.get("tool", {}).get("glassmaster", {}).get("recipe", "standin"))
