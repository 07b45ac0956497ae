"""`doit graph`: the graph, its layout, and its three forms."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from doit.control import TaskControl
from doit.exceptions import InvalidTask
from doit.task import Task
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.doit_plugins.command import with_dependencies
from glassmaster.doit_plugins.graph_layout import layout
from glassmaster.doit_plugins.graph_model import Edge, Graph, Node, graph_of
from glassmaster.doit_plugins.graph_svg import svg
from glassmaster.doit_plugins.graph_text import dot, mermaid

if TYPE_CHECKING:
    from tests.commands.conftest import Project

SVG = "{http://www.w3.org/2000/svg}"


def tasks(*items: Task) -> dict[str, Task]:
    found: dict[str, Task] = TaskControl(list(items)).tasks
    return found


def task(name: str, *, needs: tuple[str, ...] = (), makes: tuple[str, ...] = (), after: tuple[str, ...] = ()) -> Task:
    return Task(name, [], file_dep=list(needs), targets=list(makes), task_dep=list(after), doc=f"about {name}")


def small() -> dict[str, Task]:
    group = Task("iso", None, task_dep=["iso:r"], has_subtask=True)
    return tasks(
        task("fetch:r", makes=("f",)), group, task("iso:r", needs=("f",), makes=("i",)), task("check", after=("iso",)),
    )  # fmt: skip


def test_groups_are_drawn_as_their_members() -> None:
    graph = graph_of(small(), ["check"], "member")
    assert [node.name for node in graph.nodes] == ["fetch:r", "iso:r", "check"]
    assert graph.edges == (Edge("fetch:r", "iso:r", ("f",)), Edge("iso:r", "check", ()))
    assert graph.boxes() == ["r"]


@pytest.mark.parametrize(("by", "boxes"), [("member", ["r"]), ("group", ["fetch", "iso"]), ("none", [])])
def test_boxes(by: str, boxes: list[str]) -> None:
    assert graph_of(small(), ["check"], by).boxes() == boxes


def test_a_box_for_one_alone_is_none() -> None:
    lint = tasks(task("lint:a"), task("lint:b"))
    assert graph_of(lint, list(lint), "member").boxes() == [] and graph_of(lint, list(lint), "group").boxes() == [
        "lint"
    ]


def test_mermaid() -> None:
    assert mermaid(graph_of(small(), ["check"], "member")) == (
        'flowchart LR\n    subgraph b0["r"]\n        t0["fetch"]\n        t1["iso"]\n    end\n'
        '    t2["check"]\n    t0 --> t1\n    t1 -.-> t2\n'
    )


def test_dot() -> None:
    text = dot(graph_of(small(), ["check"], "member"))
    assert text.startswith("digraph tasks {\n")
    assert 'subgraph cluster_0 { label="r";\n        "fetch:r" [label="fetch", tooltip="about fetch:r"];' in text
    assert '"fetch:r" -> "iso:r";' in text and '"iso:r" -> "check" [style=dashed];' in text
    assert text.count("{") == text.count("}")


def test_names_cannot_break_out() -> None:
    evil = Graph((Node('a"]<b>\n', 'doc "x" & <y>', '"]; end'),), ())
    assert 't0["a#34;]#60;b#62;#10;"]' in mermaid(evil)
    assert r'"a\"]<b>\n" [' in dot(evil)
    assert ElementTree.fromstring(svg(evil, "<&>")).findtext(f"{SVG}title") == "<&>"


def test_a_circle_is_named() -> None:
    circle = tasks(task("a", after=("b",)), task("b", after=("c",)), task("c", after=("b",)))
    with pytest.raises(InvalidTask, match="b -> c -> b"):
        with_dependencies(circle, ["a"])


def test_a_chain_longer_than_pythons_stack() -> None:
    chain = tasks(task("t0"), *(task(f"t{n}", after=(f"t{n - 1}",)) for n in range(1, 3000)))
    assert with_dependencies(chain, ["t2999"]) == [f"t{n}" for n in range(3000)]


def test_the_svg_page_has_every_task_and_edge_and_needs_nothing_else() -> None:
    text = svg(graph_of(small(), ["check"], "member"), "tasks")
    page = ElementTree.fromstring(text)
    assert [item.text for item in page.iter(f"{SVG}text")] == ["fetch:r", "iso:r", "check"]
    titles = [item.text for item in page.iter(f"{SVG}title")]
    assert "fetch:r -> iso:r: f" in titles and "iso:r -> check: order only" in titles
    assert page.findtext(f"{SVG}desc") == "fetch:r; iso:r after fetch:r; check after iso:r"
    assert "http" not in text.replace('xmlns="http://www.w3.org/2000/svg"', "") and "<script" not in text


@given(st.lists(st.sets(st.integers(0, 11)), min_size=1, max_size=12))
def test_layout_goes_from_left_to_right_and_overlaps_nowhere(before: list[set[int]]) -> None:
    nodes = tuple(Node(f"n{number}", "", f"box{number % 3}") for number in range(len(before)))
    edges = tuple(
        Edge(f"n{one}", f"n{number}", ()) for number, ones in enumerate(before) for one in sorted(ones) if one < number
    )
    placed = layout(Graph(nodes, edges))
    for edge in edges:
        assert placed.places[edge.before].x + placed.places[edge.before].width < placed.places[edge.after].x
    for one, other in itertools.combinations(placed.places.values(), 2):
        apart_x = one.x + one.width <= other.x or other.x + other.width <= one.x
        assert apart_x or one.y + one.height <= other.y or other.y + other.height <= one.y
    for place in placed.places.values():
        assert place.x >= 0 and place.x + place.width <= placed.width
        assert place.y >= 0 and place.y + place.height <= placed.height
    assert len(placed.lines) == len(edges)


@pytest.mark.parametrize("form", ["mermaid", "dot", "svg"])
def test_the_same_graph_each_time(clone: Project, form: str) -> None:
    texts = {clone.doit("graph", "--format", form, "iso", PYTHONHASHSEED=seed) for seed in "0123"}
    assert len(texts) == 1 and "overlay" in texts.pop()


def test_two_recipes_are_two_boxes(clone: Project) -> None:
    (clone.path / "recipes" / "other.yaml").write_text("extends: standin.yaml\n")
    text = clone.doit("graph", "iso", "recipe=standin,other")
    assert '["standin"]' in text and '["other"]' in text


def test_to_a_file_and_bad_input(project: Project) -> None:
    assert project.doit("graph", "join", "-o", "graph.mmd") == ""
    assert "-->" in (project.path / "graph.mmd").read_text()
    assert "there is no task 'jion'\n  did you mean join?" in project.doit("graph", "jion", status=3)
    assert "not recognized" in project.doit("graph", "--frmt", "dot", status=3)
    assert "available choices" in project.doit("graph", "--format", "png", status=3)
    assert "cannot be written" in project.doit("graph", "-o", "no/such/folder", status=3)
