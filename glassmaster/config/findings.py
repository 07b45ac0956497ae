"""What a check of a configuration tree finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be.

    level:  error: a server would refuse it, not start, or leak something; warning: a person should look.
    where:  ``file:line`` or a path, seen from the top of the configuration tree.
    remedy: what to do; "" when that is plain.
    """

    level: Level
    where: str
    what: str
    remedy: str = ""

    @property
    def sort_key(self) -> tuple[str, int, str]:
        """By file, then by line as a number."""
        file, _, line = self.where.rpartition(":")
        return (file, int(line), self.what) if line.isdigit() else (self.where, 0, self.what)


def error(where: str, what: str, remedy: str = "") -> Finding:
    """Something that must not stay."""
    return Finding("error", where, what, remedy)


def warning(where: str, what: str, remedy: str = "") -> Finding:
    """Something to look at."""
    return Finding("warning", where, what, remedy)
