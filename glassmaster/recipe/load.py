"""Finding and reading recipes, with what they extend and what must hold across their fields."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glassmaster.errors import GlassmasterError
from glassmaster.recipe.convert import build
from glassmaster.recipe.model import KERNEL_ARGUMENTS_LIMIT, Recipe
from glassmaster.recipe.nodes import Mapped, Scalar, merged, read_yaml
from glassmaster.recipe.values import epoch, plain_words

FOLDER = Path("recipes")
SUFFIX = ".yaml"


@dataclass(frozen=True)
class LoadedRecipe:
    """A recipe, its name, and the files it was read from (its own first, then what it extends)."""

    name: str
    recipe: Recipe
    files: tuple[Path, ...]

    def digest(self) -> str:
        """SHA-256 (hex) of all values of the recipe: equal for equal recipes, however they are written."""
        text = json.dumps(_plain(self.recipe), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def find(word: str, *, caller_directory: Path | None = None) -> Path:
    """The file of a recipe, by name (recipes/NAME.yaml) or by path (seen from where the user stands)."""
    if word.endswith((SUFFIX, ".yml")) or "/" in word:
        path = (caller_directory or Path()) / word
        return _shortest(path) if path.exists() else Path(word)
    path = FOLDER / f"{word}{SUFFIX}"
    if not path.exists():
        known = sorted(p.stem for p in FOLDER.glob(f"*{SUFFIX}"))
        close = difflib.get_close_matches(word, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(known) or 'none'}"
        raise GlassmasterError(f"no recipe {word!r}", why=f"{path} does not exist", hint=hint)
    return path


def load(path: Path) -> LoadedRecipe:
    """Read a recipe and all that it extends; raises GlassmasterError with ``file:line`` for whatever is wrong."""
    node, files = _extended(path, ())
    name = path.stem
    try:
        plain_words(name)
    except ValueError as error:
        raise GlassmasterError(f"{path}: this file name cannot be a recipe's name", why=str(error)) from error
    recipe = _with_environment(build(Recipe, node))
    _check(recipe, node)
    return LoadedRecipe(name, recipe, files)


def _extended(path: Path, seen: tuple[Path, ...]) -> tuple[Mapped, tuple[Path, ...]]:
    if path in seen:
        raise GlassmasterError(f"{path}: extends itself", why=" -> ".join(map(str, (*seen, path))))
    node = read_yaml(path)
    extends = node.items.get("extends")
    if extends is None:
        return node, (path,)
    if not isinstance(extends, Scalar):
        raise GlassmasterError(f"{extends.where}: extends: expected one value")
    below = path.parent / extends.text
    if not below.exists():
        raise GlassmasterError(f"{extends.where}: extends: there is no {below}")
    lower, files = _extended(below, (*seen, path))
    both = merged(lower, node)
    assert isinstance(both, Mapped)
    return both, (path, *files)


def _check(recipe: Recipe, node: Mapped) -> None:
    if "etc" not in recipe.release.sets:
        raise GlassmasterError(
            f"{_place(node, 'release', 'sets')}: release.sets: `etc` is missing",
            why="it holds master.passwd and group, by which owners are numbered",
        )
    doubled = {name for name in recipe.release.sets if recipe.release.sets.count(name) > 1}
    if doubled:
        raise GlassmasterError(f"{_place(node, 'release', 'sets')}: release.sets: twice: {', '.join(sorted(doubled))}")
    if not recipe.release.mirrors and recipe.standin is None:
        raise GlassmasterError(
            f"{_place(node, 'release')}: release.mirrors: is missing",
            hint="name at least one mirror (only the stand-in needs none)",
        )
    if len(recipe.kernel.arguments) > KERNEL_ARGUMENTS_LIMIT:
        raise GlassmasterError(
            f"{_place(node, 'kernel', 'arguments')}: kernel.arguments: {len(recipe.kernel.arguments)} characters",
            why=f"NetBSD cuts its command line at {KERNEL_ARGUMENTS_LIMIT} characters",
        )


def _place(node: Mapped, *keys: str) -> str:
    where = node.where
    at: Any = node
    for key in keys:
        if not isinstance(at, Mapped) or key not in at.items:
            break
        where, at = at.places[key], at.items[key]
    return where


def _with_environment(recipe: Recipe) -> Recipe:
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is None:
        return recipe
    try:
        return dataclasses.replace(recipe, epoch=epoch(given))
    except ValueError as error:
        raise GlassmasterError(
            f"SOURCE_DATE_EPOCH={given!r} in the environment cannot be used", why=str(error)
        ) from error


def _shortest(path: Path) -> Path:
    """Relative to the current directory where it lies below it: messages then show what the user typed."""
    resolved, here = path.resolve(), Path.cwd()
    return resolved.relative_to(here) if resolved.is_relative_to(here) else resolved


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
