"""Which files the tasks of a recipe need, and whether what earlier ones made is still there."""

from __future__ import annotations

import json
from pathlib import Path

from doit.exceptions import InvalidDodoFile

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.kernel.wanted import SOURCE_FOLDER, patch_files
from glassmaster.inputs.kernel.workdir import MARK
from glassmaster.inputs.pkgsrc.pkgsets import load_pkgset
from glassmaster.inputs.pkgsrc.uids import UIDS_FILE
from glassmaster.inputs.standin.package_repository import repository_path
from glassmaster.inputs.store import default_store
from glassmaster.places import KERNEL_FOLDER, SETS_FOLDER, Places, layer_names
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.recipe.model import EMPTY_DISK, LEFT_DISK, Kernel
from glassmaster.recipe.packages import Packages
from glassmaster.recipe.parts import domu_kernel_files, domu_kernels, images_with_packages


def mirror_files(loaded: LoadedRecipe) -> list[Path]:
    """The files of the stand-in's mirror that stand for all of it."""
    release = loaded.recipe.release
    top = Places(loaded.name).mirror / f"NetBSD-{release.version}"
    binary = [top / release.machine / folder for folder in (SETS_FOLDER, KERNEL_FOLDER)]
    packages = Places(loaded.name).mirror / repository_path(release.machine, release.version) / "SHA512.bz2"
    return [*(folder / "SHA512" for folder in (*binary, top / SOURCE_FOLDER)), packages]


def pkgset_files(loaded: LoadedRecipe) -> list[Path]:
    """The files of the recipe's pkgsets; a mistake in one of them is an error before any task starts."""
    names = {name for packages in images_with_packages(loaded.recipe).values() for name in packages.sets}
    try:
        return sorted({path for name in names for path in load_pkgset(name).files})
    except GlassmasterError as error:
        raise InvalidDodoFile(str(error)) from error


def packages_need(packages: Packages) -> list[Path]:
    """The files of the repository that decide how packages are installed. Without a key's file the step says so."""
    return [path for path in (Path(UIDS_FILE), Path(packages.key)) if path.is_file()]


def patches(loaded: LoadedRecipe, kernel: Kernel) -> list[Path]:
    """The patches of a kernel that is built; one that is missing is an error before any task starts."""
    if kernel.source == "prebuilt":
        return []
    try:
        return patch_files(loaded, loaded.recipe.release.version, kernel.build.patches)
    except GlassmasterError as error:
        raise InvalidDodoFile(f"{loaded.files[0]}: {error}") from error


def tools_exist(toolchain: Path) -> bool:
    """Whether the store still has the tools that were made."""
    try:
        return (Path(json.loads(toolchain.read_bytes())["folder"]) / MARK).exists()
    except (OSError, ValueError, KeyError, TypeError):
        return False


def disks(loaded: LoadedRecipe) -> list[Path]:
    """The hard disks' images that the smoke test's scenarios name, and do not make themselves."""
    named = {disk for item in loaded.recipe.smoke.scenarios for disk in item.disks}
    return sorted(Path(disk) for disk in named if disk != EMPTY_DISK and not LEFT_DISK.fullmatch(disk))


def handed_over(loaded: LoadedRecipe) -> list[Path]:
    """What the build leaves for a release. Results of checks are no files that it makes others make."""
    places, domus = Places(loaded.name), loaded.recipe.domus
    images = [places.domu(f"{name}.{suffix}") for name in sorted(domus) for suffix in ("img", "mtree", "json")]
    images += [places.domu(name) for name in domu_kernel_files(loaded.recipe)]
    kernels = ["kernel", *(["domu-kernels"] if domu_kernels(loaded.recipe) else [])]
    return [
        places.iso, places.facts, places.mtree, places.kernel_config, loaded.lock, places.inputs, *images,
        *([places.domu("SHA512")] if domus else []), *(places.layer(name) for name in kernels),
        *(places.blob(name) for name in kernels),
    ]  # fmt: skip


def layers(loaded: LoadedRecipe) -> list[Path]:
    return [Places(loaded.name).layer(name) for name in layer_names(loaded.recipe)]


def stored(inputs: Path) -> bool:
    """Whether the store still has all inputs: it is a cache and may have been emptied."""
    store = default_store()
    try:
        return all(row["sha512"] in store for row in json.loads(inputs.read_bytes())["inputs"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def blobs_exist(layers: list[Path]) -> bool:
    """Whether the archives that layers point into are still in the store."""
    try:
        return all((path.parent / name).exists() for path in layers for name in json.loads(path.read_bytes())["blobs"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
