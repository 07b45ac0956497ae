"""A serial console: bytes in, lines with times out, milestones found in order."""

from __future__ import annotations

import codecs
import io
import re
from dataclasses import dataclass, field

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?=]*[A-Za-z]|[()][A-Z0-9]|[=>78c])")
# An endless line is cut here, in characters.
LONGEST_LINE = 1 << 16
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
# What no healthy boot prints; seen in Xen, NetBSD and GRUB.
ALARMS = re.compile(
    r"\bpanic(?:: |\s+on CPU)|Panic on CPU|FATAL TRAP|fatal (?:page fault|trap)|Hardware Dom0 crashed"
    r"|domain_crash|Stopped in pid|\bdb(?:\{\d+\})?>|^error: |^grub(?: rescue)?>"
)


@dataclass(frozen=True)
class Expected:
    """A milestone that is waited for: a name, what a line must match, what is typed then ("" for nothing)."""

    name: str
    pattern: str
    answer: str = ""


@dataclass(frozen=True)
class Reached:
    """A milestone that was reached: seconds after the start, and the line that showed it."""

    name: str
    seconds: float
    line: str


@dataclass
class Console:
    """Reads a console. lines: (seconds, text) of each finished line; reached: milestones so far; alarm: a bad line.

    A line counts when it has ended, or stood still for a while: what is seen does not depend on how the bytes come.
    """

    expected: tuple[Expected, ...]
    lines: list[tuple[float, str]] = field(default_factory=list)
    reached: list[Reached] = field(default_factory=list)
    alarm: str = ""
    _partial: str = ""
    _searched: int = 0
    _decoder: io.IncrementalNewlineDecoder = field(
        default_factory=lambda: io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")("replace"), True)
    )

    def feed(self, data: bytes, seconds: float) -> None:
        """Take in what came `seconds` after the start."""
        *finished, self._partial = (self._partial + self._decoder.decode(data)).split("\n")
        for line in finished:
            self._line(self._cut(line, seconds), seconds)
        self._partial = self._cut(self._partial, seconds)

    def quiet(self, seconds: float) -> None:
        """Nothing has come for a while: a line that does not end, such as a menu or a prompt, counts as it stands."""
        line = cleaned(self._partial)
        self._searched = self._look(line, self._searched, seconds)
        self._sound(line)

    def finish(self, seconds: float) -> None:
        """The console has ended: what is left is a line too."""
        if self._partial:
            self._line(self._partial, seconds)
            self._partial = ""

    def _cut(self, line: str, seconds: float) -> str:
        while len(line) > LONGEST_LINE:
            self._line(line[:LONGEST_LINE], seconds)
            line = line[LONGEST_LINE:]
        return line

    def _line(self, line: str, seconds: float) -> None:
        clean = cleaned(line)
        self.lines.append((seconds, clean))
        self._look(clean, self._searched, seconds)
        self._sound(clean)
        self._searched = 0

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
    """The line without terminal escapes and control characters, and without space at its end."""
    return _CONTROL.sub("", _ESCAPES.sub("", line)).rstrip()


def serial_log(lines: list[tuple[float, str]]) -> str:
    """The console as text, each line with the seconds since the start."""
    return "".join(f"[{seconds:8.2f}] {line}\n" for seconds, line in lines)
