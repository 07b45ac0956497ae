"""Where symbolic links of a tree lead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from glassmaster.tree.merge import Node, Tree
from glassmaster.tree.path import ROOT, parent

# As in NetBSD's namei: more links on one way than this are a loop (MAXSYMLINKS, sys/sys/param.h).
LINKS_LIMIT = 32


def dangling(tree: Tree, origin: str, runtime: Sequence[str]) -> Iterator[Node]:
    """Links of one layer that lead to nothing in the tree, nor below a path of `runtime` (absolute paths)."""
    for node in tree:
        if node.origin == origin and node.entry.kind == "link" and not resolves(tree, node.entry.path, runtime):
            yield node


def resolves(tree: Tree, path: str, runtime: Sequence[str] = ()) -> bool:
    """True if following every link on the way, as a system with this tree as its root would, ends at something."""
    return lost_at(tree, path, runtime) is None


def lost_at(tree: Tree, path: str, runtime: Sequence[str] = ()) -> str | None:
    """The path at which following every link on the way ends at nothing; None if it ends at something."""
    todo, at, links = path.split("/"), ROOT, 0
    places = [place.rstrip("/") for place in runtime]
    while todo:
        name = todo.pop(0)
        if name in ("", "."):
            continue
        at = parent(at) if name == ".." else name if at == ROOT else f"{at}/{name}"
        if any(f"/{at}/".startswith(f"{place}/") for place in places):
            return None
        if at not in tree:
            return at
        entry = tree[at].entry
        if entry.kind == "file" and todo:
            return at
        if entry.kind == "link":
            links += 1
            if links > LINKS_LIMIT or not entry.link:
                return at
            at = ROOT if entry.link.startswith("/") else parent(at)
            todo = entry.link.split("/") + todo
    return None
