"""`doit graph`: the task graph as Mermaid, DOT, or an SVG page."""

from __future__ import annotations

from glassmaster.doit_plugins.command import OUTPUT, Option, TasksCommand, write_result
from glassmaster.doit_plugins.graph_model import graph_of
from glassmaster.doit_plugins.graph_svg import svg
from glassmaster.doit_plugins.graph_text import dot, mermaid

FORMAT: Option = {
    "name": "graph_format", "long": "format", "type": str, "default": "mermaid",
    "choices": (("mermaid", "text that GitHub draws"), ("dot", "for Graphviz"), ("svg", "a page for a browser")),
    "help": "what to write [default: %(default)s]",
}  # fmt: skip
BOX: Option = {
    "name": "box", "long": "box", "type": str, "default": "member",
    "choices": (("member", "iso:NAME is drawn in a box NAME"), ("group", "in a box iso"), ("none", "no boxes")),
    "help": "which tasks are drawn together [default: %(default)s]",
}  # fmt: skip


class Graph(TasksCommand):
    """doit's command."""

    name = "graph"
    doc_purpose = "draw the task graph: Mermaid, DOT, or an SVG page"
    doc_usage = "[TASK ...]"
    doc_description = (
        "Draws the tasks and all that they depend on; without TASK, all tasks. An arrow is a file that one task "
        "makes and another reads; a dashed one is an order only."
    )
    examples = ("graph iso", "graph --format svg -o graph.svg", "graph --box group --format dot iso")
    cmd_options = (FORMAT, BOX, OUTPUT)

    def _execute(self, graph_format: str, box: str, output_file: str, pos_args: list[str]) -> int:
        tasks = self.all_tasks()
        names = self.asked_for(tasks, pos_args, default=False)
        graph = graph_of(tasks, names, box)
        if graph_format == "svg":
            text = svg(graph, f"Task graph: {', '.join(pos_args) or 'all tasks'}")
        else:
            text = dot(graph) if graph_format == "dot" else mermaid(graph)
        write_result(text, output_file)
        return 0
