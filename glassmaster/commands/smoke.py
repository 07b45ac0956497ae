"""`doit smoke`: boots the CD of a recipe by each firmware and reports."""

from __future__ import annotations

import functools

from glassmaster.checks.readback import file_digest
from glassmaster.checks.smoke.boot import Boot, Plan, boot
from glassmaster.checks.smoke.console import Expected, Reached
from glassmaster.checks.smoke.qemu import Machine
from glassmaster.checks.smoke.report import write_reports
from glassmaster.doit_plugins.progress import Advance, progress
from glassmaster.errors import GlassmasterError
from glassmaster.images.grub import HOTKEYS
from glassmaster.places import Places
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.recipe.model import Recipe

MENU = Expected("GRUB's menu", r"GNU GRUB")


def milestones(recipe: Recipe) -> tuple[Expected, ...]:
    """What every image shows (GRUB, Xen if it has one), then what the recipe says of its kernel."""
    loading = "Loading Xen" if recipe.xen else "Loading the kernel"
    xen = [Expected("Xen", r"Xen version \d+\.\d+")] if recipe.xen else []
    own = [Expected(item.name, item.pattern) for item in recipe.smoke.milestones]
    return (MENU, Expected("serial-console entry", loading), *xen, *own)


def smoke(loaded: LoadedRecipe) -> None:
    """Boot the image by every firmware of the recipe; raises GlassmasterError, after all have run, if one failed."""
    recipe, places = loaded.recipe, Places(loaded.name)
    if not recipe.smoke.firmware:
        raise GlassmasterError(f"recipe {loaded.name}: smoke.firmware is empty", why="nothing would be booted")
    digest = file_digest(places.iso)
    boots: list[Boot] = []
    for firmware in recipe.smoke.firmware:
        machine = Machine(places.iso, firmware, recipe.smoke.memory, recipe.smoke.cpu, recipe.smoke.machine)
        plan = Plan(machine, milestones(recipe), HOTKEYS["serial"], recipe.smoke.power_off, recipe.smoke.seconds)
        print(f"{firmware}: booting {places.iso} in QEMU", flush=True)
        with progress(firmware, len(plan.milestones)) as advance:
            boots.append(boot(plan, places.smoke / firmware, functools.partial(_tell, advance)))
    write_reports(boots, {"path": str(places.iso), "sha256": digest}, places.smoke)
    failed = [item for item in boots if item.failure]
    if failed:
        raise GlassmasterError(
            f"{places.iso} does not boot as it should",
            why="\n".join(f"{item.firmware}: {item.failure}" for item in failed)
            + "\n"
            + "\n".join(failed[0].last_lines),
            hint=f"see serial.log and screen-*.png in {places.smoke / failed[0].firmware}/; "
            "its command.txt starts the same machine",
        )


def _tell(advance: Advance, reached: Reached) -> None:
    advance()
    print(f"  {reached.seconds:7.2f} s  {reached.name}: {reached.line[:90]}", flush=True)
