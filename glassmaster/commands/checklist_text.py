"""The checklist as text and as JSON."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Sequence
from typing import Any

from glassmaster.commands.checklist_lines import Line

WIDTH, STATE_WIDTH = 80, 15


def as_data(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """For JSON."""
    return [dataclasses.asdict(line) for line in lines]


def as_text(recipe: str, lines: Sequence[Line]) -> str:
    """The checklist of a recipe for a terminal of 80 columns; digests stand whole, on lines of their own."""
    text = [f"Bootstrap checklist of {recipe}", ""]
    for line in lines:
        text += _wrapped(f"{line.state:<{STATE_WIDTH}}{line.says}", "")
        if line.reason:
            text += _wrapped(line.reason, " " * STATE_WIDTH)
        for item in line.evidence:
            text += [f"{'':{STATE_WIDTH}}{item.path} ({item.size:,} bytes)", f"{'':{STATE_WIDTH}}{item.sha256}"]
    count = {state: sum(line.state == state for line in lines) for state in ("done", "stale", "to do", "not built yet")}
    return "\n".join([*text, "", "; ".join(f"{number} {state}" for state, number in count.items() if number)])


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=" " * STATE_WIDTH,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
