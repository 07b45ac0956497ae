"""The changes of a comparison as rows of a page: one line in words each, and both states for those who ask."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from glassmaster.diff.model import Change, State, TreeDiff
from glassmaster.errors import readable
from glassmaster.pages.units import change_text

# Digits of a digest that a page shows: enough to tell files apart, and diff.json has all of them.
DIGITS = 16
ARROW = "\N{RIGHTWARDS ARROW}"
GRADES = {
    "recompiled": "recompiled only",
    "text": "text",
    "elf": "program",
    "data": "data",
    "unknown": "bytes not known",
}


def grouped(tree: TreeDiff) -> Iterator[tuple[str, list[list[Any]]]]:
    """Each group's name with its rows, in the order of the tree's groups; those without changes are left out."""
    rows: dict[str, list[list[Any]]] = {group.name: [] for group in tree.groups}
    for change in tree.changes:
        rows.setdefault(change.group, []).append(row(change))
    yield from ((name, items) for name, items in rows.items() if items)


def row(change: Change) -> list[Any]:
    """What the page's script (diff.js) takes: path, change, words, whether only the time differs, and both states."""
    return [
        readable(change.path), change.change, readable(words(change)), int(change.only_time),
        _state(change.old), _state(change.new),
    ]  # fmt: skip


def words(change: Change) -> str:
    """What is different, in one line."""
    old, new = change.old, change.new
    parts = [f"from {change.moved_from}"] if change.moved_from else []
    if old is None or new is None:
        state = new or old
        parts += [_is(state)] if state else []
    else:
        # The time of what has another content is no news.
        fields = [field for field in change.fields if field != "mtime" or change.change == "metadata"]
        parts += [_difference(field, old, new) for field in fields]
    note = change.note or (GRADES.get(change.grade, "") if change.grade in ("recompiled", "unknown") else "")
    return "; ".join(filter(None, [*parts, note]))


def _is(state: State) -> str:
    """A path that is on one side only: what it is, and its size, mode and owner."""
    if state.kind == "link":
        return f"link to {state.link}"
    size = f"{state.size:,} bytes, " if state.kind == "file" else f"{_kind(state)}, "
    return f"{size}{state.mode:04o} {state.uid}:{state.gid}"


def _difference(field: str, old: State, new: State) -> str:
    if field == "content":
        change = new.size - old.size
        return f"{new.size:,} bytes, {change_text(change)}" if change else f"{new.size:,} bytes as before, others"
    if field == "names":
        return "other hard links"
    pair = {
        "kind": (_kind(old), _kind(new)), "link": (old.link, new.link), "mode": (f"{old.mode:04o}", f"{new.mode:04o}"),
        "uid": (old.uid, new.uid), "gid": (old.gid, new.gid), "mtime": (date(old.mtime), date(new.mtime)),
    }[field]  # fmt: skip
    name = {"kind": "", "link": "link to ", "uid": "owner ", "gid": "group ", "mtime": "time "}.get(field, f"{field} ")
    return f"{name}{pair[0]} {ARROW} {pair[1]}"


def _kind(state: State) -> str:
    return {"dir": "directory", "link": "symbolic link", "special": "device"}.get(state.kind, state.kind)


def _state(state: State | None) -> list[Any] | None:
    """What a page shows of a path on one side, as text: diff.js has the fields' names, in this order."""
    if state is None:
        return None
    return [
        _kind(state), f"{state.size:,}" if state.kind == "file" else "", f"{state.mode:04o}",
        f"{state.uid}:{state.gid}", date(state.mtime), state.sha256[:DIGITS], readable(state.link),
        readable(state.names), readable(state.origin),
    ]  # fmt: skip


def date(mtime: int) -> str:
    """A time in UTC, to the second; a number where the calendar has no name for it."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(mtime))
    except (ValueError, OverflowError, OSError):
        return str(mtime)
