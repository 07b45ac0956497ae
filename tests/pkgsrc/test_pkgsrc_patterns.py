"""Patterns: matched and ordered as pkg_install does it."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc.globs import glob_match
from glassmaster.inputs.pkgsrc.names import Names
from glassmaster.inputs.pkgsrc.patterns import best, check, literal_prefix, match, order

YES = """
foo>1 foo-1.1           foo>1 foo-1.0pl1           foo<1 foo-1.0alpha1       foo<1 foo-1.0rc1
foo<1 foo-1.0pre1       foo>=1 foo-1.0             foo>=1.0nb1 foo-1.0nb1    foo>1.0nb9 foo-1.0nb10
foo>=1<2 foo-2.0alpha1  foo>=1<=2 foo-2.0          foo>1.0.9 foo-1.0.10      foo>1.0a foo-1.0b
foo>1.0 foo-1.0a        foo>1.0a foo-1.0.50        foo>=1.0a foo-1.0.1       foo>=1.0_1 foo-1.0.1
foo>=1.0pl1 foo-1.0.1   foo>1.0RC1 foo-1.0rc2      foo>=1.0rc1 foo-1.0pre1   foo>1.0alpha foo-1.0beta
foo>1.0rc foo-1.0       foo>=0 foo-                pkg>= pkg-0               foo>1.1 foo-1.1blah2
foo-[0-9]* foo-1.0      foo foo-1.0                foo foo                   foo-1.0{,nb[0-9]*} foo-1.0
foo-1.0{,nb*} foo-1.0nb3   {foo,bar}>=1 bar-2      {foo>=2,bar>=1} bar-1     a-{b,c}-{d{e,f},g}-h>=1 a-c-df-h-2
*oo-[0-9]* foo-1.0      fo?-[0-9]* foo-1.0         py[0-9]*-foo-[0-9]* py312-foo-1.2
foo>==1.0 foo-1.0       foo<2>=1 foo-0.5           foo<2>=1 foo-2.5          foo-[0-9 foo-1.0
xentools420-[0-9]* xentools420-20260610nb1         sudo>=1.9.16p1 sudo-1.9.16p2
openssl>=1.1.1t openssl-1.1.1w                     tz>2024b tz-2025          {} -1                 {foo} foo-1
foo{} foo-1             foo{,} foo                 foo} foo}                 foo>=1.0.1 foo-1.0a   foo-[0-9]*-x foo-1-x
foo foo-3d-1.0          foo-3d foo-3d-1.0          a,b a,b-1                 {a,b,}c c-1           f{o{o,}}-1 fo-1
"""
NO = """
foo>1 foo-1.0           foo<1 foo-1.0nb1           foo>=1.0nb1 foo-1.0       foo>=1<2 foo-2.0nb1
foo>=1<=2 foo-2.0nb1    foo>1.0.50 foo-1.0a          foo>=0 foo                foo foo-bar-1.0
foo-[0-9]* foo-bar-1.0  foo-1.0 foo-1.0nb1         foo-1.0{,nb[0-9]*} foo-1.0.1
{foo>=2,bar>=1} foo-1   foo==1.0 foo-1.0           foo!=1.0 foo-1.1          Foo foo-1             foo>=1 foo-x-2
foo>2<1 foo-1.5         [!f]oo-1 foo-1             foo-1.0nb foo-1.0nb1      * .foo-1              ?foo .foo
fo{x}o{ bar-1
"""


def pairs(text: str) -> list[tuple[str, str]]:
    words = text.split()
    return list(zip(words[::2], words[1::2], strict=True))


@pytest.mark.parametrize(("pattern", "name"), pairs(YES))
def test_matches(pattern: str, name: str) -> None:
    assert match(pattern, name)
    assert name.startswith(literal_prefix(pattern))


@pytest.mark.parametrize(("pattern", "name"), pairs(NO))
def test_does_not_match(pattern: str, name: str) -> None:
    assert not match(pattern, name)


@pytest.mark.parametrize(
    ("pattern", "first", "second", "answer"),
    [
        ("foo-[0-9]*", "foo-1.0nb2", "foo-1.0", 1),
        ("foo-[0-9]*", "foo-1.0", "foo-1.0nb2", 2),
        ("{foo,bar}-[0-9]*", "foo-1.0", "bar-1.0", 2),
        ("mpg123{,-esound,-nas}>=0.59.18", "mpg123-nas-1", "mpg123-1", 2),
        ("foo", "bar-1", "baz-1", 0),
        ("foo", "bar-1", "foo-1", 2),
        ("foo", "foo-1", "bar-9", 1),
        ("foo", "foo", "foo-1", 2),
        ("foo", "foo-1", "foo", 1),
        ("foo", "foo", None, 1),
        ("foo", None, "foo", 2),
        ("foo", None, None, 0),
        ("foo", "bar", None, 0),
    ],
)
def test_order(pattern: str, first: str | None, second: str | None, answer: int) -> None:
    assert order(pattern, first, second) == answer


def test_the_best_does_not_depend_on_the_order_in_which_names_come() -> None:
    names = ["foo-1.0", "foo-1.0nb3", "bar-1.0nb3", "foo-1.0rc9", "baz-7"]
    assert best("{foo,bar}>=0", names) == best("{foo,bar}>=0", names[::-1]) == "bar-1.0nb3"
    assert best("none", names) is None


@pytest.mark.parametrize("pattern", ["{foo", "foo{,bar", "{a,{b}", "foo{x}{"])
def test_a_brace_that_is_never_closed_is_an_error_as_in_pkg_install(pattern: str) -> None:
    with pytest.raises(GlassmasterError, match="never closed"):
        check(pattern)
    with pytest.raises(GlassmasterError, match="never closed"):
        match(pattern, "foox-1")


@pytest.mark.parametrize(
    ("pattern", "name", "answer"),
    [
        ("[]a]", "a", False), ("[]a]", "]", False), ("[!]x", "yx", True), ("[^a]", "b", True), ("[!!]", "!", False),
        ("[a-c]", "b", True), ("[c-a]", "b", False), ("[a-]", "-", True), ("[-a]", "-", True), ("[\\]]", "]", True),
        ("[a", "a", False), ("[a\\", "a", False), ("[a-\\c]", "b", True), ("[[:digit:]]", "1", False),
        ("[[:digit:]]", "d]", True), ("\\*", "*", True), ("\\*", "x", False), ("x\\", "x", False), ("**a", "bca", True),
        ("*a*b", "xaab", True), ("*a*b", "xaabc", False), ("?", "", False), ("[a]", "", False), ("*", "", True),
        (".*", ".x", True), ("[.]x", ".x", True), ("?x", ".x", False), ("a*.x", "a.x", True), ("*b", "", False),
    ],
)  # fmt: skip
def test_globs_are_those_of_netbsd(pattern: str, name: str, answer: bool) -> None:
    assert glob_match(pattern, name) is answer


def test_no_pattern_takes_long() -> None:
    started = time.process_time()
    assert not glob_match("*a" * 60 + "*b", "a" * 5000)
    assert not glob_match("*a" * 64 + "b", "a" * 70 + "b"), "fnmatch(3) gives up at 64 stars"
    assert glob_match("*a" * 63 + "b", "a" * 70 + "b")
    for hostile in ("{a,b}" * 100, "{" * 500 + "}" * 500, "{a,{a,{a,{a,b}}}}" * 50, "{" * 900, "x" * 2000):
        with pytest.raises(GlassmasterError):
            check(hostile)
        with contextlib.suppress(GlassmasterError):
            assert not match(hostile, "-")
    # Far from any limit that a slow machine could reach, and far below what following each alternative would take.
    assert time.process_time() - started < 60


@pytest.mark.parametrize("pattern", ["", "foo bar", "foo\n", "fóo", "/tmp/foo-1", "https://example.org/foo"])
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(GlassmasterError, match="is no pattern"):
        check(pattern)


TEXT = st.text(alphabet="fob01.-nrcpla{}[],<>=*?!\\", max_size=14)


@given(TEXT, TEXT)
@example("{foo", "foo")
def test_any_pattern_matches_or_gives_our_own_error(pattern: str, name: str) -> None:
    try:
        matched = match(pattern, name)
    except GlassmasterError as error:
        assert "{" in pattern and error.why
    else:
        assert not matched or name.startswith(literal_prefix(pattern))


@given(TEXT, st.lists(TEXT, max_size=20))
@example("foo", ["foo-1", "foo-2", "fop-1", "foo"])
def test_names_in_order_find_what_trying_all_finds(pattern: str, texts: list[str]) -> None:
    names = Names()
    for text in texts:
        names.add(text)
    try:
        expected = sorted(text for text in texts if match(pattern, text))
    except GlassmasterError:
        return
    assert names.matching(pattern) == expected
    assert names.best(pattern) == best(pattern, sorted(texts))


def test_all_versions_of_one_package_lowest_first() -> None:
    names = Names(["foo-10", "foo-9", "foo-9nb1", "foo-bar-1", "fo-1", "foo-3d-1"])
    assert names.versions("foo") == ["foo-9", "foo-9nb1", "foo-10"]
    assert names.versions("none") == []
    assert names.bases() == ["fo", "foo", "foo-3d", "foo-bar"]
