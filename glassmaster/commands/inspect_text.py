"""`doit inspect` for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from glassmaster.inspection.model import Cell, Report, Table

COLUMNS = 80
# Rows of a table that are shown unless all are asked for.
ROWS = 20


def as_text(report: Report, *, everything: bool = False) -> str:
    """The report, and below it what is inside."""
    return "\n".join(_lines(report, everything))


def _lines(report: Report, everything: bool) -> Iterator[str]:
    yield f"{report.name}: {report.what}"
    width = max((len(name) for name, _ in report.facts), default=0)
    for name, value in report.facts:
        first, *rest = textwrap.wrap(value, COLUMNS - width - 4, break_on_hyphens=False, break_long_words=False) or [""]
        yield f"  {name:<{width}}  {first}"
        yield from (" " * (width + 4) + line for line in rest)
    for remark in report.remarks:
        yield from textwrap.wrap(f"note: {remark}", COLUMNS - 2, initial_indent="  ", subsequent_indent="    ")
    for table in report.tables:
        yield ""
        yield from _table(table, everything)
    for inner in report.inside:
        yield ""
        yield from _lines(inner, everything)


def _table(table: Table, everything: bool) -> Iterator[str]:
    rows = table.rows if everything else table.rows[:ROWS]
    names = [column.removeprefix("#") if len(column) > 1 else column for column in table.columns]
    texts = [[_cell(cell, column) for cell, column in zip(row, table.columns, strict=True)] for row in rows]
    widths = [max(len(name), *(len(row[at]) for row in texts)) for at, name in enumerate(names)]
    numbers = [column.startswith("#") and len(column) > 1 for column in table.columns]
    yield f"  {table.title}"
    for row in [names, *texts]:
        cells = [
            f"{cell:>{width}}" if number else f"{cell:<{width}}"
            for cell, width, number in zip(row, widths, numbers, strict=True)
        ]
        yield f"    {'  '.join(cells)}".rstrip()
    if len(table.rows) > len(rows):
        yield f"    and {len(table.rows) - len(rows):,} more (--all shows them)"


def _cell(cell: Cell, column: str) -> str:
    return f"{cell:,}" if isinstance(cell, int) and column not in ("#id", "#") else str(cell)
