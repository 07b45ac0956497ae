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
    from collections.abc import Iterator, Mapping


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

# Far more levels than any recipe has, far fewer than the stack holds.
LEVELS_LIMIT = 50


def read_yaml(path: Path) -> Mapped:
    """Read a YAML file whose top is a mapping; raises GlassmasterError with ``file:line`` for anything else."""
    try:
        data = path.read_bytes()
        text = data.decode("utf-8")
    except FileNotFoundError:
        raise GlassmasterError(f"{path}: there is no such file") from None
    except UnicodeDecodeError as error:
        raise GlassmasterError(f"{path}:{_line(data, error.start)}: this is not UTF-8 text", why=str(error)) from error
    except (OSError, ValueError) as error:
        raise GlassmasterError(f"{path}: cannot be read", why=str(error)) from error
    try:
        node = _Composer(path, yaml.parse(text, Loader=_Loader)).top()
    except yaml.reader.ReaderError as error:
        raise _not_yaml(f"{path}:{_line(data, error.position)}", error.reason) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise _not_yaml(where, error.problem or str(error)) from error
    if not isinstance(node, Mapped):
        raise GlassmasterError(f"{node.where}: expected `key: value` lines at the top of the file")
    return node


def _line(data: bytes, offset: int) -> int:
    return data.count(b"\n", 0, offset) + 1


def _not_yaml(where: str, why: str) -> GlassmasterError:
    return GlassmasterError(f"{where}: this is not YAML", why=why)


class _Composer:
    """Makes nodes of the parser's events; PyYAML's own composer overflows the stack on deep nesting.

    An alias gives the node of its anchor again, not a copy: a file with aliases of aliases stays as small as it is.
    """

    def __init__(self, path: Path, events: Iterator[yaml.Event]) -> None:
        self._path = path
        self._events = events
        # None: the node with this anchor is still being made.
        self._anchors: dict[str, Node | None] = {}

    def top(self) -> Node:
        """The one document of the file; nothing at all is an empty mapping."""
        next(self._events)
        first = next(self._events)
        if isinstance(first, yaml.StreamEndEvent):
            return Mapped({}, {}, f"{self._path}:1")
        node = self._node(next(self._events), 0)
        next(self._events)
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise GlassmasterError(f"{self._where(after)}: a second YAML document begins here", hint="remove the `---`")
        return node

    def _where(self, event: yaml.Event) -> str:
        return f"{self._path}:{event.start_mark.line + 1 if event.start_mark else 1}"

    def _node(self, event: yaml.Event, level: int) -> Node:
        where = self._where(event)
        if level > LEVELS_LIMIT:
            raise _too_deep(where)
        anchor: str | None = getattr(event, "anchor", None)
        if anchor is None:
            return self._new(event, where, level)
        if isinstance(event, yaml.AliasEvent):
            return self._known(anchor, where)
        self._anchors[anchor] = None
        node = self._anchors[anchor] = self._new(event, where, level)
        return node

    def _known(self, anchor: str, where: str) -> Node:
        if anchor not in self._anchors:
            raise GlassmasterError(f"{where}: *{anchor}: there is no &{anchor} before it")
        node = self._anchors[anchor]
        if node is None:
            raise GlassmasterError(f"{where}: *{anchor}: an alias contains itself")
        return node

    def _new(self, event: yaml.Event, where: str, level: int) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            if "\0" in event.value:
                raise GlassmasterError(f"{where}: a NUL character cannot be part of a value")
            return Scalar(event.value, where)
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(item := next(self._events), yaml.SequenceEndEvent):
                items.append(self._node(item, level + 1))
            return Sequence(tuple(items), where)
        return self._mapped(where, level)

    def _mapped(self, where: str, level: int) -> Mapped:
        items: dict[str, Node] = {}
        places: dict[str, str] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            place = self._where(event)
            key = self._node(event, level + 1)
            if not isinstance(key, Scalar):
                raise GlassmasterError(f"{place}: a key must be a plain word")
            if key.text in items:
                raise GlassmasterError(f"{place}: {key.text}: stands twice", why=f"the first is at {places[key.text]}")
            places[key.text] = place
            items[key.text] = self._node(next(self._events), level + 1)
        return Mapped(items, places, where)


def place_of(node: Mapped, *keys: str) -> str:
    """Where a setting stands: ``file:line`` of the last of these keys that is there; also of a list's value."""
    place = node.where
    for key in keys:
        if key not in node.places:
            break
        place, inner = node.places[key], node.items[key]
        if isinstance(inner, Sequence):
            values = (item.where for item in inner.items if isinstance(item, Scalar) and item.text == keys[-1])
            return next(values, place)
        if not isinstance(inner, Mapped):
            break
        node = inner
    return place


def merged(lower: Mapped, upper: Mapped) -> Mapped:
    """The upper file's values over the lower file's: mappings key by key, anything else replaced whole."""
    return _merged(lower, upper, {}, 0)


def _merged(lower: Mapped, upper: Mapped, done: dict[tuple[int, int], Mapped], level: int) -> Mapped:
    """`done` has what was merged before, by the ids of both: aliases would have it done again and again."""
    if level > LEVELS_LIMIT:
        raise _too_deep(upper.where)
    pair = (id(lower), id(upper))
    if pair not in done:
        items = dict(lower.items)
        for key, node in upper.items.items():
            below = items.get(key)
            if isinstance(below, Mapped) and isinstance(node, Mapped):
                items[key] = _merged(below, node, done, level + 1)
            else:
                items[key] = node
        done[pair] = Mapped(items, {**lower.places, **upper.places}, upper.where)
    return done[pair]


def _too_deep(where: str) -> GlassmasterError:
    return GlassmasterError(f"{where}: nested more than {LEVELS_LIMIT} levels deep")
