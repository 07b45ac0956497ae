"""What happened when, as bars: the milestones of a boot in SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from glassmaster.errors import readable

WIDTH = 1080.0
ROW, BAR, NAMES, END = 26.0, 14.0, 340.0, 70.0
LETTER = 6.9


@dataclass(frozen=True, slots=True)
class Bar:
    """Something that took from `begin` to `end`, in seconds. bad: it was waited for in vain."""

    name: str
    begin: float
    end: float
    bad: bool = False


def boot_bars(boot: Mapping[str, Any]) -> list[Bar]:
    """A boot of smoke.json: each milestone with the time since the one before, and the one that did not come."""
    bars, before = [], 0.0
    for item in boot["reached"]:
        bars.append(Bar(item["name"], before, item["seconds"]))
        before = item["seconds"]
    if boot["failure"]:
        missing = boot["expected"][len(bars) :]
        bars.append(Bar(missing[0] if missing else "the end", before, max(boot["seconds"], before), bad=True))
    return bars


def timeline(bars: Sequence[Bar], *, title: str) -> Markup:
    """One bar below the other on an axis of seconds."""
    last = max((bar.end for bar in bars), default=0.0)
    scale = (WIDTH - NAMES - END) / (last or 1.0)
    height = ROW * len(bars) + 24
    words = "; ".join(f"{bar.name} {_ended(bar)}" for bar in bars)
    drawn = [_axis(last, scale, height), *(_bar(bar, number, scale) for number, bar in enumerate(bars))]
    return Markup('<svg class="timeline" viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, height, readable(f"{title}: {words}"), Markup("").join(drawn)
    )


def ticks(last: float) -> list[float]:
    """Round numbers from 0 to `last`, at most nine of them."""
    step = next(digit * 10.0**power for power in range(-2, 9) for digit in (1, 2, 5) if last <= 8 * digit * 10.0**power)
    return [number * step for number in range(int(last / step + 1e-9) + 1)]


def _ended(bar: Bar) -> str:
    return f"not within {bar.end:.2f} s" if bar.bad else f"at {bar.end:.2f} s"


def _axis(last: float, scale: float, height: float) -> Markup:
    marks = [
        Markup(
            '<line class="tick" x1="{0:.1f}" y1="0" x2="{0:.1f}" y2="{1:.0f}"/>'
            '<text class="tick" x="{0:.1f}" y="{2:.0f}">{3:g} s</text>'
        ).format(NAMES + at * scale, height - 20, height - 6, at)
        for at in ticks(last)
    ]
    return Markup("").join(marks)


def _bar(bar: Bar, number: int, scale: float) -> Markup:
    y, begin, width = number * ROW, NAMES + bar.begin * scale, max((bar.end - bar.begin) * scale, 1.5)
    room = int(NAMES / LETTER) - 2
    name = readable(bar.name)
    shown = name if len(name) <= room else name[: room - 1] + "\N{HORIZONTAL ELLIPSIS}"
    words = f"{bar.name}: {_ended(bar)}, {bar.end - bar.begin:.2f} s after the one before"
    return Markup(
        '<g><title>{}</title><text class="name" x="{:.0f}" y="{:.1f}">{}</text>'
        '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.0f}" rx="2"/>'
        '<text x="{:.1f}" y="{:.1f}">{:.2f} s</text></g>'
    ).format(
        readable(words), NAMES - 12, y + 16, shown, "bad" if bar.bad else "bar", begin, y + 5, width, BAR,
        begin + width + 6, y + 16, bar.end,
    )  # fmt: skip
