"""The verdict: rules, decisions, and what accepts them."""

from __future__ import annotations

import pytest

from glassmaster.config.layout import write_example
from glassmaster.config.tree import read_config_tree
from glassmaster.diff.model import Item, Section, TreeDiff
from glassmaster.diff.releases import Terms
from glassmaster.diff.verdict import DEFAULT_RULES, RULES, verdict
from glassmaster.errors import GlassmasterError
from tests.diff.conftest import Pairs, World, items


def tree(*found: Item, name: str = "") -> TreeDiff:
    """A tree with something under security."""
    return TreeDiff(name, 1, 1, sections=(Section("security", found),))


def test_outcomes() -> None:
    setuid = Item("/bin/a", "added", rule="setuid")
    assert verdict([tree()], RULES, []).outcome == "same"
    assert verdict([tree(Item("/bin/a", "changed"))], RULES, []).outcome == "allowed"
    assert verdict([tree(setuid)], ["keys"], []).outcome == "allowed"
    found = verdict([tree(setuid)], RULES, [])
    assert (found.outcome, found.exit_status, found.open) == ("decision", 2, found.decisions)


@pytest.mark.parametrize("name", ["setuid", "setuid:/bin/a"])
def test_a_decision_is_accepted_by_its_name_or_its_rule(name: str) -> None:
    found = verdict([tree(Item("/bin/a", "added", rule="setuid"))], RULES, [name])
    assert (found.outcome, found.decisions[0].accepted, found.open) == ("allowed", name, ())


def test_another_name_accepts_nothing() -> None:
    found = verdict([tree(Item("/bin/a", "added", rule="setuid"))], RULES, ["setuid:/bin/b", "keys"])
    assert found.outcome == "decision"
    with pytest.raises(GlassmasterError, match="--accept setuit: no such rule"):
        verdict([tree()], RULES, ["setuit"])


def test_one_thing_in_two_sections_is_one_decision() -> None:
    item = Item("user root", "changed", rule="accounts")
    both = TreeDiff("", 1, 1, sections=(Section("security", (item,)), Section("accounts", (item,))))
    assert [decision.name for decision in verdict([both], RULES, []).decisions] == ["accounts:user root"]


def test_each_tree_has_its_own() -> None:
    item = Item("/bin/a", "added", rule="setuid")
    found = verdict([tree(item), tree(item, name="images/base.img")], RULES, ["setuid:/bin/a"])
    assert [decision.name for decision in found.open] == ["setuid:images/base.img:/bin/a"]


def test_the_default_rules_are_rules() -> None:
    assert set(DEFAULT_RULES) < set(RULES)


def test_what_a_servers_own_files_hide(pairs: Pairs) -> None:
    write_example(pairs.folder / "config")
    host = pairs.folder / "config/pservers/dom0.example.org/etc"
    (host / "ntp.conf").write_text("server 192.0.2.9\n")
    (host / "inetd.conf").write_text("")
    config = read_config_tree(pairs.folder / "config")

    def change(world: World) -> None:
        world.file("set:etc", "etc/ntp.conf", "server 192.0.2.2\n")
        world.file("set:base", "bin/cat", "another\n", 0o555)

    found = pairs.compare(change, Terms(("hidden",), (), config))
    assert [(item.what, item.change, item.detail) for item in items(found, "hidden")] == [
        ("pservers/dom0.example.org/etc/ntp.conf", "changed", "the release's file has other contents"),
    ]
    assert [decision.name for decision in found.verdict.open] == ["hidden:pservers/dom0.example.org/etc/ntp.conf"]
    assert pairs.bare(lambda world: None, Terms(("hidden",), (), config)).verdict.outcome == "same"


def test_what_a_guests_files_hide(pairs: Pairs) -> None:
    from tests.diff.conftest import fill, result

    write_example(pairs.folder / "config")
    (pairs.folder / "config/vservers/web/etc").mkdir(parents=True, exist_ok=True)
    (pairs.folder / "config/vservers/web/etc/ntp.conf").write_text("")
    config = read_config_tree(pairs.folder / "config")
    old, new = pairs.worlds(lambda world: None)
    for world in (old, new):
        world.images["base"] = fill(World(world.folder / "guest"))
    new.images["base"].file("set:etc", "etc/ntp.conf", "server 192.0.2.2\n")
    found = result(old.release(), new.release(), Terms((), (), config))
    assert [item.what for item in found.trees[1].section("hidden").items] == ["vservers/web/etc/ntp.conf"]
