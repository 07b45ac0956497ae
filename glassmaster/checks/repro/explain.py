"""Differences explained: what differs inside, where it likely comes from, and what diffoscope says."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from glassmaster.checks.repro import diffoscope
from glassmaster.checks.repro.artefacts import Release
from glassmaster.checks.repro.catalogue import Clues, likely
from glassmaster.checks.repro.contents import MOST_ENTRIES, inside
from glassmaster.checks.repro.result import Difference, Row
from glassmaster.errors import GlassmasterError

# A difference in one file shows in all that it goes into: so many artefacts are explained, the telling ones first.
MOST_REPORTS = 4
TELLING = ((".iso", ".img", ".efi"), (".config", ".cfg", ".lock"))


def difference(variation: str, artefact: str, sha256: str, plain: Release, other: Release, clues: Clues) -> Difference:
    """One artefact that is not the same. sha256: the other one's, "" where there is none."""
    there = [artefact in dict(release.files()) for release in (plain, other)]
    if not all(there):
        return Difference(artefact, sha256, ("only in the plain build" if there[0] else "not in the plain build",))
    try:
        entries, pairs = inside(artefact, plain, other)
    except (GlassmasterError, OSError, ValueError) as error:
        return Difference(artefact, sha256, problems=(f"cannot be looked into: {error}",))
    if len(entries) > MOST_ENTRIES:
        entries = [*entries[:MOST_ENTRIES], f"and {len(entries) - MOST_ENTRIES} more"]
    return Difference(artefact, sha256, tuple(entries), likely(pairs, clues, variation))


def with_reports(row: Row, plain: Release, other: Release, folder: Path) -> tuple[Difference, ...]:
    """The differences of a row, some with diffoscope's reports in a directory of the row's below `folder`."""
    files = [dict(release.files()) for release in (plain, other)]
    chosen = _telling([item.artefact for item in row.differing if all(item.artefact in found for found in files)])
    below = folder / row.name.replace(" ", "-")
    done = []
    for item in row.differing:
        if item.artefact in chosen:
            said = diffoscope.explain(item.artefact, files[0][item.artefact], files[1][item.artefact], below)
            reports = tuple(str(path.relative_to(folder.parent)) for path in said.reports)
            item = dataclasses.replace(item, reports=reports, problems=(*item.problems, *said.problems))
        done.append(item)
    return tuple(done)


def _telling(names: Sequence[str]) -> list[str]:
    """Images first, then texts, then what only repeats digests."""
    ranks = {name: next((n for n, ends in enumerate(TELLING) if name.endswith(ends)), len(TELLING)) for name in names}
    return sorted(names, key=lambda name: (ranks[name], name))[:MOST_REPORTS]
