"""A task graph as one SVG page that needs nothing else: no script, no font, no network."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from glassmaster.doit_plugins.graph_layout import Layout, layout
from glassmaster.doit_plugins.graph_model import Graph

STYLE = """\
svg { font: 12px sans-serif } .page { fill: #fff }
.node { fill: #f4f6f8; stroke: #456 } .label { fill: #111 }
.edge { fill: none; stroke: #678; marker-end: url(#arrow) } .order { stroke-dasharray: 4 3 }
.tip { fill: #678 }
@media (prefers-color-scheme: dark) {
.page { fill: #16181c } .node { fill: #23272e; stroke: #9ab } .label { fill: #eee }
.edge { stroke: #9ab } .tip { fill: #9ab }
}
"""
# One for each box, by turns; the boxes' names stand in the tasks' names too, so nothing hangs on a colour.
BOX_COLOURS = ("#3b7dd8", "#c77d11", "#2e8b57", "#a2459e", "#b03a48", "#5b6770")


def svg(graph: Graph, title: str) -> str:
    """The page. Each task's title element has its line of documentation, each edge's the files."""
    placed = layout(graph)
    width, height = round(placed.width), round(placed.height)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"',
        f' viewBox="0 0 {width} {height}" role="img" aria-labelledby="title description">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="description">{escape(_in_words(graph))}</desc>',
        f"<style>{STYLE}</style>",
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">',
        '<path class="tip" d="M0 0 8 4 0 8z"/></marker></defs>',
        '<rect class="page" width="100%" height="100%"/>',
        *_edges(graph, placed),
        *_nodes(graph, placed),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _edges(graph: Graph, placed: Layout) -> Iterator[str]:
    for edge, points in zip(graph.edges, placed.lines, strict=True):
        kind = "edge" if edge.files else "edge order"
        why = ", ".join(edge.files) or "order only"
        title = escape(f"{edge.before} -> {edge.after}: {why}")
        yield f'<path class="{kind}" d="{curve(points)}"><title>{title}</title></path>'


def _nodes(graph: Graph, placed: Layout) -> Iterator[str]:
    colours = {box: BOX_COLOURS[number % len(BOX_COLOURS)] for number, box in enumerate(graph.boxes())}
    for node in graph.nodes:
        place = placed.places[node.name]
        colour = f" style={quoteattr(f'stroke: {colours[node.box]}')}" if node.box else ""
        yield (
            f"<g><title>{escape(f'{node.name}: {node.doc}')}</title>"
            f'<rect class="node"{colour} x="{place.x:.1f}" y="{place.y:.1f}" width="{place.width:.1f}"'
            f' height="{place.height:.1f}" rx="5"/>'
            f'<text class="label" x="{place.x + place.width / 2:.1f}" y="{place.y + place.height / 2:.1f}"'
            f' text-anchor="middle" dominant-baseline="central">{escape(node.name)}</text></g>'
        )


def curve(points: Sequence[tuple[float, float]]) -> str:
    """A Bézier curve from column to column, straight where the edge passes through one."""
    text = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x1, y1), (x2, y2) in itertools.pairwise(points):
        middle = (x1 + x2) / 2
        text += f" C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    return text


def _in_words(graph: Graph) -> str:
    """The graph for those who do not see it."""
    before: dict[str, list[str]] = {node.name: [] for node in graph.nodes}
    for edge in graph.edges:
        before[edge.after].append(edge.before)
    return "; ".join(f"{name} after {', '.join(names)}" if names else name for name, names in before.items())
