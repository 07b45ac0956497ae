"""Where symbolic links lead, as NetBSD's namei would go. The host's own file system is the second opinion."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassmaster.tree.entry import Entry
from glassmaster.tree.layer import Layer
from glassmaster.tree.links import LINKS_LIMIT, dangling, resolves
from glassmaster.tree.merge import Tree, merge

FILES = ("etc/rc", "usr/bin/awk", "var/tmp/x")


def tree(**links: str) -> Tree:
    """A few files, and links with these targets (by name; / is written as __)."""
    made = [Entry(path, "file", 0o644, 0, 0, 0) for path in FILES]
    made += [Entry(name.replace("__", "/"), "link", 0o755, 0, 0, 0, target) for name, target in links.items()]
    return merge([Layer("set:base", tuple(made))], epoch=1)


@pytest.mark.parametrize(
    ("target", "there"),
    [
        ("etc/rc", True),
        ("/etc/rc", True),
        ("./etc//rc", True),
        ("etc", True),
        ("etc/", True),
        ("/", True),
        ("..", True),
        ("../../etc/rc", True),
        ("usr/../etc/rc", True),
        ("etc/no", False),
        ("no/../etc/rc", False),
        ("etc/rc/", False),
        ("etc/rc/.", False),
        ("etc/rc/..", False),
        ("etc/rc/x", False),
        ("", False),
        ("l", False),
    ],
)
def test_targets(target: str, there: bool) -> None:
    assert resolves(tree(l=target), "l") is there


def test_links_on_the_way_are_followed_from_where_they_lie() -> None:
    some = tree(
        usr__tmp="../var/tmp", l="usr/tmp/x", usr__up="..", m="usr/up/etc/rc", usr__abs="/etc", n="usr/abs/../etc/rc"
    )
    assert all(resolves(some, path) for path in ("l", "m", "n"))
    assert not resolves(tree(usr__tmp="../var/tmp", l="usr/tmp/../x"), "l")


def test_loops_end() -> None:
    assert not resolves(tree(a="b", b="a"), "a")
    assert not resolves(tree(a="a/x"), "a")
    assert not resolves(tree(a="x/../a", x="."), "a")


@pytest.mark.parametrize(("count", "there"), [(LINKS_LIMIT, True), (LINKS_LIMIT + 1, False)])
def test_as_many_links_as_netbsd_follows(count: int, there: bool) -> None:
    chain = {f"l{number}": f"l{number + 1}" for number in range(1, count)}
    assert resolves(tree(**chain, **{f"l{count}": "etc/rc"}), "l1") is there


@pytest.mark.parametrize(
    ("target", "runtime", "there"),
    [
        ("/config/local/etc/x", ["/config"], True),
        ("/config/local", ["/config/"], True),
        ("/config", ["/config"], True),
        ("/config", ["/config/"], True),
        ("config/x", ["/config"], True),
        ("/configuration", ["/config"], False),
        ("/config", ["/config/global"], False),
        ("/config", ["config"], False),
        ("/anything", ["/"], True),
        ("/var/run/x", ["/tmp", "/var/run"], True),
        ("/no", [], False),
    ],
)
def test_paths_of_the_running_system(target: str, runtime: list[str], there: bool) -> None:
    assert resolves(tree(l=target), "l", runtime) is there


def test_dangling_links_are_those_of_one_layer_only() -> None:
    lower = Layer("set:base", (Entry("old", "link", 0o755, 0, 0, 0, "nowhere"),))
    upper = Layer(
        "overlay:x",
        (
            Entry("bad", "link", 0o755, 0, 0, 0, "nowhere"),
            Entry("later", "link", 0o755, 0, 0, 0, "/config/x"),
            Entry("good", "link", 0o755, 0, 0, 0, "etc"),
            Entry("etc", "dir", 0o755, 0, 0, 0),
        ),
    )
    found = dangling(merge([lower, upper], epoch=1), "overlay:x", ["/config"])
    assert [node.entry.path for node in found] == ["bad"]


parts = st.lists(st.sampled_from(["", ".", "..", "etc", "rc", "usr", "l", "m", "no"]), max_size=5).map("/".join)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(parts.filter(lambda target: not target.startswith("/")), parts.filter(lambda target: not target.startswith("/")))
def test_the_kernel_of_this_machine_agrees(scratch: Path, first: str, second: str) -> None:
    """Linux follows 40 links where NetBSD follows 32, and its root cannot be moved: so no loops of 33, no way up."""
    for name, target in (("l", first), ("m", second)):
        path = scratch / name
        path.unlink(missing_ok=True)
        if target:
            path.symlink_to(target)
    some = tree(**{name: target for name, target in (("l", first), ("m", second)) if target})
    if first and ".." not in first.split("/") + second.split("/"):
        assert resolves(some, "l") is (scratch / "l").exists()


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("links")
    for path in FILES:
        (folder / path).parent.mkdir(parents=True)
        (folder / path).write_bytes(b"")
    return folder
