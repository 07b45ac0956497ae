"""Patterns for packages, matched as pkg_install matches them (its lib/opattern.c and lib/dewey.c; pkgsrc(7)).

    name-1.2nb3  name  name-[0-9]*  name>=1.2  name>=1.2<2  {name,other}>=1

Names and patterns are ASCII here: check() and the summary's reader see to it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc.globs import glob_match
from glassmaster.inputs.pkgsrc.versions import compare, holds

# pkg_install's buffers on NetBSD, where MaxPathSize is 1024.
LENGTH_LIMIT = 1023
# Nothing real has more than a few; a hostile pattern of braces can stand for more names than there are atoms.
ALTERNATIVES_LIMIT = 1000
NESTING_LIMIT = 50
FALLBACK = "-[0-9]*"


def check(pattern: str) -> None:
    """Raise GlassmasterError unless this is a pattern that pkg_install could use for whatever package."""
    reason = "it is empty" if not pattern else ""
    if not all("!" <= character <= "~" for character in pattern):
        reason = "it holds a space, or a character that is not ASCII"
    elif "/" in pattern:
        reason = "a slash belongs to a path or URL: a pattern is the name of a package"
    if reason:
        raise GlassmasterError(f"{pattern!r} is no pattern for packages", why=reason)
    _check_size(pattern)
    if _unclosed(pattern):
        raise _malformed(pattern)


def match(pattern: str, name: str) -> bool:
    """Whether a package's name (with its version) matches.

    Raises GlassmasterError where pkg_install would stop with an error: for a brace that is never closed, unless the
    pattern's first characters already tell that it does not match.
    """
    if not _quick(pattern, name):
        return False
    if "{" in pattern:
        _check_size(pattern)
        # All of them, as pkg_install does, also after one that matches: a later one may be malformed.
        return max([match(alternative, name) for alternative in _alternatives(pattern)])
    if _first_of(pattern, "<>") >= 0:
        return _dewey(pattern, name)
    if _first_of(pattern, "*?[]") >= 0 and glob_match(pattern, name):
        return True
    return pattern == name or glob_match(pattern + FALLBACK, name)


def order(pattern: str, first: str | None, second: str | None) -> int:
    """Which name is the better match: 1, 2, or 0 if neither matches. Of equal versions the smaller name is better."""
    if first is None or second is None:
        return _only(pattern, first, 1) or _only(pattern, second, 2)
    # A name without a version is worse than any other, even where it matches.
    if "-" not in first or not match(pattern, first):
        return _only(pattern, second, 2)
    if "-" not in second or not match(pattern, second):
        return 1
    difference = compare(version_of(first), version_of(second))
    if difference:
        return 1 if difference > 0 else 2
    return 1 if first < second else 2


def _only(pattern: str, name: str | None, answer: int) -> int:
    return answer if name is not None and match(pattern, name) else 0


def best(pattern: str, names: Iterable[str]) -> str | None:
    """The best match among names, or None."""
    found = None
    for name in names:
        if order(pattern, name, found) == 1:
            found = name
    return found


def literal_prefix(pattern: str) -> str:
    """What every matching name begins with."""
    end = _first_of(pattern, "{<>*?[\\")
    return pattern if end < 0 else pattern[:end]


def base_of_pattern(pattern: str) -> str:
    """The name without a version that a pattern is most likely about; for what errors suggest."""
    return re.sub(r"-[0-9.]*$", "", literal_prefix(pattern))


def base_of(name: str) -> str:
    """A package's name without its version."""
    return name.rpartition("-")[0]


def version_of(name: str) -> str:
    """The version in a package's name."""
    return name.rpartition("-")[2]


def _first_of(text: str, characters: str) -> int:
    """Where the first of these characters stands, or -1."""
    return min((at for at in map(text.find, characters) if at >= 0), default=-1)


def _quick(pattern: str, name: str) -> bool:
    """False where the first two characters are literal and others than the name's."""
    for wanted, found in zip(pattern[:2], name[:2].ljust(2, "\0"), strict=False):
        if not (wanted.isascii() and (wanted.isalnum() or wanted == "-")):
            return True
        if wanted != found:
            return False
    return True


def _dewey(pattern: str, name: str) -> bool:
    at = _first_of(pattern, "<>")
    base, dash, version = name.rpartition("-")
    if not dash or pattern[:at] != base:
        return False
    test, limit = _test(pattern[at:])
    if test.startswith(">") and "<" in limit:
        end = limit.index("<")
        upper_test, upper = _test(limit[end:])
        return holds(version, upper_test, upper) and holds(version, test, limit[:end])
    return holds(version, test, limit)


def _test(text: str) -> tuple[str, str]:
    """The comparison that the text begins with, and the rest."""
    length = 2 if text[1:2] == "=" else 1
    return text[:length], text[length:]


@functools.lru_cache(maxsize=4096)
def _alternatives(pattern: str) -> tuple[str, ...]:
    """The pattern once for each part of its first pair of braces."""
    start = pattern.index("{")
    commas, depth, end = [start], 0, -1
    for at in range(start, len(pattern)):
        character = pattern[at]
        depth += (character == "{") - (character == "}")
        if character == "," and depth == 1:
            commas.append(at)
        if depth == 0:
            end = at
            break
    if end < 0:
        raise _malformed(pattern)
    parts = (pattern[a + 1 : b] for a, b in zip(commas, [*commas[1:], end], strict=True))
    return tuple(pattern[:start] + part + pattern[end + 1 :] for part in parts)


@functools.lru_cache(maxsize=4096)
def _check_size(pattern: str) -> None:
    """Refuse what would take too long, or be longer than pkg_install's buffers."""
    if len(pattern) > LENGTH_LIMIT:
        raise GlassmasterError(
            f"{pattern[:60]!r}…: a pattern of {len(pattern):,} characters",
            why=f"pkg_install reads at most {LENGTH_LIMIT:,}",
        )
    deepest, count = 0, 1
    for deepest, count in _counted(pattern):
        if deepest > NESTING_LIMIT or count > ALTERNATIVES_LIMIT:
            raise GlassmasterError(
                f"{pattern[:60]!r}: too many braces",
                why=f"at most {ALTERNATIVES_LIMIT:,} alternatives, {NESTING_LIMIT} levels deep, can be meant",
            )


def _counted(pattern: str) -> Iterator[tuple[int, int]]:
    """After each brace: how deep we are, and for how many patterns what was read so far stands."""
    # For each open brace: the alternatives before the last comma, and those of the part after it.
    before, part = [0], [1]
    for character in pattern:
        if character == "{":
            before.append(0)
            part.append(1)
        elif character == "," and len(part) > 1:
            before[-1], part[-1] = before[-1] + part[-1], 1
        elif character == "}" and len(part) > 1:
            inner = before.pop() + part.pop()
            part[-1] *= inner
        yield len(part) - 1, before[-1] + part[-1]


def _unclosed(pattern: str) -> bool:
    depth = 0
    for character in pattern:
        depth += (character == "{") - (character == "}" and depth > 0)
    return depth > 0


def _malformed(pattern: str) -> GlassmasterError:
    return GlassmasterError(f"{pattern!r} is no pattern for packages", why="a brace `{` is never closed")
