"""The task graph, for a dodo.py: `from glassmaster.tasks import *`. One task for each step and recipe, TASK:RECIPE."""

from __future__ import annotations

import functools
import importlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from doit.exceptions import InvalidDodoFile, TaskFailed

from glassmaster import present, stepkeys
from glassmaster.commands.recipes import must_be_locked, recipe_of, words_asked_for
from glassmaster.doit_plugins.checker import ContentChecker
from glassmaster.doit_plugins.keys import Key, Targets
from glassmaster.doit_plugins.modules import Code
from glassmaster.doit_plugins.outlook import SECONDS
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.kernel.wanted import SOURCE_FOLDER, patch_files
from glassmaster.inputs.kernel.workdir import MARK
from glassmaster.inputs.overlay_sources import overlay_files, overlay_state
from glassmaster.inputs.standin.source_sets import source_files
from glassmaster.inputs.store import default_store
from glassmaster.places import BOOT_IMAGES, KERNEL_FOLDER, SETS_FOLDER, Places, layer_names
from glassmaster.recipe.load import FOLDER, SUFFIX, LoadedRecipe
from glassmaster.recipe.model import EMPTY_DISK

__all__ = [
    "DOIT_CONFIG", "task_fetch", "task_grub", "task_iso", "task_kernel", "task_lock", "task_locked", "task_mtree",
    "task_overlay", "task_readback", "task_sets", "task_smoke", "task_standin", "task_toolchain",
    "task_xen",
]  # fmt: skip

DOIT_CONFIG = {
    "reporter": "glassmaster", "default_tasks": ["iso"], "backend": "state", "dep_file": ".doit.db",
    "check_file_uptodate": ContentChecker,
}  # fmt: skip

Task = dict[str, Any]


def task_standin() -> Iterator[Task]:
    """make the stand-in release, as a mirror on this machine"""
    yield _group("standin", task_standin)
    for loaded in _recipes():
        if loaded.recipe.standin:
            yield _task("standin", loaded, "steps.make_standin", needs=source_files(), makes=_mirror_files(loaded))


def task_lock() -> Iterator[Task]:
    """look at the mirrors and at Debian, and write down which files exactly a recipe is built from"""
    yield _group("lock", task_lock)
    for loaded in _recipes():
        needs = _mirror_files(loaded) if loaded.recipe.standin else []
        yield _task("lock", loaded, "fetching.make_lock", needs=needs, makes=[], always=True)


def task_locked() -> Iterator[Task]:
    """see that the lock fits the recipe, and make it where there is none"""
    yield _group("locked", task_locked)
    for loaded in _recipes():
        needs = _mirror_files(loaded) if loaded.recipe.standin else []
        task = _task(
            "locked", loaded, "fetching.require_lock", must_be_locked(), needs=needs, makes=[_near(loaded.lock)]
        )
        # What `doit clean` takes away can be made again as it was; a lock cannot.
        yield {**task, "clean": []}


def task_fetch() -> Iterator[Task]:
    """bring sets, kernel and boot files into the store, each verified by its digest"""
    yield _group("fetch", task_fetch)
    for loaded in _recipes():
        places = Places(loaded.name)
        yield _task(
            "fetch", loaded, "fetching.fetch", needs=[loaded.lock], makes=[places.inputs],
            also=functools.partial(_stored, places.inputs),
        )  # fmt: skip


def task_sets() -> Iterator[Task]:
    """read the NetBSD sets: owners, modes and contents, without unpacking them"""
    yield _group("sets", task_sets)
    for loaded in _recipes():
        places = Places(loaded.name)
        makes = [places.layer(f"set-{name}") for name in loaded.recipe.release.sets]
        yield _task(
            "sets", loaded, "steps.make_set_layers", needs=[], makes=[*makes, places.accounts],
            after=["fetch"], also=functools.partial(_blobs_exist, makes),
        )  # fmt: skip


def task_toolchain() -> Iterator[Task]:
    """unpack and patch the sources, and build NetBSD's cross tools, for kernels made from source"""
    yield _group("toolchain", task_toolchain)
    for loaded in _recipes():
        if loaded.recipe.kernel.source == "built":
            places = Places(loaded.name)
            yield _task(
                "toolchain", loaded, "kernel_steps.make_toolchain", needs=_patches(loaded), makes=[places.toolchain],
                after=["fetch"], also=functools.partial(_tools_exist, places.toolchain),
            )  # fmt: skip


