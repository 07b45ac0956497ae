"""The step that installs packages: the lock's packages onto the release's sets, to layers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from glassmaster.atomic import write_json
from glassmaster.inputs.lock import LockedPackage
from glassmaster.inputs.pkgsrc.accounts import AccountFiles
from glassmaster.inputs.pkgsrc.install import GROUP, MASTER_PASSWD, SHELLS, Installed, Selected, Target, install
from glassmaster.inputs.pkgsrc.libraries import require_libraries
from glassmaster.inputs.pkgsrc.pkgdb import directory_of
from glassmaster.inputs.pkgsrc.placing import tree_path
from glassmaster.inputs.pkgsrc.services import Service, read_service, settings
from glassmaster.inputs.pkgsrc.uids import UIDS_FILE, read_uids
from glassmaster.inputs.record import Record, read_record
from glassmaster.inputs.store import default_store
from glassmaster.places import Places, packages_layer
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.recipe.packages import Packages
from glassmaster.recipe.parts import image_name
from glassmaster.tree.blob import new_blob
from glassmaster.tree.entry import Entry
from glassmaster.tree.layer import Layer, read_layer, write_layers
from glassmaster.tree.merge import Tree, merge


@dataclass(frozen=True)
class Onto:
    """What packages are installed onto: the merged layers below, of a release of this version, at this time."""

    below: Tree
    version: str
    epoch: int


def make_package_layers(loaded: LoadedRecipe, domu: str = "") -> None:
    """The packages of the CD or of a domU to layers, all in one file; and what later steps must know of them."""
    recipe, places, layer = loaded.recipe, Places(loaded.name), packages_layer(domu)
    packages = recipe.domus[domu].packages if domu else recipe.packages
    assert packages is not None
    names = recipe.domus[domu].sets if domu else recipe.release.sets
    sets = (read_layer(places.layer(f"set-{name}")) for name in names)
    onto = Onto(merge(sets, epoch=recipe.epoch), recipe.release.version, recipe.epoch)
    inputs = read_record(places.inputs)
    chosen = selected(inputs.packages(image_name(domu)), inputs)
    layers, installed = package_layers(packages, chosen, onto, places.blob(layer))
    services = rc_services(installed.rc_scripts, layers, onto.below)
    field = f"domus.{domu}.packages.services" if domu else "packages.services"
    rc_settings = settings(services, packages.services, field)
    write_layers(layers, places.layer(layer))
    write_json(places.packages(domu), {
        "accounts": dataclasses.asdict(installed.accounts.accounts()), "rc": rc_settings,
    })  # fmt: skip
    for note in (*installed.notes, *(f"/etc/rc.d/{one.name}: {one.why}" for one in services if one.why)):
        print(note)


def selected(chosen: Sequence[LockedPackage], inputs: Record) -> list[Selected]:
    """What is to be installed, with the digests of the files that the record of inputs names."""
    return [
        Selected(
            item.name, item.input.rpartition("/")[2], inputs.row(item.input)["sha512"],
            tuple(item.needs.values()), automatic=not item.wanted,
        )
        for item in chosen
    ]  # fmt: skip


def package_layers(
    packages: Packages, chosen: Sequence[Selected], onto: Onto, blob: Path
) -> tuple[list[Layer], Installed]:
    """Install packages onto an image's lower layers. blob: the file for the bytes that are made.

    Raises GlassmasterError where pkg_add would refuse, and where a shared library is missing.
    """
    tree, store = onto.below, default_store()

    def below(path: str) -> Entry | None:
        return tree[path].entry if path in tree else None

    target = Target(
        below=below, accounts=AccountFiles(_text(tree, MASTER_PASSWD), _text(tree, GROUP)),
        shells=_text(tree, SHELLS) if SHELLS in tree else None, uids=read_uids(Path(UIDS_FILE)),
        database=directory_of(packages, onto.version), epoch=onto.epoch, harmless=packages.harmless,
        own_code=packages.own_code,
        key=Path(packages.key) if packages.key else None,
    )  # fmt: skip
    layers: list[Layer] = []
    with new_blob(blob) as made:
        installed = install(chosen, target, store, made, layers.append)
    paths = {node.entry.path for node in tree}.union(entry.path for layer in layers for entry in layer.entries)
    require_libraries(chosen, paths, store)
    return layers, installed


def rc_services(scripts: Sequence[str], layers: Sequence[Layer], below: Tree) -> list[Service]:
    """The services of packages' rc.d scripts (absolute paths), as the scripts on the image say."""
    entries = {entry.path: entry for layer in layers for entry in layer.entries}
    found = []
    for script in dict.fromkeys(scripts):
        path = tree_path(script)
        text = _text_of(entries[path]) if path in entries else _text(below, path)
        found.append(read_service(script.rpartition("/")[2], text))
    return found


def _text(tree: Tree, path: str) -> str:
    return _text_of(tree[path].entry)


def _text_of(entry: Entry) -> str:
    content = entry.content
    if content is None:
        return ""
    with content.blob.open("rb") as stream:
        stream.seek(content.offset)
        return stream.read(content.size).decode("utf-8", "surrogateescape")
