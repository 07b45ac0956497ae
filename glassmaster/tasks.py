"""The task graph, for a dodo.py: `from glassmaster.tasks import *`. One task for each step and recipe, TASK:RECIPE."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from doit import task_params

from glassmaster import present
from glassmaster.commands.recipes import must_be_locked
from glassmaster.doit_plugins.checker import ContentChecker
from glassmaster.doit_plugins.keys import Targets
from glassmaster.inputs.overlay_sources import overlay_files, overlay_state
from glassmaster.inputs.standin.source_sets import source_files
from glassmaster.places import BOOT_IMAGES, Places, domu_layer_names, domu_overlay, near, packages_layer
from glassmaster.recipe.parts import all_sets, domu_kernel_files, domu_kernels
from glassmaster.release.artefacts import DIGESTS, FACTS, NOTES, PROVENANCE, REBUILDS, SBOM
from glassmaster.release.keyparts import release_key
from glassmaster.release.signing import signature_of
from glassmaster.taskfiles import (
    blobs_exist,
    disks,
    handed_over,
    layers,
    mirror_files,
    packages_need,
    patches,
    pkgset_files,
    stored,
    tools_exist,
)  # fmt: skip
from glassmaster.taskmaking import Task, group, recipes, release_options, step_task, word

__all__ = [
    "DOIT_CONFIG", "task_domu", "task_fetch", "task_grub", "task_iso", "task_kernel", "task_lock", "task_locked",
    "task_mtree", "task_overlay", "task_packages", "task_readback", "task_release", "task_repro", "task_sets",
    "task_sign", "task_smoke", "task_standin", "task_toolchain", "task_xen",
]  # fmt: skip

DOIT_CONFIG = {
    "reporter": "glassmaster", "default_tasks": ["iso"], "backend": "state", "dep_file": ".doit.db",
    "check_file_uptodate": ContentChecker,
}  # fmt: skip


def task_standin() -> Iterator[Task]:
    """make the stand-in release, as a mirror on this machine"""
    yield group("standin", task_standin)
    for loaded in recipes():
        if loaded.recipe.standin:
            yield step_task("standin", loaded, "steps.make_standin", needs=source_files(), makes=mirror_files(loaded))


def task_lock() -> Iterator[Task]:
    """look at the mirrors and at Debian, and write down which files exactly a recipe is built from"""
    yield group("lock", task_lock)
    for loaded in recipes():
        needs = mirror_files(loaded) if loaded.recipe.standin else []
        yield step_task("lock", loaded, "fetching.make_lock", needs=needs, makes=[], always=True)


def task_locked() -> Iterator[Task]:
    """see that the lock fits the recipe, and make it where there is none"""
    yield group("locked", task_locked)
    for loaded in recipes():
        needs = [*(mirror_files(loaded) if loaded.recipe.standin else []), *pkgset_files(loaded)]
        task = step_task(
            "locked", loaded, "fetching.require_lock", must_be_locked(), needs=needs, makes=[near(loaded.lock)]
        )
        # What `doit clean` takes away can be made again as it was; a lock cannot.
        yield {**task, "clean": []}


def task_fetch() -> Iterator[Task]:
    """bring sets, kernel and boot files into the store, each verified by its digest"""
    yield group("fetch", task_fetch)
    for loaded in recipes():
        places = Places(loaded.name)
        yield step_task(
            "fetch", loaded, "fetching.fetch", needs=[loaded.lock], makes=[places.inputs],
            also=functools.partial(stored, places.inputs),
        )  # fmt: skip


def task_sets() -> Iterator[Task]:
    """read the NetBSD sets: owners, modes and contents, without unpacking them"""
    yield group("sets", task_sets)
    for loaded in recipes():
        places = Places(loaded.name)
        makes = [places.layer(f"set-{name}") for name in all_sets(loaded.recipe)]
        yield step_task(
            "sets", loaded, "steps.make_set_layers", needs=[], makes=[*makes, places.accounts],
            after=["fetch"], also=functools.partial(blobs_exist, makes),
        )  # fmt: skip


def task_toolchain() -> Iterator[Task]:
    """unpack and patch the sources, and build NetBSD's cross tools, for kernels made from source"""
    yield group("toolchain", task_toolchain)
    for loaded in recipes():
        if loaded.recipe.kernel.source == "built":
            places = Places(loaded.name)
            yield step_task(
                "toolchain", loaded, "kernel_steps.make_toolchain",
                needs=patches(loaded, loaded.recipe.kernel), makes=[places.toolchain],
                after=["fetch"], also=functools.partial(tools_exist, places.toolchain),
            )  # fmt: skip


