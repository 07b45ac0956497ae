"""Layers to a tree, in order, later over earlier. docs/architecture.md has the rules in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from glassmaster.errors import GlassmasterError
from glassmaster.tree.entry import Entry
from glassmaster.tree.layer import Layer
from glassmaster.tree.path import ROOT, ancestors, parent, sort_key

MADE = "made"
DIRECTORY_MODE = 0o755


@dataclass(frozen=True, slots=True)
class Node:
    """An entry of a tree: which layer it is from, and the layers whose entry at this path it hid, lowest first."""

    entry: Entry
    origin: str
    hid: tuple[str, ...] = ()


class Tree:
    """The merged layers: one node for each path, each below a directory."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self._nodes = nodes

    def __iter__(self) -> Iterator[Node]:
        """Nodes in the order of sort_key: the root first, each directory before what it holds."""
        return (self._nodes[path] for path in sorted(self._nodes, key=sort_key))

    def __len__(self) -> int:
        return len(self._nodes)

    def __contains__(self, path: str) -> bool:
        return path in self._nodes

    def __getitem__(self, path: str) -> Node:
        return self._nodes[path]


def merge(layers: Iterable[Layer], *, epoch: int) -> Tree:
    """Merge layers, later over earlier; times after `epoch` become `epoch`.

    Raises GlassmasterError when a layer puts something below what is no directory, puts a file where a directory
    is (or the other way round): such a layer says `deleted` first. Also when it deletes or moves what is not there, or
    moves something to where something is.
    """
    nodes: dict[str, Node] = {}
    for layer in layers:
        _take_out(layer, nodes, epoch)
        fresh: set[str] = set()
        for entry in sorted(layer.entries, key=lambda entry: sort_key(entry.path)):
            if entry.path in fresh:
                raise GlassmasterError(f"{layer.origin}: {entry.path}: stands twice in this layer")
            fresh.add(entry.path)
            _make_parents(entry.path, layer.origin, nodes, epoch)
            _put(entry, layer.origin, nodes, epoch)
    if ROOT not in nodes:
        nodes[ROOT] = Node(Entry(ROOT, "dir", DIRECTORY_MODE, 0, 0, epoch), MADE)
    return Tree(nodes)


def _put(entry: Entry, origin: str, nodes: dict[str, Node], epoch: int) -> None:
    if entry.path == ROOT and entry.kind != "dir":
        raise GlassmasterError(f"{origin}: the root of the image must be a directory, not a {_word(entry)}")
    below = nodes.get(entry.path)
    hid: tuple[str, ...] = ()
    if below is not None:
        hid = (*below.hid, below.origin) if _differs(entry, below.entry) else below.hid
        if (entry.kind == "dir") != (below.entry.kind == "dir"):
            raise GlassmasterError(
                f"{origin}: {entry.path}: a {_word(entry)} here would replace a {_word(below.entry)} of {below.origin}",
                hint=f"take the lower one out first (`delete: [{entry.path}]` in the overlay's .yaml), "
                "or put this somewhere else",
            )
    if entry.mtime > epoch:
        entry = dataclasses.replace(entry, mtime=epoch)
    nodes[entry.path] = Node(entry, origin, hid)


def _differs(entry: Entry, below: Entry) -> bool:
    """Directories that differ in nothing but their time hide nothing: every set lists /etc."""
    same_owner = (entry.mode, entry.uid, entry.gid) == (below.mode, below.uid, below.gid)
    return not (entry.kind == below.kind == "dir" and same_owner)


def _make_parents(path: str, origin: str, nodes: dict[str, Node], epoch: int) -> None:
    for above in ancestors(path) if parent(path) not in nodes or nodes[parent(path)].entry.kind != "dir" else ():
        node = nodes.get(above)
        if node is None:
            nodes[above] = Node(Entry(above, "dir", DIRECTORY_MODE, 0, 0, epoch), origin)
        elif node.entry.kind == "link":
            raise GlassmasterError(
                f"{origin}: {path}: lies below the symbolic link {above} -> {node.entry.link} of {node.origin}",
                hint="put it at the path that the link leads to",
            )
        elif node.entry.kind != "dir":
            raise GlassmasterError(f"{origin}: {path}: lies below {above}, which is a file of {node.origin}")


def _take_out(layer: Layer, nodes: dict[str, Node], epoch: int) -> None:
    for path in layer.deleted:
        _require(path, layer, nodes, "deletes")
        for gone in _with_all_below(path, nodes):
            del nodes[gone]
    for old, new in layer.moved.items():
        _require(old, layer, nodes, "moves")
        if ROOT in (old, new):
            raise GlassmasterError(f"{layer.origin}: moves {old} to {new}: the root of the image stays where it is")
    # All are taken away before the first is put back: two may change places. The deepest first: what lies below
    # another moved path goes where its own line says.
    taken = [
        (path, new + path[len(old) :], nodes.pop(path))
        for old, new in sorted(layer.moved.items(), key=lambda pair: sort_key(pair[0]), reverse=True)
        for path in _with_all_below(old, nodes)
    ]
    for path, target, node in sorted(taken, key=lambda item: sort_key(item[1])):
        if target in nodes:
            raise GlassmasterError(f"{layer.origin}: moves {path} to {target}, where something is already")
        _make_parents(target, layer.origin, nodes, epoch)
        nodes[target] = dataclasses.replace(node, entry=dataclasses.replace(node.entry, path=target))


def _require(path: str, layer: Layer, nodes: dict[str, Node], verb: str) -> None:
    if path not in nodes:
        raise GlassmasterError(
            f"{layer.origin}: {verb} {path}, which no layer below has",
            hint="remove that line, or correct the path",
        )


def _with_all_below(path: str, nodes: dict[str, Node]) -> list[str]:
    prefix = "" if path == ROOT else path + "/"
    return [other for other in sorted(nodes, key=sort_key) if other == path or other.startswith(prefix)]


def _word(entry: Entry) -> str:
    return {"dir": "directory", "link": "symbolic link", "file": "file"}[entry.kind]
