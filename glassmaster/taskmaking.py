"""How a step becomes a doit task: its key, its files, and what happens when it fails."""

from __future__ import annotations

import functools
import importlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from doit import get_var
from doit.exceptions import InvalidDodoFile, TaskFailed

from glassmaster import stepkeys
from glassmaster.commands.recipes import recipe_of, words_asked_for
from glassmaster.doit_plugins.keys import Key, Targets
from glassmaster.doit_plugins.modules import Code
from glassmaster.doit_plugins.outlook import SECONDS
from glassmaster.errors import GlassmasterError
from glassmaster.places import caller_directory, near
from glassmaster.recipe.load import FOLDER, SUFFIX, LoadedRecipe
from glassmaster.release.options import Options

Task = dict[str, Any]


def group(basename: str, creator: Callable[[], Any]) -> Task:
    """The group task, whose line `doit list` shows."""
    return {"basename": basename, "name": None, "doc": creator.__doc__}


def step_task(
    basename: str, loaded: LoadedRecipe, function: str, *arguments: Any, needs: list[Path], makes: list[Path],
    after: list[str] | None = None, part: str = "", key: dict[str, Any] | None = None,
    also: Callable[[], bool] | None = None, always: bool = False, targets: Targets | None = None,
) -> Task:  # fmt: skip
    """One step as a doit task: it runs again when a file it needs, its key or what it made has changed.

    after: steps that come before, but whose files count only by the part of them that is in the key. targets: what
    looks at what it made, where that is more than the files of `makes`.
    """
    module, _, name = f"glassmaster.{function}".rpartition(".")
    parts = stepkeys.parts(basename, loaded)
    uptodate: list[Any] = [
        Key(**parts, code=Code(module, name), **(key or {})),
        targets or Targets(),
        *([also] if also else []),
        *([False] if always else []),
    ]
    return {
        "basename": basename,
        "name": f"{loaded.name}:{part}" if part else loaded.name,
        "doc": f"{basename} of the recipe {loaded.name}{f', {part}' if part else ''}",
        "actions": [(_act, [basename, function, loaded, *arguments])],
        "file_dep": [str(near(path)) for path in needs],
        "task_dep": [f"{step}:{loaded.name}" for step in after or []],
        "targets": [str(path) for path in makes],
        "uptodate": uptodate,
        "clean": True,
    }


def _act(basename: str, function: str, loaded: LoadedRecipe, *arguments: Any) -> TaskFailed | dict[str, float]:
    """Run a step, given by its name in this package; an error for people becomes a failed task, without a traceback.

    By name, so that listing tasks imports neither pycdlib nor what else only the steps need. Of the recipe it gets
    only what its key holds. Returned, and so kept with the task, is how long it took: `doit plan` estimates by that.
    """
    module, _, name = function.rpartition(".")
    begin = time.monotonic()
    try:
        step = getattr(importlib.import_module(f"glassmaster.{module}"), name)
        step(stepkeys.restricted(basename, loaded), *arguments)
    except GlassmasterError as error:
        return TaskFailed(str(error))
    except OSError as error:
        # The machine's fault, not the input's: no room, no permission, a file that someone took away.
        return TaskFailed(f"{function}: {error}")
    return {SECONDS: round(time.monotonic() - begin, 3)}


@functools.cache
def recipes() -> tuple[LoadedRecipe, ...]:
    """The recipes of this run; a mistake in one of them is an error before any task starts."""
    try:
        loaded = [recipe_of(word) for word in words_asked_for()]
    except GlassmasterError as error:
        raise InvalidDodoFile(str(error)) from error
    names = [item.name for item in loaded]
    if len(set(names)) != len(names):
        raise InvalidDodoFile(f"two recipes have the same name: {', '.join(names)}")
    return tuple(loaded)


def release_options(loaded: LoadedRecipe) -> Options:
    """What `without=smoke,repro previous=DIR|URL rebuilds=N signers=FILE` say."""
    without = {name.strip() for name in str(get_var("without", "") or "").split(",")}
    rebuilds, signers = str(get_var("rebuilds", "0")), str(get_var("signers", "") or "")
    if not (rebuilds.isascii() and rebuilds.isdigit()):
        raise InvalidDodoFile(f"rebuilds={rebuilds}: expected a number")
    if int(rebuilds) and not signers:
        raise InvalidDodoFile(f"rebuilds={rebuilds}: signers=FILE must say whose word counts")
    return Options(
        tuple(sorted(without - {""})), str(get_var("previous", "") or ""), int(rebuilds), signers,
        str(caller_directory()), word(loaded),
    )  # fmt: skip


def word(loaded: LoadedRecipe) -> str:
    """What `recipe=` has to say for this recipe."""
    path = loaded.files[0]
    return loaded.name if path == FOLDER / f"{loaded.name}{SUFFIX}" else str(path)
