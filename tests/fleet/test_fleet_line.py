"""Lines of machines: what is read, and that nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.fleet.line import LIMIT, Line, read_line
from glassmaster.fleet.revisions import Revision, read_revision
from tests.fleet.conftest import NEW, NOW, line


def test_a_line_is_read_and_unknown_words_are_passed_over() -> None:
    text = line("alpha", tree="pservers/alpha", local="12M", global_="7", complaints="etc,domu", later_one="x")
    assert read_line(text, "x") == Line(
        "alpha", NEW, "racks", tree="pservers/alpha", local="12M", global_="7", since=NOW, reported=NOW,
        complaints=("etc", "domu"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it has no glassmaster=1"),
        ("glassmaster=2 host=a release=b", "it has no glassmaster=1"),
        ("glassmaster=1 release=b", "host is missing"),
        ("glassmaster=1 host=a", "release is missing"),
        ("glassmaster=1 host=a host=b release=b", "host is given twice"),
        ("glassmaster=1 host= release=b", "'host=' is not KEY=VALUE"),
        ("glassmaster=1 host=<b>x</b> release=b", "'host=<b>x</b>' is not KEY=VALUE"),
        ("glassmaster=1 host=a release=b since=yesterday", "since=yesterday is no time in UTC"),
        ("glassmaster=1 host=a release=b tree=../../etc", "tree=../../etc is no directory of a configuration tree"),
        ("<html>Please log in</html>", "'<html>Please' is not KEY=VALUE"),
        ("x" * (LIMIT + 1), "it has more than 4,096 characters"),
    ],
)
def test_what_is_no_line_is_said(text: str, why: str) -> None:
    with pytest.raises(GlassmasterError) as caught:
        read_line(text, "/share/alpha")
    assert (caught.value.what, caught.value.why) == ("/share/alpha: not the line of a machine", why)


@given(st.one_of(st.text(max_size=80), st.from_regex(r"glassmaster=1( [a-z]{1,5}=[ -~]{0,9}){0,4}", fullmatch=True)))
def test_anything_is_a_line_or_an_error_of_ours(text: str) -> None:
    try:
        found = read_line(text, "x")
    except GlassmasterError:
        return
    assert found.host and found.release and found.host.isprintable()


@pytest.mark.parametrize(
    ("text", "revision"),
    [
        ("12", Revision(12, False)), ("12M", Revision(12, True)), ("10:12", Revision(10, False)),
        ("10:12MSP", Revision(10, True)), ("12S", Revision(12, False)), ("unversioned", None), ("", None),
        ("Unversioned_directory", None), ("exported", None), ("M", None), ("12x", None),
    ],
)  # fmt: skip
def test_what_svnversion_says(text: str, revision: Revision | None) -> None:
    assert read_revision(text) == revision
