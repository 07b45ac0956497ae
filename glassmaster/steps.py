"""The steps: each a function of a recipe and the files of earlier steps to files of its own. doit calls them."""

from __future__ import annotations

import dataclasses
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

from glassmaster.atomic import put_in_place, temporary_beside, write_bytes, write_json, write_text
from glassmaster.checks import readback
from glassmaster.checks.sound import require_sound
from glassmaster.doit_plugins.progress import progress
from glassmaster.images import grub
from glassmaster.images.fat import write_fat
from glassmaster.images.iso import BootImages, write_iso
from glassmaster.inputs.accounts import Accounts
from glassmaster.inputs.boot_files import KERNEL_PATH, XEN_PATH, xen_layer
from glassmaster.inputs.debian import extracted
from glassmaster.inputs.hypervisor import hypervisor
from glassmaster.inputs.overlay import overlay_layer
from glassmaster.inputs.pkgsrc.pkgdb import directory_of
from glassmaster.inputs.record import Record, read_record
from glassmaster.inputs.sets import release_accounts, set_layer
from glassmaster.inputs.standin.release import make_release
from glassmaster.inputs.store import default_store
from glassmaster.inputs.tarindex import TarIndex, indexed
from glassmaster.inputs.wants import SET_SUFFIXES, sets_folder
from glassmaster.places import BOOT_IMAGES, STANDIN_NOTICE, Places, domu_overlay, layer_names
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.recipe.parts import all_sets, image_name, images_with_packages
from glassmaster.run import run
from glassmaster.tree.blob import new_blob
from glassmaster.tree.entry import Entry
from glassmaster.tree.layer import Layer, read_layers, write_layer
from glassmaster.tree.merge import Tree, merge
from glassmaster.tree.mtree import format_mtree, listed, parse_mtree


def make_standin(loaded: LoadedRecipe) -> None:
    """Make the stand-in's mirror."""
    recipe, places = loaded.recipe, Places(loaded.name)
    assert recipe.standin is not None
    make_release(
        places.mirror, recipe.release.version, recipe.release.machine,
        epoch=recipe.epoch, files=recipe.standin.files, size=recipe.standin.bytes,
    )  # fmt: skip


def make_set_layers(loaded: LoadedRecipe) -> None:
    """Sets to layers, several at a time; and the release's accounts."""
    recipe, store, places, inputs = loaded.recipe, default_store(), Places(loaded.name), _inputs(loaded)
    names = all_sets(recipe)
    folder = sets_folder(recipe.release.machine)
    rows = {name: inputs.row(*(f"{folder}/{name}{suffix}" for suffix in SET_SUFFIXES)) for name in names}
    with ThreadPoolExecutor(os.cpu_count()) as pool, progress("sets", len(names)) as advance:

        def read(name: str) -> TarIndex:
            index = indexed(rows[name]["sha512"], PurePosixPath(rows[name]["name"]).name, store)
            advance()
            return index

        indexes = dict(zip(names, pool.map(read, names), strict=True))
    accounts = release_accounts(indexes["etc"])
    write_json(places.accounts, dataclasses.asdict(accounts))
    for name, index in indexes.items():
        layer = set_layer(name, index, accounts, epoch=recipe.epoch, disagreeing=recipe.release.disagreeing)
        write_layer(layer, places.layer(f"set-{name}"))


def make_xen_layer(loaded: LoadedRecipe) -> None:
    """The hypervisor to a layer."""
    xen, places, store = loaded.recipe.xen, Places(loaded.name), default_store()
    assert xen is not None
    found = hypervisor(xen, _inputs(loaded), store)
    with new_blob(places.blob("xen")) as blob:
        layer = xen_layer(found.data, xen.member, found.version, loaded.recipe.epoch, blob)
    write_layer(layer, places.layer("xen"))


def make_overlay_layer(loaded: LoadedRecipe, name: str, domu: str = "") -> None:
    """An overlay to a layer: of the dom0, or of a domU."""
    places = Places(loaded.name)
    accounts, packages_rc = _of_packages(loaded, domu)
    context = {**_template_context(loaded, domu), "packages_rc": packages_rc}
    made = domu_overlay(domu, name) if domu else f"overlay-{name}"
    with new_blob(places.blob(made)) as blob:
        layer = overlay_layer(name, context, accounts, loaded.recipe.epoch, blob)
    write_layer(layer, places.layer(made))


