"""Words that all forms of a result use: counts, sides, changes."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping

from glassmaster.diff.model import Change, Decision, Group, Item, ItemKind, Side, Verdict

# How a kind of change is marked; also their order.
MARKS: Mapping[ItemKind, str] = {
    "added": "+", "removed": "-", "changed": "~", "up": "^", "down": "v", "starts": "+", "stops": "-", "moved": ">",
    "recompiled": "~",
}  # fmt: skip
NOWHERE = "of no known origin"


def count(number: int, word: str) -> str:
    """`1 file`, `1,200 files`; words in -y become -ies."""
    many = f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
    return f"{number:,} {word if number == 1 else many}"


def kinds(items: Iterable[Item]) -> str:
    """`2 up, 1 added`."""
    counted = Counter(item.change for item in items)
    return ", ".join(f"{counted[kind]:,} {kind}" for kind in MARKS if counted[kind])


def values(item: Item) -> str:
    """`1.0 -> 1.1`, or the one that there is."""
    if item.old and item.new:
        return item.new if item.old == item.new else f"{item.old} -> {item.new}"
    return item.new or item.old


def line_of(item: Item) -> str:
    """An item on one line."""
    said = values(item)
    first = item.detail.split("\n")[0] if item.detail and "\n" not in item.detail.strip() else ""
    return ": ".join(filter(None, [f"{MARKS[item.change]} {item.what}", ", ".join(filter(None, [said, first]))]))


def side(one: Side) -> str:
    """What is known of a side, without its label."""
    said = [f"recipe {one.recipe}"] if one.recipe else []
    said += [f"release {one.release_id}"] if one.release_id else []
    said += ["a stand-in, not NetBSD"] if one.standin else []
    said += [count(one.entries, "entry")]
    said += [f"{one.image_size:,} bytes"] if one.image_size else []
    said += [] if one.bytes_known else ["only a specification"]
    return ", ".join(said)


def paths(changes: Iterable[Change]) -> str:
    """`3 added, 2 changed, 14 in their time alone`."""
    rows = list(changes)
    counted = Counter("time" if change.only_time else change.change for change in rows)
    words = {"added": "added", "removed": "removed", "changed": "changed", "moved": "moved", "metadata": "in metadata"}
    said = [f"{counted[kind]:,} {word}" for kind, word in words.items() if counted[kind]]
    said += [f"{counted['time']:,} in their time alone"] if counted["time"] else []
    return ", ".join(said) or "no path differs"


def group_name(group: Group) -> str:
    """A group for people, with the versions of both sides where they differ."""
    if not group.name:
        return NOWHERE
    before, after = (origin.removeprefix(group.name).lstrip("-:") for origin in (group.old_origin, group.new_origin))
    if before and after and before != after:
        return f"{group.name} {before} -> {after}"
    return group.name


def group_counts(group: Group) -> str:
    """`+1 -2 ~3`, and what else there is."""
    metadata = group.metadata - group.only_time
    marks = [(group.added, "+"), (group.removed, "-"), (group.changed, "~"), (group.moved, ">")]
    said = [f"{mark}{number:,}" for number, mark in marks if number]
    said += [f"{metadata:,} in metadata"] if metadata else []
    said += [f"{group.only_time:,} in time"] if group.only_time else []
    grown = group.new_bytes - group.old_bytes
    return " ".join(said) + (f", {grown:+,} bytes" if grown else "")


def outcome(verdict: Verdict) -> str:
    """The verdict in one line."""
    if verdict.outcome == "same":
        return "same: no path differs"
    if verdict.outcome == "allowed":
        taken = len(verdict.decisions)
        return "allowed: " + (f"{count(taken, 'decision')}, all accepted" if taken else "no rule asks for a decision")
    waiting = len(verdict.open)
    rest = len(verdict.decisions) - waiting
    return f"{count(waiting, 'decision')} to take" + (f", {rest:,} accepted" if rest else "")


def accepting(decision: Decision) -> str:
    """The option that accepts a decision."""
    return f"--accept {shlex.quote(decision.name)}"
