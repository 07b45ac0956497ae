"""The grammar of mtree(5) specifications: lines to paths with keywords, in both of its styles.

Sources: NetBSD mtree(8), usr.sbin/mtree/spec.c. Full-path lines (`./bin/cat type=file …`, what `mtree -C` prints and
the sets carry) and the nested style (`bin type=dir`, `cat …`, `..`) may be mixed, with /set, /unset, comments and
lines continued by a backslash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from glassmaster.errors import GlassmasterError
from glassmaster.tree.path import ROOT, normalized, parent
from glassmaster.tree.vis import unvis

# Not what Python takes for white space: a name may hold U+00A0.
BLANKS = " \t\r"
_SPACE = re.compile(f"[{BLANKS}]+")
_PLAIN = re.compile(r"(?:[^\\#]+|\\M-.|\\.)*")


@dataclass(frozen=True, slots=True)
class SpecLine:
    """One path of a specification. keywords: as written, defaults of /set included; a bare keyword has ""."""

    path: str
    keywords: Mapping[str, str]
    where: str


def parse(text: str, name: str) -> Iterator[SpecLine]:
    """Read a specification; `name` is what errors call it. Raises GlassmasterError with ``name:line``."""
    defaults: dict[str, str] = {}
    # The line before: its path, and whether it is a directory that no `..` has closed; a name without a slash lies
    # in it or, otherwise, beside it.
    last, is_open = ROOT, False
    for number, line in _logical_lines(text):
        where = f"{name}:{number}"
        first, *words = _SPACE.split(line)
        if first == "/set":
            defaults.update(_keywords(words))
        elif first == "/unset":
            for word in words:
                defaults.pop(word, None)
            if "all" in words:
                defaults.clear()
        elif first == "..":
            if not is_open and last == ROOT:
                raise GlassmasterError(f"{where}: `..` above the top of the specification")
            last, is_open = last if is_open else parent(last), False
        else:
            keywords = {**defaults, **_keywords(words)}
            directory = "" if "/" in first else f"{last if is_open else parent(last)}/"
            last = normalized(directory + _decoded(first, where), where)
            is_open = keywords.get("type") == "dir"
            yield SpecLine(last, keywords, where)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments and blank ones, continued lines joined, each with the number of its first line.

    As in fparseln(3), a # begins a comment and a backslash at the very end continues the line, unless they are escaped
    by a backslash that is not escaped itself. Other than there, `\\M-#` is one escape: mtree prints it for 0xa3.
    """
    joined, start = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        start = start if joined else number
        line = line.removesuffix("\r")
        plain = _PLAIN.match(line)
        joined += plain[0] if plain else ""
        if plain and line[plain.end() :] == "\\":
            continue
        if joined.strip(BLANKS):
            yield start, joined.strip(BLANKS)
        joined = ""
    if joined.strip(BLANKS):
        yield start, joined.strip(BLANKS)


def _keywords(words: list[str]) -> dict[str, str]:
    pairs = (word.partition("=") for word in words)
    return {key: value for key, _, value in pairs}


def _decoded(word: str, where: str) -> str:
    try:
        return unvis(word)
    except ValueError as error:
        raise GlassmasterError(f"{where}: {error}") from error
