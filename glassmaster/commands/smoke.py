"""`doit smoke`: boots the image of a recipe in every machine that the recipe names, and reports."""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from glassmaster.checks.readback import file_digest
from glassmaster.checks.smoke.boot import Boot, Plan, boot
from glassmaster.checks.smoke.console import Expected, Reached
from glassmaster.checks.smoke.qemu import Machine
from glassmaster.checks.smoke.report import write_reports
from glassmaster.checks.smoke.stick import without_el_torito
from glassmaster.doit_plugins.progress import Advance, progress
from glassmaster.errors import GlassmasterError
from glassmaster.images.disk import copy_image
from glassmaster.images.grub import serial_hotkey
from glassmaster.places import Places
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.recipe.model import EMPTY_DISK, LEFT_DISK, Milestone, Recipe, Scenario

MENU = Expected("GRUB's menu", r"GNU GRUB")
EMPTY_DISK_BYTES = 512 << 20


def milestones(recipe: Recipe, own: Sequence[Milestone]) -> tuple[Expected, ...]:
    """What every image shows (GRUB, Xen if it has one), then what the recipe says of its kernel."""
    loading = "Loading Xen" if recipe.xen else "Loading the kernel"
    xen = [Expected("Xen", r"Xen version \d+\.\d+")] if recipe.xen else []
    kernel = [Expected(item.name, item.pattern, item.answer) for item in own]
    return (MENU, Expected("serial-console entry", loading), *xen, *kernel)


def scenarios(recipe: Recipe) -> tuple[Scenario, ...]:
    """The machines: one for each firmware with nothing but the disc, then those that the recipe describes."""
    plain = (Scenario(name=firmware, firmware=firmware) for firmware in recipe.smoke.firmware)
    return (*plain, *recipe.smoke.scenarios)


def smoke(loaded: LoadedRecipe) -> None:
    """Boot the image in every machine of the recipe; raises GlassmasterError, after all have run, if one failed."""
    recipe, places = loaded.recipe, Places(loaded.name)
    todo = scenarios(recipe)
    if not todo:
        raise GlassmasterError(
            f"recipe {loaded.name}: smoke.firmware and smoke.scenarios are empty", why="nothing would be booted"
        )
    digest = file_digest(places.iso)
    boots = [_boot(scenario, recipe, places, keep=scenario.name in taken_up(todo)) for scenario in todo]
    write_reports(boots, {"path": str(places.iso), "sha256": digest}, places.smoke)
    failed = [item for item in boots if item.failure]
    if failed:
        reasons = "\n".join(f"{item.scenario}: {item.failure}" for item in failed)
        raise GlassmasterError(
            f"{places.iso} does not boot as it should",
            why="\n".join([reasons, *failed[0].last_lines]),
            hint=f"see serial.log and screen-*.png in {places.smoke / failed[0].scenario}/; "
            "its command.txt starts the same machine",
        )


def taken_up(scenarios: Sequence[Scenario]) -> frozenset[str]:
    """The scenarios whose disks another one starts with."""
    found = (LEFT_DISK.fullmatch(disk) for scenario in scenarios for disk in scenario.disks)
    return frozenset(left["scenario"] for left in found if left)


def _boot(scenario: Scenario, recipe: Recipe, places: Places, *, keep: bool) -> Boot:
    own = scenario.milestones or recipe.smoke.milestones
    power_off = recipe.smoke.power_off if scenario.power_off is None else scenario.power_off
    hotkey = serial_hotkey(recipe, scenario.medium)
    folder = places.smoke / scenario.name
    with _machine(scenario, recipe, places, keep=keep) as machine:
        plan = Plan(
            scenario.name, machine, milestones(recipe, own), hotkey, power_off, recipe.smoke.seconds
        )  # fmt: skip
        print(f"{scenario.name}: booting {places.iso} in QEMU", flush=True)
        with progress(scenario.name, len(plan.milestones)) as advance:
            result = boot(plan, folder, functools.partial(_tell, advance))
        if keep:
            for number, disk in enumerate(machine.disks, 1):
                shutil.move(disk, left_disk(folder, number))
        return result


def left_disk(folder: Path, number: int) -> Path:
    """Where a scenario leaves a disk of its machine; they are counted from 1."""
    return folder / f"disk-{number}.img"


@contextmanager
def _machine(scenario: Scenario, recipe: Recipe, places: Places, *, keep: bool) -> Iterator[Machine]:
    """The machine of a scenario; files that are made for it are gone when the block ends.

    keep: what it writes to its disks stays in them; they are copies then.
    """
    places.build.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".smoke-", dir=places.build) as name:
        folder, image = Path(name), places.iso
        if scenario.medium != "cd" and scenario.firmware == "uefi":
            image = folder / "stick.img"
            without_el_torito(places.iso, image)
        disks = [_disk(disk, number, folder, places) for number, disk in enumerate(scenario.disks, 1)]
        if keep:
            copies = [folder / f"copy-{number}.img" for number, _ in enumerate(disks, 1)]
            for disk, copy in zip(disks, copies, strict=True):
                copy_image(disk, copy)
            disks = copies
        smoke = recipe.smoke
        yield Machine(
            image, scenario.firmware, smoke.memory, smoke.cpu, smoke.machine, scenario.medium, tuple(disks), keep
        )


def _disk(named: str, number: int, folder: Path, places: Places) -> Path:
    """The image of a disk as a scenario names it."""
    if left := LEFT_DISK.fullmatch(named):
        return left_disk(places.smoke / left["scenario"], int(left["number"] or 1))
    if named != EMPTY_DISK:
        return Path(named)
    path = folder / f"empty-{number}.img"
    with path.open("wb") as stream:
        stream.truncate(EMPTY_DISK_BYTES)
    return path


def _tell(advance: Advance, reached: Reached) -> None:
    advance()
    print(f"  {reached.seconds:7.2f} s  {reached.name}: {reached.line[:90]}", flush=True)
