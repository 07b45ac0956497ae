"""The commands that docs tell readers to type, in their order.

A block is indented by four, or fenced without a language. Where lines begin with `$` those are commands and the others
what is printed; otherwise, if a line begins with `./doit`, every line is a command. A comment above the block changes
how it is run:

    <!-- run: exit 1 -->          the last `./doit` of the block ends with that status
    <!-- not run: REASON -->      it cannot be run by a test, and the reason
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
MARKER = re.compile(r"<!-- (?P<kind>run|not run): (?P<text>.*?) -->")
FENCE = re.compile(r"```(?P<language>\w*)")
# What has brackets is a synopsis.
DOIT = re.compile(r"(GLASSMASTER_\w+=\S+ )*(\./)?doit( (?!.* \[)|$)")


@dataclass(frozen=True)
class Block:
    """Commands of one block. status: of the last one; reason: why it cannot be run, "" if it can."""

    page: str
    line: int
    commands: tuple[str, ...]
    status: int = 0
    reason: str = ""

    @property
    def doits(self) -> tuple[str, ...]:
        """Those that start doit."""
        return tuple(command for command in self.commands if DOIT.match(command))


def blocks(page: str, text: str) -> list[Block]:
    """The blocks of a page that have a command in them."""
    found = []
    marker = ""
    for line, part in _raw_blocks(text.splitlines()):
        if isinstance(part, str):
            marker = part
            continue
        commands = _commands(part)
        if any(DOIT.match(command) for command in commands):
            found.append(_block(page, line, commands, marker))
        elif marker:
            raise AssertionError(f"{page}:{line}: a marker above a block without a command")
        marker = ""
    assert not marker, f"{page}: a marker at the end"
    return found


def _block(page: str, line: int, commands: tuple[str, ...], marker: str) -> Block:
    match = MARKER.fullmatch(marker)
    if match is None:
        return Block(page, line, commands)
    if match["kind"] == "not run":
        return Block(page, line, commands, reason=match["text"])
    status = re.fullmatch(r"exit ([0-9]+)", match["text"])
    assert status, f"{page}:{line}: not understood: {marker}"
    return Block(page, line, commands, status=int(status[1]))


def _commands(lines: list[str]) -> tuple[str, ...]:
    """With a `$` those lines alone, for the others are what is printed; without, every line that is no comment."""
    if any(line.startswith("$ ") for line in lines):
        return tuple(line[2:] for line in lines if line.startswith("$ "))
    if not any(DOIT.match(line) for line in lines):
        return ()
    return tuple(line for line in lines if line.strip() and not line.startswith("#"))


def _raw_blocks(lines: list[str]) -> list[tuple[int, list[str] | str]]:
    """Markers, as text, and the lines of blocks, each with its first line's number."""
    found: list[tuple[int, list[str] | str]] = []
    number = 0
    while number < len(lines):
        line = lines[number]
        fence = FENCE.match(line)
        if MARKER.fullmatch(line):
            found.append((number + 1, line))
            number += 1
        elif fence:
            end = next(at for at in range(number + 1, len(lines)) if lines[at].startswith("```"))
            if not fence["language"]:
                found.append((number + 2, lines[number + 1 : end]))
            number = end + 1
        elif line.startswith("    ") and (number == 0 or not lines[number - 1].strip()):
            end = number
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                end += 1
            found.append((number + 1, [text[4:] for text in lines[number:end]]))
            number = end
        else:
            number += 1
    return found
