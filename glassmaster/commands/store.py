"""`doit store`: what the store holds, whether it is right, what may go, and bundles for machines without a network."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from doit.exceptions import InvalidCommand

from glassmaster.doit_plugins.command import JSON, Option, PlainCommand, unknown
from glassmaster.places import caller_directory

if TYPE_CHECKING:
    from glassmaster.inputs.holdings import Held
    from glassmaster.inputs.store import Store as Files

DRY_RUN: Option = {
    "name": "dry_run", "short": "n", "long": "dry-run", "type": bool, "default": False,
    "help": "prune: say what would be removed and remove nothing",
}  # fmt: skip
REMOVE: Option = {
    "name": "remove", "long": "remove", "type": bool, "default": False,
    "help": "verify: remove damaged files, so that the next fetch brings them again",
}  # fmt: skip


class Store(PlainCommand):
    """doit's command."""

    name = "store"
    doc_purpose = "list, verify and prune the store; bundles for machines without a network"
    doc_usage = "[list|verify|prune|export FILE|import FILE] [recipe=NAME,...]"
    doc_description = (
        "list: files, their sizes, and which locks name them. verify: reads every file and compares its SHA-512; exit "
        "status 1 if one is damaged. prune: removes what no lock names, neither those beside the recipes nor those of "
        "other clones that fetched into this store. export: writes one file with all that the recipes' locks name, and "
        "the locks; import: takes it in."
    )
    examples = (
        "store", "store verify --remove", "store prune -n", "store export racks.tar recipe=racks",
        "store import racks.tar",
    )  # fmt: skip
    cmd_options = (DRY_RUN, REMOVE, JSON)
    words: ClassVar[Sequence[str]] = ("list", "verify", "prune", "export", "import")

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        """Do what the first word says."""
        # Here, not above: doit loads all commands to list them.
        from glassmaster.errors import GlassmasterError
        from glassmaster.inputs.store import default_store

        word, *rest = pos_args or ["list"]
        if word not in self.words:
            raise InvalidCommand(unknown("store command", word, self.words))
        takes_file = word in ("export", "import")
        if len(rest) != takes_file:
            raise InvalidCommand(f"store {word} takes {'one file' if takes_file else 'no ' + repr(rest[0])}")
        for option, owner in (("dry_run", "prune"), ("remove", "verify"), ("as_json", "list")):
            if opt_values[option] and word != owner:
                raise InvalidCommand(f"store {word} has no such option; it belongs to `store {owner}`")
        store = default_store()
        try:
            if takes_file:
                file = caller_directory() / rest[0]
                return (_export if word == "export" else _import)(store, file)
            return _LOOKING[word](store, opt_values)
        except GlassmasterError as error:
            print(error, file=sys.stderr)
            return 1


def _list(store: Files, options: dict[str, Any]) -> int:
    import json

    from glassmaster.commands import store_text
    from glassmaster.inputs.holdings import holdings

    found = holdings(store, _uses(store))
    if options["as_json"]:
        print(json.dumps(store_text.as_json(store, found), indent=1))
    else:
        print(store_text.listing(store, found))
    return 0


def _verify(store: Files, options: dict[str, Any]) -> int:
    from glassmaster.commands import store_text
    from glassmaster.inputs.holdings import damaged, holdings, remove

    found = holdings(store, _uses(store))
    bad: list[Held] = []
    for held, is_damaged in damaged(store, found.files):
        if is_damaged:
            bad.append(held)
            print(store_text.damaged_line(store, held))
    if options["remove"]:
        remove(store, bad)
    print(store_text.verified_line(found.files, bad, removed=options["remove"]))
    return int(bool(bad))


def _prune(store: Files, options: dict[str, Any]) -> int:
    from glassmaster.commands import store_text
    from glassmaster.inputs.holdings import prune

    print(store_text.pruned(store, prune(store, _own_locks(), dry=options["dry_run"]), dry=options["dry_run"]))
    return 0


def _export(store: Files, file: Path) -> int:
    from glassmaster.commands import store_text
    from glassmaster.commands.recipes import recipe_of, words_asked_for
    from glassmaster.errors import GlassmasterError
    from glassmaster.inputs.bundle import export

    locks = [recipe_of(word).lock for word in words_asked_for()]
    for lock in locks:
        if not lock.is_file():
            raise GlassmasterError(
                f"{lock}: there is no lock", hint="`doit lock` makes it, `doit fetch` fills the store"
            )
    print(store_text.exported(file, export(locks, store, file)))
    return 0


def _import(store: Files, file: Path) -> int:
    from glassmaster.commands import store_text
    from glassmaster.inputs.bundle import import_bundle
    from glassmaster.inputs.register import register
    from glassmaster.recipe.load import FOLDER

    found = import_bundle(file, store, FOLDER)
    for lock in (*found.locks, *found.same):
        register(store, lock)
    print(store_text.imported(file, found))
    return int(bool(found.other))


def _uses(store: Files) -> list[Any]:
    """What locks name. One that cannot be read, such as a newer clone's, is said and left out: only prune must know."""
    from glassmaster.errors import GlassmasterError
    from glassmaster.inputs.register import registered, uses

    readable = []
    for path in dict.fromkeys([*(lock.absolute() for lock in _own_locks()), *registered(store)]):
        try:
            uses([path])
            readable.append(path)
        except GlassmasterError as error:
            print(f"note: {error.what}: left out", file=sys.stderr)
    return uses(readable)


def _own_locks() -> list[Path]:
    from glassmaster.recipe.load import FOLDER, LOCK_SUFFIX

    return sorted(FOLDER.glob(f"*{LOCK_SUFFIX}"))


_LOOKING: dict[str, Callable[[Files, dict[str, Any]], int]] = {"list": _list, "verify": _verify, "prune": _prune}
