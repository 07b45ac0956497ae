"""The grammar of mtree(5) specifications: lines to paths with keywords, in both of its styles.

Sources: NetBSD mtree(8), usr.sbin/mtree/spec.c. Full-path lines (`./bin/cat type=file …`, what `mtree -C` prints and
the sets carry) and the nested style (`bin type=dir`, `cat …`, `..`) may be mixed, with /set, /unset, comments and
lines continued by a backslash.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from glassmaster.errors import GlassmasterError
from glassmaster.tree.path import ROOT, normalized
from glassmaster.tree.vis import unvis


@dataclass(frozen=True, slots=True)
class SpecLine:
    """One path of a specification. keywords: as written, defaults of /set included; a bare keyword has ""."""

    path: str
    keywords: Mapping[str, str]
    where: str


def parse(text: str, name: str) -> Iterator[SpecLine]:
    """Read a specification; `name` is what errors call it. Raises GlassmasterError with ``name:line``."""
    defaults: dict[str, str] = {}
    directory: list[str] = []
    for number, line in _logical_lines(text):
        where = f"{name}:{number}"
        first, *words = line.split()
        if first == "/set":
            defaults.update(_keywords(words))
        elif first == "/unset":
            for word in words:
                defaults.pop(word, None)
        elif first == "..":
            if not directory:
                raise GlassmasterError(f"{where}: `..` above the top of the specification")
            directory.pop()
        else:
            raw = _decoded(first, where)
            keywords = {**defaults, **_keywords(words)}
            if "/" in raw:
                path = normalized(raw, where)
            else:
                path = normalized("/".join([*directory, raw]), where)
                if keywords.get("type") == "dir" and path != ROOT:
                    directory.append(raw)
            yield SpecLine(path, keywords, where)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments and blank ones, continued lines joined, each with the number of its first line."""
    joined, start = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        start = start if joined else number
        stripped = line.strip() if not joined else line.rstrip()
        if not joined and stripped.startswith("#"):
            continue
        if stripped.endswith("\\") and not stripped.endswith("\\\\"):
            joined += stripped[:-1] + " "
            continue
        whole = (joined + stripped).strip()
        joined = ""
        if whole:
            yield start, whole
    if joined.strip():
        yield start, joined.strip()


def _keywords(words: list[str]) -> dict[str, str]:
    pairs = (word.partition("=") for word in words)
    return {key: value for key, _, value in pairs}


def _decoded(word: str, where: str) -> str:
    try:
        return unvis(word)
    except ValueError as error:
        raise GlassmasterError(f"{where}: {error}") from error
