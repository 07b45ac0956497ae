"""DomU images on a disc: trees of their own, whatever is beside them, on one side or on both."""

from __future__ import annotations

import shutil

import pytest

from glassmaster.diff.details import details
from tests.diff.conftest import CONFIG, Pairs, World, fill, items, kernel, opened, result


@pytest.mark.parametrize(
    "document", ["[" * 200_000, '{"sha256": ' + "[" * 200_000, "[]", '{"sha256": ["a"], "title": {}}', "\0", "9" * 9000]
)
def test_what_is_beside_an_image_may_be_any_document(pairs: Pairs, document: str) -> None:
    old, new = pairs.worlds(lambda world: None)
    for world in (old, new):
        world.images["base"] = fill(World(world.folder / "guest"))
    new.images["base"].file("set:base", "bin/cat", "another\n")
    for world in (old, new):
        release = world.release()
        for path in (release / "dom0.json", release / "domu/base.json"):
            path.write_text(document)
    found = result(old.folder, new.folder)
    assert [tree.name for tree in found.trees] == ["", "images/base.img"]
    assert [change.path for change in found.trees[1].changes] == ["bin/cat"]


@pytest.mark.parametrize("name", ["base", "ffsroot"])
@pytest.mark.parametrize("form", ["release", "disc", "mtree"])
def test_domu_images_are_trees_of_their_own(pairs: Pairs, name: str, form: str) -> None:
    def guest(world: World, *, is_new: bool) -> None:
        inner = fill(World(world.folder / "guest"))
        if is_new:
            inner.file("set:base", "bin/cat", "program bin/cat\n", 0o4555)
        world.images[name] = inner

    old, new = pairs.worlds(lambda world: None)
    guest(old, is_new=False)
    guest(new, is_new=True)
    if form == "disc":
        found = result(old.disc(), new.disc())
    else:
        below = "dom0.mtree" if form == "mtree" else "."
        found = result(old.release() / below, new.release() / below)
    own, image = found.trees
    assert [change.path for change in own.changes] == [f"images/{name}.img"]
    assert image.name == f"images/{name}.img"
    assert [(change.path, change.fields) for change in image.changes] == [("bin/cat", ("mode",))]
    assert [decision.name for decision in found.verdict.open] == [f"setuid:images/{name}.img:/bin/cat"]


@pytest.mark.parametrize("form", ["release", "disc", "mtree"])
def test_a_new_image_and_a_new_kernel_need_decisions(pairs: Pairs, form: str) -> None:
    def change(world: World) -> None:
        world.file("overlay:dom0", "netbsd2", kernel(CONFIG.replace("root on cd0a", "root on wd0a")), 0o555)
        evil = world.images["evil"] = World(world.folder / "guest")
        evil.file("set:base", "bin/cat", "program\n", 0o4555)
        evil.file("set:etc", "etc/master.passwd", "root::0:0::0:0::/root:/bin/sh\n", 0o600)

    old, new = pairs.worlds(change)
    if form == "disc":
        sides = (old.disc(), new.disc())
    else:
        sides = (old.release(), new.release() / ("dom0.mtree" if form == "mtree" else "."))
    found, back = result(*sides), result(sides[1], sides[0])
    image = "images/evil.img"
    assert [tree.name for tree in found.trees] == ["", image]
    assert {change.change for change in found.trees[1].changes} == {"added"}
    names = {f"setuid:{image}:/bin/cat", "kernel-root:/netbsd2", f"accounts:{image}:user root"}
    assert {decision.name for decision in found.verdict.open} == names
    (added,) = items(found, "kernel")
    assert (added.what, added.change) == ("/netbsd2", "added")
    assert added.new == ("netbsd: root on wd0a type cd9660" if form != "mtree" else "")
    # What went needs nobody's decision; what was in it is told.
    assert back.verdict.outcome == "allowed"
    assert [tree.name for tree in back.trees] == ["", image]
    assert {change.change for change in back.trees[1].changes} == {"removed"}


def test_a_new_image_without_a_description_may_be_anything(pairs: Pairs) -> None:
    old, new = pairs.worlds(lambda world: None)
    new.images["base"] = fill(World(pairs.folder / "guest"))
    sides = (old.release() / "dom0.mtree", new.release() / "dom0.mtree")
    shutil.rmtree(new.folder / "domu")
    found, back = result(*sides), result(sides[1], sides[0])
    assert [decision.name for decision in found.verdict.open] == ["unknown:images/base.img:its files"]
    assert back.verdict.outcome == "allowed" and back.trees[1].section("security").items[0].change == "removed"


def test_what_becomes_an_image_or_a_kernel_is_new(pairs: Pairs) -> None:
    """A file that lay elsewhere, where nothing started it."""

    def change(world: World) -> None:
        for name, path in (("hidden/one", "images/one.img"), ("hidden/two", "netbsd2")):
            world.file("overlay:dom0", path, world.data[f"overlay:dom0 {name}"])
            world.remove(name)

    old, new = pairs.worlds(lambda world: None)
    guest = fill(World(pairs.folder / "guest")).image(pairs.folder, "guest").read_bytes()
    for world in (old, new):
        world.file("overlay:dom0", "hidden/one", guest)
        world.file("overlay:dom0", "hidden/two", kernel(CONFIG))
    change(new)
    found = result(old.release(), new.release())
    assert {change.path for change in found.tree.changes if change.change == "moved"} == {"images/one.img", "netbsd2"}
    names = {decision.name for decision in found.verdict.open}
    assert {"kernel-root:/netbsd2", "setuid:images/one.img:/usr/bin/su"} <= names


def test_one_path_of_an_image_that_is_new(pairs: Pairs) -> None:
    old, new = pairs.worlds(lambda world: None)
    new.images["base"] = fill(World(pairs.folder / "guest"))
    sides = [opened(world.release()) for world in (old, new)]
    text = details(sides[0], sides[1], "/images/base.img/etc/ntp.conf", pairs.folder)
    assert text.startswith("/etc/ntp.conf: added\n") and "+server 192.0.2.1\n" in text


def test_a_domu_image_is_compared_with_another(pairs: Pairs) -> None:
    old, new = pairs.worlds(lambda world: world.file("set:base", "bin/cat", "another\n", 0o555))
    found = result(old.image(pairs.folder, "base"), new.image(pairs.folder, "ffsroot"))
    assert [change.path for change in found.tree.changes] == ["bin/cat"]


def test_without_a_description_a_domu_image_is_not_looked_into(pairs: Pairs) -> None:
    old, new = pairs.worlds(lambda world: None)
    old.images["base"] = fill(World(pairs.folder / "one"))
    new.images["base"] = fill(World(pairs.folder / "two"))
    new.images["base"].file("set:base", "bin/cat", "another\n")
    specifications = []
    for world in (old, new):
        specifications.append(world.release() / "dom0.mtree")
        shutil.rmtree(world.folder / "domu")
    found = result(specifications[0], specifications[1])
    assert found.trees[1].changes == () and "not known" in found.trees[1].section("security").items[0].detail
    assert found.verdict.exit_status == 2


def test_a_domu_image_that_is_none(pairs: Pairs) -> None:
    old, new = pairs.worlds(lambda world: None)
    for world in (old, new):
        world.file("overlay:dom0", "images/odd.img", f"{world.folder.name}: no image at all\n")
    found = result(old.disc(), new.disc())
    assert [change.path for change in found.tree.changes] == ["images/odd.img"]
    assert "not a sound FFS image" in found.trees[1].section("security").items[0].detail
    assert [decision.name for decision in found.verdict.open] == ["unknown:images/odd.img:its files"]
