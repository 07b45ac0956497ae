"""mtree specifications as one side of a comparison: our own, and others as far as they tell what is compared."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from glassmaster.diff.model import State
from glassmaster.diff.states import of_listed
from glassmaster.errors import GlassmasterError
from glassmaster.places import STANDIN_NOTICE
from glassmaster.tree.mtree import number, octal, parse_mtree, sha256, unvis_at
from glassmaster.tree.mtreespec import SpecLine, parse

# As recipes and domUs may be called.
_NAME = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}"
_HEADER = re.compile(rf"# glassmaster recipe ({_NAME})(?:, domU {_NAME})?, release ([0-9a-f]{{1,64}})(?![^\s,])")
# mtree(5)'s types that only foreign specifications have.
_SPECIAL = ("block", "char", "fifo", "socket")
# A keyword, and the field of a comparison that needs it.
_TELLING = {"mode": "mode", "uid": "uid", "gid": "gid", "time": "mtime"}


@dataclass(frozen=True)
class Spec:
    """A specification. unknown: fields that some of its lines do not tell."""

    states: dict[str, State]
    unknown: frozenset[str]
    recipe: str = ""
    release_id: str = ""
    standin: bool = False


def read_spec(path: Path) -> Spec:
    """Read a specification of whatever origin; raises GlassmasterError with ``file:line``."""
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise GlassmasterError(f"{path}: cannot be read", why=error.strerror or str(error)) from error
    return parse_spec(text, str(path))


def parse_spec(text: str, name: str) -> Spec:
    """The same of a text."""
    if own := _HEADER.search(text[:4096]):
        return Spec(of_listed(parse_mtree(text, name)), frozenset(), own[1], own[2], STANDIN_NOTICE in text[:4096])
    lines = {line.path: line for line in parse(text, name)}
    unknown = {field for word, field in _TELLING.items() if any(word not in line.keywords for line in lines.values())}
    return Spec({path: _state(line) for path, line in lines.items()}, frozenset({*unknown, "names"}))


def _state(line: SpecLine) -> State:
    kind = line.keywords.get("type", "")
    if kind not in ("file", "dir", "link", *_SPECIAL):
        raise GlassmasterError(f"{line.where}: {line.path}: type={kind or '(none)'}: not a type of mtree(5)")
    told = line.keywords
    return State(
        "special" if kind in _SPECIAL else kind,
        octal(line, "mode") if "mode" in told else 0,
        number(line, "uid") if "uid" in told else 0,
        number(line, "gid") if "gid" in told else 0,
        number(line, "time", before=".") if "time" in told else 0,
        number(line, "size") if kind == "file" and "size" in told else 0,
        sha256(line, "sha256", "sha256digest") if kind == "file" else "",
        unvis_at(told.get("link", ""), line.where) if kind == "link" else "",
    )
