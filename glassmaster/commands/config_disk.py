"""`doit config-disk host=NAME config=DIR`: makes the hard disk of a host as an image."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from doit import get_var
from doit.exceptions import InvalidCommand

from glassmaster.doit_plugins.command import PlainCommand
from glassmaster.places import caller_directory

if TYPE_CHECKING:
    from glassmaster.config.disk import DiskFacts, Wanted
    from glassmaster.config.subversion import Origin
    from glassmaster.config.tree import ConfigTree
    from glassmaster.recipe.load import LoadedRecipe


class ConfigDisk(PlainCommand):
    """doit's command."""

    name = "config-disk"
    doc_purpose = "make a host's hard disk as an image, from its configuration"
    doc_usage = "host=NAME config=DIR [recipe=NAME] [svn=URL] [out=FILE]"
    doc_description = (
        "The disk has an MBR, a disklabel, /config with marker and configuration, swap, and both for each virtual "
        "machine, as host.yaml says. The recipe gives the marker's name, the time that everything carries, and numbers "
        "for names of users. Without out= the image is out/RECIPE/disks/NAME.img. Where DIR is a Subversion checkout, "
        "the disk says of which URL and revision, for glassmaster-update; svn=URL names the tree as servers reach it."
    )
    examples = ("config-disk host=dom0.example.org config=racks/checkout recipe=standin",)

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        """Make it, then say what is where."""
        from glassmaster.commands.recipes import recipe_of, words_asked_for
        from glassmaster.config.disk import write_host_disk
        from glassmaster.config.tree import read_config_tree
        from glassmaster.errors import GlassmasterError

        if pos_args:
            raise InvalidCommand(f"config-disk takes no {pos_args[0]!r}, but host=NAME config=DIR")
        host, folder = required("host", self.name), required("config", self.name)
        caller = caller_directory()
        try:
            words = words_asked_for()
            if len(words) != 1:
                raise InvalidCommand(f"config-disk takes one recipe, not {', '.join(words)}")
            loaded = recipe_of(words[0])
            out = get_var("out", None)
            target = caller / str(out) if out else default_target(loaded, host)
            tree = read_config_tree(caller / folder)
            wanted = wanted_of(loaded, tree, host)
            facts = write_host_disk(tree, host, wanted, target)
        except GlassmasterError as error:
            raise InvalidCommand(str(error)) from error
        print(as_text(facts, str(out or target), target.stat().st_size))
        print(updates_text(facts, wanted.origins))
        return 0


def required(name: str, command: str) -> str:
    """The value of NAME=VALUE on the command line."""
    value = get_var(name, None)
    if not value:
        raise InvalidCommand(f"{name}= is missing: `doit {command} host=NAME config=DIR`")
    return str(value)


def default_target(loaded: LoadedRecipe, host: str) -> Path:
    """Where the image goes when the command line does not say."""
    from glassmaster.places import Places

    return Places(loaded.name).out / "disks" / f"{host}.img"


def wanted_of(loaded: LoadedRecipe, tree: ConfigTree, host: str) -> Wanted:
    """What a disk takes from a recipe, from the release where it was built, and from Subversion."""
    from glassmaster.config.disk import MARKER, Wanted, places_of
    from glassmaster.config.subversion import origins
    from glassmaster.inputs.accounts import Accounts
    from glassmaster.places import Places

    path = Places(loaded.name).accounts
    accounts = Accounts(**json.loads(path.read_bytes())) if path.exists() else None
    found = origins(tree, places_of(tree, host), str(get_var("svn", "")))
    return Wanted(loaded.recipe.variables.get("marker", MARKER), loaded.recipe.epoch, accounts, found)


def updates_text(facts: DiskFacts, origins: Mapping[str, Origin]) -> str:
    """Where glassmaster-update will look, or why it will not."""
    if not origins:
        return "glassmaster-update: from nowhere yet; svn=URL says where the servers find the repository"
    local = next(origin for place, origin in origins.items() if place.endswith(f"/{facts.host}"))
    changed = "".join(f"\n  {place} has changes that are not committed" for place, o in origins.items() if o.changed)
    return f"glassmaster-update: from {local.url}, revision {local.revision}{changed}"


def as_text(facts: DiskFacts, shown: str, size: int) -> str:
    """The partitions, and the command that divides a real disk like this."""
    from glassmaster.config.host import prepare_words

    rows = []
    for slot, place in zip(facts.slots, facts.places, strict=True):
        what = f"{slot.owner}: {slot.use}" if slot.owner else f"/{slot.use}" if slot.use != "swap" else "swap"
        rows.append(f"  {facts.facts.disk.name}{slot.letter}  {slot.mib:>7,} MiB at sector {place.start:<11} {what}")
    prepare = " ".join(prepare_words(facts.host, facts.facts.disk))
    return "\n".join([f"{shown}: {size:,} bytes", *rows, f"on the machine itself: {prepare}"])