def task_kernel() -> Iterator[Task]:
    """build the dom0 kernel from source, or take it out of the release, and check the configuration inside it"""
    yield group("kernel", task_kernel)
    for loaded in recipes():
        places = Places(loaded.name)
        built = loaded.recipe.kernel.source == "built"
        yield step_task(
            "kernel", loaded, "kernel_steps.make_kernel_layer", needs=patches(loaded, loaded.recipe.kernel),
            makes=[places.layer("kernel"), places.blob("kernel"), places.kernel_config],
            after=["fetch", *(["toolchain"] if built else [])],
        )  # fmt: skip

        if domu_kernels(loaded.recipe):
            yield step_task(
                "kernel", loaded, "kernel_steps.make_domu_kernels_layer",
                needs=[path for kernel in domu_kernels(loaded.recipe) for path in patches(loaded, kernel)],
                makes=[places.layer("domu-kernels"), places.blob("domu-kernels")], part="domu",
                after=["fetch", *(["toolchain"] if built else [])],
            )  # fmt: skip


def task_xen() -> Iterator[Task]:
    """take the Xen hypervisor out of its package, without installing it"""
    yield group("xen", task_xen)
    for loaded in recipes():
        if loaded.recipe.xen:
            places = Places(loaded.name)
            makes = [places.layer("xen"), places.blob("xen")]
            yield step_task("xen", loaded, "steps.make_xen_layer", needs=[], makes=makes, after=["fetch"])


def task_packages() -> Iterator[Task]:
    """install pkgsrc's packages, as pkg_add would: files, users, database; nothing of them is run"""
    yield group("packages", task_packages)
    for loaded in recipes():
        recipe, places = loaded.recipe, Places(loaded.name)
        images = {"": (recipe.packages, recipe.release.sets)}
        images |= {name: (domu.packages, domu.sets) for name, domu in recipe.domus.items()}
        for domu, (packages, sets) in images.items():
            if packages:
                layer = packages_layer(domu)
                makes = [places.layer(layer), places.blob(layer), places.packages(domu)]
                yield step_task(
                    "packages", loaded, "package_steps.make_package_layers", domu, part=domu,
                    needs=[*(places.layer(f"set-{name}") for name in sets), *packages_need(packages)],
                    makes=makes, after=["fetch"], also=functools.partial(blobs_exist, makes[:1]),
                )  # fmt: skip


def task_overlay() -> Iterator[Task]:
    """put together our own files: /etc/rc and what belongs to it"""
    yield group("overlay", task_overlay)
    for loaded in recipes():
        places = Places(loaded.name)
        for name in loaded.recipe.overlays:
            makes = [places.layer(f"overlay-{name}"), places.blob(f"overlay-{name}")]
            yield step_task(
                "overlay", loaded, "steps.make_overlay_layer", name,
                needs=[*overlay_files(name), places.packages() if loaded.recipe.packages else places.accounts],
                makes=makes, after=["fetch"], part=name, key={"state": overlay_state(name)},
            )  # fmt: skip
        for domu, item, name in ((*pair, name) for pair in loaded.recipe.domus.items() for name in pair[1].overlays):
            made = domu_overlay(domu, name)
            yield step_task(
                "overlay", loaded, "steps.make_overlay_layer", name, domu,
                needs=[*overlay_files(name), places.packages(domu) if item.packages else places.accounts],
                makes=[places.layer(made), places.blob(made)],
                after=["fetch"], part=f"{name}-of-{domu}", key={"state": overlay_state(name)},
            )  # fmt: skip


def task_domu() -> Iterator[Task]:
    """make the domUs' read-only root images, and read each one back before it gets its name"""
    yield group("domu", task_domu)
    for loaded in recipes():
        places = Places(loaded.name)
        for name, domu in loaded.recipe.domus.items():
            image = [places.domu(f"{name}.{suffix}") for suffix in ("img", "mtree", "json")]
            needs = [places.layer(layer) for layer in domu_layer_names(domu, name)]
            yield step_task(
                "domu", loaded, "domu_steps.make_domu", name, needs=needs,
                makes=[*image, places.layer(f"domu-{name}")], part=name,
            )  # fmt: skip
        if loaded.recipe.domus:
            needs = [places.domu(f"{name}.json") for name in loaded.recipe.domus]
            if domu_kernels(loaded.recipe):
                needs += [places.layer("domu-kernels"), places.blob("domu-kernels")]
            makes = [places.domu(name) for name in ("SHA512", *domu_kernel_files(loaded.recipe))]
            yield step_task("domu", loaded, "domu_steps.write_digests", needs=needs, makes=makes, part="SHA512")


