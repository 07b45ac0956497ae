"""A task graph as Mermaid and as DOT."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from glassmaster.doit_plugins.graph_model import Graph, Node


def mermaid(graph: Graph) -> str:
    """A Mermaid flowchart; GitHub and many editors draw it."""
    ids = {node.name: f"t{number}" for number, node in enumerate(graph.nodes)}

    def line(node: Node) -> str:
        return f'{ids[node.name]}["{_entities(_label(node))}"]'

    def box(name: str, number: int) -> str:
        return f'subgraph b{number}["{_entities(name)}"]'

    body = _boxed(graph, line, box, "end")
    edges = [f"{ids[edge.before]} {'-->' if edge.files else '-.->'} {ids[edge.after]}" for edge in graph.edges]
    return "\n".join(["flowchart LR", *(f"    {text}" for text in [*body, *edges])]) + "\n"


def dot(graph: Graph) -> str:
    """DOT, for Graphviz."""

    def line(node: Node) -> str:
        return f"{_quoted(node.name)} [label={_quoted(_label(node))}, tooltip={_quoted(node.doc)}];"

    def box(name: str, number: int) -> str:
        return f"subgraph cluster_{number} {{ label={_quoted(name)};"

    body = _boxed(graph, line, box, "}")
    edges = [
        f"{_quoted(edge.before)} -> {_quoted(edge.after)}{'' if edge.files else ' [style=dashed]'};"
        for edge in graph.edges
    ]
    head = ["digraph tasks {", "    rankdir=LR;", '    node [shape=box, fontname="sans-serif"];']
    return "\n".join([*head, *(f"    {text}" for text in [*body, *edges]), "}"]) + "\n"


def _boxed(
    graph: Graph, line: Callable[[Node], str], box: Callable[[str, int], str], end: str
) -> Iterator[str]:  # fmt: skip
    for number, name in enumerate(graph.boxes()):
        yield box(name, number)
        yield from (f"    {line(node)}" for node in graph.nodes if node.box == name)
        yield end
    yield from (line(node) for node in graph.nodes if not node.box)


def _label(node: Node) -> str:
    """The name without what its box says already."""
    group, *rest = node.name.split(":")
    if rest[:1] == [node.box]:
        rest = rest[1:]
    elif group == node.box:
        return ":".join(rest)
    return ":".join([group, *rest])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _entities(text: str) -> str:
    """Mermaid's own escapes (#NUMBER;) for what would end a label or be read as HTML."""
    return "".join(f"#{ord(character)};" if character in '"<>&#\n`' else character for character in text)