def make_grub(loaded: LoadedRecipe) -> None:
    """GRUB's core images, and a layer with its menu."""
    recipe, places, store = loaded.recipe, Places(loaded.name), default_store()
    inputs = _inputs(loaded)
    release_id = inputs.release_id
    marker = grub.marker_path(release_id)
    tools = extracted(inputs.package(grub.TOOLS_PACKAGE), [grub.TOOL], store, key="mkimage")
    early = places.grub("early.cfg")
    write_text(early, grub.early_config(marker))
    for platform, name in ((grub.BIOS, "core.img"), (grub.UEFI, "bootx64.efi")):
        directory = extracted(
            inputs.package(platform.package), grub.boot_package_files(platform), store, key="platform"
        )
        with temporary_beside(places.grub(name)) as temporary:
            run(grub.mkimage(tools / Path(grub.TOOL).name, platform, directory, early, temporary))
            put_in_place(temporary, places.grub(name))
        if platform is grub.BIOS:
            write_bytes(places.grub("boot_hybrid.img"), (directory / "boot_hybrid.img").read_bytes())
    write_fat(
        places.grub("efi.img"),
        places.grub("bootx64.efi"),
        grub.EFI_BOOT_FILE,
        serial=int(release_id[:8], 16),
        epoch=recipe.epoch,
    )
    with new_blob(places.blob("grub")) as blob:
        text = grub.menu(recipe, release_id, KERNEL_PATH, XEN_PATH if recipe.xen else "")
        entries = (
            Entry(grub.MENU_PATH, "file", 0o444, 0, 0, recipe.epoch, content=blob.add(text)),
            Entry(marker, "file", 0o444, 0, 0, recipe.epoch, content=blob.add(f"{release_id}\n".encode())),
        )
    write_layer(Layer("grub", entries), places.layer("grub"))


def make_mtree(loaded: LoadedRecipe) -> None:
    """Merge the layers; write the tree as text."""
    tree = merged_tree(loaded)
    require_sound(tree, loaded.recipe.overlays)
    notice = f"\n{STANDIN_NOTICE}" if loaded.recipe.standin else ""
    comment = f"glassmaster recipe {loaded.name}, release {_release_id(loaded)}{notice}"
    write_text(Places(loaded.name).mtree, format_mtree(tree, comment=comment))


def merged_tree(loaded: LoadedRecipe) -> Tree:
    """The tree of the CD, of its layers."""
    places = Places(loaded.name)
    files = (places.layer(name) for name in layer_names(loaded.recipe))
    return merge((layer for file in files for layer in read_layers(file)), epoch=loaded.recipe.epoch)


def make_iso(loaded: LoadedRecipe) -> None:
    """The CD: checked for size, written, read back, and only then given its name."""
    recipe, places = loaded.recipe, Places(loaded.name)
    tree = merged_tree(loaded)
    boot = BootImages(*(places.grub(name).read_bytes() for name in BOOT_IMAGES))
    with temporary_beside(places.iso) as temporary:
        with progress("writing", unit="bytes") as advance:
            write_iso(
                tree, boot, temporary, volume_id=recipe.media.volume_id, epoch=recipe.epoch,
                budget=recipe.media.budget, progress=advance.to,
            )  # fmt: skip
        size = temporary.stat().st_size
        result = readback.compared([listed(node) for node in tree], readback.read_iso(temporary))
        readback.require_equal(result, places.iso)
        facts = {
            "path": str(places.iso), "size": size, "sha256": readback.file_digest(temporary), "entries": len(tree),
            "files": sum(node.entry.kind == "file" for node in tree), "volume_id": recipe.media.volume_id,
            "release_id": _release_id(loaded), "standin": recipe.standin is not None, "title": recipe.description,
        }  # fmt: skip
        put_in_place(temporary, places.iso)
    _write_readback(result, facts["sha256"], places)
    write_json(places.facts, facts)


def read_back(loaded: LoadedRecipe) -> readback.Readback:
    """Compare the finished CD with its mtree text once more."""
    places = Places(loaded.name)
    lines = parse_mtree(places.mtree.read_text(encoding="utf-8"), str(places.mtree))
    result = readback.compared(lines, readback.read_iso(places.iso))
    # Of the image that was read, not of the one that was once described.
    _write_readback(result, readback.file_digest(places.iso), places)
    readback.require_equal(result, places.iso)
    return result


def _write_readback(result: readback.Readback, image: object, places: Places) -> None:
    write_json(places.readback, {"reader": "libarchive", "image": image, **dataclasses.asdict(result)})


def _inputs(loaded: LoadedRecipe) -> Record:
    return read_record(Places(loaded.name).inputs)


def _of_packages(loaded: LoadedRecipe, domu: str) -> tuple[Accounts, dict[str, str]]:
    """An image's accounts, those of packages among them, and what rc.conf says for packages' rc.d scripts."""
    places = Places(loaded.name)
    if image_name(domu) not in images_with_packages(loaded.recipe):
        return Accounts(**json.loads(places.accounts.read_bytes())), {}
    left = json.loads(places.packages(domu).read_bytes())
    return Accounts(**left["accounts"]), left["rc"]


def _release_id(loaded: LoadedRecipe) -> str:
    return _inputs(loaded).release_id


def _template_context(loaded: LoadedRecipe, domu: str) -> dict[str, Any]:
    recipe = loaded.recipe
    own = recipe.domus[domu].variables if domu else {}
    packages = recipe.domus[domu].packages if domu else recipe.packages
    return {
        "recipe": recipe, "name": loaded.name, "vars": {**recipe.variables, **own}, "release_id": _release_id(loaded),
        "domu": domu, "pkgdb": directory_of(packages, recipe.release.version),
    }  # fmt: skip
