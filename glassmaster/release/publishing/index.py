"""The index of what is published in a place: index.json for programs, index.html for people."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from glassmaster.diff.latest import LATEST
from glassmaster.errors import GlassmasterError
from glassmaster.pages.page import render
from glassmaster.recipe.values import plain_words
from glassmaster.release.artefacts import FACTS, ISO

FORMAT = 1
JSON, PAGE = "index.json", "index.html"
KINDS = {"epoch": int, "standin": bool, "without": tuple}
LAST_EPOCH = 253_402_300_799  # the last second of the year 9999, with which calendars here end
AGAIN = "it was not written by `doit publish`, or is damaged: mend it, or publish elsewhere"


@dataclass(frozen=True)
class Row:
    """A published release. path: its directory, seen from the index. sha512: of its list of files, SHA512.

    without: the checks that it was released without, by name. iso: SHA-512 of the CD.
    """

    recipe: str
    release_id: str
    description: str
    version: str
    epoch: int
    standin: bool
    path: str
    sha512: str
    iso: str
    without: tuple[str, ...]


def row_of(facts: Mapping[str, Any], listed: bytes) -> Row:
    """The row of a release. facts: its release.json; listed: its SHA512."""
    try:
        iso = next(item["sha512"] for item in facts["files"] if item["name"] == ISO)
        path = f"{plain_words(facts['recipe'])}/{plain_words(facts['release_id'])}"
        return _checked(Row(
            facts["recipe"], facts["release_id"], facts["description"], facts["version"], facts["epoch"],
            facts["standin"], path, hashlib.sha512(listed).hexdigest(), iso, tuple(sorted(facts["without"])),
        ))  # fmt: skip
    except (ValueError, KeyError, TypeError, StopIteration) as error:
        raise GlassmasterError(f"{FACTS}: not the facts of a release", why=str(error)) from error


def read_index(data: bytes | None, where: str) -> list[Row]:
    """The rows of an index.json; none where there is no such file yet."""
    if data is None:
        return []
    try:
        document = json.loads(data)
        if document["format"] != FORMAT:
            raise ValueError(f"its format is {document['format']!r}, expected {FORMAT}")
        rows = document["releases"]
        if not all(isinstance(row["without"], list) for row in rows):
            raise ValueError("without is not a list")
        return [_checked(Row(**{**row, "without": tuple(row["without"])})) for row in rows]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise GlassmasterError(f"{where}: not an index of releases", why=str(error), hint=AGAIN) from error


def _checked(row: Row) -> Row:
    """The row, if each value is of its kind: such as can be written, sorted and shown. ValueError."""
    for field in fields(Row):
        value = getattr(row, field.name)
        kind = KINDS.get(field.name, str)
        if type(value) is not kind or not all(isinstance(item, str) for item in row.without):
            raise ValueError(f"{field.name} is {value!r:.80}, expected {kind.__name__}")
        str(value).encode()
    if not 0 <= row.epoch <= LAST_EPOCH:
        raise ValueError(f"epoch is {row.epoch}, expected 0 to {LAST_EPOCH}")
    return row


def with_row(rows: Sequence[Row], row: Row) -> list[Row]:
    """The rows with one more: by recipe, the newest first."""
    others = [item for item in rows if item.path != row.path]
    return sorted([*others, row], key=lambda item: (item.recipe, -item.epoch, item.release_id))


def as_json(rows: Sequence[Row]) -> bytes:
    """The text of index.json."""
    document = {"format": FORMAT, "releases": [asdict(row) for row in rows]}
    return (json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()


def as_page(rows: Sequence[Row]) -> bytes:
    """The text of index.html."""
    recipes: dict[str, list[Row]] = {}
    for row in rows:
        recipes.setdefault(row.recipe, []).append(row)
    days = {row.path: datetime.datetime.fromtimestamp(row.epoch, datetime.UTC).date().isoformat() for row in rows}
    return render(
        "releases.html.j2", package="glassmaster.release.publishing", recipes=recipes, days=days, latest=LATEST
    ).encode()
