"""Which variations make the difference."""

from __future__ import annotations

from collections.abc import Sequence

from glassmaster.checks.repro.matrix import AGAIN, ALL, RELEASE
from glassmaster.checks.repro.result import Row


def causes_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """The names of the variations that explain all differences.

    What differs when nothing is varied differs by itself, so other variations count only for what it leaves equal.
    Only if no variation alone makes a difference are it all of them together, or the surroundings of the release.
    """
    differing = {row.name: {item.artefact for item in row.differing} for row in rows if row.ran and not row.identical}
    by_itself = differing.get(AGAIN, set())
    alone = [name for name, found in differing.items() if name not in (AGAIN, ALL, RELEASE) and found - by_itself]
    causes = ([AGAIN] if by_itself else []) + alone
    for last in (ALL, RELEASE):
        if not causes and last in differing:
            causes.append(last)
    return tuple(causes)