def task_kernel() -> Iterator[Task]:
    """build the dom0 kernel from source, or take it out of the release, and check the configuration inside it"""
    yield _group("kernel", task_kernel)
    for loaded in _recipes():
        places = Places(loaded.name)
        built = loaded.recipe.kernel.source == "built"
        yield _task(
            "kernel", loaded, "kernel_steps.make_kernel_layer", needs=_patches(loaded) if built else [],
            makes=[places.layer("kernel"), places.blob("kernel"), places.kernel_config],
            after=["fetch", *(["toolchain"] if built else [])],
        )  # fmt: skip


def task_xen() -> Iterator[Task]:
    """take the Xen hypervisor out of its package, without installing it"""
    yield _group("xen", task_xen)
    for loaded in _recipes():
        if loaded.recipe.xen:
            places = Places(loaded.name)
            makes = [places.layer("xen"), places.blob("xen")]
            yield _task("xen", loaded, "steps.make_xen_layer", needs=[], makes=makes, after=["fetch"])


def task_overlay() -> Iterator[Task]:
    """put together our own files: /etc/rc and what belongs to it"""
    yield _group("overlay", task_overlay)
    for loaded in _recipes():
        places = Places(loaded.name)
        for name in loaded.recipe.overlays:
            makes = [places.layer(f"overlay-{name}"), places.blob(f"overlay-{name}")]
            yield _task(
                "overlay", loaded, "steps.make_overlay_layer", name,
                needs=[*overlay_files(name), places.accounts],
                makes=makes, after=["fetch"], part=name, key={"state": overlay_state(name)},
            )  # fmt: skip


def task_grub() -> Iterator[Task]:
    """build the boot loader for BIOS and UEFI, and its menu"""
    yield _group("grub", task_grub)
    for loaded in _recipes():
        places = Places(loaded.name)
        makes = [places.grub(name) for name in BOOT_IMAGES]
        makes += [places.layer("grub"), places.blob("grub")]
        yield _task("grub", loaded, "steps.make_grub", needs=[], makes=makes, after=["fetch"])


def task_mtree() -> Iterator[Task]:
    """merge everything into the tree of the CD, and write it down as an mtree specification"""
    yield _group("mtree", task_mtree)
    for loaded in _recipes():
        places = Places(loaded.name)
        yield _task("mtree", loaded, "steps.make_mtree", needs=_layers(loaded), makes=[places.mtree])


def task_iso() -> Iterator[Task]:
    """make the CD image, and read it back entry by entry before it gets its name"""
    yield _group("iso", task_iso)
    for loaded in _recipes():
        places = Places(loaded.name)
        boot = [places.grub(name) for name in BOOT_IMAGES]
        makes = [places.iso, places.facts, places.readback]
        task = _task("iso", loaded, "steps.make_iso", needs=[*_layers(loaded), *boot, places.mtree], makes=makes)
        yield {**task, "meta": {"show": (present.image, [places, _word(loaded)])}}


def task_readback() -> Iterator[Task]:
    """compare the finished CD image with its mtree specification once more"""
    yield _group("readback", task_readback)
    for loaded in _recipes():
        places = Places(loaded.name)
        task = _task(
            "readback",
            loaded,
            "steps.read_back",
            needs=[places.iso, places.mtree, places.facts],
            makes=[],
            always=True,
        )
        yield {**task, "meta": {"show": (present.readback, [places])}}


def task_smoke() -> Iterator[Task]:
    """boot the CD image in QEMU, by BIOS and UEFI, and say what its console showed"""
    yield _group("smoke", task_smoke)
    for loaded in _recipes():
        places = Places(loaded.name)
        makes = [places.smoke / "smoke.json", places.smoke / "junit.xml"]
        task = _task(
            "smoke", loaded, "commands.smoke.smoke", needs=[places.iso, places.facts, *_disks(loaded)], makes=makes
        )
        yield {**task, "meta": {"show": (present.smoke, [places])}}


def _group(basename: str, creator: Callable[[], Any]) -> Task:
    """The group task, whose line `doit list` shows."""
    return {"basename": basename, "name": None, "doc": creator.__doc__}


