"""Differences explained: what differs inside, where it likely comes from, and what diffoscope says."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path

from glassmaster.checks.repro import diffoscope
from glassmaster.checks.repro.artefacts import Release
from glassmaster.checks.repro.catalogue import Clues, likely
from glassmaster.checks.repro.contents import MOST_ENTRIES, inside
from glassmaster.checks.repro.result import Difference, Row
from glassmaster.errors import GlassmasterError

# A difference in one file shows in all that it goes into: only the telling ones are explained, and not too many.
MOST_REPORTS = 3
TELLING = ((".iso", ".img", ".efi"), (".config", ".cfg", ".lock"))
# Of the whole matrix. What is left then is named, and not explained.
SECONDS = 600


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


def with_reports(row: Row, plain: Release, other: Release, folder: Path, until: float) -> tuple[Difference, ...]:
    """The differences of a row, some with diffoscope's reports in a directory of the row's below `folder`.

    until: of time.monotonic(); later than that diffoscope is not asked any more.
    """
    files = [dict(release.files()) for release in (plain, other)]
    chosen = _telling([item.artefact for item in row.differing if all(item.artefact in found for found in files)])
    below = folder / row.name.replace(" ", "-")
    done = []
    for item in row.differing:
        if item.artefact in chosen and time.monotonic() > until:
            late = f"diffoscope was not asked: {SECONDS} seconds had gone by with other differences"
            item = dataclasses.replace(item, problems=(*item.problems, late))
        elif item.artefact in chosen:
            said = diffoscope.explain(item.artefact, files[0][item.artefact], files[1][item.artefact], below)
            reports = tuple(str(path.relative_to(folder.parent)) for path in said.reports)
            item = dataclasses.replace(item, reports=reports, problems=(*item.problems, *said.problems))
        done.append(item)
    return tuple(done)


def _telling(names: Sequence[str]) -> list[str]:
    """Images; if there are none, texts; if there are none, what only repeats digests."""
    for ends in (*TELLING, ("",)):
        found = sorted(name for name in names if name.endswith(ends))
        if found:
            return found[:MOST_REPORTS]
    return []
