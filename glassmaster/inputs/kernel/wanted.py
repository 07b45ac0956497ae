"""Which files of a release its kernel is taken from, or made from."""

from __future__ import annotations

from pathlib import Path

from glassmaster.errors import GlassmasterError
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.recipe.model import Kernel

# Below NetBSD-VERSION, not below its MACHINE (release(7)).
SOURCE_FOLDER = "source/sets"
PATCHES = "patches"


def wanted_source_sets(kernel: Kernel) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The source sets that a kernel is made from: folders below NetBSD-VERSION, each with the names of its sets."""
    return ((SOURCE_FOLDER, kernel.build.sets),) if kernel.source == "built" else ()


def patch_files(loaded: LoadedRecipe, version: str, names: tuple[str, ...]) -> list[Path]:
    """The recipe's patches, in order: of patches/VERSION/ beside a file of the recipe, or beside its directory.

    So recipes/NAME.yaml finds the repository's patches/, and a recipe kept elsewhere finds its own.
    """
    parents = dict.fromkeys(folder for file in loaded.files for folder in (file.parent, file.parent.parent))
    return [_patch_file(name, [folder / PATCHES / version for folder in parents]) for name in names]


def _patch_file(name: str, folders: list[Path]) -> Path:
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise GlassmasterError(
        f"kernel.build.patches: there is no patch {name}", why="looked in:\n" + "\n".join(map(str, folders))
    )
