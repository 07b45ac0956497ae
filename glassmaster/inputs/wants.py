"""What a recipe asks of the outside: the question to which its lock is the answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.boot_packages import debian_packages
from glassmaster.inputs.kernel.wanted import wanted_source_sets
from glassmaster.inputs.pkgsrc.pkgsets import load_pkgset
from glassmaster.places import KERNEL_FOLDER, SETS_FOLDER
from glassmaster.recipe.parts import images_with_packages, packages_section

if TYPE_CHECKING:
    from glassmaster.inputs.lock import Lock
    from glassmaster.recipe.model import Kernel, Recipe
    from glassmaster.recipe.packages import Packages

# Tried in this order; NetBSD 9 and later have binary sets as .tar.xz, source sets and older ones as .tgz.
SET_SUFFIXES = (".tar.xz", ".tgz")
Wants = Mapping[str, tuple[str, ...]]


def wants(recipe: Recipe) -> Wants:
    """The values of a recipe that decide which inputs it has, by their names there. Another question, another lock."""
    release = recipe.release
    found = {
        "release.version": (release.version,),
        "release.machine": (release.machine,),
        "release.mirrors": release.mirrors,
        "release.trust": () if recipe.standin else (release.trust,),
        "release.key": (release.key,) if release.key else (),
        "release.sets": release.sets,
        **{f"domus.{name}.sets": domu.sets for name, domu in recipe.domus.items()},
        **_kernel(recipe.kernel, "kernel"),
        **_domu_kernels(recipe),
        "Debian packages": debian_packages(recipe),
        **_packages(recipe),
    }
    return {name: words for name, words in found.items() if words}


def _domu_kernels(recipe: Recipe) -> Wants:
    found: dict[str, tuple[str, ...]] = {}
    for name, domu in recipe.domus.items():
        if domu.kernel is not None:
            found |= _kernel(domu.kernel, f"domus.{name}.kernel")
    return found


def _kernel(kernel: Kernel, prefix: str) -> Wants:
    """What a kernel is taken from, or made from."""
    sources = wanted_source_sets(kernel)
    if sources:
        return {f"{prefix}.build.sets": tuple(f"{folder}/{name}" for folder, names in sources for name in names)}
    return {f"{prefix}.config": (kernel.config,)}


def _packages(recipe: Recipe) -> Wants:
    """What decides which packages images get, also what pkgsets list."""
    found: dict[str, tuple[str, ...]] = {}
    for image, packages in images_with_packages(recipe).items():
        found |= package_wants(packages, ".".join(packages_section(image)))
    return found


def package_wants(packages: Packages, section: str) -> dict[str, tuple[str, ...]]:
    """What decides which packages one image gets. section: its name in the recipe."""
    listed = {f"pkgset {name}": tuple(item.pattern for item in load_pkgset(name).wanted) for name in packages.sets}
    return {f"{section}.repository": packages.repository, f"{section}.sets": packages.sets, **listed}


def sets_folder(machine: str) -> str:
    """The directory of the binary sets, below NetBSD-VERSION (release(7))."""
    return f"{machine}/{SETS_FOLDER}"


def kernel_file(machine: str, config: str) -> str:
    """A prebuilt kernel, below NetBSD-VERSION."""
    return f"{machine}/{KERNEL_FOLDER}/netbsd-{config}.gz"


def differences(old: Wants, new: Wants) -> list[str]:
    """A line for each value in which two questions differ."""
    lines = []
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name, ()), new.get(name, ())
        if before == after:
            continue
        gone, come = [word for word in before if word not in after], [word for word in after if word not in before]
        if len(before) <= 1 and len(after) <= 1:
            lines.append(f"{name}: {' '.join(before) or 'nothing'} -> {' '.join(after) or 'nothing'}")
        elif gone or come:
            lines.append(f"{name}: {' '.join([*(f'-{word}' for word in gone), *(f'+{word}' for word in come)])}")
        else:
            lines.append(f"{name}: another order: {' '.join(after)}")
    return lines


def require_fresh(lock: Lock, recipe: Recipe, path: Path) -> None:
    """A lock that was made for another question is an error that shows what differs."""
    found = differences(lock.wants, wants(recipe))
    if found:
        raise GlassmasterError(
            f"{path}: made for another state of the recipe", why="\n".join(found),
            hint="`doit lock` looks the inputs up anew and writes it; then look at the difference and commit it",
        )  # fmt: skip
