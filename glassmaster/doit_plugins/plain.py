"""Events as lines of a log: seconds since the start, the task's name, what happened."""

from __future__ import annotations

from collections.abc import Callable

from glassmaster.doit_plugins.observed import Event
from glassmaster.doit_plugins.streams import Output, columns, is_terminal, printable
from glassmaster.doit_plugins.summary import NOT_RUN, Summary, made_text, size_text, why_text

# How long a task may be silent before a log has a word on how far it is.
SECONDS_BETWEEN = 10.0


def log_line(event: Event) -> str | None:
    """The line for an event; None if it has none."""
    words = _words(event)
    return None if words is None else f"{event['time']:8.2f} s  {printable(event['task'])} {words}".rstrip()


def _words(event: Event) -> str | None:
    kind = event["event"]
    if kind == "task-start":
        why = why_text(event)
        return "starts" + (f": {why}" if why else "")
    if kind == "output":
        return f"| {printable(event['line'])}"
    if kind == "progress":
        return f"{printable(event['label'])}: {amount_text(event)}"
    if kind == "task-success":
        made = made_text(event)
        return f"done in {event['seconds']:.2f} s" + (f": {made}" if made else "")
    if kind == "task-failure" and event["kind"] == NOT_RUN:
        return "not run, a task that it needs failed"
    if kind == "task-failure":
        return "FAILED" + ("" if event["seconds"] is None else f" after {event['seconds']:.2f} s")
    if kind == "task-ignored":
        return "ignored"
    return None


def amount_text(event: Event) -> str:
    """How much is done: `3 of 8`, `12.1 of 30.0 MB`."""
    done, total = event["done"], event["total"]
    if event["unit"] != "bytes":
        return f"{done:g}" + ("" if total is None else f" of {total:g}")
    return size_text(done) if total is None else size_text(total, done)


class PlainView:
    """Lines to `log` while it runs; at the end the summary to `log`, results to `results`, failures last to `log`."""

    tick: Callable[[], None] | None = None

    def __init__(self, results: Output, log: Output) -> None:
        self._results = results
        self._log = log
        self._summary = Summary()
        self._spoke: dict[str, float] = {}
        self._silent = True

    def show(self, event: Event) -> None:
        """Write an event's line, if it has one."""
        self._summary.collect(event)
        if event["event"] == "run-end":
            finish(self._summary, event, self._results, self._log, blank=not self._silent)
            return
        if event["event"] == "progress" and event["time"] - self._spoke.get(event["task"], 0.0) < SECONDS_BETWEEN:
            return
        line = log_line(event)
        if line is not None:
            self._silent = False
            self._spoke[event["task"]] = event["time"]
            self._log.write(f"{line}\n")


def finish(summary: Summary, end: Event, results: Output, log: Output, *, blank: bool) -> None:
    """The end of a run, for people. blank: whether other lines stand above."""
    width = columns(log.stream) if is_terminal(log.stream) else None
    log.write(("\n" if blank else "") + summary.table(end, width))
    for text in summary.results:
        results.write(f"\n{text}\n")
    failures = summary.failures()
    if failures:
        log.write(f"\n{failures}")
