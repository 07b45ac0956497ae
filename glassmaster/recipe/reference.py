"""The reference page of recipes, made of the fields' own declarations.

python -m glassmaster.recipe.reference > docs/recipe.md
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from glassmaster.recipe.model import Recipe

HEAD = """\
# Recipes

Made by `python -m glassmaster.recipe.reference` of the fields' declarations in `glassmaster/recipe/model.py`.

A recipe is one YAML file in `recipes/`; its file name is its name. Every value is read as text and converted by the
type of its field: `10.10` stays a version and a MAC address stays an address. A key that is not listed here is an
error. `extends` names another recipe: mappings are merged key by key, lists and single values replace.
"""


def reference() -> str:
    """The whole page, Markdown."""
    return "\n".join([HEAD, *_section(Recipe, "")])


def _section(cls: type, prefix: str) -> Iterator[str]:
    hints = typing.get_type_hints(cls)
    inner: list[tuple[type, str]] = []
    yield from ["| field | type | default | what it is for |", "| --- | --- | --- | --- |"]
    for field in dataclasses.fields(cls):
        below = _dataclass_of(hints[field.name])
        doc = field.metadata["doc"].replace("|", "\\|")
        if below is not None:
            named = ".NAME" if typing.get_origin(hints[field.name]) is Mapping else ""
            inner.append((below, f"{prefix}{field.name}{named}"))
        words = field.metadata["values"] or _type_words(hints[field.name])
        yield f"| `{prefix}{field.name}` | {words} | {_default(field)} | {doc} |"
    yield ""
    for below, name in inner:
        yield from [f"## {name}", "", (below.__doc__ or "").strip(), "", *_section(below, f"{name}.")]


def _dataclass_of(hint: Any) -> type | None:
    """The dataclass inside a field's type: itself, optional, or in a list."""
    candidates = [hint, *typing.get_args(hint)]
    return next((item for item in candidates if isinstance(item, type) and dataclasses.is_dataclass(item)), None)


def _type_words(hint: Any) -> str:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return f"{_type_words(arguments[0])}, or nothing"
    if origin is tuple:
        return f"list of {_type_words(arguments[0])}"
    if origin is Mapping:
        return "names, each as below" if dataclasses.is_dataclass(arguments[1]) else "names and texts"
    if origin is typing.Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if dataclasses.is_dataclass(hint):
        return "see below"
    return {int: "whole number", bool: "yes or no", str: "text"}[hint]


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default_factory is not dataclasses.MISSING:
        return "as below" if dataclasses.is_dataclass(field.default_factory) else "none"
    if field.default is dataclasses.MISSING:
        return "**required**"
    if isinstance(field.default, bool):
        return "yes" if field.default else "no"
    if field.default is None or field.default in ("", ()):
        return "none"
    values = field.default if isinstance(field.default, tuple) else (field.default,)
    return ", ".join(f"`{value}`" for value in values)


if __name__ == "__main__":
    print(reference(), end="")
