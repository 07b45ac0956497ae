"""The steps of the domUs' root images: a tree of their own as a read-only image, which is a layer of the CD."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Literal

from glassmaster.atomic import put_in_place, temporary_beside, write_bytes, write_json, write_text
from glassmaster.checks import readback
from glassmaster.checks.sound import require_sound
from glassmaster.doit_plugins.progress import progress
from glassmaster.errors import GlassmasterError
from glassmaster.images.ffs.writer import write_ffs
from glassmaster.images.iso import write_iso
from glassmaster.inputs.record import read_record
from glassmaster.places import STANDIN_NOTICE, Places, domu_layer_names
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.recipe.model import Domu, Recipe
from glassmaster.recipe.parts import domu_kernels
from glassmaster.release.manifest import manifest
from glassmaster.release.signing import sign, signature_of, signing_key
from glassmaster.tree.entry import Content, Entry
from glassmaster.tree.layer import Layer, read_layer, read_layers, write_layer
from glassmaster.tree.merge import Tree, merge
from glassmaster.tree.mtree import format_mtree, listed

# Where the images lie on the CD; a domu.conf names them (docs/domu-conf.md).
IMAGES = "images"
IMAGE_MODE = 0o444
UFS: dict[str, Literal[1, 2]] = {"ffs1": 1, "ffs2": 2}


def make_domu(loaded: LoadedRecipe, name: str) -> None:
    """A root image: written, read back, and only then given its name; its tree as text; a layer of the CD with it."""
    recipe, places = loaded.recipe, Places(loaded.name)
    domu, image = recipe.domus[name], places.domu(f"{name}.img")
    release_id = read_record(places.inputs).release_id
    files = (places.layer(layer) for layer in domu_layer_names(domu, name))
    layers = (layer for file in files for layer in read_layers(file))
    tree = merge(layers, epoch=recipe.epoch)
    require_sound(tree, domu.overlays)
    notice = f"\n{STANDIN_NOTICE}" if recipe.standin else ""
    comment = f"glassmaster recipe {loaded.name}, domU {name}, release {release_id}{notice}"
    write_text(places.domu(f"{name}.mtree"), format_mtree(tree, comment=comment))
    with temporary_beside(image) as temporary:
        _write(tree, domu, name, recipe, temporary)
        found = readback.read_iso(temporary) if domu.filesystem == "cd9660" else readback.read_ffs(temporary)
        readback.require_equal(readback.compared([listed(node) for node in tree], found), image)
        size, sha256 = temporary.stat().st_size, readback.file_digest(temporary)
        put_in_place(temporary, image)
    content = Content(image, 0, size, sha256)
    entry = Entry(f"{IMAGES}/{name}.img", "file", IMAGE_MODE, 0, 0, recipe.epoch, content=content)
    write_layer(Layer(f"domu:{name}", (entry,)), places.layer(f"domu-{name}"))
    facts = {
        "path": str(image), "size": size, "sha256": sha256, "sha512": _sha512(image), "entries": len(tree),
        "filesystem": domu.filesystem, "release_id": release_id, "epoch": recipe.epoch,
        "standin": recipe.standin is not None,
    }  # fmt: skip
    write_json(places.domu(f"{name}.json"), facts)


def write_digests(loaded: LoadedRecipe) -> None:
    """The images' SHA-512 in NetBSD's form, after what glassmaster-rollout wants to know of them (docs/rollout.md).

    The domUs' kernels are put beside the images, and into the list: an image without its kernel may not start.
    """
    places = Places(loaded.name)
    facts = {name: json.loads(places.domu(f"{name}.json").read_bytes()) for name in loaded.recipe.domus}
    digests = {f"{name}.img": str(item["sha512"]) for name, item in facts.items()}
    for entry in read_layer(places.layer("domu-kernels")).entries if domu_kernels(loaded.recipe) else ():
        assert entry.content is not None
        with entry.content.blob.open("rb") as stream:
            stream.seek(entry.content.offset)
            write_bytes(places.domu(entry.path), stream.read(entry.content.size))
        digests[entry.path] = _sha512(places.domu(entry.path))
    one = next(iter(facts.values()))
    # A signature that is there is of another manifest.
    signature_of(places.domu("SHA512")).unlink(missing_ok=True)
    write_text(places.domu("SHA512"), manifest(loaded.name, one["release_id"], one["epoch"], digests))


def sign_digests(loaded: LoadedRecipe) -> None:
    """Sign the manifest of the images with the user's key."""
    if not loaded.recipe.domus:
        raise GlassmasterError(
            f"recipe {loaded.name}: nothing to sign", why="it has no domUs, and so no manifest of them"
        )
    sign(Places(loaded.name).domu("SHA512"), signing_key())


def volume_id(recipe: Recipe, name: str) -> str:
    """What an image's file system calls itself: d-characters (ECMA-119, 7.4.1), at most 32."""
    words = f"{recipe.media.volume_id}_{name}".upper()
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in words)[-32:]


def _write(tree: Tree, domu: Domu, name: str, recipe: Recipe, path: Path) -> None:
    label, size = volume_id(recipe, name), domu.size or None
    with progress("writing", unit="bytes") as advance:
        if domu.filesystem == "cd9660":
            write_iso(
                tree, None, path, volume_id=label, epoch=recipe.epoch, budget=size, setting=f"domus.{name}.size",
                progress=advance.to,
            )  # fmt: skip
        else:
            # Nobody will ever write to it: none is kept for root, and there is no room to spare but what `size` says.
            version = UFS[domu.filesystem]
            write_ffs(tree, path, version=version, epoch=recipe.epoch, label=label[-31:], size=size, minfree=0)


def _sha512(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha512").hexdigest()
