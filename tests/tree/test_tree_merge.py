"""Layers to a tree: every rule of the merge, and that the result is a tree whatever comes in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.tree.entry import Content, Entry, Kind
from glassmaster.tree.layer import Layer
from glassmaster.tree.merge import MADE, Node, Tree, merge
from glassmaster.tree.path import ROOT, parent

EPOCH = 1_000


def file(path: str, mode: int = 0o644, mtime: int = 5, inode: str = "", data: str = "x") -> Entry:
    content = Content(Path("blob"), 0, len(data), data * 64)
    return Entry(path, "file", mode, 0, 0, mtime, content=content, inode=inode)


def folder(path: str, mode: int = 0o755, uid: int = 0, gid: int = 0, mtime: int = 5) -> Entry:
    return Entry(path, "dir", mode, uid, gid, mtime)


def link(path: str, target: str) -> Entry:
    return Entry(path, "link", 0o755, 0, 0, 5, target)


def layer(origin: str, *entries: Entry, deleted: tuple[str, ...] = (), moved: Mapping[str, str] | None = None) -> Layer:
    return Layer(origin, entries, deleted, moved or {})


def merged(*layers: Layer) -> Tree:
    return merge(layers, epoch=EPOCH)


def refused(*layers: Layer) -> str:
    with pytest.raises(GlassmasterError) as caught:
        merged(*layers)
    return str(caught.value)


def paths(tree: Tree) -> list[str]:
    return [node.entry.path for node in tree]


def origins(tree: Tree) -> dict[str, str]:
    return {node.entry.path: node.origin for node in tree}


def test_nothing_is_a_root() -> None:
    tree = merged()
    assert list(tree) == [Node(Entry(ROOT, "dir", 0o755, 0, 0, EPOCH), MADE)]
    assert len(tree) == 1
    assert ROOT in tree
    assert "bin" not in tree


def test_the_root_of_a_layer_is_kept() -> None:
    assert merged(layer("a", folder(ROOT, 0o700)))[ROOT] == Node(folder(ROOT, 0o700), "a")


@pytest.mark.parametrize("entry", [file(ROOT), link(ROOT, "etc")])
def test_the_root_must_be_a_directory(entry: Entry) -> None:
    assert refused(layer("a", entry)).startswith("a: the root of the image must be a directory, not a ")


def test_later_layers_win_and_it_is_known_what_they_hid() -> None:
    tree = merged(layer("a", file("f", 1)), layer("b", file("f", 2)), layer("c", file("g")), layer("d", file("f", 3)))
    assert tree["f"] == Node(file("f", 3), "d", ("a", "b"))
    assert tree["g"] == Node(file("g"), "c")


def test_an_equal_file_hides_the_other_all_the_same() -> None:
    assert merged(layer("a", file("f")), layer("b", file("f")))["f"].hid == ("a",)


def test_links_and_files_replace_one_another() -> None:
    assert merged(layer("a", file("f")), layer("b", link("f", "g")))["f"] == Node(link("f", "g"), "b", ("a",))
    assert merged(layer("a", link("f", "g")), layer("b", file("f")))["f"] == Node(file("f"), "b", ("a",))


def test_directories_that_differ_in_time_only_hide_nothing() -> None:
    tree = merged(layer("a", folder("etc", mtime=1)), layer("b", folder("etc", mtime=2)))
    assert tree["etc"] == Node(folder("etc", mtime=2), "b")


@pytest.mark.parametrize("other", [folder("etc", 0o700), folder("etc", uid=1), folder("etc", gid=1)])
def test_directories_that_differ_hide_the_other(other: Entry) -> None:
    assert merged(layer("a", folder("etc")), layer("b", other))["etc"] == Node(other, "b", ("a",))


@pytest.mark.parametrize(
    ("lower", "upper", "words"),
    [
        (folder("x"), file("x"), "a file here would replace a directory of a"),
        (folder("x"), link("x", "y"), "a symbolic link here would replace a directory of a"),
        (file("x"), folder("x"), "a directory here would replace a file of a"),
        (link("x", "y"), folder("x"), "a directory here would replace a symbolic link of a"),
    ],
)
def test_a_directory_and_something_else_do_not_replace_one_another(lower: Entry, upper: Entry, words: str) -> None:
    message = refused(layer("a", lower), layer("b", upper))
    assert message.startswith(f"b: x: {words}\n")
    assert "delete: [x]" in message


def test_a_directory_that_is_only_implied_counts() -> None:
    assert "would replace a directory of a" in refused(layer("a", file("x/y")), layer("b", file("x")))


def test_deleted_first_anything_can_take_the_place() -> None:
    tree = merged(layer("a", folder("x"), file("x/y/z")), layer("b", file("x"), deleted=("x",)))
    assert paths(tree) == [ROOT, "x"]
    assert tree["x"] == Node(file("x"), "b")
    tree = merged(layer("a", file("x")), layer("b", file("x/y"), deleted=("x",)))
    assert paths(tree) == [ROOT, "x", "x/y"]


def test_nothing_can_lie_below_a_file_or_a_link() -> None:
    message = refused(layer("a", link("usr/tmp", "../var/tmp")), layer("b", file("usr/tmp/x")))
    assert message.startswith("b: usr/tmp/x: lies below the symbolic link usr/tmp -> ../var/tmp of a\n")
    message = refused(layer("a", file("etc")), layer("b", file("etc/rc.d/x")))
    assert message == "b: etc/rc.d/x: lies below etc, which is a file of a"
    assert "lies below f, which is a file of a" in refused(layer("a", file("f/g"), file("f")))
    assert "lies below the symbolic link" in refused(layer("a", file("l/g"), link("l", "m")))


def test_missing_parents_are_made_as_root_owned_directories_of_the_epoch() -> None:
    tree = merged(layer("a", file("x/y/z")))
    assert paths(tree) == [ROOT, "x", "x/y", "x/y/z"]
    assert tree["x"] == Node(folder("x", mtime=EPOCH), "a")
    assert tree["x/y"] == Node(folder("x/y", mtime=EPOCH), "a")


def test_existing_parents_are_left_as_they_are() -> None:
    tree = merged(layer("a", folder("x", 0o700, 7)), layer("b", file("x/y")))
    assert tree["x"] == Node(folder("x", 0o700, 7), "a")


def test_the_order_within_a_layer_makes_no_difference() -> None:
    entries = [folder("x", 0o700), file("x/y"), folder("x/d", 0o711), file("x/d/e")]
    assert list(merged(layer("a", *entries))) == list(merged(layer("a", *reversed(entries))))


def test_a_path_stands_once_in_a_layer() -> None:
    assert refused(layer("a", file("f"), file("f"))) == "a: f: stands twice in this layer"


def test_times_after_the_epoch_become_the_epoch() -> None:
    tree = merged(layer("a", file("f", mtime=EPOCH + 1), file("g", mtime=EPOCH), file("h", mtime=0)))
    assert [tree[path].entry.mtime for path in "fgh"] == [EPOCH, EPOCH, 0]


def test_hard_links_stay_together_and_a_replaced_name_leaves_them() -> None:
    lower = layer("a", file("one", inode="one"), file("two", 0o4555, inode="one"), file("three", inode="one"))
    tree = merged(lower, layer("b", file("one", data="y")))
    assert tree["one"] == Node(file("one", data="y"), "b", ("a",))
    assert tree["two"] == Node(file("two", 0o4555, inode="one"), "a")
    assert [node.entry.path for node in tree if node.entry.inode == "one"] == ["three", "two"]


def test_hard_links_of_two_layers_are_told_apart_by_their_origin() -> None:
    one = layer("a", file("p", inode="p"), file("q", inode="p"))
    two = layer("b", file("p", inode="p"), file("r", inode="p"))
    tree = merged(one, two)
    assert {(node.origin, node.entry.path) for node in tree if node.entry.inode} == {("b", "p"), ("a", "q"), ("b", "r")}


def test_deletion_takes_out_what_lies_below_and_nothing_beside() -> None:
    lower = layer("a", file("usr/x"), file("usr/y/z"), file("usr2"), file("us"))
    assert paths(merged(lower, layer("b", deleted=("usr",)))) == [ROOT, "us", "usr2"]
    assert paths(merged(lower, layer("b", deleted=("usr/y/z",)))) == [ROOT, "us", "usr", "usr/x", "usr/y", "usr2"]


def test_only_what_is_there_can_be_deleted_or_moved() -> None:
    assert refused(layer("a", deleted=("x",))).startswith("a: deletes x, which no layer below has\n")
    assert refused(layer("a", moved={"x": "y"})).startswith("a: moves x, which no layer below has\n")
    own = layer("a", file("x"), deleted=("x",))
    assert refused(own).startswith("a: deletes x, which no layer below has\n")
    gone = layer("b", deleted=("x",), moved={"x": "y"})
    assert refused(layer("a", file("x")), gone).startswith("b: moves x, which no layer below has\n")


def test_a_move_keeps_everything_but_the_path() -> None:
    lower = layer("a", file("etc/rc", 0o444, 7), folder("var", 0o711), file("var/x"))
    tree = merged(lower, layer("b", file("etc/rc"), moved={"etc/rc": "etc/rc.netbsd", "var": "live/var"}))
    assert tree["etc/rc.netbsd"] == Node(file("etc/rc.netbsd", 0o444, 7), "a")
    assert tree["etc/rc"] == Node(file("etc/rc"), "b")
    assert tree["live"] == Node(folder("live", mtime=EPOCH), "b")
    assert tree["live/var"] == Node(folder("live/var", 0o711), "a")
    assert tree["live/var/x"] == Node(file("live/var/x"), "a")
    assert "var" not in tree


@pytest.mark.parametrize(
    ("moved", "expected"),
    [
        ({"a": "b", "b": "a"}, {"a": "2", "b": "1", "d": "3", "d/e": "4"}),
        ({"a": "b", "b": "c"}, {"b": "1", "c": "2", "d": "3", "d/e": "4"}),
        ({"b": "c", "a": "b"}, {"b": "1", "c": "2", "d": "3", "d/e": "4"}),
        ({"d": "x", "d/e": "y"}, {"a": "1", "b": "2", "x": "3", "y": "4"}),
        ({"d": "d/e"}, {"a": "1", "b": "2", "d": "b", "d/e": "3", "d/e/e": "4"}),
        ({"a": "a/x"}, {"a": "b", "a/x": "1", "b": "2", "d": "3", "d/e": "4"}),
        ({"d/e": "d", "d": "z"}, {"a": "1", "b": "2", "d": "4", "z": "3"}),
    ],
)
def test_moves_happen_all_at_once(moved: Mapping[str, str], expected: Mapping[str, str]) -> None:
    lower = [layer("1", file("a")), layer("2", file("b")), layer("3", folder("d")), layer("4", file("d/e"))]
    found = origins(merged(*lower, layer("b", moved=moved)))
    assert found == {ROOT: MADE, **expected}


@pytest.mark.parametrize("moved", [{"a": "b"}, {"a": "x", "b": "x"}, {"d": "b"}])
def test_nothing_is_moved_over_something(moved: Mapping[str, str]) -> None:
    assert ", where something is already" in refused(
        layer("a", file("a"), file("b"), folder("d")), layer("b", moved=moved)
    )


def test_nothing_is_moved_below_a_file_or_link() -> None:
    assert "lies below b, which is a file" in refused(layer("a", file("a"), file("b")), layer("b", moved={"a": "b/a"}))


@pytest.mark.parametrize("moved", [{ROOT: "x"}, {"a": ROOT}])
def test_the_root_cannot_be_moved(moved: Mapping[str, str]) -> None:
    message = refused(layer("a", folder(ROOT), file("a")), layer("b", moved=moved))
    assert message.endswith("the root of the image stays where it is")


def test_the_order_of_a_tree_is_parents_first() -> None:
    tree = merged(layer("a", *map(file, ["a.b", "a/c", "a/b/c", "B", "ü"])))
    assert paths(tree) == [ROOT, "B", "a", "a/b", "a/b/c", "a/c", "a.b", "ü"]


names = st.sampled_from(["a", "b", "c", "a.b"])
some_paths = st.lists(names, min_size=1, max_size=3).map("/".join)
kinds: st.SearchStrategy[Kind] = st.sampled_from(["file", "dir", "link"])
entries = st.builds(lambda path, kind: Entry(path, kind, 0o755, 0, 0, 5, "x" * (kind == "link")), some_paths, kinds)
layers = st.builds(
    Layer,
    st.sampled_from(["one", "two"]),
    st.lists(entries, max_size=5).map(tuple),
    st.lists(some_paths, max_size=2).map(tuple),
    st.dictionaries(some_paths, some_paths, max_size=2),
)


@settings(derandomize=True, deadline=None, max_examples=500)
@given(st.lists(layers, max_size=4))
def test_whatever_is_merged_is_a_tree(some: list[Layer]) -> None:
    try:
        tree = merged(*some)
    except GlassmasterError as error:
        assert str(error)
        return
    seen: set[str] = set()
    for node in tree:
        path = node.entry.path
        assert tree[path] is node
        assert path == ROOT or (parent(path) in seen and tree[parent(path)].entry.kind == "dir")
        seen.add(path)
    assert len(seen) == len(tree)
