"""A JSON Schema (2020-12) of recipes, for editors, made of the fields' own declarations.

It says what a file may hold, never more than glassmaster itself asks: an editor shows no error where there is none.
The one exception is a bare `null` for a name, which editors take for nothing. What only glassmaster can see (a regular
expression that does not compile, a set that the release lacks) passes.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from glassmaster.recipe import values
from glassmaster.recipe.convert import FALSE, TRUE
from glassmaster.recipe.model import Recipe

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# Editors read YAML 1.2, where 10.1 is a number and 2026-11-22 may be anything; glassmaster reads text.
_SCALARS = ["string", "number", "boolean"]


def schema() -> Schema:
    """The schema of a recipe file. What a recipe must have may also come from the recipe that it extends."""
    whole: Schema = {
        "$schema": DIALECT,
        "title": "glassmaster recipe",
        "description": "One release, whole. docs/recipe.md has the same fields as a page.",
        **_mapping(Recipe),
        "if": {"properties": {"extends": {"enum": ["", None]}}},
        "then": {"$ref": "#/$defs/complete"},
        "$defs": {"complete": _complete(Recipe)},
    }
    return whole


def _mapping(cls: type) -> Schema:
    """The fields of a dataclass, none of them required yet: in a recipe that extends another, any may be left out."""
    hints = typing.get_type_hints(cls)
    properties = {field.name: _field(field, hints[field.name]) for field in dataclasses.fields(cls)}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _field(field: dataclasses.Field[Any], hint: Any) -> Schema:
    schema = {"description": field.metadata["doc"], **_value(hint, field.metadata["convert"])}
    if isinstance(field.default, str | int) and field.default != "":
        schema["default"] = field.default
    return schema


def _complete(cls: type) -> Schema:
    """What a recipe must have that extends nothing: the required fields, and those of the mappings that are there."""
    hints = typing.get_type_hints(cls)
    fields = dataclasses.fields(cls)
    required = [
        field.name
        for field in fields
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    inner = {field.name: _complete(below) for field in fields if (below := _section(hints[field.name])) is not None}
    found = {"required": required, "properties": {name: below for name, below in inner.items() if below}}
    return {key: value for key, value in found.items() if value}


def _section(hint: Any) -> type | None:
    """The dataclass of a field that is a mapping (perhaps an optional one); those in lists are always complete."""
    for candidate in (hint, *(typing.get_args(hint) if _optional(hint) else ())):
        if isinstance(candidate, type) and dataclasses.is_dataclass(candidate):
            return candidate
    return None


def _value(hint: Any, convert: Callable[[str], Any] | None) -> Schema:
    if _optional(hint):
        inner = next(argument for argument in typing.get_args(hint) if argument is not types.NoneType)
        return {"anyOf": [_value(inner, convert), {"enum": [None, "", "~", "null"]}]}
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        inner = arguments[0]
        if dataclasses.is_dataclass(inner) and isinstance(inner, type):
            # Lists are replaced whole by what extends them, so what is in them is complete.
            return {"type": "array", "items": {**_mapping(inner), **_complete(inner)}}
        return {"type": "array", "items": _value(inner, convert)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _value(arguments[1], convert)}
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return {"description": (hint.__doc__ or "").strip(), **_mapping(hint)}
    if convert is not None:
        return _of_converter(convert)
    return _of_type(hint, arguments)


def _optional(hint: Any) -> bool:
    return typing.get_origin(hint) in (types.UnionType, typing.Union)


def _of_type(hint: Any, arguments: tuple[Any, ...]) -> Schema:
    if typing.get_origin(hint) is typing.Literal:
        return {"enum": list(arguments)}
    if hint is bool:
        return {"anyOf": [{"type": "boolean"}, _text("|".join(map(_any_case, sorted(TRUE | FALSE))))]}
    if hint is int:
        return {"anyOf": [{"type": "integer"}, _text(r"\s*[+-]?[0-9_]+\s*")]}
    # An empty value is null to an editor.
    return {"type": [*_SCALARS, "null"]}


def _of_converter(convert: Callable[[str], Any]) -> Schema:
    """By the converter; one that is not known here is a mistake of ours and raises LookupError."""
    if convert in _CONVERTERS:
        return _CONVERTERS[convert]
    least = inspect.getclosurevars(convert).nonlocals.get("least")
    if convert.__qualname__ != f"{values.whole.__name__}.<locals>.convert" or not isinstance(least, int):
        raise LookupError(f"the schema does not know the converter {convert.__qualname__}")
    return {"anyOf": [{"type": "integer", "minimum": least}, _text(values._DIGITS.pattern)]}


def _text(pattern: str) -> Schema:
    return {"type": "string", "pattern": f"^(?:{pattern})$"}


def _scalar(pattern: str) -> Schema:
    """Text with a pattern, or what an editor takes for a number or a truth value: then the pattern says nothing."""
    return {"type": _SCALARS, "pattern": f"^(?:{pattern})$"}


def _any_case(word: str) -> str:
    return "".join(f"[{letter.upper()}{letter}]" for letter in word)


# Printable is what Python's str.isprintable() says; a schema can only rule out control characters and line breaks.
_ONE_LINE = r"[^\x00-\x1f\x7f]*"
_CONVERTERS: Mapping[Callable[[str], Any], Schema] = {
    values.plain_words: _scalar(values._PLAIN.pattern),
    values.volume_id: _scalar(values._VOLUME_ID.pattern),
    values.one_line: {**_scalar(_ONE_LINE), "type": [*_SCALARS, "null"]},
    values.code_digits: _scalar(values._CODE.pattern),
    values.arguments: {**_scalar(r"[\x20-\x7e]*"), "type": [*_SCALARS, "null"]},
    values.config_line: _text(r"[\x20-\x7e]+ root +on +[\x20-\x7e]+"),
    values.kernel_option: _scalar(r"[A-Za-z_][A-Za-z0-9_]*(?:=[\x20-\x7e]+)?"),
    values.mirror: _text(f"(?:{'|'.join(map(re.escape, values.MIRROR_SCHEMES))}){_ONE_LINE}"),
    values.report_place: _text(values._REPORT.pattern),
    # What a schema cannot say of paths and of All passes.
    values.repository: _text(f"(?:{'|'.join(map(re.escape, values.MIRROR_SCHEMES))}){_ONE_LINE}"),
    values.absolute_path: {**_scalar(r"(?:/[\x21-\x7e]+)?"), "type": [*_SCALARS, "null"]},
    values.pattern: {"type": [*_SCALARS, "null"]},
    values.media_budget: {
        "anyOf": [
            {"type": "integer", "minimum": 1},
            {"enum": list(values.MEDIA)},
            _text(values._DIGITS.pattern),
        ]
    },
    # Every form of ISO 8601 that Python reads begins with a digit.
    values.epoch: {"anyOf": [{"type": "integer", "minimum": 0}, _text(r"[0-9].*")]},
}
