"""States of paths, of whatever reader found them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from glassmaster.checks.readback import Found
from glassmaster.diff.model import State
from glassmaster.tree.entry import Entry
from glassmaster.tree.merge import Node
from glassmaster.tree.mtree import Listed
from glassmaster.tree.path import sort_key

T = TypeVar("T")


def of_listed(items: Iterable[Listed]) -> dict[str, State]:
    """States of a specification's paths, with their origins and the names that belong together."""
    rows = list(items)
    names = first_names({item.path: (item.origin, item.inode) for item in rows if item.inode})
    return {
        item.path: State(
            item.kind, item.mode, item.uid, item.gid, item.mtime, item.size, item.sha256, item.link,
            names.get(item.path, ""), item.origin,
        )
        for item in rows
    }  # fmt: skip


def of_nodes(nodes: Iterable[Node]) -> dict[str, State]:
    """States of a merged tree."""
    rows = list(nodes)
    names = first_names({node.entry.path: (node.origin, node.entry.inode) for node in rows if node.entry.inode})
    return {node.entry.path: _of_entry(node.entry, names.get(node.entry.path, ""), node.origin) for node in rows}


def _of_entry(entry: Entry, names: str, origin: str) -> State:
    sha256 = entry.content.sha256 if entry.content else ""
    return State(
        entry.kind, entry.mode, entry.uid, entry.gid, entry.mtime, entry.size, sha256, entry.link, names, origin
    )


def of_found(items: Iterable[Found]) -> dict[str, State]:
    """States of what was read from an image; which names belong together is not known there."""
    return {
        item.path: State(item.kind, item.mode, item.uid, item.gid, item.mtime, item.size, item.sha256, item.link)
        for item in items
    }


def first_names(groups: Mapping[str, T]) -> dict[str, str]:
    """For each path of a group of several: the first of them. groups: paths to what is equal for one group."""
    members: dict[T, list[str]] = {}
    for path, group in groups.items():
        members.setdefault(group, []).append(path)
    several = [sorted(paths, key=sort_key) for paths in members.values() if len(paths) > 1]
    return {path: paths[0] for paths in several for path in paths}


def with_origins(states: Mapping[str, State], origin: Callable[[str, State], str]) -> dict[str, State]:
    """The states with origins that something else knows."""
    found = {}
    for path, state in states.items():
        name = origin(path, state)
        found[path] = replace(state, origin=name) if name != state.origin else state
    return found
