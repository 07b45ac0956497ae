"""The steps of the kernel: NetBSD's tools, and the dom0 kernel, built or taken ready-made, checked, as a layer."""

from __future__ import annotations

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
from glassmaster.tree.blob import new_blob
from glassmaster.tree.layer import write_layer

ROLE = "dom0"


def make_toolchain(loaded: LoadedRecipe) -> None:
    """The sources, unpacked and patched, and NetBSD's tools made of them; written down is where they are."""
    tools = _toolchain(loaded)
    write_json(Places(loaded.name).toolchain, {"key": tools.key, "folder": str(tools.folder)})


def make_kernel_layer(loaded: LoadedRecipe) -> None:
    """The dom0 kernel, with the configuration that it must have, to a layer."""
    recipe, places = loaded.recipe, Places(loaded.name)
    kernels = _built(loaded) if recipe.kernel.source == "built" else {MAIN_KERNEL: _prebuilt(loaded)}
    for name, data in kernels.items():
        what = f"kernel {recipe.kernel.build.name if recipe.kernel.source == 'built' else recipe.kernel.config}"
        embedded = embedded_config(data, f"{what} ({name})" if name != MAIN_KERNEL else what)
        require_config(embedded, recipe.kernel, ROLE, what)
    write_bytes(places.kernel_config, embedded_config(kernels[MAIN_KERNEL], MAIN_KERNEL).encoded())
    with new_blob(places.blob("kernel")) as blob:
        layer = kernel_layer(kernels, _origin(loaded), recipe.epoch, blob)
    write_layer(layer, places.layer("kernel"))


def _origin(loaded: LoadedRecipe) -> str:
    kernel = loaded.recipe.kernel
    return kernel.build.name if kernel.source == "built" else kernel.config


def _prebuilt(loaded: LoadedRecipe) -> bytes:
    recipe = loaded.recipe
    row = read_record(Places(loaded.name).inputs).row(kernel_file(recipe.release.machine, recipe.kernel.config))
    return kernel_bytes(default_store().read(row["sha512"], row["name"]), f"kernel {recipe.kernel.config}")


def _built(loaded: LoadedRecipe) -> dict[str, bytes]:
    recipe = loaded.recipe
    log = Places(loaded.name).log("kernel")
    made = built_kernels(recipe.kernel, _toolchain(loaded), recipe.release.machine, recipe.epoch, default_store(), log)
    return {name: read_kernel(path) for name, path in made.items()}


def _toolchain(loaded: LoadedRecipe) -> Toolchain:
    recipe, store = loaded.recipe, default_store()
    build = recipe.kernel.build
    inputs = read_record(Places(loaded.name).inputs)
    rows = [
        inputs.row(*(f"{folder}/{name}{suffix}" for suffix in SET_SUFFIXES))
        for folder, names in wanted_source_sets(recipe.kernel) for name in names
    ]  # fmt: skip
    sets = [SourceSet(row["name"], row["sha512"]) for row in rows]
    patches = patch_files(loaded, recipe.release.version, build.patches)
    tree = source_tree(sets, patches, store)
    return toolchain(tree, build, recipe.release.machine, store, Places(loaded.name).log("toolchain"))
