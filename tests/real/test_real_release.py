"""A real release from its mirror to a login prompt. Skipped without a mirror; see conftest.py for what it takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from glassmaster.inputs.kernel.embedded import embedded_config
from glassmaster.inputs.kernel.statements import config_lines, top_config_lines
from tests.real.conftest import MIRROR, RECIPE, Real, settings


def test_the_kernel_is_the_one_that_the_recipe_says(real: Real) -> None:
    recipe = real.loaded.recipe
    print(real.doit("kernel"))
    blob = (real.path / "build" / real.recipe.stem / "layers" / "kernel.blob").read_bytes()
    embedded = embedded_config(blob, "kernel")
    assert real.out("kernel.config").read_bytes() == embedded.encoded()
    if recipe.kernel.source == "built":
        assert top_config_lines(embedded) == config_lines(embedded) == recipe.kernel.build.config
        assert embedded.top.name.startswith("../conf/")
        for place in (real.path, real.store):
            assert str(place).encode() not in blob, f"the kernel knows that it was made in {place}"
    else:
        assert config_lines(embedded)[0].startswith("netbsd root on ?")


def test_the_disc_boots(real: Real) -> None:
    recipe = real.loaded.recipe
    assert recipe.smoke.milestones, "the recipe says nothing of what its console must show (smoke.milestones)"
    print(real.doit("smoke"))
    boots = json.loads(real.out("smoke/smoke.json").read_bytes())["boots"]
    scenarios = [boot["scenario"] for boot in boots]
    assert len(scenarios) >= len(recipe.smoke.firmware) > 0
    for scenario in scenarios:
        console = real.out(f"smoke/{scenario}/serial.log").read_text(errors="replace")
        assert "root on cd0a" in console
        # A kernel whose type is built in does not look for it, and says nothing of it (sys/kern/vfs_mount.c).
        if recipe.kernel.source == "prebuilt" or not any(" type cd9660" in line for line in recipe.kernel.build.config):
            assert "root file system type: cd9660" in console


def test_without_a_url_it_is_skipped_and_with_one_nothing_may_be_missing(tmp_path: Path) -> None:
    assert settings({}) is None
    assert settings({RECIPE: "x.yaml"}) is None
    recipe = tmp_path / "x.yaml"
    wrong = [{MIRROR: "http://127.0.0.1/"}, {MIRROR: "http://127.0.0.1/", RECIPE: str(recipe)}]
    for environment in wrong:
        with pytest.raises(pytest.fail.Exception):
            settings(environment)
    recipe.write_text("")
    with pytest.raises(pytest.fail.Exception, match="not a URL"):
        settings({MIRROR: "/srv", RECIPE: str(recipe)})
    assert settings({MIRROR: "http://127.0.0.1/", RECIPE: str(recipe)}) == ("http://127.0.0.1/", recipe)
