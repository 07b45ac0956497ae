"""The line of one machine, as glassmaster-report writes it: KEY=VALUE words. Who may write to a share can forge one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from glassmaster.errors import GlassmasterError

LIMIT = 4096
KEY = "glassmaster"
FORMAT = "1"
_WORD = re.compile(r"(?P<key>[a-z_]{1,30})=(?P<value>[A-Za-z0-9._:,/+-]{1,300})")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_TIMES = ("since", "config_since", "reported")
_TREE = re.compile(r"[pv]servers/[A-Za-z0-9][A-Za-z0-9.-]*")


@dataclass(frozen=True)
class Line:
    """What a machine says of itself. tree: its directory in the configuration tree; local, global_: as svnversion says.

    Times are as it wrote them, in UTC by its own clock. "" is for what it does not say.
    """

    host: str
    release: str
    recipe: str = ""
    netbsd: str = ""
    domu: str = ""
    tree: str = ""
    local: str = ""
    global_: str = ""
    since: str = ""
    config_since: str = ""
    reported: str = ""
    complaints: tuple[str, ...] = ()


def read_line(text: str, where: str) -> Line:
    """Read a line; raises GlassmasterError. where: what errors call it. Words that are not known are passed over."""
    if len(text) > LIMIT:
        raise _not_one(where, f"it has more than {LIMIT:,} characters")
    words: dict[str, str] = {}
    for word in text.split():
        match = _WORD.fullmatch(word)
        if match is None:
            raise _not_one(where, f"{word[:80]!r} is not KEY=VALUE")
        if match["key"] in words:
            raise _not_one(where, f"{match['key']} is given twice")
        words[match["key"]] = match["value"]
    if words.get(KEY) != FORMAT:
        raise _not_one(where, f"it has no {KEY}={FORMAT}")
    for key in ("host", "release"):
        if key not in words:
            raise _not_one(where, f"{key} is missing")
    for key in _TIMES:
        if key in words and not _TIME.fullmatch(words[key]):
            raise _not_one(where, f"{key}={words[key]} is no time in UTC")
    if "tree" in words and not _TREE.fullmatch(words["tree"]):
        raise _not_one(where, f"tree={words['tree']} is no directory of a configuration tree")
    known = ("host", "release", "recipe", "netbsd", "domu", "tree", "local", *_TIMES)
    return Line(
        **{key: words[key] for key in known if key in words}, global_=words.get("global", ""),
        complaints=tuple(filter(None, words.get("complaints", "").split(","))),
    )  # fmt: skip


def _not_one(where: str, why: str) -> GlassmasterError:
    return GlassmasterError(f"{where}: not the line of a machine", why=why)
