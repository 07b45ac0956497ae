"""Trees of whatever kind: the reported changes, applied to the old one, give the new one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from glassmaster.diff.compare import applied, compare, differing, without_origin
from glassmaster.diff.groups import groups, rooms
from glassmaster.diff.model import FIELDS, Change, State, group_of

PATHS = st.lists(st.sampled_from(["a", "b", "c", "etc", "rc", "x.y", "ü"]), min_size=1, max_size=3).map("/".join)
DIGESTS = st.sampled_from(["", "11", "22", "33", "44"])
ORIGINS = st.sampled_from(["", "set:base", "package:sudo-1.0", "package:sudo-1.1", "overlay:dom0", "xen:4.17"])
FILES = st.builds(
    State, st.just("file"), st.sampled_from([0o644, 0o755, 0o4555]), st.integers(0, 2), st.integers(0, 2),
    st.integers(0, 3), st.integers(0, 3), DIGESTS, st.just(""), st.sampled_from(["", "a", "b"]), ORIGINS,
)  # fmt: skip
OTHERS = st.builds(
    State, st.sampled_from(["dir", "link", "special"]), st.sampled_from([0o755, 0o700]), st.integers(0, 1),
    st.integers(0, 1), st.integers(0, 3), link=st.sampled_from(["", "a", "b"]), origin=ORIGINS,
)  # fmt: skip
TREES = st.dictionaries(PATHS, FILES | OTHERS, max_size=20)


def seen(tree: dict[str, State]) -> dict[str, State]:
    """A tree as a comparison sees it."""
    return {path: without_origin(state) for path, state in tree.items()}


@given(TREES, TREES)
def test_old_and_the_changes_are_the_new_tree(old: dict[str, State], new: dict[str, State]) -> None:
    made = applied(old, compare(old, new))
    # Where one side's digest is not known, files of one size count as equal: they keep what the old side says.
    blind = {
        path for path in old.keys() & new.keys()
        if (old[path].sha256 == "") != (new[path].sha256 == "") and not differing(old[path], new[path])
    }  # fmt: skip
    same = {path: state for path, state in seen(made).items() if path not in blind}
    assert same == {path: state for path, state in seen(new).items() if path not in blind}
    assert made.keys() == new.keys()


@given(TREES)
def test_a_tree_is_the_same_as_itself(tree: dict[str, State]) -> None:
    assert compare(tree, dict(tree)) == ()


@given(TREES, TREES)
def test_every_change_is_told_once_and_counted_once(old: dict[str, State], new: dict[str, State]) -> None:
    changes = compare(old, new)
    assert len({change.path for change in changes}) == len(changes)
    sources = [change.moved_from for change in changes if change.moved_from]
    assert len(set(sources)) == len(sources) and not set(sources) & new.keys()
    counted = groups(old, new, changes)
    assert sum(group.total + group.only_time for group in counted) == len(changes)
    assert sum(group.new_bytes for group in counted) == sum(state.size for state in new.values())
    assert sum(group.old_files for group in counted) == sum(state.kind != "dir" for state in old.values())


@given(TREES, TREES)
def test_it_runs_both_ways(old: dict[str, State], new: dict[str, State]) -> None:
    forth, back = compare(old, new), compare(new, old)
    assert len(forth) == len(back)
    assert {change.path for change in forth if change.change == "added"} == {
        change.path for change in back if change.change == "removed"
    }


def test_of_equal_contents_the_one_of_the_same_name_moved() -> None:
    one = State("file", 0o644, 0, 0, 0, 5, "aa")
    changes = compare({"a/x": one, "b/y": one}, {"c/y": one, "d/z": one})
    assert [(change.path, change.moved_from) for change in changes] == [("c/y", "b/y"), ("d/z", "a/x")]


def test_empty_files_do_not_move() -> None:
    empty = State("file", 0o644, 0, 0, 0, 0, "e3b0")
    assert {change.change for change in compare({"a": empty}, {"b": empty})} == {"added", "removed"}


def test_a_moved_file_may_differ_in_metadata() -> None:
    one, other = State("file", 0o644, 0, 0, 0, 5, "aa"), State("file", 0o755, 0, 0, 0, 5, "aa")
    (change,) = compare({"a": one}, {"b": other})
    assert (change.change, change.fields) == ("moved", ("mode",))


def test_what_a_side_does_not_tell_is_left_out() -> None:
    one, other = State("file", 0o644, 0, 0, 1, 5, "aa"), State("file", 0o755, 1, 0, 2, 5, "bb", names="a")
    assert differing(one, other) == ("content", "mode", "uid", "mtime", "names")
    assert set(differing(one, other)) < set(FIELDS)
    (change,) = compare({"a": one}, {"a": other}, frozenset({"mode", "uid", "mtime", "names"}))
    assert change.fields == ("content",)


def test_origins_without_versions() -> None:
    assert [group_of(name) for name in ("package:a-b-1.0nb2", "xen:4.17.7+13", "set:base", "package:odd", "")] == [
        "package:a-b", "xen", "set:base", "package:odd", "",
    ]  # fmt: skip
    state = State("file", 0o644, 0, 0, 0, 3, "aa", origin="package:sudo-1.0")
    other = State("file", 0o644, 0, 0, 0, 4, "bb", origin="package:sudo-1.1")
    change = Change("f", "changed", state, other, ("content",))
    (group,) = groups({"f": state}, {"f": other}, [change])
    assert (group.name, group.old_origin, group.new_origin, group.changed) == (
        "package:sudo", "package:sudo-1.0", "package:sudo-1.1", 1,
    )  # fmt: skip


def test_rooms_count_a_content_once() -> None:
    one = State("file", 0o644, 0, 0, 0, 3, "aa", origin="set:base")
    found = rooms({}, {"usr/share/doc/a": one, "usr/share/doc/b": one, "top": one})
    assert [(room.directory, room.old, room.new) for room in found] == [("usr/share", 0, 3)]
