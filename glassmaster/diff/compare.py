"""Two trees compared, path by path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from glassmaster.diff.model import FIELDS, Change, ChangeKind, State
from glassmaster.tree.path import sort_key


def compare(
    old: Mapping[str, State], new: Mapping[str, State], unknown: frozenset[str] = frozenset()
) -> tuple[Change, ...]:
    """Every path that is not the same, in the order of paths. unknown: fields that are left out."""
    changes = [*_moved(_unpaired(old, new)), *_both(old, new, unknown)]
    return tuple(sorted(changes, key=lambda change: sort_key(change.path)))


def _both(old: Mapping[str, State], new: Mapping[str, State], unknown: frozenset[str]) -> Iterator[Change]:
    for path, state in new.items():
        before = old.get(path)
        if before is None or before == state:
            continue
        fields = differing(before, state, unknown)
        if fields:
            kind: ChangeKind = "changed" if {"kind", "content", "link"} & set(fields) else "metadata"
            yield Change(path, kind, before, state, fields)


def differing(old: State, new: State, unknown: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Which of FIELDS differ. A content whose digest one side does not know differs by its size only."""
    found = {name for name in FIELDS if name != "content" and getattr(old, name) != getattr(new, name)}
    known = bool(old.sha256 and new.sha256)
    if old.kind == new.kind == "file" and (old.size != new.size or (known and old.sha256 != new.sha256)):
        found.add("content")
    return tuple(name for name in FIELDS if name in found - unknown)


def _unpaired(old: Mapping[str, State], new: Mapping[str, State]) -> tuple[dict[str, State], dict[str, State]]:
    gone = {path: state for path, state in old.items() if path not in new}
    come = {path: state for path, state in new.items() if path not in old}
    return gone, come


def _moved(unpaired: tuple[dict[str, State], dict[str, State]]) -> Iterator[Change]:
    """What went and came; of equal contents, one that went is one that came: by its last name if it can be."""
    gone, come = unpaired
    places: dict[str, list[str]] = {}
    for path in sorted(gone, key=sort_key):
        if _can_move(gone[path]):
            places.setdefault(gone[path].sha256, []).append(path)
    moves: dict[str, str] = {}
    for same_name in (True, False):
        for path in sorted(come, key=sort_key):
            left = places.get(come[path].sha256, [])
            fitting = [item for item in left if _name(item) == _name(path)] if same_name else left
            if path not in moves and fitting and _can_move(come[path]):
                moves[path] = fitting[0]
                left.remove(fitting[0])
    for path, state in come.items():
        before = moves.get(path)
        if before is None:
            yield Change(path, "added", None, state)
        else:
            yield Change(path, "moved", gone[before], state, differing(gone[before], state), moved_from=before)
    taken = set(moves.values())
    yield from (Change(path, "removed", state, None) for path, state in gone.items() if path not in taken)


def _can_move(state: State) -> bool:
    """Empty files are equal by chance."""
    return state.kind == "file" and state.size > 0 and state.sha256 != ""


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def applied(old: Mapping[str, State], changes: tuple[Change, ...]) -> dict[str, State]:
    """The new tree, made of the old one and the changes; origins are those that each path came with."""
    tree = dict(old)
    for change in changes:
        if change.change == "removed":
            tree.pop(change.path)
        elif change.change == "moved":
            tree.pop(change.moved_from)
    for change in changes:
        if change.new is not None:
            tree[change.path] = change.new
    return tree


def without_origin(state: State) -> State:
    """A state as a comparison sees it."""
    return replace(state, origin="")
