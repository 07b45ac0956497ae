"""The error class: what people see of it, and that it survives a process border."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError, indented


def test_all_three_parts_are_shown_in_order() -> None:
    error = GlassmasterError("no room", why="disk full\n3 bytes left", hint="delete something")
    assert str(error) == "no room\n  disk full\n  3 bytes left\n  delete something"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (GlassmasterError("alone"), "alone"),
        (GlassmasterError("what", why="why"), "what\n  why"),
        (GlassmasterError("what", hint="hint"), "what\n  hint"),
    ],
)
def test_missing_parts_leave_no_empty_lines(error: GlassmasterError, text: str) -> None:
    assert str(error) == text


def test_it_can_be_pickled_with_its_parts() -> None:
    error = pickle.loads(pickle.dumps(GlassmasterError("what", why="why", hint="hint")))
    assert isinstance(error, GlassmasterError)
    assert (error.what, error.why, error.hint) == ("what", "why", "hint")


def test_what_stays_one_line_and_nothing_reaches_the_terminal_but_text() -> None:
    error = GlassmasterError("a\nb\x1b[2J\udcff", why="\ttab\rback\x00")
    assert str(error) == "a\\nb\\x1b[2J\\udcff\n  \ttab\\rback\\x00"


@settings(derandomize=True, deadline=None)
@given(st.text(st.characters(exclude_categories=())), st.text(st.characters(exclude_categories=())))
def test_any_text_can_be_printed_as_utf_8(what: str, why: str) -> None:
    text = str(GlassmasterError(what, why=why))
    assert "\x1b" not in text
    assert text.encode("utf-8").decode("utf-8") == text


def test_indented_keeps_the_lines() -> None:
    assert indented("a\n\n b") == "  a\n  \n   b"
    assert indented("") == ""
