"""`doit why` for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from glassmaster.commands.why_found import Answer, Step
from glassmaster.commands.why_sources import Source
from glassmaster.tree.entry import Entry

COLUMNS = 80
WIDTH = 10
_SOURCE = (("file", "file"), ("fetched", "url"), ("owner", "owner"), ("recipe", "recipe"))
KINDS = {"file": "file", "dir": "directory", "link": "symbolic link"}


def as_text(answer: Answer) -> str:
    """No wider than a terminal but for words that are."""
    rows = list(_rows(answer))
    lines = [_head(answer)]
    for name, text in rows:
        lines += _wrapped(name, text)
    return "\n".join(lines)


def _head(answer: Answer) -> str:
    where = f"/{answer.path}" if answer.path != "." else "/"
    image = "the CD" if answer.image == "dom0" else answer.image
    if answer.entry is None:
        return f"{where}: not on {image} of {answer.recipe}"
    return f"{where}: {described(answer.entry, answer.owner)} on {image} of {answer.recipe}"


def described(entry: Entry, owner: str) -> str:
    """What an entry is."""
    size = f" of {entry.size:,} bytes" if entry.kind == "file" else f" to {entry.link}" if entry.kind == "link" else ""
    return f"{KINDS[entry.kind]}{size}, {entry.mode:04o} {owner} ({entry.uid}:{entry.gid})"


def _rows(answer: Answer) -> Iterator[tuple[str, str]]:
    if answer.stale:
        yield "stale", answer.stale
    if answer.entry is not None:
        yield "from", answer.origin
        yield from _of_source(answer.source)
    if answer.entry is None and answer.link:
        yield "link", f"it lies below a symbolic link: {answer.link}"
    for step in answer.moves:
        yield ("before" if step.entry else "moved" if "moves" in step.said else "deleted"), _step(step)
    for step in answer.hid:
        yield ("also in" if step.same else "hid"), _step(step)
    if answer.names:
        yield "names", f"the same file as {', '.join(f'/{name}' for name in answer.names)}"
    if answer.near:
        yield "near", ", ".join(f"/{path}" for path in answer.near)


def _of_source(source: Source) -> Iterator[tuple[str, str]]:
    for name, field in _SOURCE:
        if text := getattr(source, field):
            yield name, text
    for reason in source.why:
        yield "why", reason


def _step(step: Step) -> str:
    parts = [step.origin]
    if step.entry is None:
        parts.append(step.said)
    elif not step.same:
        parts.append(described(step.entry, step.owner))
    parts += [step.source.file] if step.source.file and not step.same else []
    return ": ".join(parts)


def _wrapped(name: str, text: str) -> list[str]:
    lines = textwrap.wrap(
        text, COLUMNS - WIDTH - 2, break_long_words=False, break_on_hyphens=False
    ) or [""]  # fmt: skip
    return [f"  {name:<{WIDTH - 2}}  {lines[0]}", *(" " * (WIDTH + 2) + line for line in lines[1:])]
