"""How all machines stand, for a terminal, as JSON and as a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from glassmaster.errors import readable
from glassmaster.fleet.compare import Standing
from glassmaster.pages.page import render

FORMAT = 1
COLUMNS = ("machine", "release", "", "since", "configuration", "")
TONES = {"newest": "good", "same": "good", "behind": "warn", "changed": "warn", "unknown": "bad", "silent": "bad"}


def table(standings: Sequence[Standing]) -> str:
    """A row for each machine, what to look at below it, and a summary."""
    rows = [COLUMNS, *(_row(item) for item in standings)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = []
    for row, item in zip(rows, [None, *standings], strict=True):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join(cells).rstrip())
        lines += [f"    {readable(remark)}" for remark in (item.remarks if item else ())]
    return "\n".join([*lines, "", summary(standings)])


def summary(standings: Sequence[Standing]) -> str:
    """How many there are, and how many need looking at."""
    counts = [
        (sum(item.good for item in standings), "as it should be"),
        (sum(item.release == "behind" for item in standings), "behind"),
        (sum(item.release == "unknown" for item in standings), "with a release that is not published"),
        (sum(item.config in ("behind", "changed") for item in standings), "with another configuration"),
        (sum(item.release == "silent" for item in standings), "silent"),
    ]
    number = len(standings)
    said = ", ".join(f"{count} {what}" for count, what in counts if count)
    return f"{number} {'machine' if number == 1 else 'machines'}{': ' if said else ''}{said}"


def as_json(standings: Sequence[Standing]) -> dict[str, Any]:
    """All of it; docs/fleet.md has the keys."""
    machines = []
    for item in standings:
        line = asdict(item.line) if item.line else None
        if line:
            line["global"] = line.pop("global_")
        machines.append({**asdict(item), "line": line, "good": item.good})
    return {"format": FORMAT, "machines": machines}


def page(standings: Sequence[Standing]) -> str:
    """The page. Same standings, same text."""
    good = all(item.good for item in standings)
    latest = max((item.line.reported for item in standings if item.line), default="")
    return render(
        "fleet.html.j2", package="glassmaster.fleet", standings=standings, summary=summary(standings), good=good,
        latest=latest, tones=TONES, release_word=_release_word, config_word=_config_word, revisions=_revisions,
    )  # fmt: skip


def _row(item: Standing) -> tuple[str, ...]:
    line = item.line
    if line is None:
        return item.name, "-", "has not reported", "", "", ""
    return item.name, line.release, _release_word(item), line.since, _revisions(item), _config_word(item)


def _release_word(item: Standing) -> str:
    return {
        "newest": "newest", "behind": f"{item.behind} behind {item.newest}", "unknown": "not published",
        "unjudged": "", "silent": "has not reported",
    }[item.release]  # fmt: skip


def _config_word(item: Standing) -> str:
    return {"same": "as in the tree", "behind": "behind", "changed": "changed", "unjudged": ""}[item.config]


def _revisions(item: Standing) -> str:
    return ", ".join(filter(None, [item.line.local, item.line.global_])) if item.line else ""
