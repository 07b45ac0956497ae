"""`doit checklist`: done, stale, to do, and what glassmaster does not do yet."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from glassmaster.commands.checklist_lines import CHECKLIST, Evidence, Line
from glassmaster.commands.checklist_text import as_text

if TYPE_CHECKING:
    from tests.commands.conftest import Project

ISO = "put in Xen and the domU images; configure GRUB; make the ISO"
OVERLAY, BOOT = "set up the custom /etc/rc", "does it boot?"


def lines(project: Project, recipe: str = "standin") -> dict[str, dict[str, Any]]:
    found = json.loads(project.doit("checklist", "--json", f"recipe={recipe}"))
    return {line["says"]: line for line in found[recipe]}


@pytest.mark.slow
def test_a_built_release(built: Project) -> None:
    before = built.files()
    found = lines(built)
    assert list(found) == [item.says for item in CHECKLIST]
    assert found[ISO]["state"] == found[OVERLAY]["state"] == "done" and found[BOOT]["state"] == "to do"
    iso = (built.path / "out/standin/dom0.iso").read_bytes()
    assert found[ISO]["evidence"] == [
        {"path": "out/standin/dom0.iso", "sha256": hashlib.sha256(iso).hexdigest(), "size": len(iso)}
    ]
    assert built.files() == before


def test_a_changed_overlay_makes_its_line_stale(built: Project) -> None:
    rc = built.path / "overlays/machine/etc/rc"
    rc.write_text(rc.read_text() + "# changed\n")
    found = lines(built)
    assert found[OVERLAY]["state"] == "stale" and "overlays/machine/etc/rc" in found[OVERLAY]["reason"]
    assert found[ISO]["state"] == "stale"


def test_a_damaged_image_is_stale_and_shows_its_own_digest(built: Project) -> None:
    (built.path / "out/standin/dom0.iso").write_bytes(b"damaged")
    found = lines(built)[ISO]
    assert found["state"] == "stale" and found["evidence"][0]["sha256"] == hashlib.sha256(b"damaged").hexdigest()


def test_nothing_built(clone: Project) -> None:
    found = lines(clone)
    assert found[ISO]["state"] == "to do" and found[ISO]["evidence"] == [] and "there is no" in found[ISO]["reason"]
    assert not (clone.path / ".doit.db").exists()


def test_steps_that_glassmaster_lacks_and_those_a_recipe_does_not_need(clone: Project) -> None:
    (clone.path / "recipes/bare.yaml").write_text("extends: standin.yaml\noverlays: []\n")
    found = lines(clone, "bare")
    assert found[OVERLAY]["state"] == "not needed"
    tasks = {line.split()[0] for line in clone.doit("list").splitlines()}
    for item in CHECKLIST:
        if item.steps and not tasks & set(item.steps):
            assert found[item.says]["state"] == "not built yet"


@pytest.mark.slow
def test_what_diff_leaves_is_about_a_release(built: Project) -> None:
    changes = "what changed since the last one?"
    assert lines(built)[changes]["state"] == "to do"
    assert "verdict  same" in built.doit("diff", "out/standin", "out/standin", "output=out/standin")
    found = lines(built)[changes]
    assert (found["state"], found["evidence"][0]["path"]) == ("done", "out/standin/diff.json")
    facts = built.path / "out/standin/dom0.json"
    facts.write_text(facts.read_text().replace('"release_id": "', '"release_id": "0'))
    found = lines(built)[changes]
    assert found["state"] == "stale" and "is about release" in found["reason"]


def test_bad_input(clone: Project) -> None:
    assert "recipe=NAME" in clone.doit("checklist", "iso", status=3)
    assert "did you mean standin?" in clone.doit("checklist", "recipe=standinn", status=3)


def test_text() -> None:
    line = Line("does it boot?", ("smoke:x",), "stale", "word " * 40, (Evidence("out/x/smoke.json", "0" * 64, 1234),))
    text = as_text("x", [line])
    assert max(map(len, text.splitlines())) <= 80 and "out/x/smoke.json (1,234 bytes)" in text
    assert text.endswith("\n\n1 stale")
