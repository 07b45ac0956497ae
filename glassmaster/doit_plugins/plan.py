"""`doit plan`: what a run would do and why, without doing it."""

from __future__ import annotations

import dataclasses
import json
import textwrap
from collections.abc import Sequence
from typing import Any

from doit.task import Task

from glassmaster.doit_plugins.command import JSON, Option
from glassmaster.doit_plugins.looking import LookingCommand
from glassmaster.doit_plugins.outlook import Outlook, outlook

WIDTH, INDENT = 80, 4
# So many reasons of one task are shown; --all and --json have them all.
REASONS = 5
ALL: Option = {
    "name": "show_all", "short": "a", "long": "all", "type": bool, "default": False,
    "help": "also show what is up to date, and every reason",
}  # fmt: skip


class Plan(LookingCommand):
    """doit's command."""

    name = "plan"
    doc_purpose = "show what would run and why, without running it"
    doc_usage = "[TASK ...]"
    doc_description = (
        "Each task that would run, with what changed since it last ran; time by how long it took then. "
        "`may run`: a task before it would run, and it runs too if something else than last time comes out. "
        "Runs nothing, writes nothing, waits for nobody. Exit status: 0, also when there is nothing to do."
    )
    examples = ("plan", "plan iso --all", "plan iso --json")
    cmd_options = (ALL, JSON)

    def fetches(self, tasks: Sequence[Task]) -> tuple[dict[str, int], list[str]]:
        """What would have to be downloaded if these tasks ran: bytes by name, and remarks. For subclasses."""
        return {}, []

    def _execute(self, show_all: bool, as_json: bool, pos_args: list[str]) -> int:
        tasks = self.all_tasks()
        items = outlook(tasks, self.asked_for(tasks, pos_args), self.dep_manager)
        sizes, remarks = self.fetches([tasks[item.name] for item in items if item.will in ("run", "may run")])
        if as_json:
            print(json.dumps(as_data(items, sizes, remarks), indent=1))
        else:
            print(as_text(items, sizes, remarks, show_all=show_all))
        return 0


def as_data(items: Sequence[Outlook], sizes: dict[str, int], remarks: Sequence[str]) -> dict[str, Any]:
    """The plan as JSON. seconds: of the tasks that will surely run and whose time is known; null when none is."""
    known = [item.seconds for item in items if item.will == "run" and item.seconds is not None]
    return {
        "tasks": [dataclasses.asdict(item) for item in items],
        "seconds": sum(known) if known else None,
        "fetch": {"bytes": sum(sizes.values()), "files": sizes, "remarks": list(remarks)},
    }


def as_text(items: Sequence[Outlook], sizes: dict[str, int], remarks: Sequence[str], *, show_all: bool) -> str:
    """The plan for a terminal of 80 columns."""
    lines: list[str] = []
    for item in items:
        if item.will in ("run", "may run") or show_all:
            lines += _lines(item, show_all)
    count = {will: sum(item.will == will for item in items) for will in ("run", "may run", "up to date", "ignored")}
    words = [f"{number} {_WORDS[will]}" for will, number in count.items() if number]
    lines += ["", "; ".join(words) or "no tasks"] if lines else ["; ".join(words) or "no tasks"]
    known = [item.seconds for item in items if item.will == "run" and item.seconds is not None]
    if known:
        unknown = count["run"] - len(known)
        lines.append(f"about {sum(known):.1f} s" + (f", and {unknown} of unknown time" if unknown else ""))
    if sizes:
        lines.append(f"{sum(sizes.values()):,} bytes to fetch: {', '.join(sizes)}")
    return "\n".join([*lines, *remarks])


_WORDS = {"run": "to run", "may run": "may run", "up to date": "up to date", "ignored": "ignored"}


def _lines(item: Outlook, show_all: bool) -> list[str]:
    time = f"  ({item.seconds:.1f} s last time)" if item.seconds is not None and item.will != "up to date" else ""
    lines = [f"{item.will:<10}  {item.name}{time}"]
    shown = item.reasons if show_all else item.reasons[:REASONS]
    for reason in shown:
        lines += _wrapped(str(reason))
    if len(shown) < len(item.reasons):
        lines += _wrapped(f"and {len(item.reasons) - len(shown)} more (--all)")
    if item.will == "may run":
        lines += _wrapped(f"if something else comes out of {', '.join(item.after)}")
    if item.missing:
        lines += _wrapped("and will fail: no task makes what is missing")
    return lines


def _wrapped(text: str) -> list[str]:
    """A reason below its task. Paths are not broken, so that they can be copied."""
    indent = " " * INDENT
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent * 2, break_long_words=False, break_on_hyphens=False
    )