def _task(
    basename: str, loaded: LoadedRecipe, function: str, *arguments: Any, needs: list[Path], makes: list[Path],
    after: list[str] | None = None, part: str = "", key: dict[str, Any] | None = None,
    also: Callable[[], bool] | None = None, always: bool = False,
) -> Task:  # fmt: skip
    """One step as a doit task: it runs again when a file it needs, its key or what it made has changed.

    after: steps that come before, but whose files count only by the part of them that is in the key.
    """
    module, _, name = f"glassmaster.{function}".rpartition(".")
    parts = stepkeys.parts(basename, loaded)
    uptodate: list[Any] = [
        Key(**parts, code=Code(module, name), **(key or {})),
        Targets(),
        *([also] if also else []),
        *([False] if always else []),
    ]
    return {
        "basename": basename,
        "name": f"{loaded.name}:{part}" if part else loaded.name,
        "doc": f"{basename} of the recipe {loaded.name}{f', {part}' if part else ''}",
        "actions": [(_act, [basename, function, loaded, *arguments])],
        "file_dep": [str(_near(path)) for path in needs],
        "task_dep": [f"{step}:{loaded.name}" for step in after or []],
        "targets": [str(path) for path in makes],
        "uptodate": uptodate,
        "clean": True,
    }


def _near(path: Path) -> Path:
    """Relative to the repository if it lies in it, so that moving the repository changes nothing."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _act(basename: str, function: str, loaded: LoadedRecipe, *arguments: Any) -> TaskFailed | dict[str, float]:
    """Run a step, given by its name in this package; an error for people becomes a failed task, without a traceback.

    By name, so that listing tasks imports neither pycdlib nor what else only the steps need. Of the recipe it gets
    only what its key holds. Returned, and so kept with the task, is how long it took: `doit plan` estimates by that.
    """
    module, _, name = function.rpartition(".")
    begin = time.monotonic()
    try:
        step = getattr(importlib.import_module(f"glassmaster.{module}"), name)
        step(stepkeys.restricted(basename, loaded), *arguments)
    except GlassmasterError as error:
        return TaskFailed(str(error))
    except OSError as error:
        # The machine's fault, not the input's: no room, no permission, a file that someone took away.
        return TaskFailed(f"{function}: {error}")
    return {SECONDS: round(time.monotonic() - begin, 3)}


@functools.cache
def _recipes() -> tuple[LoadedRecipe, ...]:
    """The recipes of this run; a mistake in one of them is an error before any task starts."""
    try:
        loaded = [recipe_of(word) for word in words_asked_for()]
    except GlassmasterError as error:
        raise InvalidDodoFile(str(error)) from error
    names = [item.name for item in loaded]
    if len(set(names)) != len(names):
        raise InvalidDodoFile(f"two recipes have the same name: {', '.join(names)}")
    return tuple(loaded)


def _word(loaded: LoadedRecipe) -> str:
    """What `recipe=` has to say for this recipe."""
    path = loaded.files[0]
    return loaded.name if path == FOLDER / f"{loaded.name}{SUFFIX}" else str(path)


def _mirror_files(loaded: LoadedRecipe) -> list[Path]:
    """The files of the stand-in's mirror that stand for all of it."""
    release = loaded.recipe.release
    top = Places(loaded.name).mirror / f"NetBSD-{release.version}"
    binary = [top / release.machine / folder for folder in (SETS_FOLDER, KERNEL_FOLDER)]
    return [folder / "SHA512" for folder in (*binary, top / SOURCE_FOLDER)]


def _patches(loaded: LoadedRecipe) -> list[Path]:
    """The patches of a kernel that is built; one that is missing is an error before any task starts."""
    recipe = loaded.recipe
    try:
        return patch_files(loaded, recipe.release.version, recipe.kernel.build.patches)
    except GlassmasterError as error:
        raise InvalidDodoFile(f"{loaded.files[0]}: {error}") from error


def _tools_exist(toolchain: Path) -> bool:
    """Whether the store still has the tools that were made."""
    try:
        return (Path(json.loads(toolchain.read_bytes())["folder"]) / MARK).exists()
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _disks(loaded: LoadedRecipe) -> list[Path]:
    """The hard disks' images that the smoke test's scenarios name."""
    scenarios = loaded.recipe.smoke.scenarios
    return sorted({Path(disk) for item in scenarios for disk in item.disks if disk != EMPTY_DISK})


def _layers(loaded: LoadedRecipe) -> list[Path]:
    return [Places(loaded.name).layer(name) for name in layer_names(loaded.recipe)]


def _stored(inputs: Path) -> bool:
    """Whether the store still has all inputs: it is a cache and may have been emptied."""
    store = default_store()
    try:
        return all(row["sha512"] in store for row in json.loads(inputs.read_bytes())["inputs"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _blobs_exist(layers: list[Path]) -> bool:
    """Whether the archives that layers point into are still in the store."""
    try:
        return all((path.parent / name).exists() for path in layers for name in json.loads(path.read_bytes())["blobs"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
