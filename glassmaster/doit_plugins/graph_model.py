"""A task graph as data, made of doit's tasks."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from doit.task import Task

from glassmaster.doit_plugins.command import dependencies, with_dependencies


@dataclass(frozen=True)
class Node:
    """One task. box: what it is drawn together with; "" for nothing."""

    name: str
    doc: str
    box: str


@dataclass(frozen=True)
class Edge:
    """`before` is done before `after`. files: which of its targets `after` reads; none for an order only."""

    before: str
    after: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Graph:
    """Tasks, each after those that it depends on, and their edges."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def boxes(self) -> list[str]:
        """The boxes, in the order of their first tasks."""
        return list(dict.fromkeys(node.box for node in self.nodes if node.box))


def graph_of(tasks: Mapping[str, Task], names: Sequence[str], box_by: str) -> Graph:
    """The graph of some tasks and all that they depend on. A group is no task of its own: its members are.

    box_by: "member" (iso:standin is in the box standin, if others are), "group" (it is in the box iso) or "none".
    """
    order = [name for name in with_dependencies(tasks, names) if not tasks[name].has_subtask]
    boxes = {name: _box(name, box_by) for name in order}
    if box_by == "member":
        # lint:ruff and lint:mypy have no members in common with anything.
        shared = collections.Counter(boxes.values())
        boxes = {name: box if shared[box] > 1 else "" for name, box in boxes.items()}
    nodes = tuple(Node(name, tasks[name].doc or "", boxes[name]) for name in order)
    edges = []
    for name in order:
        for before in sorted(_without_groups(tasks, name), key=order.index):
            files = sorted(set(tasks[before].targets) & tasks[name].file_dep)
            edges.append(Edge(before, name, tuple(files)))
    return Graph(nodes, tuple(edges))


def _without_groups(tasks: Mapping[str, Task], name: str) -> list[str]:
    """What a task depends on, with the members of groups in the place of the groups."""
    found: dict[str, None] = {}
    left = dependencies(tasks[name])
    seen = set(left)
    while left:
        before = left.pop(0)
        if tasks[before].has_subtask:
            inner = [dep for dep in dependencies(tasks[before]) if dep not in seen]
            seen.update(inner)
            left += inner
        else:
            found[before] = None
    return list(found)


def _box(name: str, box_by: str) -> str:
    group, _, rest = name.partition(":")
    if not rest or box_by == "none":
        return ""
    return group if box_by == "group" else rest.partition(":")[0]
