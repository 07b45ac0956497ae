"""What each step reads besides files: which values of the recipe, which of the inputs, which programs.

A step is handed these values and no others, so a key cannot miss one: reading what is not listed here is an error.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from glassmaster.doit_plugins.digests import DIGESTS, NotAFile
from glassmaster.doit_plugins.keys import SHORT, Tool
from glassmaster.inputs.kernel.wanted import wanted_source_sets
from glassmaster.inputs.wants import SET_SUFFIXES, kernel_file, sets_folder
from glassmaster.places import Places
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.recipe.model import Kernel, Recipe
from glassmaster.recipe.parts import all_kernels, all_sets

Row = Mapping[str, Any]
# What a damaged list of inputs can lead to; fetch will make it anew.
UNREADABLE = (OSError, NotAFile, ValueError, LookupError, TypeError, AttributeError)
COMPILER = ("gcc", "/usr/lib/gcc/*/*/cc1")


@dataclass(frozen=True)
class Reads:
    """What a step reads.

    recipe: dotted names of values, or None for all. rows, release_id, packages: what it takes of
    build/RECIPE/inputs.json.
    """

    recipe: tuple[str, ...] | None
    rows: Callable[[Recipe, str], bool] | None = None
    release_id: bool = False
    packages: bool = False
    tools: tuple[tuple[str, ...], ...] = ()


def _of_a_set(recipe: Recipe, name: str) -> bool:
    folder = sets_folder(recipe.release.machine)
    return name in {f"{folder}/{item}{suffix}" for item in all_sets(recipe) for suffix in SET_SUFFIXES}


def _of_the_kernels(recipe: Recipe, name: str) -> bool:
    return any(name in _files_of(kernel, recipe.release.machine) for kernel in all_kernels(recipe))


def _of_the_sources(recipe: Recipe, name: str) -> bool:
    return recipe.kernel.source == "built" and name in _files_of(recipe.kernel, recipe.release.machine)


def _files_of(kernel: Kernel, machine: str) -> set[str]:
    """What a kernel may be taken from, or made from."""
    if kernel.source == "prebuilt":
        return {kernel_file(machine, kernel.config)}
    return {
        f"{folder}/{item}{suffix}"
        for folder, items in wanted_source_sets(kernel) for item in items for suffix in SET_SUFFIXES
    }  # fmt: skip


def _of_xen(recipe: Recipe, name: str) -> bool:
    if recipe.xen is None:
        return False
    # Which version of pkgsrc's it is, is among the packages.
    return name == f"debian/{recipe.xen.package}" or name.startswith(f"packages/{recipe.xen.package}-")


def _of_grub(recipe: Recipe, name: str) -> bool:
    return name.startswith("debian/grub-")


def _every(_: Recipe, __: str) -> bool:
    return True


def _of_packages(_: Recipe, name: str) -> bool:
    return name.startswith("packages/")


_WANTS = (
    "release",
    "kernel.source",
    "kernel.config",
    "kernel.build.sets",
    "xen.source",
    "xen.package",
    "packages",
    "standin",
    "domus",
)
_TREE = ("release.sets", "xen", "packages", "overlays", "domus", "standin", "epoch")
_TOOLS = (
    "release.version", "release.machine", "kernel.source", "kernel.build.sets", "kernel.build.patches",
    "kernel.build.environment", "kernel.build.make",
)  # fmt: skip
STEPS = {
    "standin": Reads(("release.version", "release.machine", "epoch", "standin"), tools=(COMPILER, ("as",), ("ld",))),
    "lock": Reads(_WANTS),
    "locked": Reads(_WANTS),
    # The release id is made of the whole recipe; an overlay's templates may show any of its values.
    "fetch": Reads(None),
    "overlay": Reads(None, release_id=True),
    "sets": Reads(("release.machine", "release.sets", "domus", "release.disagreeing", "epoch"), _of_a_set),
    "toolchain": Reads(_TOOLS, _of_the_sources, tools=(("cc",), ("c++",), ("patch",))),
    "kernel": Reads((*_TOOLS, "kernel.config", "kernel.build", "domus", "epoch"), _of_the_kernels),
    "xen": Reads(("xen.source", "xen.package", "xen.member", "epoch"), _of_xen, packages=True),
    "packages": Reads(("packages", "domus", "release.version", "release.sets", "epoch"), _of_packages, packages=True),
    "grub": Reads(
        ("description", "boot", "kernel.arguments", "kernel.source", "kernel.build.config", "xen", "epoch"),
        _of_grub,
        release_id=True,
        tools=(("mformat",),),
    ),
    "domu": Reads(("domus", "standin", "media.volume_id", "epoch"), release_id=True),
    "sign": Reads(("domus",), tools=(("ssh-keygen",),)),
    "mtree": Reads(_TREE, release_id=True),
    "iso": Reads((*_TREE, "media", "description"), release_id=True),
    "readback": Reads(()),
    # The whole recipe is in the release id, the SBOM, the provenance or the page.
    "release": Reads(None, rows=_every, release_id=True, packages=True, tools=(("ssh-keygen",), ("git",))),
    "repro": Reads(("kernel.source", "domus")),
    "smoke": Reads(
        ("smoke", "xen", "boot.others", "kernel.source", "kernel.build.config"), tools=(("qemu-system-x86_64",),)
    ),
}


def parts(step: str, loaded: LoadedRecipe) -> dict[str, Any]:
    """The parts of a step's key, for doit_plugins.keys.Key."""
    reads = STEPS[step]
    found: dict[str, Any] = {"recipe": RecipeValues(loaded.recipe, reads.recipe)}
    if reads.rows is not None:
        found["inputs"] = InputRows(Places(loaded.name).inputs, loaded.recipe, reads.rows)
    if reads.release_id:
        found["release_id"] = ReleaseId(Places(loaded.name).inputs)
    if reads.packages:
        found["packages"] = PackageRows(Places(loaded.name).inputs)
    for tool in reads.tools:
        found[f"tool {tool[0]}"] = Tool(*tool)
    return found


