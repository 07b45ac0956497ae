"""The index of what is published in a place: index.json for programs, index.html for people."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from glassmaster.diff.latest import LATEST
from glassmaster.errors import GlassmasterError
from glassmaster.pages.page import render
from glassmaster.release.artefacts import ISO

FORMAT = 1
JSON, PAGE = "index.json", "index.html"
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
    iso = next(item["sha512"] for item in facts["files"] if item["name"] == ISO)
    return Row(
        facts["recipe"], facts["release_id"], facts["description"], facts["version"], facts["epoch"], facts["standin"],
        f"{facts['recipe']}/{facts['release_id']}", hashlib.sha512(listed).hexdigest(), iso,
        tuple(sorted(facts["without"])),
    )  # fmt: skip


def read_index(data: bytes | None, where: str) -> list[Row]:
    """The rows of an index.json; none where there is no such file yet."""
    if data is None:
        return []
    try:
        document = json.loads(data)
        if document["format"] != FORMAT:
            raise ValueError(f"its format is {document['format']!r}, expected {FORMAT}")
        return [Row(**{**row, "without": tuple(row["without"])}) for row in document["releases"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise GlassmasterError(f"{where}: not an index of releases", why=str(error), hint=AGAIN) from error


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
