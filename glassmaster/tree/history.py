"""What layers did to one path, from the last one back to the first: who put it there, what it hid, where it went.

The other way round than `merge`: that asks what comes out, this asks how it came about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from glassmaster.tree.entry import Entry
from glassmaster.tree.layer import Layer
from glassmaster.tree.path import ROOT

# puts: it has an entry for the path. fills: it has none, but something below it, so that a directory had to be.
# deletes: it takes out what the layers below have there. brings, takes: it moves something to this path, or away.
Did = Literal["puts", "fills", "deletes", "brings", "takes"]


@dataclass(frozen=True, slots=True)
class Event:
    """What a layer did to a path.

    layer: its number, counted from 0. path: the name that the thing had just then: another one before it was moved.
    entry: what it put. other: what it filled a directory with, deleted it with, or moved it from or to.
    """

    layer: int
    origin: str
    did: Did
    path: str
    entry: Entry | None = None
    other: str = ""


def history(layers: Sequence[Layer], path: str) -> tuple[Event, ...]:
    """What happened to a path, the last thing first, back to the first layer that knew of it."""
    events: list[Event] = []
    for number, layer in reversed(list(enumerate(layers))):
        for event in _of_layer(number, layer, path):
            events.append(event)
            if event.did == "brings":
                path = event.other
    return tuple(events)


def _of_layer(number: int, layer: Layer, path: str) -> Iterator[Event]:
    """In the reverse of the order in which `merge` does it: entries, what was moved, what was deleted."""
    entry = next((entry for entry in layer.entries if entry.path == path), None)
    if entry is not None:
        yield Event(number, layer.origin, "puts", path, entry)
    elif inner := min((entry.path for entry in layer.entries if covers(path, entry.path)), default=""):
        yield Event(number, layer.origin, "fills", path, other=inner)
    before = _name_before(path, layer.moved)
    if before != path:
        yield Event(number, layer.origin, "brings", path, other=before)
    elif after := _moved(path, layer.moved):
        yield Event(number, layer.origin, "takes", path, other=after)
    if gone := next((top for top in layer.deleted if covers(top, before)), ""):
        yield Event(number, layer.origin, "deletes", before, other=gone)


def _moved(path: str, moved: Mapping[str, str]) -> str:
    """Where a path goes, "" if it stays: the nearest line above it counts."""
    old = max((old for old in moved if covers(old, path)), key=len, default="")
    return moved[old] + path[len(old) :] if old else ""


def _name_before(path: str, moved: Mapping[str, str]) -> str:
    """What a path was called before the moves."""
    for old, new in moved.items():
        before = old + path[len(new) :]
        if covers(new, path) and _moved(before, moved) == path:
            return before
    return path


def covers(top: str, path: str) -> bool:
    """Whether a path is `top` or lies below it."""
    return top in (ROOT, path) or path.startswith(f"{top}/")
