"""Versions of packages compared as pkg_install compares them (its lib/dewey.c; pkgsrc(7)).

A version is a list of numbers, compared one by one, missing ones as 0; the number after `nb` is compared last.
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

# Alternatives in the order in which pkg_install tries them: `pre` before the letter p, `nb` before the letter n.
_COMPONENT = re.compile(
    r"(?P<number>[0-9]+)|(?P<word>alpha|beta|pre|rc|pl|[_.])|nb(?P<nb>[0-9]*)|(?P<letter>[a-z])",
    re.IGNORECASE | re.ASCII,
)
_WORDS = {"alpha": -3, "beta": -2, "pre": -1, "rc": -1, "pl": 0, "_": 0, ".": 0}

TESTS: dict[str, Callable[[int, int], bool]] = {
    "<=": operator.le, "<": operator.lt, ">=": operator.ge, ">": operator.gt,
}  # fmt: skip


@dataclass(frozen=True)
class Version:
    """A version taken apart. numbers: its components; nb: the package's own revision."""

    numbers: tuple[int, ...]
    nb: int


@functools.lru_cache(maxsize=65536)
def parse(text: str) -> Version:
    """Take a version apart. Every text is one: what means nothing is skipped.

    >>> parse("1.0rc2nb3")
    Version(numbers=(1, 0, 0, -1, 2), nb=3)
    """
    numbers: list[int] = []
    nb = 0
    for found in _COMPONENT.finditer(text):
        if found["number"]:
            numbers.append(_int(found["number"]))
        elif found["word"]:
            numbers.append(_WORDS[found["word"].lower()])
        elif found["nb"] is not None:
            nb = _int(found["nb"])
        else:
            numbers += [0, ord(found["letter"].lower()) - ord("a") + 1]
    return Version(tuple(numbers), nb)


def compare(left: str, right: str) -> int:
    """Negative, zero or positive, as the left version is lower than, equal to or higher than the right one."""
    one, other = parse(left), parse(right)
    length = max(len(one.numbers), len(other.numbers))
    pad = (0,) * length
    for a, b in zip((one.numbers + pad)[:length], (other.numbers + pad)[:length], strict=True):
        if a != b:
            return _wrapped(a - b)
    return _wrapped(one.nb - other.nb)


def holds(left: str, test: str, right: str) -> bool:
    """Whether the comparison is true; test: one of TESTS."""
    return TESTS[test](compare(left, right), 0)


def _int(digits: str) -> int:
    """The number as a C int holds it: a date with the time of day does not fit, and pkg_add sees what is left of it."""
    # All digits before the last 32 count for a multiple of 2^32; int() refuses to read more than a few thousand.
    return _wrapped(int(digits[-32:] or "0"))


def _wrapped(number: int) -> int:
    return (number + 2**31) % 2**32 - 2**31
