"""From YAML nodes to frozen dataclasses, by the types that their fields declare."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from glassmaster.errors import GlassmasterError
from glassmaster.recipe.nodes import Mapped, Node, Scalar, Sequence

T = TypeVar("T")

TRUE = frozenset({"yes", "true", "on"})
FALSE = frozenset({"no", "false", "off"})


def build(cls: type[T], node: Mapped, prefix: str = "") -> T:
    """Make a dataclass of a mapping; unknown, missing and ill-typed keys raise GlassmasterError with the place."""
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(typing.cast(Any, cls))}
    for key in node.items:
        if key not in fields:
            raise _unknown_key(key, prefix, node.places[key], fields)
    values = {}
    for name, field in fields.items():
        if name in node.items:
            values[name] = _value(hints[name], node.items[name], prefix + name, field.metadata.get("convert"))
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise GlassmasterError(f"{node.where}: {prefix}{name}: is missing", why=f"it says: {field.metadata['doc']}")
    return cls(**values)


def _unknown_key(key: str, prefix: str, where: str, known: Mapping[str, Any]) -> GlassmasterError:
    close = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {prefix}{close[0]}?" if close else f"known here: {', '.join(sorted(known))}"
    return GlassmasterError(f"{where}: {prefix}{key}: there is no such setting", hint=hint)


def _value(hint: Any, node: Node, key: str, convert: Any) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        inner = [argument for argument in arguments if argument is not type(None)]
        if isinstance(node, Scalar) and node.text in ("", "~", "null") and len(inner) < len(arguments):
            return None
        return _value(inner[0], node, key, convert)
    if origin is tuple:
        items = _expect(Sequence, node, key, "a list").items
        return tuple(_value(arguments[0], item, f"{key}[{n}]", convert) for n, item in enumerate(items))
    if origin in (Mapping, dict):
        mapped = _expect(Mapped, node, key, "`key: value` lines")
        return {name: _value(arguments[1], item, f"{key}.{name}", convert) for name, item in mapped.items.items()}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return build(hint, _expect(Mapped, node, key, "`key: value` lines"), f"{key}.")
    return _scalar(hint, origin, arguments, _expect(Scalar, node, key, "one value"), key, convert)


def _scalar(hint: Any, origin: Any, arguments: tuple[Any, ...], node: Scalar, key: str, convert: Any) -> Any:
    try:
        if convert is not None:
            return convert(node.text)
        if origin is typing.Literal:
            return _one_of(node.text, arguments)
        if hint is bool:
            return _truth(node.text)
        return hint(node.text)
    except ValueError as error:
        expected = f"expected {_in_words(hint, arguments)}" if convert is None else ""
        reason = expected or str(error)
        raise GlassmasterError(f"{node.where}: {key}: {node.text!r} cannot be used", why=reason) from error


def _one_of(text: str, allowed: tuple[str, ...]) -> str:
    if text not in allowed:
        raise ValueError(text)
    return text


def _truth(text: str) -> bool:
    if text.lower() in TRUE | FALSE:
        return text.lower() in TRUE
    raise ValueError(text)


def _in_words(hint: Any, arguments: tuple[Any, ...]) -> str:
    if arguments:
        return "one of " + ", ".join(map(str, arguments))
    return {int: "a whole number", bool: "yes or no", str: "text"}.get(hint, getattr(hint, "__name__", str(hint)))


N = TypeVar("N", Scalar, Sequence, Mapped)


def _expect(cls: type[N], node: Node, key: str, words: str) -> N:
    if not isinstance(node, cls):
        raise GlassmasterError(f"{node.where}: {key}: expected {words}")
    return node
