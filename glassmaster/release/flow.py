"""How a release came about, as a picture: inputs, layers, trees, images, checks; in SVG for a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from glassmaster.doit_plugins.graph_layout import layout
from glassmaster.doit_plugins.graph_model import Edge, Graph, Node
from glassmaster.doit_plugins.graph_svg import curve
from glassmaster.errors import readable


@dataclass(frozen=True)
class Box:
    """A part of the flow. name: as it is shown; what: in a sentence; hue: of the pages' colours; after: names."""

    name: str
    what: str
    hue: int
    after: tuple[str, ...] = ()


def flow(boxes: Sequence[Box]) -> Markup:
    """The picture. Each box stands after those that it names."""
    graph = Graph(
        tuple(Node(box.name, box.what, "") for box in boxes),
        tuple(Edge(before, box.name, ()) for box in boxes for before in box.after),
    )
    placed, hues = layout(graph), {box.name: box.hue for box in boxes}
    lines = Markup("").join(Markup('<path class="edge" d="{}"/>').format(curve(points)) for points in placed.lines)
    drawn = [
        Markup(
            '<g><title>{}</title><rect class="hue{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="5"/>'
            '<text x="{:.1f}" y="{:.1f}" text-anchor="middle" dominant-baseline="central">{}</text></g>'
        ).format(
            readable(node.doc), hues[node.name], place.x, place.y, place.width, place.height,
            place.x + place.width / 2, place.y + place.height / 2, readable(node.name),
        )
        for node in graph.nodes for place in [placed.places[node.name]]
    ]  # fmt: skip
    words = readable("; ".join(_in_words(box) for box in boxes))
    return Markup('<svg class="flow" viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{}">{}{}</svg>').format(
        placed.width, placed.height, words, lines, Markup("").join(drawn)
    )


def _in_words(box: Box) -> str:
    return f"{box.name} from {', '.join(box.after)}" if box.after else box.name


def boxes_of(kinds: Mapping[str, str], domus: Sequence[str], checks: Mapping[str, bool]) -> list[Box]:
    """The boxes of a release.

    kinds: what the CD has of each kind of origin (set, package, overlay, kernel, xen, grub), in words; domus: names of
    the images on it; checks: those that were made, and whether they are good.
    """
    shown = {
        "set": ("sets", 1), "package": ("packages", 2), "overlay": ("overlays", 3), "kernel": ("kernel", 4),
        "xen": ("Xen", 5), "grub": ("GRUB", 7),
    }  # fmt: skip
    boxes = [Box("recipe + lock", "what is wanted, and exactly which files that is", 0)]
    layers = []
    for kind, (name, hue) in shown.items():
        if kind in kinds:
            boxes.append(Box(name, f"{name}: {kinds[kind]}", hue, ("recipe + lock",)))
            layers.append(name)
    inside = tuple(name for name in ("sets", "packages", "overlays") if name in layers)
    images = [Box(f"domU {name}", f"the read-only root of the virtual machine {name}", 6, inside) for name in domus]
    boxes += images
    boxes.append(Box("dom0.mtree", "one tree: every file of the CD", 0, (*layers, *(box.name for box in images))))
    boxes.append(Box("dom0.iso", "the CD image, for CDs and USB sticks", 0, ("dom0.mtree",)))
    for name, good in checks.items():
        boxes.append(
            Box(f"{name}: {'good' if good else 'left out'}", f"the check {name}", 2 if good else 5, ("dom0.iso",))
        )
    return boxes