def task_sign() -> Iterator[Task]:
    """sign the manifest of the domUs' images, for glassmaster-rollout (the key: GLASSMASTER_SIGNING_KEY)"""
    yield group("sign", task_sign)
    for loaded in recipes():
        places = Places(loaded.name)
        task = step_task(
            "sign", loaded, "domu_steps.sign_digests", needs=[places.domu("SHA512")] if loaded.recipe.domus else [],
            makes=[signature_of(places.domu("SHA512"))], always=True,
        )  # fmt: skip
        yield {**task, "meta": {"show": (present.signature, [places])}}


def task_grub() -> Iterator[Task]:
    """build the boot loader for BIOS and UEFI, and its menu"""
    yield group("grub", task_grub)
    for loaded in recipes():
        places = Places(loaded.name)
        makes = [places.grub(name) for name in BOOT_IMAGES]
        makes += [places.layer("grub"), places.blob("grub")]
        yield step_task("grub", loaded, "steps.make_grub", needs=[], makes=makes, after=["fetch"])


def task_mtree() -> Iterator[Task]:
    """merge everything into the tree of the CD, and write it down as an mtree specification"""
    yield group("mtree", task_mtree)
    for loaded in recipes():
        places = Places(loaded.name)
        yield step_task("mtree", loaded, "steps.make_mtree", needs=layers(loaded), makes=[places.mtree])


def task_iso() -> Iterator[Task]:
    """make the CD image, and read it back entry by entry before it gets its name"""
    yield group("iso", task_iso)
    for loaded in recipes():
        places = Places(loaded.name)
        boot = [places.grub(name) for name in BOOT_IMAGES]
        makes = [places.iso, places.facts, places.readback]
        task = step_task("iso", loaded, "steps.make_iso", needs=[*layers(loaded), *boot, places.mtree], makes=makes)
        yield {**task, "meta": {"show": (present.image, [places, word(loaded)])}}


def task_release() -> Iterator[Task]:
    """put together what is handed over: checksums, signatures, SBOM, provenance, release page; and verify it"""
    yield group("release", task_release)
    for loaded in recipes():
        places, options = Places(loaded.name), release_options(loaded)
        task = step_task(
            "release", loaded, "release_steps.make_release", options, needs=handed_over(loaded),
            makes=[places.release / name for name in (DIGESTS, FACTS, PROVENANCE, SBOM, NOTES)],
            key=release_key(loaded, options), targets=Targets(str(places.release), {REBUILDS}),
        )  # fmt: skip
        yield {**task, "meta": {"show": (present.release, [places])}}


def task_readback() -> Iterator[Task]:
    """compare the finished CD image with its mtree specification once more"""
    yield group("readback", task_readback)
    for loaded in recipes():
        places = Places(loaded.name)
        task = step_task(
            "readback",
            loaded,
            "steps.read_back",
            needs=[places.iso, places.mtree, places.facts],
            makes=[],
            always=True,
        )
        yield {**task, "meta": {"show": (present.readback, [places])}}


QUICK = {
    "name": "quick", "long": "quick", "type": bool, "default": False,
    "help": "repro: everything varied at once, and builds that are disturbed; under a minute",
}  # fmt: skip
TOOLCHAIN = {
    "name": "toolchain", "long": "toolchain", "type": bool, "default": False,
    "help": "repro: make NetBSD's tools again as well, for kernels from source",
}  # fmt: skip


@task_params([QUICK, TOOLCHAIN])  # type: ignore[untyped-decorator]  # doit has no type hints
def task_repro(quick: bool, toolchain: bool) -> Iterator[Task]:
    """build it again in other surroundings, and compare every artefact (--quick, --toolchain)"""
    yield group("repro", task_repro)
    for loaded in recipes():
        places = Places(loaded.name)
        images = [places.domu("SHA512")] if loaded.recipe.domus else []
        task = step_task(
            "repro", loaded, "commands.repro.repro", quick, toolchain,
            needs=[places.iso, places.facts, loaded.lock, *images], makes=[places.repro_result],
            key={"quick": quick, "toolchain": toolchain},
        )  # fmt: skip
        yield {**task, "meta": {"show": (present.repro, [places])}}


def task_smoke() -> Iterator[Task]:
    """boot the CD image in QEMU, by BIOS and UEFI, and say what its console showed"""
    yield group("smoke", task_smoke)
    for loaded in recipes():
        places = Places(loaded.name)
        makes = [places.smoke / "smoke.json", places.smoke / "junit.xml"]
        task = step_task(
            "smoke", loaded, "commands.smoke.smoke", needs=[places.iso, places.facts, *disks(loaded)], makes=makes
        )
        yield {**task, "meta": {"show": (present.smoke, [places])}}
