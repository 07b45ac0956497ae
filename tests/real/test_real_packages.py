"""A real, booted release's package tools accept our database. Skipped without a mirror; see conftest.py."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
from pathlib import Path

from glassmaster.inputs.standin.package_repository import make_repository, repository_path
from tests.real.conftest import Real

PKGCHECK = Path(__file__).parent / "pkgcheck"


def test_the_releases_own_package_tools_on_the_booted_disc(real: Real) -> None:
    release = real.loaded.recipe.release
    make_repository(real.path / "mirror", release.version, release.machine, epoch=real.loaded.recipe.epoch)
    repository = real.path / "mirror" / repository_path(release.machine, release.version)
    shutil.copytree(PKGCHECK, real.path / "overlays" / "pkgcheck")
    recipe = real.recipe.with_name("packages.yaml")
    recipe.write_text(
        f"extends: {os.path.relpath(real.recipe, recipe.parent)}\n"
        f"packages: {{repository: ['{repository.as_uri()}'], sets: [standin-core]}}\n"
        "overlays: [machine, dom0, pkgcheck]\n"
        "smoke:\n"
        "  firmware: [bios]\n"
        "  scenarios: []\n"
        "  milestones:\n"
        "    - {name: shell, pattern: 'this is a shell on the console', answer: sh /libexec/pkgcheck}\n"
        "    - {name: tools, pattern: 'pkgcheck: finished'}\n"
    )
    tried = dataclasses.replace(real, recipe=recipe)
    print(tried.doit("smoke"))
    console = tried.out("smoke/bios/serial.log").read_text(errors="replace")
    said = re.findall(r"pkgcheck: (.*?)\r?$", console, re.MULTILINE)
    print("\n".join(said))
    assert said[-1] == "finished" and len(said) > 20
    assert [line for line in said[:-1] if not line.endswith(" ok")] == []
