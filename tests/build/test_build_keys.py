"""What each step's key holds: a change runs the steps that it can reach, and no others."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.build.conftest import Clone


def ran(clone: Clone, *arguments: str) -> list[str]:
    """The steps that a successful run of a task really ran, in order."""
    result = clone.doit("run", "-r", "console", *(arguments or ["iso"]))
    assert result.returncode == 0, result.stdout
    return re.findall(r"^\.  ([\w-]+)", result.stdout, re.M)


def edit(clone: Clone, name: str, old: str, new: str) -> None:
    path = clone.path / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(("name", "steps"), [
    ("present.py", set()),
    ("doit_plugins/reasons.py", set()),
    ("images/iso.py", {"domu", "iso"}),
    ("images/grub.cfg.j2", {"grub", "mtree", "iso"}),
    # The menu has the paths of the kernel and of Xen.
    ("inputs/boot_files.py", {"kernel", "xen", "grub"}),
    ("checks/smoke/boot.py", set()),
])  # fmt: skip
def test_a_change_in_our_code(built: Clone, name: str, steps: set[str]) -> None:
    path = built.path / "glassmaster" / name
    path.write_text(path.read_text() + "# changed\n")
    # What runs makes the same bytes; so nothing that only reads them runs, but for the menu, where the line shows.
    found = set(ran(built))
    assert found - {"mtree", "iso"} == steps - {"mtree", "iso"}
    assert ("iso" in found) == ("iso" in steps) or "grub" in steps
    assert ran(built) == []


def test_a_values_of_the_recipe_that_sets_do_not_read(built: Clone) -> None:
    recipe = built.path / "recipes" / "standin.yaml"
    old = re.search(r"^( *)seconds: *\d+", recipe.read_text(), re.M)
    text = recipe.read_text()
    text = (
        text.replace(old.group(), f"{old.group(1)}seconds: 999")
        if old
        else text.replace("smoke:", "smoke:\n  seconds: 999")
    )
    recipe.write_text(text)
    # The release id is the digest of the whole recipe, and the disc shows it.
    assert not {"standin", "sets", "kernel", "xen"} & set(ran(built))
    recipe.write_text(recipe.read_text() + "\n# a comment\n")
    assert ran(built) == []


@pytest.mark.parametrize("damage", ["flip", "truncate", "replace"])
def test_a_damaged_image_is_made_again(built: Clone, damage: str) -> None:
    good = built.out("dom0.iso").read_bytes()
    if damage == "flip":
        with built.out("dom0.iso").open("r+b") as stream:
            stream.seek(len(good) // 2)
            stream.write(bytes([good[len(good) // 2] ^ 1]))
    else:
        built.out("dom0.iso").unlink()
        built.out("dom0.iso").write_bytes(good[:-1] if damage == "truncate" else b"another")
    assert ran(built) == ["iso"]
    assert built.out("dom0.iso").read_bytes() == good


@pytest.mark.parametrize("step", ["sets", "kernel", "xen", "grub", "overlay"])
def test_a_step_needs_no_other_inputs_than_those_in_its_key(built: Clone, step: str) -> None:
    inputs = built.path / "build" / "standin" / "inputs.json"
    document: dict[str, Any] = json.loads(inputs.read_bytes())
    wanted = {
        "sets": r"/binary/sets/", "kernel": r"/kernel/netbsd-", "xen": r"^debian/xen", "grub": r"^debian/grub-",
        "overlay": "^$",
    }[step]  # fmt: skip
    document["inputs"] = [row for row in document["inputs"] if re.search(wanted, row["name"])]
    if step in ("sets", "kernel", "xen"):
        assert document["inputs"] and document.pop("release_id")
    inputs.write_text(json.dumps(document))
    layers = built.path / "build" / "standin" / "layers"
    before = {path.name: path.read_bytes() for path in layers.iterdir()}
    # Every value of the recipe that the step reads is in its key too: others are errors.
    assert ran(built, "-a", "-s", f"{step}:standin:dom0" if step == "overlay" else f"{step}:standin") == [step]
    assert {path.name: path.read_bytes() for path in layers.iterdir()} == before
