"""Which recipes are meant, and which of them are one runner's."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence

from glassmaster.errors import GlassmasterError
from glassmaster.recipe.load import FOLDER

_SHARD = re.compile(r"(?P<number>[0-9]{1,6})/(?P<of>[0-9]{1,6})")


def matching(words: Sequence[str]) -> list[str]:
    """The recipes of recipes/ that patterns (*, ?) mean; other words are what they are. Sorted, each once."""
    known = sorted(path.stem for path in FOLDER.glob("*.yaml"))
    found: set[str] = set()
    for word in words:
        if not any(sign in word for sign in "*?["):
            found.add(word)
            continue
        names = fnmatch.filter(known, word)
        if not names:
            raise GlassmasterError(f"recipe={word}: no recipe of that name", hint=f"there are: {', '.join(known)}")
        found.update(names)
    return sorted(found)


def of_shard(names: Sequence[str], shard: str) -> list[str]:
    """Those of shard I/N: of the sorted names every Nth, from the Ith on. "" is all."""
    if not shard:
        return sorted(names)
    match = _SHARD.fullmatch(shard)
    number, of = (int(match["number"]), int(match["of"])) if match else (0, 0)
    if not 1 <= number <= of:
        raise GlassmasterError(f"shard={shard}: not understood", hint="shard=1/4 is the first of four")
    return sorted(names)[number - 1 :: of]
