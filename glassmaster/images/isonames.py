"""ISO 9660 identifiers for the names of a directory.

Systems with Rock Ridge show the real names; these are for what reads plain ISO 9660, such as NetBSD's own boot
loader, so they are 8.3, of d-characters (ECMA-119 7.5, 7.6).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_NOT_D = re.compile(r"[^A-Z0-9_]")
_STEM, _EXTENSION = 8, 3


def identifiers(names: Iterable[tuple[str, bool]]) -> dict[str, str]:
    """An identifier for each name of one directory, all different. names: (name, whether it is a directory)."""
    taken: set[str] = set()
    numbers: Counter[tuple[str, str]] = Counter()
    made: dict[str, str] = {}
    for name, is_directory in sorted(names):
        parts = stem, extension = _parts(name, is_directory)
        identifier = _join(stem, extension)
        while identifier in taken:
            numbers[parts] += 1
            number = str(numbers[parts])
            identifier = _join(stem[: _STEM - len(number)] + number, extension)
        taken.add(identifier)
        made[name] = identifier
    return made


def _parts(name: str, is_directory: bool) -> tuple[str, str]:
    stem, dot, extension = name.upper().rpartition(".")
    if is_directory or not dot or not stem:
        stem, extension = name.upper(), ""
    return (_NOT_D.sub("_", stem)[:_STEM] or "_", _NOT_D.sub("_", extension)[:_EXTENSION])


def _join(stem: str, extension: str) -> str:
    return f"{stem}.{extension}" if extension else stem
