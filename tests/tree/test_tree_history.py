"""What layers did to a path agrees with what merging them makes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.tree.entry import Entry
from glassmaster.tree.history import Event, history
from glassmaster.tree.layer import Layer
from glassmaster.tree.merge import merge

NAMES = ("a", "b", "a/c", "a/d", "b/c", "a/c/e")


def file(path: str, mode: int = 0o644) -> Entry:
    return Entry(path, "file", mode, 0, 0, 0)


def did(layers: list[Layer], path: str) -> list[tuple[str, str, str, str]]:
    return [(event.origin, event.did, event.path, event.other) for event in history(layers, path)]


def test_the_last_one_comes_first() -> None:
    layers = [Layer("one", (file("etc/rc"),)), Layer("two", ()), Layer("three", (file("etc/rc", 0o555),))]
    assert history(layers, "etc/rc") == (
        Event(2, "three", "puts", "etc/rc", layers[2].entries[0]),
        Event(0, "one", "puts", "etc/rc", layers[0].entries[0]),
    )


def test_deleted_and_moved() -> None:
    layers = [
        Layer("set", (file("etc/rc"), file("etc/rc.d/x"), file("usr/a"))),
        Layer("overlay", (file("etc/rc"),), ("usr",), {"etc/rc": "etc/rc.netbsd", "etc/rc.d": "libexec/rc.d"}),
    ]
    assert did(layers, "etc/rc.netbsd") == [
        ("overlay", "brings", "etc/rc.netbsd", "etc/rc"), ("set", "puts", "etc/rc", "")
    ]  # fmt: skip
    assert did(layers, "etc/rc") == [
        ("overlay", "puts", "etc/rc", ""),
        ("overlay", "takes", "etc/rc", "etc/rc.netbsd"),
        ("set", "puts", "etc/rc", ""),
    ]
    assert did(layers, "etc/rc.d/x")[0] == ("overlay", "takes", "etc/rc.d/x", "libexec/rc.d/x")
    assert did(layers, "libexec/rc.d/x")[0] == ("overlay", "brings", "libexec/rc.d/x", "etc/rc.d/x")
    assert did(layers, "usr/a")[0] == ("overlay", "deletes", "usr/a", "usr")
    assert did(layers, "etc")[0] == ("overlay", "fills", "etc", "etc/rc")
    assert did(layers, "nothing") == []


def test_what_changed_places() -> None:
    layers = [Layer("set", (file("a"), file("b"))), Layer("overlay", (), (), {"a": "b", "b": "a"})]
    assert did(layers, "a") == [("overlay", "brings", "a", "b"), ("set", "puts", "b", "")]


def test_the_nearest_line_counts() -> None:
    moved = {"a": "x", "a/c": "y"}
    layers = [Layer("set", (file("a/c/e"), file("a/d"))), Layer("overlay", (), (), moved)]
    assert did(layers, "y/e")[0] == ("overlay", "brings", "y/e", "a/c/e")
    assert did(layers, "x/c/e") == []
    assert did(layers, "x/d")[1] == ("set", "puts", "a/d", "")


LAYERS = st.lists(
    st.builds(
        lambda names, deleted, moved: (names, deleted, moved),
        st.lists(st.sampled_from(NAMES), unique=True, max_size=3),
        st.lists(st.sampled_from(NAMES), unique=True, max_size=1),
        st.dictionaries(st.sampled_from(NAMES), st.sampled_from(NAMES), max_size=2),
    ),
    max_size=4,
)


@given(LAYERS)
def test_as_merge_has_it(rows: list[tuple[list[str], list[str], dict[str, str]]]) -> None:
    layers = [
        Layer(f"layer{number}", tuple(file(name, number) for name in names), tuple(deleted), moved)
        for number, (names, deleted, moved) in enumerate(rows)
    ]
    try:
        tree = merge(layers, epoch=10)
    except GlassmasterError:
        return
    for path in NAMES:
        events = history(layers, path)
        first = next((event for event in events if event.did not in ("fills", "brings")), None)
        if path in tree and tree[path].entry.kind == "file":
            assert first is not None and first.did == "puts" and first.origin == tree[path].origin
        elif path not in tree:
            assert first is None or first.did in ("deletes", "takes")
