"""Symbolic links that take more than one record."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from glassmaster.images import rockridge
from glassmaster.images.rockridge import CONTINUED, CURRENT, PARENT, RECORD_ROOM, ROOT, Component

NAMES = st.one_of(
    st.sampled_from([".", "..", "...", "", "x"]),
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=120),
)
TARGETS = st.lists(NAMES, min_size=1, max_size=60).map("/".join).filter(bool)


def followed(made: list[list[Component]]) -> str:
    """The target as a reader puts it together (RRIP 4.1.3.1): a `/` after each component that is not continued."""
    text, separator = b"", b""
    for flags, part in (component for record in made for component in record):
        word = {CURRENT: b".", PARENT: b"..", ROOT: b""}.get(flags, part)
        text += separator + word
        separator = b"" if flags == CONTINUED else b"/"
    return text.decode()


@given(TARGETS)
@example("a" * 102)
@example("b" * 101 + ".")
@example("/" + "/".join("abc" * 90))
@example("../" * 60 + "x/" * 90)
def test_records_hold_the_target(target: str) -> None:
    made = rockridge.records(target)
    assert followed(made) == target
    for record in made:
        assert sum(2 + len(text) for _, text in record) <= RECORD_ROOM
        assert not any(text in (b".", b"..") for _, text in record)  # pycdlib would count these as two bytes


@given(TARGETS.filter(lambda target: target.count("..") < 50 and target.count(".") < 90))
def test_records_end_with_a_continued_component(target: str) -> None:
    for record, _ in pairwise(rockridge.records(target)):
        assert record[-1][0] == CONTINUED


def test_two_hundred_steps_up_are_cut_anyhow() -> None:
    assert followed(rockridge.records("../" * 200 + "x")) == "../" * 200 + "x"
