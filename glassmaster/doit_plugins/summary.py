"""The end of a run as text: what ran, why, how long, what it made; and failures."""

from __future__ import annotations

from glassmaster.doit_plugins.observed import Event
from glassmaster.doit_plugins.streams import printable

# doit's word for a task that did not run since another one had failed.
NOT_RUN = "UnmetDependency"
_UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
# Columns that each text column of the table keeps on a narrow terminal.
_LEAST = 12
# Reasons can be long; `doit plan` and the events tell them fully.
_WHY = 64


def size_text(size: float, done: float | None = None) -> str:
    """Bytes for people: 999 B, 5.4 MB; with a part of them, in the same unit: 1.0 of 5.4 MB."""
    scale, unit = next((item for item in _UNITS if size >= item[0]), (1, "B"))
    digits = 0 if scale == 1 else 1
    part = "" if done is None else f"{done / scale:,.{digits}f} of "
    return f"{part}{size / scale:,.{digits}f} {unit}"


def made_text(event: Event, *, short: bool = False) -> str:
    """What a task made: its first file, and how many more. short: without the directory, for a narrow table."""
    targets = event["targets"]
    if not targets:
        return ""
    first, more = targets[0], len(targets) - 1
    path = printable(first["path"])
    size = "" if first["size"] is None else f" ({size_text(first['size'])})"
    return (path.rpartition("/")[2] if short else path) + size + (f" and {more} more" if more else "")


def why_text(event: Event) -> str:
    """Why a task runs: the first reason, and how many more."""
    why = event["why"]
    if not why:
        return ""
    return _short(printable(why[0]), _WHY) + (f", and {len(why) - 1} more" if len(why) > 1 else "")


class Summary:
    """Collects what a run did."""

    def __init__(self) -> None:
        self._ended: list[Event] = []
        self._why: dict[str, str] = {}
        self._failures: list[Event] = []
        self._errors: list[Event] = []
        self.results: list[str] = []

    def collect(self, event: Event) -> None:
        """Take an event."""
        kind = event["event"]
        if kind == "task-start":
            self._why[event["task"]] = why_text(event)
        elif kind == "task-success":
            self._ended.append(event)
        elif kind == "task-failure":
            self._failures.append(event)
            if event["kind"] != NOT_RUN:
                self._ended.append(event)
        elif kind == "result":
            self.results.append(event["text"])
        elif kind == "error":
            self._errors.append(event)

    def table(self, end: Event, width: int | None) -> str:
        """The table and a line on the run; width: columns that there are, None if lines may be of any length."""
        rows = [self._row(event, short=width is not None) for event in self._ended]
        lines = _table([("task", "why", "time", "made"), *rows], width) if rows else []
        return "".join(f"{line}\n" for line in [*lines, _line(end, stopped=bool(self._errors) and not rows)])

    def _row(self, event: Event, *, short: bool) -> tuple[str, str, str, str]:
        name, seconds = event["task"], event["seconds"]
        time = "" if seconds is None else f"{seconds:.2f} s"
        made = made_text(event, short=short) if event["event"] == "task-success" else "FAILED"
        return (printable(name), self._why.get(name, ""), time, made)

    def failures(self) -> str:
        """Everything that went wrong, each once; the last thing that is shown."""
        blocks = [_failure(event) for event in self._failures if event["kind"] != NOT_RUN]
        not_run = [printable(event["task"]) for event in self._failures if event["kind"] == NOT_RUN]
        if not_run:
            blocks.insert(0, f"not run, since a task that they need failed: {', '.join(not_run)}\n")
        return "\n".join([*blocks, *(f"{_lines(event['message'])}\n" for event in self._errors)])


def _line(end: Event, *, stopped: bool) -> str:
    ran, up_to_date = end["ran"], end["up_to_date"]
    seconds = f"{end['seconds']:.2f} s"
    if end["interrupted"]:
        return f"interrupted after {seconds}; {_tasks(ran)} done"
    if not ran and not end["failed"] and not stopped:
        return "nothing to do" if not up_to_date else f"up to date: {_tasks(up_to_date)} checked in {seconds}"
    if stopped:
        return f"stopped by an error after {seconds}"
    parts = [f"{_tasks(ran)} done in {seconds}"]
    for name in ("up_to_date", "ignored", "failed", "not_run"):
        parts += [f"{end[name]} {name.replace('_', ' ')}"] if end[name] else []
    return ", ".join(parts)


def _tasks(count: int) -> str:
    return f"{count} task" if count == 1 else f"{count} tasks"


def _failure(event: Event) -> str:
    after = "" if event["seconds"] is None else f" after {event['seconds']:.2f} s"
    lines = [f"{printable(event['task'])} failed{after}:", _lines(event["message"])]
    if event["command"]:
        lines.append(f"  the command: {_lines(event['command'])}")
    if event["log"]:
        lines += ["  the last lines that it printed:", *(f"    | {printable(line)}" for line in event["log"])]
    lines.append(f"  to run it again: {event['repeat']}")
    return "".join(f"{line}\n" for line in lines)


def _lines(text: str) -> str:
    return "\n".join(map(printable, text.splitlines()))


def _table(rows: list[tuple[str, str, str, str]], width: int | None) -> list[str]:
    """Columns two spaces apart; on a narrow terminal the texts are shortened, the widest first, the times never."""
    if not any(why for _, why, _, _ in rows[1:]):
        rows = [(task, "", seconds, made) for task, _, seconds, made in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    if width is not None:
        while sum(widths) + 6 > width:
            widest = max((0, 1, 3), key=lambda column: widths[column])
            if widths[widest] <= _LEAST:
                break
            widths[widest] -= 1
    return [
        "  ".join(
            [
                _short(task, widths[0]).ljust(widths[0]),
                *([_short(why, widths[1]).ljust(widths[1])] if widths[1] else []),
                seconds.rjust(widths[2]),
                _short_path(made, widths[3]),
            ]
        ).rstrip()
        for task, why, seconds, made in rows
    ]


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def _short_path(text: str, width: int) -> str:
    """Of a path the end says more."""
    return text if len(text) <= width else "..." + text[3 - width :]
