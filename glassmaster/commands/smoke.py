"""`doit smoke`: boots the image of a recipe in every machine that the recipe names, and reports."""

from __future__ import annotations

import functools
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
from glassmaster.images.grub import serial_hotkey
from glassmaster.places import Places
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.recipe.model import EMPTY_DISK, Milestone, Recipe, Scenario

MENU = Expected("GRUB's menu", r"GNU GRUB")
EMPTY_DISK_BYTES = 64 << 20


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
    boots = [_boot(scenario, recipe, places) for scenario in todo]
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


def _boot(scenario: Scenario, recipe: Recipe, places: Places) -> Boot:
    own = scenario.milestones or recipe.smoke.milestones
    power_off = recipe.smoke.power_off if scenario.power_off is None else scenario.power_off
    hotkey = serial_hotkey(recipe, scenario.medium)
    with _machine(scenario, recipe, places) as machine:
        plan = Plan(
            scenario.name, machine, milestones(recipe, own), hotkey, power_off, recipe.smoke.seconds
        )  # fmt: skip
        print(f"{scenario.name}: booting {places.iso} in QEMU", flush=True)
        with progress(scenario.name, len(plan.milestones)) as advance:
            return boot(plan, places.smoke / scenario.name, functools.partial(_tell, advance))


@contextmanager
def _machine(scenario: Scenario, recipe: Recipe, places: Places) -> Iterator[Machine]:
    """The machine of a scenario; files that are made for it are gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="glassmaster-") as folder:
        image, disks = places.iso, []
        if scenario.medium != "cd" and scenario.firmware == "uefi":
            image = Path(folder) / "stick.img"
            without_el_torito(places.iso, image)
        for number, disk in enumerate(scenario.disks):
            path = Path(disk)
            if disk == EMPTY_DISK:
                path = Path(folder) / f"empty-{number}.img"
                with path.open("wb") as stream:
                    stream.truncate(EMPTY_DISK_BYTES)
            disks.append(path)
        yield Machine(
            image, scenario.firmware, recipe.smoke.memory, recipe.smoke.cpu, recipe.smoke.machine, scenario.medium,
            tuple(disks),
        )  # fmt: skip


def _tell(advance: Advance, reached: Reached) -> None:
    advance()
    print(f"  {reached.seconds:7.2f} s  {reached.name}: {reached.line[:90]}", flush=True)
