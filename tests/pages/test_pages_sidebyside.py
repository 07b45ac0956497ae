"""Texts side by side: both columns are the texts again."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.pages.sidebyside import Row, is_unified, rows, side_by_side, within
from tests.pages.markup import read

LINES = st.lists(
    st.sampled_from(["a", "b", "--- a", "+++ b", "@@ -1 +1 @@", "", " x", "\\ y", "a\x0cb\u2028"]), max_size=12
)


def unified(old: list[str], new: list[str], context: int = 100) -> str:
    return "\n".join(difflib.unified_diff(old, new, "old", "new", n=context, lineterm=""))


def text(parts: tuple[tuple[str, bool], ...]) -> str:
    return "".join(part for part, _ in parts)


@given(LINES, LINES)
def test_both_sides_are_the_texts(old: list[str], new: list[str]) -> None:
    found = [row for row in rows(unified(old, new)) if row.mark != "gap"]
    if old == new:
        assert found == []
        return
    assert [text(row.old) for row in found if row.old_number] == old
    assert [text(row.new) for row in found if row.new_number] == new
    assert [row.old_number for row in found if row.old_number] == list(range(1, len(old) + 1))
    assert [row.new_number for row in found if row.new_number] == list(range(1, len(new) + 1))


def test_numbers_after_what_is_left_out() -> None:
    old = [f"line {number}" for number in range(1, 40)]
    new = [*old[:19], "something else", *old[20:]]
    found = list(rows(unified(old, new, context=1)))
    assert [(row.mark, row.old_number, row.new_number) for row in found] == [
        ("gap", 0, 0), ("", 19, 19), ("changed", 20, 20), ("", 21, 21)
    ]  # fmt: skip
    assert found[0].old == (("line 19", False),)


@given(st.text(max_size=30), st.text(max_size=30))
def test_parts_are_the_line(old: str, new: str) -> None:
    olds, news = within(old, new)
    assert text(olds) == old and text(news) == new
    if old == new:
        assert not any(marked for _, marked in olds)
    assert "".join(part for part, marked in olds if not marked) == "".join(part for part, marked in news if not marked)


def test_what_differs_within_a_line_is_marked() -> None:
    assert within("inetd=NO", "inetd=YES") == (
        (("inetd=", False), ("NO", True)),
        (("inetd=", False), ("YES", True)),
    )
    assert within("abc", "xyz") == ((("abc", True),), (("xyz", True),))
    assert within("a" * 2000, "a" * 1999) == ((("a" * 2000, True),), (("a" * 1999, True),))


@pytest.mark.parametrize("line", ["<script>alert(1)</script>", "\x1b[31m", "\u202eabc", "&amp;"])
def test_lines_are_text(line: str) -> None:
    drawn = side_by_side(unified([line], ["x"]), caption=line)
    table = read(drawn).children[0]
    assert not table.all("script") and "\x1b" not in drawn and "\u202e" not in drawn
    assert len(table.all("tr")) == 3


def test_no_newline_at_the_end_is_said() -> None:
    diff = "--- a\n+++ b\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+x\n"
    assert [row.mark for row in rows(diff)] == ["gap", "removed", "gap", "added"]
    assert list(rows(diff))[2] == Row("gap", old=(("No newline at end of file", False),))


def test_what_is_a_unified_diff() -> None:
    assert is_unified(unified(["a"], ["b"])) and not is_unified("a list\nof lines") and not is_unified("")
