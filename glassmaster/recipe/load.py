"""Finding and reading recipes, with what they extend and what must hold across their fields."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glassmaster.errors import GlassmasterError
from glassmaster.recipe.convert import build
from glassmaster.recipe.kernel import kernel_problems
from glassmaster.recipe.model import KERNEL_ARGUMENTS_LIMIT, LEFT_DISK, Domu, Kernel, Recipe
from glassmaster.recipe.nodes import Mapped, Scalar, merged, place_of, read_yaml
from glassmaster.recipe.parts import domu_kernels, images_with_packages, kernel_name, packages_section
from glassmaster.recipe.values import epoch, plain_words

FOLDER = Path("recipes")
SUFFIX = ".yaml"
LOCK_SUFFIX = ".lock"
# As docs/domu-conf.md names virtual machines; also a word of GRUB's language.
_SHORT_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True)
class LoadedRecipe:
    """A recipe, its name, and the files it was read from (its own first, then what it extends)."""

    name: str
    recipe: Recipe
    files: tuple[Path, ...]

    @property
    def lock(self) -> Path:
        """The recipe's lock, beside it."""
        return self.files[0].with_name(f"{self.name}{LOCK_SUFFIX}")

    def digest(self) -> str:
        """SHA-256 (hex) of all values of the recipe: equal for equal recipes, however they are written."""
        # Which file a value was taken from makes no difference.
        text = json.dumps(_plain(dataclasses.replace(self.recipe, extends="")), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def find(word: str, *, caller_directory: Path | None = None) -> Path:
    """The file of a recipe, by name (recipes/NAME.yaml) or by path (seen from where the user stands)."""
    if word.endswith((SUFFIX, ".yml")) or "/" in word:
        path = (caller_directory or Path()) / word
        return _shortest(path) if _exists(path) else Path(word)
    path = FOLDER / f"{word}{SUFFIX}"
    if not _exists(path):
        known = sorted(p.stem for p in FOLDER.glob(f"*{SUFFIX}"))
        close = difflib.get_close_matches(word, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(known) or 'none'}"
        raise GlassmasterError(f"no recipe {word!r}", why=f"{path} does not exist", hint=hint)
    return path


def load(path: Path) -> LoadedRecipe:
    """Read a recipe and all that it extends; raises GlassmasterError with ``file:line`` for whatever is wrong."""
    node, files = read_extended(path)
    name = path.stem
    try:
        plain_words(name)
    except ValueError as error:
        raise GlassmasterError(f"{path}: this file name cannot be a recipe's name", why=str(error)) from error
    recipe = _with_environment(build(Recipe, node))
    _check(recipe, node)
    return LoadedRecipe(name, recipe, files)


def read_extended(path: Path) -> tuple[Mapped, tuple[Path, ...]]:
    """The values of a file over those of what its `extends` names, and of what that extends; and all these files."""
    nodes, files = [read_yaml(path)], [path]
    # Resolved: by way of ../recipes a loop would look longer each time round.
    seen = {path.resolve()}
    while extends := nodes[-1].items.get("extends"):
        if not isinstance(extends, Scalar):
            raise GlassmasterError(f"{extends.where}: extends: expected one value")
        if not extends.text:
            break
        below = files[-1].parent / extends.text
        if not _exists(below):
            raise GlassmasterError(f"{extends.where}: extends: there is no file {below}")
        if below.resolve() in seen:
            raise GlassmasterError(
                f"{extends.where}: extends: leads back to {below}", why=" -> ".join(map(str, (*files, below)))
            )
        seen.add(below.resolve())
        files.append(below)
        nodes.append(read_yaml(below))
    node = nodes.pop()
    while nodes:
        node = merged(node, nodes.pop())
    return node, tuple(files)


def _exists(path: Path) -> bool:
    """Whether there is a file (or a pipe), with False also for names that no file can have."""
    try:
        return path.exists() and not path.is_dir()
    except OSError:
        return False


def _check(recipe: Recipe, node: Mapped) -> None:
    if "etc" not in recipe.release.sets:
        raise GlassmasterError(
            f"{place_of(node, 'release', 'sets')}: release.sets: `etc` is missing",
            why="it holds master.passwd and group, by which owners are numbered",
        )
    scenarios = (*recipe.smoke.firmware, *(item.name for item in recipe.smoke.scenarios))
    for names, keys in (
        (recipe.release.sets, ("release", "sets")), (recipe.overlays, ("overlays",)),
        (scenarios, ("smoke", "scenarios")),
        *((domu.sets, ("domus", name, "sets")) for name, domu in recipe.domus.items()),
        *((domu.overlays, ("domus", name, "overlays")) for name, domu in recipe.domus.items()),
        *((item.sets, (*packages_section(image), "sets")) for image, item in images_with_packages(recipe).items()),
    ):  # fmt: skip
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise GlassmasterError(f"{place_of(node, *keys)}: {'.'.join(keys)}: twice: {', '.join(doubled)}")
    if not recipe.release.mirrors and recipe.standin is None:
        raise GlassmasterError(
            f"{place_of(node, 'release')}: release.mirrors: is missing",
            hint="name at least one mirror (only the stand-in needs none)",
        )
    if recipe.release.trust == "signed" and not recipe.release.key and recipe.standin is None:
        raise GlassmasterError(
            f"{place_of(node, 'release')}: release.key: is missing",
            why="the release's digests must be signed, and by whom is not said",
            hint="name the file of NetBSD's public key, or say `trust: first-use`: what the mirror has now is believed",
        )
    if len(recipe.kernel.arguments) > KERNEL_ARGUMENTS_LIMIT:
        raise GlassmasterError(
            f"{place_of(node, 'kernel', 'arguments')}: kernel.arguments: {len(recipe.kernel.arguments)} characters",
            why=f"NetBSD cuts its command line at {KERNEL_ARGUMENTS_LIMIT} characters",
        )
    for name in recipe.boot.others:
        if not _SHORT_NAME.fullmatch(name):
            raise GlassmasterError(
                f"{place_of(node, 'boot', 'others', name)}: boot.others.{name}: not a name for a menu entry",
                why="expected up to 63 of a-z, 0-9 and -, beginning with a letter or digit",
            )
    _check_left_disks(recipe, node)
    _check_packages(recipe, node)
    _check_kernel(recipe.kernel, node, "kernel")
    for name, domu in recipe.domus.items():
        _check_domu(name, domu, node)
        if domu.kernel is not None:
            _check_kernel(domu.kernel, node, "domus", name, "kernel")
    kernels = [kernel_name(kernel) for kernel in domu_kernels(recipe)]
    for both in sorted({kernel for kernel in kernels if kernels.count(kernel) > 1}):
        raise GlassmasterError(
            f"{place_of(node, 'domus')}: domus: two different kernels are called {both}",
            why=f"each would be /netbsd-{both} on the disc",
        )


def _check_left_disks(recipe: Recipe, node: Mapped) -> None:
    """A disk that another scenario leaves must be one of a scenario that comes before."""
    before: dict[str, int] = {}
    for scenario in recipe.smoke.scenarios:
        for left in filter(None, map(LEFT_DISK.fullmatch, scenario.disks)):
            if int(left["number"] or 1) > before.get(left["scenario"], 0):
                raise GlassmasterError(
                    f"{place_of(node, 'smoke', 'scenarios')}: smoke.scenarios: {scenario.name}: disks: {left[0]}",
                    why=f"no scenario {left['scenario']} with such a disk stands before it",
                )
        before[scenario.name] = len(scenario.disks)


def _check_domu(name: str, domu: Domu, node: Mapped) -> None:
    if not _SHORT_NAME.fullmatch(name):
        raise GlassmasterError(
            f"{place_of(node, 'domus', name)}: domus.{name}: not a name for an image",
            why="expected up to 63 of a-z, 0-9 and -, beginning with a letter or digit",
        )
    if "etc" not in domu.sets:
        raise GlassmasterError(
            f"{place_of(node, 'domus', name, 'sets')}: domus.{name}.sets: `etc` is missing",
            why="it holds master.passwd and group, by which owners are numbered",
        )


def _check_packages(recipe: Recipe, node: Mapped) -> None:
    if recipe.xen and recipe.xen.source == "pkgsrc" and recipe.packages is None:
        raise GlassmasterError(
            f"{place_of(node, 'xen', 'source')}: xen.source: pkgsrc, and there are no packages",
            why=f"{recipe.xen.package} must be among those of packages.sets",
        )
    for image, packages in images_with_packages(recipe).items():
        if not packages.repository and recipe.standin is None:
            keys = packages_section(image)
            raise GlassmasterError(
                f"{place_of(node, *keys)}: {'.'.join(keys)}.repository: is missing",
                hint="name the URL of the directory that holds All (only the stand-in has packages of its own)",
            )


def _check_kernel(kernel: Kernel, node: Mapped, *keys: str) -> None:
    if kernel.source == "built":
        for field, what, why in kernel_problems(kernel):
            place = place_of(node, *keys, "build", field)
            raise GlassmasterError(f"{place}: {'.'.join(keys)}.build.{field}: {what}", why=why)


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
    """Relative to the current directory where it lies below it: messages then show what the user typed.

    A symbolic link keeps its own name: a recipe is the same one by path and by name.
    """
    resolved, here = path.parent.resolve() / path.name, Path.cwd()
    return resolved.relative_to(here) if resolved.is_relative_to(here) else resolved


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
