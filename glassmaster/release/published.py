"""Which releases of a recipe left this machine, and where to: what was published is never made in another form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from glassmaster.atomic import write_json
from glassmaster.errors import GlassmasterError
from glassmaster.release.results import read_document

FORMAT = 1


def note_published(path: Path, release_id: str, url: str, sha512: str) -> None:
    """Write down that a release was published. path: Places.published; sha512: of its list of files."""
    row = {"release_id": release_id, "url": url, "sha512": sha512}
    rows = [item for item in _rows(path) if item != row]
    write_json(path, {"format": FORMAT, "published": [*rows, row]})


def require_unpublished(path: Path, release_id: str) -> None:
    """Raise GlassmasterError if a release of this id was published."""
    urls = [str(item.get("url")) for item in _rows(path) if item.get("release_id") == release_id]
    if urls:
        raise GlassmasterError(
            f"the release {release_id} was published and is not made again",
            why=f"it is at {', '.join(sorted(set(urls)))}",
            hint="a copy here that was damaged or deleted is taken from there; another release has another id: change "
            "the recipe (its epoch will do) or its lock, and build it",
        )  # fmt: skip


def _rows(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    rows = read_document(path).get("published")
    if not isinstance(rows, list) or not all(isinstance(item, dict) for item in rows):
        raise GlassmasterError(f"{path}: not a list of what was published", hint="mend it by hand, or move it away")
    return rows
