"""YAML as text with places: every scalar stays the text that was typed, and knows its file and line.

YAML 1.1 would make 10.10 a float and a MAC address a sexagesimal number; here the type of the field converts.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from glassmaster.errors import GlassmasterError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Scalar:
    """One value as it was typed. where: ``file:line``."""

    text: str
    where: str


@dataclass(frozen=True)
class Sequence:
    """A YAML list."""

    items: tuple[Node, ...]
    where: str


@dataclass(frozen=True)
class Mapped:
    """A YAML mapping; each key has the place where it stands."""

    items: Mapping[str, Node]
    places: Mapping[str, str]
    where: str


Node = Scalar | Sequence | Mapped

# The C loader is ten times faster; a PyYAML without it reads the same.
_Loader: type = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def read_yaml(path: Path) -> Mapped:
    """Read a YAML file whose top is a mapping; raises GlassmasterError with ``file:line`` for anything else."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise GlassmasterError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise GlassmasterError(f"{path}: cannot be read as UTF-8 text", why=str(error)) from error
    try:
        root = yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise GlassmasterError(
            f"{where}: this is not YAML", why=getattr(error, "problem", None) or str(error)
        ) from error
    if root is None:
        return Mapped({}, {}, f"{path}:1")
    node = _node(root, path, {})
    if not isinstance(node, Mapped):
        raise GlassmasterError(f"{node.where}: expected `key: value` lines at the top of the file")
    return node


def _node(node: yaml.Node, path: Path, done: dict[int, Node | None]) -> Node:
    """Convert a node once: an alias gives the same node again, and None marks one that is still being made."""
    where = f"{path}:{node.start_mark.line + 1}"
    if id(node) not in done:
        done[id(node)] = None
        done[id(node)] = _converted(node, path, done, where)
    made = done[id(node)]
    if made is None:
        raise GlassmasterError(f"{where}: an alias contains itself")
    return made


def _converted(node: yaml.Node, path: Path, done: dict[int, Node | None], where: str) -> Node:
    if isinstance(node, yaml.ScalarNode):
        return Scalar(node.value, where)
    if isinstance(node, yaml.SequenceNode):
        return Sequence(tuple(_node(item, path, done) for item in node.value), where)
    items: dict[str, Node] = {}
    places: dict[str, str] = {}
    for key_node, value_node in node.value:
        key_where = f"{path}:{key_node.start_mark.line + 1}"
        if not isinstance(key_node, yaml.ScalarNode):
            raise GlassmasterError(f"{key_where}: a key must be a plain word")
        if key_node.value in items:
            raise GlassmasterError(
                f"{key_where}: {key_node.value}: stands twice",
                why=f"the first is at {places[key_node.value]}",
            )
        items[key_node.value] = _node(value_node, path, done)
        places[key_node.value] = key_where
    return Mapped(items, places, where)


def merged(lower: Node, upper: Node) -> Node:
    """The upper file's values over the lower file's: mappings key by key, anything else replaced whole."""
    if not (isinstance(lower, Mapped) and isinstance(upper, Mapped)):
        return upper
    items = dict(lower.items)
    for key, node in upper.items.items():
        items[key] = merged(items[key], node) if key in items else node
    return Mapped(items, {**lower.places, **upper.places}, upper.where)
