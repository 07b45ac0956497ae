"""A serial console: bytes in, lines with times out, milestones found in order."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?=]*[A-Za-z]|[()][A-Z0-9]|[=>78c])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
# What no healthy boot prints; seen in Xen, NetBSD and GRUB.
ALARMS = re.compile(
    r"\bpanic(?:: |\s+on CPU)|Panic on CPU|FATAL TRAP|fatal (?:page fault|trap)|Hardware Dom0 crashed"
    r"|domain_crash|Stopped in pid|\bdb(?:\{\d+\})?>|^error: "
)


@dataclass(frozen=True)
class Expected:
    """A milestone that is waited for: a name and what a line must match."""

    name: str
    pattern: str


@dataclass(frozen=True)
class Reached:
    """A milestone that was reached: seconds after the start, and the line that showed it."""

    name: str
    seconds: float
    line: str


@dataclass
class Console:
    """Reads a console. lines: (seconds, text) of each finished line; reached: milestones so far; alarm: a bad line."""

    expected: tuple[Expected, ...]
    lines: list[tuple[float, str]] = field(default_factory=list)
    reached: list[Reached] = field(default_factory=list)
    alarm: str = ""
    _partial: str = ""
    _searched: int = 0

    def feed(self, data: bytes, seconds: float) -> None:
        """Take in what came `seconds` after the start."""
        text = self._partial + data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
        *finished, self._partial = text.split("\n")
        for line in finished:
            clean = cleaned(line)
            self.lines.append((seconds, clean))
            self._look(clean, self._searched, seconds)
            self._sound(clean)
            self._searched = 0
        # A prompt or GRUB's menu does not end its line: it is searched as it grows, each part once.
        self._searched = self._look(cleaned(self._partial), self._searched, seconds)

    def quiet(self) -> None:
        """Nothing has come for a while: a line that does not end, such as a debugger's prompt, counts as it stands."""
        self._sound(cleaned(self._partial))

    def finish(self, seconds: float) -> None:
        """The console has ended: what is left is a line too."""
        if self._partial:
            self.lines.append((seconds, cleaned(self._partial)))
            self.quiet()
            self._partial = ""

    @property
    def waiting_for(self) -> Expected | None:
        """The next milestone, or None when all were reached."""
        return self.expected[len(self.reached)] if len(self.reached) < len(self.expected) else None

    def _sound(self, line: str) -> None:
        if not self.alarm and ALARMS.search(line):
            self.alarm = line.strip()

    def _look(self, text: str, start: int, seconds: float) -> int:
        """Find milestones from `start` on, each behind the one before; return where to go on."""
        while (waiting := self.waiting_for) is not None:
            match = re.compile(waiting.pattern).search(text, start)
            if match is None:
                break
            self.reached.append(Reached(waiting.name, round(seconds, 2), text[match.start() :].strip()))
            start = match.end()
        return start


def cleaned(line: str) -> str:
    """The line without terminal escapes and control characters."""
    return _CONTROL.sub("", _ESCAPES.sub("", line)).rstrip()


def serial_log(lines: list[tuple[float, str]]) -> str:
    """The console as text, each line with the seconds since the start."""
    return "".join(f"[{seconds:8.2f}] {line}\n" for seconds, line in lines)
