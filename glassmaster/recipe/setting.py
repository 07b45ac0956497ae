"""The declaration of a recipe field: its type, its doc and its default stand together, once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

Converter = Callable[[str], Any]


def setting(
    doc: str,
    *,
    default: Any = dataclasses.MISSING,
    default_factory: Any = dataclasses.MISSING,
    convert: Converter | None = None,
    values: str = "",
) -> Any:
    """A field of a recipe's dataclass.

    doc:     what it is for, in one or two sentences (the reference page and the schema are made of it).
    convert: for one scalar, text to value; raises ValueError with the reason. Without it the type decides.
    values:  the allowed values in words, where the type alone does not say.
    """
    metadata = {"doc": doc, "convert": convert, "values": values}
    if default_factory is not dataclasses.MISSING:
        return dataclasses.field(default_factory=default_factory, metadata=metadata, kw_only=True)
    return dataclasses.field(default=default, metadata=metadata, kw_only=True)
