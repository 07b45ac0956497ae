"""Places for the tasks of a graph: columns by depth, little crossing within them."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from glassmaster.doit_plugins.graph_model import Graph

ROW, COLUMN_GAP, MARGIN = 44, 56, 24
NODE_HEIGHT, CHARACTER, PADDING = 28, 7.3, 20
SWEEPS = 12


@dataclass(frozen=True)
class Place:
    """The rectangle of a task, in pixels; x and y are its upper left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Layout:
    """Where everything is. lines: for each edge of the graph, the points from task to task."""

    places: Mapping[str, Place]
    lines: tuple[tuple[tuple[float, float], ...], ...]
    width: float
    height: float


def layout(graph: Graph) -> Layout:
    """Sugiyama's way: depths, a stand-in for an edge in each column that it crosses, ordering by barycentres."""
    depth = _depths(graph)
    chains = [_chain(number, depth[edge.before], depth[edge.after]) for number, edge in enumerate(graph.edges)]
    columns: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for node in graph.nodes:
        columns[depth[node.name]].append(node.name)
    for edge, chain in zip(graph.edges, chains, strict=True):
        for step, point in enumerate(chain):
            columns[depth[edge.before] + 1 + step].append(point)
    before: defaultdict[str, list[str]] = defaultdict(list)
    after: defaultdict[str, list[str]] = defaultdict(list)
    for edge, chain in zip(graph.edges, chains, strict=True):
        points = [edge.before, *chain, edge.after]
        for one, other in itertools.pairwise(points):
            after[one].append(other)
            before[other].append(one)
    _order(columns, before, after, {node.name: node.box for node in graph.nodes})
    return _coordinates(graph, columns, chains)


def _depths(graph: Graph) -> dict[str, int]:
    """The longest way to each task from one that depends on nothing. The nodes come in such an order."""
    before: defaultdict[str, list[str]] = defaultdict(list)
    for edge in graph.edges:
        before[edge.after].append(edge.before)
    depth: dict[str, int] = {}
    for node in graph.nodes:
        depth[node.name] = 1 + max((depth[name] for name in before[node.name]), default=-1)
    return depth


def _chain(number: int, first: int, last: int) -> list[str]:
    """Names for the points where an edge crosses a column. No task's name has a NUL in it."""
    return [f"\0{number}.{column}" for column in range(first + 1, last)]


def _order(
    columns: list[list[str]], before: Mapping[str, list[str]], after: Mapping[str, list[str]], box: Mapping[str, str]
) -> None:
    """Sort each column by the mean row of its neighbours, to and fro; boxes stay together."""
    boxes = {name: number for number, name in enumerate(dict.fromkeys(box.values()))}
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        neighbours = before if forward else after
        for column in columns if forward else reversed(columns):
            # Of all columns: those already sorted in this sweep are what counts.
            rows = {name: row / max(len(one), 1) for one in columns for row, name in enumerate(one)}
            mean = {
                name: sum(rows[other] for other in neighbours[name]) / len(neighbours[name])
                if neighbours[name]
                else rows[name]
                for name in column
            }
            column.sort(key=lambda name: (boxes.get(box.get(name, ""), 0), mean[name]))


def _coordinates(graph: Graph, columns: list[list[str]], chains: list[list[str]]) -> Layout:
    tallest = max((len(column) for column in columns), default=0)
    places: dict[str, Place] = {}
    x = float(MARGIN)
    for column in columns:
        width = max((_width(name) for name in column), default=0.0)
        top = MARGIN + (tallest - len(column)) * ROW / 2
        for row, name in enumerate(column):
            places[name] = Place(x, top + row * ROW, width, NODE_HEIGHT)
        x += width + COLUMN_GAP
    lines = []
    for edge, chain in zip(graph.edges, chains, strict=True):
        points = [_right(places[edge.before])]
        for name in chain:
            place = places[name]
            points += [_left(place), _right(place)]
        lines.append((*points, _left(places[edge.after])))
    return Layout(
        {node.name: places[node.name] for node in graph.nodes},
        tuple(lines),
        max(x - COLUMN_GAP, MARGIN) + MARGIN,
        tallest * ROW + 2 * MARGIN,
    )


def _width(name: str) -> float:
    return 0.0 if name.startswith("\0") else PADDING + CHARACTER * len(name)


def _left(place: Place) -> tuple[float, float]:
    return place.x, place.y + place.height / 2


def _right(place: Place) -> tuple[float, float]:
    return place.x + place.width, place.y + place.height / 2
