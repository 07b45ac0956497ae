"""The releases that are published: their index, or directories of releases, each with its release.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.mirror import read_small

INDEX, FACTS = "index.json", "release.json"
# How far below a directory releases are looked for: RECIPE/RELEASE/release.json.
DEPTH = 3


@dataclass(frozen=True)
class Release:
    """A published release, as far as it matters who runs it."""

    recipe: str
    release_id: str
    epoch: int


def read_published(where: str) -> list[Release]:
    """Releases of a directory or URL, oldest first; those of one epoch in the order of the index."""
    if urlsplit(where).scheme in ("http", "https", "s3", "file"):
        url = f"{where.rstrip('/')}/{INDEX}"
        rows = _rows(_parsed(read_small(url), url), url)
    else:
        rows = _of_directory(Path(where))
    return sorted(dict.fromkeys(rows), key=lambda release: release.epoch)


def _of_directory(folder: Path) -> list[Release]:
    if not folder.is_dir():
        raise GlassmasterError(f"{folder}: no directory", hint="published= names a directory of releases, or a URL")
    index = folder / INDEX
    if index.is_file():
        return _rows(_parsed(_read(index), str(index)), str(index))
    patterns = ["/".join(["*"] * depth + [FACTS]) for depth in range(DEPTH + 1)]
    paths = sorted({path for pattern in patterns for path in folder.glob(pattern) if path.is_file()})
    return [_release(_parsed(_read(path), str(path)), str(path)) for path in paths]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise GlassmasterError(f"{path}: cannot be read", why=error.strerror or str(error)) from error


def _rows(document: Mapping[str, Any], where: str) -> list[Release]:
    rows = document.get("releases")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _not_one(where, "it has no list `releases`")
    return [_release(row, where) for row in rows]


def _release(row: Mapping[str, Any], where: str) -> Release:
    found = tuple(row.get(key) for key in ("recipe", "release_id", "epoch"))
    match found:
        case (str() as recipe, str() as release_id, int() as epoch):
            return Release(recipe, release_id, epoch)
    raise _not_one(where, "a release has no recipe, release_id or epoch")


def _parsed(data: bytes, where: str) -> Mapping[str, Any]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _not_one(where, str(error)) from error
    if not isinstance(document, dict):
        raise _not_one(where, "it is no JSON object")
    return document


def _not_one(where: str, why: str) -> GlassmasterError:
    return GlassmasterError(f"{where}: not an index of releases, nor a release", why=why)


def newer(release_id: str, recipe: str, published: Sequence[Release]) -> list[Release] | None:
    """The releases of the recipe that came after that one, oldest first; None if it is not among them."""
    own = [release for release in published if release.recipe == recipe]
    places = [place for place, release in enumerate(own) if release.release_id == release_id]
    return own[places[-1] + 1 :] if places else None
