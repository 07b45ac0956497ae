"""The boot chain of a real release, whole: each machine from the boot menu to a login that works."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from pathlib import Path

import pytest

from tests.real import scenarios
from tests.real.conftest import Real

OVERLAYS = Path(__file__).with_name("overlays")
SECONDS = "GLASSMASTER_REAL_BOOT_SECONDS"
NOW = ("no-config", "prepared", "prepared-again", "configured", "dirty", "updated", "two-disks", "usb", "usb-uefi")


@pytest.fixture(scope="session")
def before(real: Real) -> Real:
    """The release before, with a disk made by config-disk."""
    for item in OVERLAYS.iterdir():
        copy = shutil.copytree if item.is_dir() else shutil.copy
        copy(item, real.path / "overlays" / item.name)
    tree = scenarios.make_tree(real.path.parent / "racks")
    release = variant(real, "before", "one", [], scenarios.machines_of_before("alpha.img"))
    print(release.doit("iso"))
    print(
        release.doit("config-disk", f"host={scenarios.HOST}", f"config={tree}", f"svn={scenarios.URL}", "out=alpha.img")
    )
    return release


@pytest.fixture(scope="session")
def now(real: Real, before: Real) -> Real:
    """The release of today, after the one before has written to its disk."""
    print(before.doit("smoke"))
    left = before.out("smoke/used/disk-1.img").relative_to(real.path)
    return variant(real, "now", "two", ["uefi"], scenarios.machines("alpha.img", str(left)))


def variant(real: Real, name: str, edition: str, firmware: list[str], machines: list[scenarios.Scenario]) -> Real:
    """The real recipe with the boot chain and these machines."""
    path = real.recipe.with_name(f"{name}.yaml")
    seconds = int(os.environ.get(SECONDS, "900"))
    path.write_text(scenarios.recipe(real.recipe.name, edition, seconds, firmware, machines))
    return dataclasses.replace(real, recipe=path)


def boots(release: Real) -> dict[str, str]:
    """What each machine failed at, or "", after their stage lines were printed."""
    found = json.loads(release.out("smoke/smoke.json").read_bytes())["boots"]
    for boot in found:
        console = release.out(f"smoke/{boot['scenario']}/serial.log").read_text(errors="replace")
        print(f"== {boot['scenario']}: {boot['failure'] or 'all milestones'}, {boot['seconds']} s")
        print("\n".join(line for line in console.splitlines() if "glassmaster: stage=" in line))
    return {boot["scenario"]: boot["failure"] for boot in found}


def test_every_machine_comes_to_what_it_must_show(before: Real, now: Real) -> None:
    assert boots(before) == {"used": "", "again": ""}
    print(now.doit("smoke"))
    assert boots(now) == dict.fromkeys(["uefi", *NOW, "previous"], "")
