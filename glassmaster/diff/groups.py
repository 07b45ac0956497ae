"""Changes and bytes by origin: a new NetBSD release is one line for each set, and what is made by hand stands out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from glassmaster.diff.model import Change, Group, Room, State, group_of

_KINDS = ("added", "removed", "changed", "moved", "metadata")


def groups(old: Mapping[str, State], new: Mapping[str, State], changes: Sequence[Change]) -> tuple[Group, ...]:
    """All origins of both sides, those with changes and those without, by name."""
    counts: dict[str, Counter[str]] = {}
    for change in changes:
        counter = counts.setdefault(change.group, Counter())
        counter[change.change] += 1
        counter["only_time"] += change.only_time
    before, after = _sums(old), _sums(new)
    return tuple(
        Group(
            name, before.origin(name), after.origin(name), before.files[name], after.files[name],
            before.bytes[name], after.bytes[name], **{kind: counts.get(name, Counter())[kind] for kind in _KINDS},
            only_time=counts.get(name, Counter())["only_time"],
        )
        for name in sorted({*before.names, *after.names, *counts})
    )  # fmt: skip


class _Sums:
    """Files and bytes of one side by group."""

    def __init__(self) -> None:
        self.names: dict[str, set[str]] = {}
        self.files: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()

    def origin(self, name: str) -> str:
        """The origin behind a group; both versions of a package that is there twice."""
        return ", ".join(sorted(self.names.get(name, ())))


def _sums(states: Mapping[str, State]) -> _Sums:
    sums = _Sums()
    names: dict[str, str] = {}
    for state in states.values():
        name = names.get(state.origin)
        if name is None:
            name = names[state.origin] = group_of(state.origin)
            sums.names.setdefault(name, set()).add(state.origin)
        sums.files[name] += state.kind != "dir"
        sums.bytes[name] += state.size
    return sums


def rooms(old: Mapping[str, State], new: Mapping[str, State]) -> tuple[Room, ...]:
    """Bytes by group and directory, before and after."""
    before, after = _by_directory(old), _by_directory(new)
    return tuple(Room(*key, before[key], after[key]) for key in sorted({*before, *after}))


def _by_directory(states: Mapping[str, State]) -> Counter[tuple[str, str]]:
    room: Counter[tuple[str, str]] = Counter()
    counted: set[str] = set()
    for path, state in states.items():
        if state.size and (not state.sha256 or state.sha256 not in counted):
            counted.add(state.sha256)
            room[group_of(state.origin), "/".join(path.split("/")[:-1][:2]) or "."] += state.size
    return room
