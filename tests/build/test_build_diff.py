"""`doit diff` on what a build made: the recipe as a side, and the boot menu of the stand-in."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.build.conftest import Clone


@pytest.mark.slow
def test_a_recipe_is_a_side_while_its_layers_are_fresh(built: Clone) -> None:
    result = built.doit("diff", "out/standin", "standin")
    assert result.returncode == 0, result.stdout
    motd = built.path / "overlays/machine/etc/motd"
    motd.write_text("somebody was here\n")
    result = built.doit("diff", "out/standin", "standin")
    assert result.returncode == 3 and "run ./doit mtree:standin recipe=standin" in result.stdout
    assert "overlay:standin:machine would run" in result.stdout
    shutil.copytree(built.path / "out/standin", built.path / "burnt")
    assert built.doit("mtree").returncode == 0
    result = built.doit("diff", "burnt", "standin", "--json")
    assert result.returncode == 1, result.stdout
    found = json.loads(result.stdout)
    changed = [change["path"] for change in found["trees"][0]["changes"]]
    assert changed == ["etc/motd"]
    assert found["new"]["form"] == "recipe" and found["new"]["budget"] == 2_298_496 * 2048


def test_another_menu_and_an_option_in_a_domu(built: Clone) -> None:
    shutil.copytree(built.path / "out/standin", built.path / "burnt")
    name = built.recipe("other", "boot: {timeout: 9}\ndiff: {rules: [boot]}\nvariables: {hostname: other}\n")
    assert built.doit("iso", f"recipe={name}").returncode == 0
    result = built.doit("diff", "burnt/dom0.iso", f"out/{name}", "--json")
    found = json.loads(result.stdout)
    assert result.returncode == 2, result.stdout
    assert [decision["name"] for decision in found["verdict"]["decisions"]] == ["boot:timeout"]
    assert found["verdict"]["rules"] == ["boot"]
