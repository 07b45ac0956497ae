"""The live view: finished tasks and output as lines that scroll away, below them what runs now.

Only made where there is a terminal. rich is imported when the first task starts, not when nothing has to run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glassmaster.doit_plugins.observed import Event
from glassmaster.doit_plugins.plain import amount_text, finish, log_line
from glassmaster.doit_plugins.streams import Output, printable
from glassmaster.doit_plugins.summary import Summary, size_text

if TYPE_CHECKING:
    from rich.progress_bar import ProgressBar
    from rich.table import Table

SECONDS_BETWEEN = 0.1
_BAR = 12
_AMOUNT = len("999.9 of 999.9 MB")


@dataclass
class _Running:
    """A task that runs. begin, label_begin: clock. progress: its last event of that kind."""

    begin: float
    label_begin: float = 0.0
    progress: Event | None = None


class LiveView:
    """A picture of the running tasks on a terminal. clock: seconds, for the times that move."""

    def __init__(self, results: Output, terminal: Output, clock: Callable[[], float]) -> None:
        self._results = results
        self._terminal = terminal
        self._clock = clock
        self._summary = Summary()
        self._begin = clock()
        self._running: dict[str, _Running] = {}
        self._done = 0
        self._total = 0
        self._live: Any = None
        self._spoke = False
        self._next = 0.0
        self._lent = False
        self.tick: Callable[[], None] | None = self._tick

    def show(self, event: Event) -> None:
        """Change the picture, and let an event's line scroll by above it."""
        self._summary.collect(event)
        kind = event["event"]
        if kind == "run-start":
            self._total = event["total"]
        elif kind == "task-start":
            self._start(event)
        elif kind == "progress":
            self._note_progress(event)
        elif kind in ("task-success", "task-failure", "task-up-to-date", "task-ignored"):
            self._running.pop(event["task"], None)
            self._done += 1
            self._take_back()
        elif kind == "run-end":
            self._stop()
            finish(self._summary, event, self._results, self._terminal, blank=self._spoke)
            return
        if kind not in ("task-start", "progress"):
            self._print(log_line(event), failed=kind == "task-failure")

    def _start(self, event: Event) -> None:
        self._running[event["task"]] = _Running(self._clock())
        if event["takes_terminal"]:
            self._stop()
            self._lent = True
        elif self._live is None and not self._lent:
            from rich.console import Console
            from rich.live import Live

            console = Console(file=self._terminal.stream, highlight=False, soft_wrap=True)
            # What else writes to standard error meanwhile (doit has warnings) scrolls by above the picture.
            self._live = Live(console=console, auto_refresh=False, transient=True, get_renderable=self._picture)
            self._live.start()
            console.show_cursor(True)  # nobody would show it again if we were killed
        self._refresh()

    def _take_back(self) -> None:
        """A task that had the terminal for itself has ended."""
        self._lent = False

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _note_progress(self, event: Event) -> None:
        running = self._running.get(event["task"])
        if running is not None:
            before, running.progress = running.progress, event
            if before is None or before["label"] != event["label"]:
                running.label_begin = self._clock()
                self._refresh()
            else:
                self._tick()

    def _print(self, line: str | None, *, failed: bool) -> None:
        if line is None:
            return
        self._spoke = True
        if self._live is None:
            self._terminal.write(f"{line}\n")
        else:
            from rich.text import Text

            self._live.console.print(Text(line, style="bold red" if failed else ""))

    def _tick(self) -> None:
        if self._clock() >= self._next:
            self._refresh()

    def _refresh(self) -> None:
        if self._live is not None:
            self._next = self._clock() + SECONDS_BETWEEN
            self._live.refresh()

    def _picture(self) -> Table:
        from rich.table import Table

        now = self._clock()
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=3)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=2)
        table.add_column(width=_BAR)
        table.add_column(no_wrap=True, justify="right", min_width=_AMOUNT)
        table.add_column(no_wrap=True, justify="right", width=9)
        for name, running in list(self._running.items()):  # rich may draw in another thread than the one that hears
            event = running.progress
            label, amount, time = "", "", _duration(now - running.begin)
            bar: ProgressBar | str = ""
            if event is not None:
                label, amount = printable(event["label"]), amount_text(event)
                if event["total"]:
                    bar = _bar(event["done"], event["total"])
                    spent = now - running.label_begin
                    label += _rate(spent, event)
                    left = _seconds_left(spent, event["done"], event["total"])
                    time = time if left is None else f"{_duration(left)} left"
            table.add_row(printable(name), label, bar, amount, time)
        total = max(self._total, self._done, 1)  # delayed tasks may be more than was known
        table.add_row(
            "all tasks", "", _bar(self._done, total), f"{self._done} of {total}", _duration(now - self._begin)
        )
        return table


def _bar(done: float, total: float) -> ProgressBar:
    from rich.progress_bar import ProgressBar

    return ProgressBar(total, min(done, total), width=_BAR, complete_style="cyan", finished_style="green")


def _duration(seconds: float) -> str:
    """m:ss, or h:mm:ss."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _rate(spent: float, event: Event) -> str:
    """How many bytes a second, as long as the label is the same; nothing as long as that says nothing."""
    told = event["unit"] == "bytes" and event["done"] > 0 and spent >= 1
    return f", {size_text(event['done'] / spent)}/s" if told else ""


def _seconds_left(spent: float, done: float, total: float) -> float | None:
    """If it goes on as fast as until now; None as long as that says nothing."""
    return spent * (total - done) / done if done > 0 and spent >= 1 else None
