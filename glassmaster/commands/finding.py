"""What `doit doctor` finds: one line each, ok or not, with the remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    what:   its name; detail: what was found (a version, free bytes, the reason).
    remedy: what to do, a command where there is one; "" when it is ok.
    """

    level: Level
    what: str
    detail: str
    remedy: str = ""


def ok(what: str, detail: str) -> Finding:
    """It is as it should be."""
    return Finding("ok", what, detail)
