"""The steps that look outside: lock (what exactly is wanted) and fetch (bring it into the store)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from glassmaster.errors import GlassmasterError
from glassmaster.inputs import remote
from glassmaster.inputs.debian import fetch_locked
from glassmaster.inputs.download import download
from glassmaster.inputs.incoming import Wanted
from glassmaster.inputs.lock import Lock, LockedInput, changes, read_lock, write_lock
from glassmaster.inputs.locking import MADE_HERE, lock_inputs, release_inputs
from glassmaster.inputs.package_locking import lock_images, standin_repository
from glassmaster.inputs.pkgsrc.platform import Platform
from glassmaster.inputs.record import release_id, write_record
from glassmaster.inputs.register import register
from glassmaster.inputs.standin.kernel_build import compiler_version
from glassmaster.inputs.store import Store, default_store
from glassmaster.inputs.wants import differences, require_fresh, wants
from glassmaster.places import Places
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.recipe.model import Recipe
from glassmaster.recipe.parts import images_with_packages


def make_lock(loaded: LoadedRecipe) -> None:
    """Look at mirrors and at Debian, write the lock, and say what is new in it."""
    new = _resolved(loaded, default_store())
    old = _existing(loaded)
    write_lock(loaded.lock, new)
    if old is None:
        said = [f"{loaded.lock}: {len(new.inputs)} inputs, {sum(item.size for item in new.inputs):,} bytes"]
    else:
        said = changes(old, new) or [f"{loaded.lock}: all {len(new.inputs)} inputs are what they were"]
    print("\n".join(said))


def require_lock(loaded: LoadedRecipe, must_exist: bool) -> None:
    """See that there is a lock and that it fits the recipe.

    Where there is none it is made, unless it must exist. The stand-in's is made with the stand-in, whatever that is.
    """
    if loaded.recipe.standin:
        _follow_standin(loaded)
    elif loaded.lock.exists():
        require_fresh(read_lock(loaded.lock), loaded.recipe, loaded.lock)
    elif must_exist:
        raise GlassmasterError(
            f"{loaded.lock}: there is no lock",
            why="CI=true or locked=yes: what is built must have been looked at before",
            hint="where it may be looked at: `doit lock`, and commit what it writes",
        )  # fmt: skip
    else:
        print(f"{loaded.lock}: there was none, so it is made now; commit it, and the same disc can be built again")
        make_lock(loaded)


def fetch(loaded: LoadedRecipe) -> None:
    """Bring all inputs of the lock into the store, verified, and write down that they are there."""
    store = default_store()
    lock = read_lock(loaded.lock)
    inputs = lock.inputs
    plain = [item for item in inputs if item.kind != "debian"]
    debian = [item for item in inputs if item.kind == "debian"]
    elsewhere = remote.configured()
    register(store, loaded.lock)
    if elsewhere:
        remote.take_from(elsewhere, _wanted(inputs), store)
    download(_wanted(plain), store)
    fetch_locked(debian, store)
    _require_sizes(inputs, store, loaded)
    if elsewhere and elsewhere.filled:
        remote.fill(elsewhere, _wanted(inputs), store)
    identity = release_id(loaded.digest(), inputs, lock.packages)
    write_record(Places(loaded.name).inputs, identity, inputs, lock.packages)


def _wanted(inputs: Sequence[LockedInput]) -> list[Wanted]:
    return [Wanted(item.name, item.urls, item.sha512, item.size) for item in inputs]


def _require_sizes(inputs: Sequence[LockedInput], store: Store, loaded: LoadedRecipe) -> None:
    for item in inputs:
        found = store.path(item.sha512).stat().st_size
        if found != item.size:
            raise GlassmasterError(
                f"{loaded.lock}: {item.name}: the size is wrong",
                why=f"it says {item.size:,} bytes; the file of this digest has {found:,}",
                hint="`doit lock` writes it anew",
            )


def _resolved(loaded: LoadedRecipe, store: Store) -> Lock:
    lock = lock_inputs(loaded.name, loaded.recipe, _mirrors(loaded), store)
    return _with_packages(dataclasses.replace(lock, tools=_tools(loaded.recipe)), loaded, store)


def _with_packages(lock: Lock, loaded: LoadedRecipe, store: Store) -> Lock:
    """A lock with the packages of all images, as the repositories are now."""
    release, standin = loaded.recipe.release, loaded.recipe.standin
    images, inputs, notes = lock_images(
        images_with_packages(loaded.recipe), standin_repository(loaded.name, release),
        Platform.of_release(release.version, release.machine), store, trust=MADE_HERE if standin else "",
    )  # fmt: skip
    for note in notes:
        print(note)
    return dataclasses.replace(lock, inputs=(*lock.inputs, *inputs), packages=images)


def _follow_standin(loaded: LoadedRecipe) -> None:
    """The stand-in's lock names what was made here. Debian packages stay what they are while they are wanted."""
    store, recipe, old = default_store(), loaded.recipe, _existing(loaded)
    if old is None or differences(old.wants, wants(recipe)):
        print(f"{loaded.lock}: made with the stand-in")
        write_lock(loaded.lock, _resolved(loaded, store))
        return
    kept = [item for item in old.inputs if item.kind == "debian"]
    made = release_inputs(recipe, _mirrors(loaded), store)
    new = _with_packages(Lock(loaded.name, wants(recipe), (*made, *kept), _tools(recipe)), loaded, store)
    if changes(old, new) or (new.tools, new.packages) != (old.tools, old.packages):
        write_lock(loaded.lock, new)


def _existing(loaded: LoadedRecipe) -> Lock | None:
    """The lock as it is, if it is one: what is to be replaced need not be."""
    try:
        return read_lock(loaded.lock)
    except (FileNotFoundError, GlassmasterError):
        return None


def _tools(recipe: Recipe) -> dict[str, str]:
    return {"gcc": compiler_version()} if recipe.standin else {}


def _mirrors(loaded: LoadedRecipe) -> tuple[str, ...]:
    """The stand-in's mirror is a path seen from the repository, so that its lock is the same wherever that lies."""
    return loaded.recipe.release.mirrors or (f"file:{Places(loaded.name).mirror}",)
