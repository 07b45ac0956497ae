"""Versions: taken apart and compared as pkg_install does it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.inputs.pkgsrc.versions import Version, compare, holds, parse


@pytest.mark.parametrize(
    ("text", "numbers", "nb"),
    [
        ("", (), 0),
        ("1.10", (1, 0, 10), 0),
        ("1_2pl3", (1, 0, 2, 0, 3), 0),
        ("1alpha2", (1, -3, 2), 0),
        ("1Beta", (1, -2), 0),
        ("1pre1", (1, -1, 1), 0),
        ("1RC1", (1, -1, 1), 0),
        ("1a", (1, 0, 1), 0),
        ("1Z", (1, 0, 26), 0),
        ("1.0nb12", (1, 0, 0), 12),
        ("1nb2nb", (1,), 0),
        ("1nb3.4", (1, 0, 4), 3),
        ("1-~+2", (1, 2), 0),
        ("al", (0, 1, 0, 12), 0),
        ("é١ſ", (), 0),
        ("2147483648", (-(2**31),), 0),
        ("4294967297", (1,), 0),
        ("20260610123456", (1249388224,), 0),
    ],
)
def test_a_version_is_taken_apart(text: str, numbers: tuple[int, ...], nb: int) -> None:
    assert parse(text) == Version(numbers, nb)


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        ("1.0alpha1", "1.0beta1"), ("1.0beta1", "1.0rc1"), ("1.0rc1", "1.0"), ("1.0", "1.0a"), ("1.0a", "1.0.50"),
        ("1.0", "1.0nb1"), ("1.0nb9", "1.0nb10"), ("1.0nb5", "1.0.1"), ("1.9", "1.10"), ("2024b", "2025"),
        ("1.9.16p1", "1.9.16p2"), ("1.1.1t", "1.1.1w"), ("4294967296", "1"),
    ],
)  # fmt: skip
def test_order(lower: str, higher: str) -> None:
    assert compare(lower, higher) < 0 < compare(higher, lower)
    assert holds(lower, "<", higher) and holds(lower, "<=", higher)
    assert not holds(lower, ">", higher) and not holds(lower, ">=", higher)


@pytest.mark.parametrize(("one", "other"), [("1", "1.0.0"), ("1.0rc1", "1.0PRE1"), ("1.0.1", "1.0_1"), ("1.1", "1pl1")])
def test_equal(one: str, other: str) -> None:
    assert compare(one, other) == 0
    assert holds(one, ">=", other) and holds(one, "<=", other)
    assert not holds(one, ">", other) and not holds(one, "<", other)


@given(st.text(), st.text())
def test_any_two_texts_compare_and_the_other_way_round_is_the_opposite(one: str, other: str) -> None:
    assert compare(one, one) == 0
    # Where the difference of two numbers is just what no int holds, both are lower than the other.
    difference = compare(one, other)
    assert compare(other, one) == (difference if difference == -(2**31) else -difference)


def test_a_number_longer_than_python_would_read() -> None:
    assert parse("7" * 10_000).numbers == (parse("7" * 40).numbers)
