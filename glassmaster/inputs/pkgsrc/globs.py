"""Shell globs as NetBSD's fnmatch(3) reads them with FNM_PERIOD, which is how pkg_install calls it.

It differs from Python's and glibc's: `]` closes a bracket even where it comes first, classes such as [:digit:] are
unknown, a bracket that is never closed matches nothing, and so does what lies behind too many stars.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

# lib/libc/gen/fnmatch.c gives up when this many stars are open at once.
_STARS_LIMIT = 64


@dataclass(frozen=True)
class _Any:
    """`?` or `*`."""

    star: bool


@dataclass(frozen=True)
class _Bracket:
    """`[…]`: ranges of characters, both ends included."""

    negated: bool
    ranges: tuple[tuple[str, str], ...]

    def __contains__(self, character: str) -> bool:
        return any(low <= character <= high for low, high in self.ranges) != self.negated


# A string is one character; None matches nothing.
_Token = _Any | _Bracket | str | None
_QUESTION, _STAR = _Any(False), _Any(True)


def glob_match(pattern: str, name: str) -> bool:
    """Whether the whole name matches. Takes time in proportion to both lengths' product, whatever the pattern."""
    tokens = _tokens(pattern)
    if name.startswith(".") and tokens and isinstance(tokens[0], _Any):
        return False
    return _match(tokens, name)


def _match(tokens: Sequence[_Token], name: str) -> bool:
    """The usual walk that returns to the last star alone: earlier ones have nothing better to offer."""
    at = position = stars = 0
    star_at, star_position = -1, 0
    while True:
        if at < len(tokens) and tokens[at] == _STAR:
            if at + 1 == len(tokens):
                return True
            stars += 1
            if stars >= _STARS_LIMIT:
                return False
            star_at, star_position = at, position
            at += 1
        elif at < len(tokens) and position < len(name) and _one(tokens[at], name[position]):
            at, position = at + 1, position + 1
        elif at == len(tokens) and position == len(name):
            return True
        elif star_at >= 0 and star_position < len(name):
            star_position += 1
            at, position = star_at + 1, star_position
        else:
            return False


def _one(token: _Token, character: str) -> bool:
    if isinstance(token, str):
        return token == character
    return token == _QUESTION or (isinstance(token, _Bracket) and character in token)


@functools.lru_cache(maxsize=4096)
def _tokens(pattern: str) -> tuple[_Token, ...]:
    tokens: list[_Token] = []
    at = 0
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character == "[":
            bracket, at = _bracket(pattern, at)
            tokens.append(bracket)
        elif character == "?":
            tokens.append(_QUESTION)
        elif character == "*":
            if tokens[-1:] != [_STAR]:
                tokens.append(_STAR)
        elif character == "\\":
            tokens.append(pattern[at] if at < len(pattern) else None)
            at += 1
        else:
            tokens.append(character)
    return tuple(tokens)


def _bracket(pattern: str, at: int) -> tuple[_Bracket | None, int]:
    """What stands after a `[`, and where it ends; None where it never ends."""
    negated = pattern[at : at + 1] in ("!", "^")
    at += negated
    ranges: list[tuple[str, str]] = []
    while pattern[at : at + 1] != "]":
        low, at = _member(pattern, at)
        high = low
        if pattern[at : at + 1] == "-" and pattern[at + 1 : at + 2] not in ("", "]"):
            high, at = _member(pattern, at + 1)
        if not low or not high:
            return None, len(pattern)
        ranges.append((low, high))
    return _Bracket(negated, tuple(ranges)), at + 1


def _member(pattern: str, at: int) -> tuple[str, int]:
    """One character of a bracket, maybe behind a backslash, and what comes after it; empty at the pattern's end."""
    if pattern[at : at + 1] == "\\":
        at += 1
    return pattern[at : at + 1], at + 1
