"""The steps of the kernels: NetBSD's tools, and kernels, built or taken ready-made, checked, as layers."""

from __future__ import annotations

from collections.abc import Mapping

from glassmaster.atomic import write_bytes, write_json
from glassmaster.inputs.boot_files import kernel_layer
from glassmaster.inputs.kernel.built import built_kernels
from glassmaster.inputs.kernel.embedded import embedded_config
from glassmaster.inputs.kernel.expected import require_config
from glassmaster.inputs.kernel.file import kernel_bytes, read_kernel
from glassmaster.inputs.kernel.sources import SourceSet, source_tree
from glassmaster.inputs.kernel.toolchain import Toolchain, toolchain
from glassmaster.inputs.kernel.wanted import patch_files, wanted_source_sets
from glassmaster.inputs.record import read_record
from glassmaster.inputs.store import default_store
from glassmaster.inputs.wants import SET_SUFFIXES, kernel_file
from glassmaster.places import Places
from glassmaster.recipe.kernel import MAIN_KERNEL
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.recipe.model import Kernel
from glassmaster.recipe.parts import domu_kernels, kernel_name
from glassmaster.tree.blob import new_blob
from glassmaster.tree.layer import write_layer

DOM0, DOMU = "dom0", "domU"


def make_toolchain(loaded: LoadedRecipe) -> None:
    """The sources, unpacked and patched, and NetBSD's tools made of them; written down is where they are."""
    tools = _toolchain(loaded.recipe.kernel, loaded)
    write_json(Places(loaded.name).toolchain, {"key": tools.key, "folder": str(tools.folder)})


def make_kernel_layer(loaded: LoadedRecipe) -> None:
    """The dom0 kernel, with the configuration that it must have, to a layer."""
    recipe, places = loaded.recipe, Places(loaded.name)
    kernels = _checked(recipe.kernel, DOM0, loaded)
    write_bytes(places.kernel_config, embedded_config(kernels[MAIN_KERNEL], MAIN_KERNEL).encoded())
    _write_layer(kernels, kernel_name(recipe.kernel), "kernel", loaded)


def make_domu_kernels_layer(loaded: LoadedRecipe) -> None:
    """The kernels that the dom0 starts domUs with, each by its name, to a layer."""
    wanted = domu_kernels(loaded.recipe)
    found = {}
    for kernel in wanted:
        for name, data in _checked(kernel, DOMU, loaded).items():
            found[f"{name}-{kernel_name(kernel)}"] = data
    _write_layer(found, "+".join(map(kernel_name, wanted)), "domu-kernels", loaded)


def _write_layer(kernels: Mapping[str, bytes], origin: str, name: str, loaded: LoadedRecipe) -> None:
    places = Places(loaded.name)
    with new_blob(places.blob(name)) as blob:
        layer = kernel_layer(kernels, origin, loaded.recipe.epoch, blob)
    write_layer(layer, places.layer(name))


def _checked(kernel: Kernel, role: str, loaded: LoadedRecipe) -> dict[str, bytes]:
    """The kernels of a configuration, by the names on their `config` lines, with what they must hold inside."""
    kernels = _built(kernel, loaded) if kernel.source == "built" else {MAIN_KERNEL: _prebuilt(kernel, loaded)}
    what = f"kernel {kernel_name(kernel)}"
    for name, data in kernels.items():
        embedded = embedded_config(data, f"{what} ({name})" if name != MAIN_KERNEL else what)
        require_config(embedded, kernel, role, what)
    return kernels


def _prebuilt(kernel: Kernel, loaded: LoadedRecipe) -> bytes:
    row = read_record(Places(loaded.name).inputs).row(kernel_file(loaded.recipe.release.machine, kernel.config))
    return kernel_bytes(default_store().read(row["sha512"], row["name"]), f"kernel {kernel.config}")


def _built(kernel: Kernel, loaded: LoadedRecipe) -> dict[str, bytes]:
    recipe = loaded.recipe
    log = Places(loaded.name).log(f"kernel-{kernel_name(kernel)}")
    tools = _toolchain(kernel, loaded)
    made = built_kernels(kernel, tools, recipe.release.machine, recipe.epoch, default_store(), log)
    return {name: read_kernel(path) for name, path in made.items()}


def _toolchain(kernel: Kernel, loaded: LoadedRecipe) -> Toolchain:
    recipe, store = loaded.recipe, default_store()
    build = kernel.build
    inputs = read_record(Places(loaded.name).inputs)
    rows = [
        inputs.row(*(f"{folder}/{name}{suffix}" for suffix in SET_SUFFIXES))
        for folder, names in wanted_source_sets(kernel) for name in names
    ]  # fmt: skip
    sets = [SourceSet(row["name"], row["sha512"]) for row in rows]
    patches = patch_files(loaded, recipe.release.version, build.patches)
    tree = source_tree(sets, patches, store)
    return toolchain(tree, build, recipe.release.machine, store, Places(loaded.name).log("toolchain"))
