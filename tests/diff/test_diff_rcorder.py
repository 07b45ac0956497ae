"""The order of rc.d. The expected orders were printed by NetBSD's own rcorder, given the files sorted by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.diff.meanings.rc import moved, switch_of
from glassmaster.diff.rcorder import SCRIPTS_LIMIT, rcorder


def scripts(**lines: str) -> dict[str, str]:
    """Scripts by name; each line is WORD: names, several after a semicolon."""
    return {
        name: "#!/bin/sh\n" + "".join(f"# {line.strip()}\n" for line in text.split(";") if line.strip()) + "\n"
        for name, text in lines.items()
    }


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (scripts(a="", b="", c=""), ["c", "b", "a"]),
        (scripts(a="PROVIDE: a", b="PROVIDE: b;REQUIRE: a", c="PROVIDE: c;REQUIRE: a b"), ["a", "b", "c"]),
        (scripts(a="PROVIDE: a;REQUIRE: c b", b="PROVIDE: b", c="PROVIDE: c"), ["c", "b", "a"]),
        (scripts(a="PROVIDE: a", b="PROVIDE: b", c="PROVIDE: c;BEFORE: a"), ["c", "b", "a"]),
        (scripts(a="PROVIDE: a;BEFORE: c", b="PROVIDE: b", c="PROVIDE: c"), ["a", "c", "b"]),
        (scripts(a="PROVIDE: x", b="PROVIDE: x", c="REQUIRE: x"), ["b", "a", "c"]),
        (scripts(a="PROVIDE: a;KEYWORD: nostart", b="REQUIRE: a", c="KEYWORD: shutdown"), ["c", "b"]),
    ],
)
def test_orders(given_: dict[str, str], expected: list[str]) -> None:
    order = rcorder(given_)
    assert list(order.scripts) == expected and order.problems == ()


def test_only_the_first_block_of_lines_counts() -> None:
    texts = {"a": "# PROVIDE: a\nset -e\n# REQUIRE: b\n", "b": "# PROVIDE: b\n# REQUIRE: a\n"}
    assert rcorder(texts).scripts == ("a", "b")


def test_a_circle_is_told_and_broken() -> None:
    order = rcorder(scripts(a="PROVIDE: a;REQUIRE: b", b="PROVIDE: b;REQUIRE: a"))
    assert sorted(order.scripts) == ["a", "b"] and any("in the end" in problem for problem in order.problems)


def test_what_nothing_provides_is_told() -> None:
    order = rcorder(scripts(a="REQUIRE: nothing", b="BEFORE: nobody"))
    assert sorted(order.problems) == [
        "a requires nothing, which nothing provides", "b is before nobody, which nothing provides",
    ]  # fmt: skip


def test_more_than_any_release_has() -> None:
    texts = {f"s{number:04d}": "" for number in range(SCRIPTS_LIMIT + 1)}
    assert rcorder(texts).scripts == () and rcorder(texts).problems


def test_a_long_chain() -> None:
    names = [f"s{number:03d}" for number in range(SCRIPTS_LIMIT)]
    texts = scripts(**{
        name: f"PROVIDE: {name};" + (f"REQUIRE: {names[number - 1]}" if number else "")
        for number, name in enumerate(names)
    })  # fmt: skip
    assert rcorder(texts).scripts == tuple(names)


NAMES = st.sampled_from("abcdefxyz")
WORDS = st.sampled_from(["PROVIDE", "REQUIRE", "BEFORE"])
LINES = st.lists(st.tuples(WORDS, st.lists(NAMES, min_size=1, max_size=3)), max_size=4)


@given(st.dictionaries(st.sampled_from("abcdef"), LINES, max_size=6))
def test_every_script_comes_once_and_after_what_it_requires(lines: dict[str, list[tuple[str, list[str]]]]) -> None:
    texts = {
        name: "".join(f"# {word}: {' '.join(names)}\n" for word, names in rows) + f"# PROVIDE: {name}\n"
        for name, rows in lines.items()
    }
    order = rcorder(texts)
    assert sorted(order.scripts) == sorted(texts)
    if not order.problems:
        for name, rows in lines.items():
            required = {item for word, names in rows if word == "REQUIRE" for item in names}
            providers = {
                other for other, found in lines.items()
                if required & {other, *(item for word, names in found if word == "PROVIDE" for item in names)}
            }  # fmt: skip
            assert all(order.scripts.index(other) < order.scripts.index(name) for other in providers - {name})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('name="sshd"\nrcvar=$name\n', "sshd"),
        ("name=sshd\nrcvar=${name}\n", "sshd"),
        ('name="nfsd"\nrcvar=nfs_server\n', "nfs_server"),
        ('name="root"\n', ""),
        ("name=x\nrcvar=\n", ""),
        ("name=x\nrcvar='y' # why\n", "y"),
    ],
)
def test_what_switches_a_script_on(text: str, expected: str) -> None:
    assert switch_of(text) == expected


def test_the_fewest_that_move() -> None:
    assert moved(("a", "b", "c", "d"), ("a", "c", "d", "b")) == ["b"]
    assert moved(("a", "b"), ("a", "b", "c")) == []
