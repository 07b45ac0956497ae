"""Paths of an image: one spelling, and none that leads out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.tree.path import ROOT, ancestors, normalized, parent, sort_key

fixed = settings(derandomize=True, deadline=None, max_examples=300)
raw_paths = st.one_of(
    st.text(st.characters(exclude_categories=())),
    st.lists(st.sampled_from(["", ".", "..", "a", "b c", "...", "..a", "ü", "\n", "\0", "\udcff"])).map("/".join),
)


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("bin/cat", "bin/cat"),
        ("./bin//cat", "bin/cat"),
        ("bin/cat/", "bin/cat"),
        ("././bin/./cat/.", "bin/cat"),
        (".", ROOT),
        ("./", ROOT),
        ("", ROOT),
        ("...", "..."),
        ("..a/a..", "..a/a.."),
        ("a\nb", "a\nb"),
        ("\\", "\\"),
        ("ünï", "ünï"),
    ],
)
def test_every_spelling_becomes_one(raw: str, path: str) -> None:
    assert normalized(raw, "here") == path


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("/etc/passwd", "an absolute path"),
        ("//etc", "an absolute path"),
        ("/", "an absolute path"),
        ("..", "`..` in a path"),
        ("../etc", "`..` in a path"),
        ("a/../b", "`..` in a path"),
        ("a/..", "`..` in a path"),
        ("a\0b", "this name is not UTF-8 text"),
        ("caf\udce9", "this name is not UTF-8 text"),
        ("\ud800", "this name is not UTF-8 text"),
    ],
)
def test_what_leads_out_or_is_no_text_is_refused(raw: str, reason: str) -> None:
    with pytest.raises(GlassmasterError) as caught:
        normalized(raw, "set base")
    assert caught.value.what == f"set base: {raw!r}: {reason}"


@fixed
@given(raw_paths)
def test_whatever_is_accepted_stays_below_the_root_and_is_its_own_spelling(raw: str) -> None:
    try:
        path = normalized(raw, "here")
    except GlassmasterError:
        return
    if path != ROOT:
        assert not {"", ".", ".."} & set(path.split("/"))
    assert not path.startswith("/")
    assert normalized(path, "here") == path
    assert path.encode("utf-8")


@fixed
@given(raw_paths)
def test_a_refusal_can_be_printed(raw: str) -> None:
    try:
        normalized(raw, "here")
    except GlassmasterError as error:
        assert str(error).encode("utf-8")


def test_parents_and_ancestors() -> None:
    assert [parent(path) for path in ("a/b/c", "a", ROOT)] == ["a/b", ROOT, ROOT]
    assert ancestors("a/b/c") == ["a", "a/b"]
    assert ancestors("a") == ancestors(ROOT) == []


def test_the_order_puts_directories_right_before_what_they_hold() -> None:
    paths = ["a.b", "a/c", "a", ROOT, "a b", "a/b/c", "a/b"]
    assert sorted(paths, key=sort_key) == [ROOT, "a", "a/b", "a/b/c", "a/c", "a b", "a.b"]
