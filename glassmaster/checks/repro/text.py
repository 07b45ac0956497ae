"""The matrix as text for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator

from glassmaster.checks.repro.matrix import AGAIN, ALL, RELEASE
from glassmaster.checks.repro.result import Difference, Repro, Row
from glassmaster.errors import readable

NAME, WHAT = 13, 25
MOST_LINES = 12


def line(row: Row) -> str:
    """A variation, in one line."""
    time = f"{row.seconds:6.1f} s" if row.seconds else " " * 8
    return f"{row.name:<{NAME}} {row.what:<{WHAT}} {time}  {_result(row)}"


def _result(row: Row) -> str:
    if row.failure:
        return f"FAILED: {readable(row.failure.splitlines()[0])}"
    if not row.identical:
        return f"{len(row.differing)} differ"
    return "identical"


def table(result: Repro) -> Iterator[str]:
    """The whole matrix: each variation, what was built again in it, and what came from the store."""
    yield f"{'variation':<{NAME}} {'what is varied':<{WHAT}} {'time':>8}  {'of plain':>8}  result"
    for row in (result.plain, *result.variations):
        share = f"{row.seconds / result.plain.seconds:8.2f}" if row.seconds and result.plain.seconds else " " * 8
        time = f"{row.seconds:6.1f} s" if row.seconds else " " * 8
        yield f"{row.name:<{NAME}} {row.what:<{WHAT}} {time}  {share}  {_result(row)}"
    yield from made(result)
    yield from result.notes


def made(result: Repro) -> Iterator[str]:
    """What was built again, and what came from the store: variations of which the same is true together."""
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for row in (result.plain, *result.variations):
        if (row.name != RELEASE and row.ran) or row is result.plain:
            groups.setdefault((tuple(sorted(row.rebuilt)), row.from_store), []).append(row.name)
    most = max(groups.values(), key=len, default=[])
    for (steps, store), names in groups.items():
        who = "all others" if names is most and len(groups) > 1 else "all" if len(groups) == 1 else ", ".join(names)
        yield f"{who}: from the store {' and '.join(store)}; built again {', '.join(steps)}"


def verdict(result: Repro) -> Iterator[str]:
    """What differs, why, and what could not be built."""
    for row in (result.plain, *result.variations):
        if row.failure:
            yield f"{row.name}: could not be built, which counts as different"
            yield from (f"  {text}" for text in readable(row.failure).splitlines()[:MOST_LINES])
    for name in result.causes:
        row = next(row for row in result.variations if row.name == name)
        yield cause(row, quick=result.quick)
        for item in row.differing:
            yield from difference(item)
    also = [row.name for row in result.variations if row.differing and row.name not in result.causes]
    if also:
        yield f"different for no other reason: {', '.join(also)}"


def cause(row: Row, *, quick: bool) -> str:
    """The sentence for a variation that makes a difference."""
    if row.name == AGAIN:
        return "it differs by itself, with nothing varied"
    if row.name == RELEASE:
        return "what lies in out/ is not what a plain build makes"
    if row.name == ALL:
        return "it differs with everything varied" + (
            ": `doit repro` finds out by what" if quick else ", and with nothing alone"
        )
    return f"it differs by: {row.name} ({row.what})"


def difference(item: Difference) -> Iterator[str]:
    """An artefact that differs, in lines."""
    yield f"  {item.artefact}"
    yield from (f"    {readable(entry)}" for entry in item.entries[:MOST_LINES])
    if len(item.entries) > MOST_LINES:
        yield f"    and {len(item.entries) - MOST_LINES} more"
    yield from (f"    likely {source.what}: {readable(source.evidence)}; {source.cure}" for source in item.sources)
    yield from (f"    explained in {path}" for path in item.reports)
    yield from (f"    problem: {readable(problem)}" for problem in item.problems)