def restricted(step: str, loaded: LoadedRecipe) -> LoadedRecipe:
    """The recipe as a step may see it."""
    names = STEPS[step].recipe
    if names is None:
        return loaded
    return dataclasses.replace(loaded, recipe=cast(Recipe, Slice(loaded.recipe, names, step)))


class Slice:
    """Some values of a recipe; reading another one is an AttributeError, which is a mistake in this module."""

    def __init__(self, whole: Any, names: tuple[str, ...], step: str, above: str = "recipe") -> None:
        self._whole, self._names, self._step, self._above = whole, names, step, above

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        inner = tuple(item.partition(".")[2] for item in self._names if item.partition(".")[0] == name)
        if not inner:
            raise AttributeError(f"the step {self._step} reads {self._above}.{name}, which is not listed in its key")
        value = getattr(self._whole, name)
        if "" in inner or value is None:
            return value
        return Slice(value, inner, self._step, f"{self._above}.{name}")


@dataclass(frozen=True)
class RecipeValues:
    """A Part: values of a recipe, nested as they are there. names: None for all."""

    recipe: Recipe
    names: tuple[str, ...] | None

    def key_value(self) -> dict[str, Any]:
        """The values. Which file one was taken from makes no difference."""
        whole = dataclasses.asdict(self.recipe)
        del whole["extends"]
        if self.names is None:
            return whole
        found: dict[str, Any] = {}
        for dotted in self.names:
            value, place = whole, found
            *above, last = dotted.split(".")
            for name in above:
                value, place = value.get(name) or {}, place.setdefault(name, {})
            place[last] = value.get(last)
        return found


@dataclass(frozen=True)
class InputRows:
    """A Part: digest and version of those inputs that a step takes, by name; None while there is no list of them."""

    path: Path
    recipe: Recipe
    wanted: Callable[[Recipe, str], bool]

    def key_value(self) -> dict[str, str] | None:
        """The inputs."""
        try:
            rows: list[Row] = DIGESTS.derived(str(self.path), "inputs-1", json.loads)["inputs"]
            taken = [row for row in rows if self.wanted(self.recipe, row["name"])]
            return {row["name"]: f"{row['sha512'][:SHORT]} {row.get('version', '')}".rstrip() for row in taken}
        except UNREADABLE:
            return None


@dataclass(frozen=True)
class PackageRows:
    """A Part: the packages of all images, in order: what each needs, and whether it is wanted; or None."""

    path: Path

    def key_value(self) -> dict[str, str] | None:
        """The packages."""
        try:
            images: dict[str, list[Row]] = DIGESTS.derived(str(self.path), "inputs-1", json.loads)["packages"]
            rows = [(f"{image} {n}", row) for image, chosen in images.items() for n, row in enumerate(chosen, 1)]
            return {
                at: " ".join([row["name"], *(["wanted"] if row["wanted"] else []), *row["needs"].values()])
                for at, row in rows
            }
        except UNREADABLE:
            return None


@dataclass(frozen=True)
class ReleaseId:
    """A Part: the release id that the list of inputs holds; None while there is no list."""

    path: Path

    def key_value(self) -> str | None:
        """The release id."""
        try:
            return str(DIGESTS.derived(str(self.path), "inputs-1", json.loads)["release_id"])
        except UNREADABLE:
            return None
