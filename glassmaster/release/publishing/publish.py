"""Publishing: whatever interrupts it, what `latest` names is a whole release, and no release changes once it is there.

The order: the release's files; whatever else is there (of an attempt that broke off) goes away; all of them compared
there, with the digests of its list; that list, SHA512, with which it counts as published; index.json and index.html;
`latest`. Run again after an interruption it goes on where that is safe. What lies here may change meanwhile: then what
is there is not what the list says, and does not count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from glassmaster.diff.latest import LATEST
from glassmaster.errors import GlassmasterError
from glassmaster.release.artefacts import DIGESTS, FACTS, digest_of, files_below
from glassmaster.release.digestlist import is_listed, is_statement, parse_list
from glassmaster.release.publishing.index import (
    JSON,
    PAGE,
    Row,
    as_json,
    as_page,
    read_index,
    row_of,
    with_row,
)
from glassmaster.release.publishing.places import Place
from glassmaster.release.results import read_document

Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What came of it. uploaded: files; latest: whether it names this release now."""

    row: Row
    url: str
    uploaded: int
    latest: bool


def publish(folder: Path, place: Place, say: Say) -> Outcome:
    """Publish a release that was verified. Raises GlassmasterError; what was published before is as it was."""
    facts = read_document(folder / FACTS)
    listed = (folder / DIGESTS).read_bytes()
    row = row_of(facts, listed)
    # First to see that it can be made, before anything is there; then with what others published meanwhile.
    _index(row, place)
    uploaded = _release(folder, listed, row, place, say)
    rows, texts = _index(row, place)
    for name, text in texts.items():
        place.write(name, text)
    return Outcome(row, f"{place.url}/{row.path}", uploaded, _latest(row, rows, place))


def _index(row: Row, place: Place) -> tuple[list[Row], dict[str, bytes]]:
    """The rows with this one, and the files that show them."""
    rows = with_row(read_index(place.read(JSON), f"{place.url}/{JSON}"), row)
    return rows, {JSON: as_json(rows), PAGE: as_page(rows)}


def _release(folder: Path, listed: bytes, row: Row, place: Place, say: Say) -> int:
    """Its files, the list last. A release of this id that is there already stays what it is."""
    there = place.read(f"{row.path}/{DIGESTS}")
    if there is not None and there != listed:
        raise GlassmasterError(
            f"{place.url}/{row.path}: a release of this id is published, and it is another one",
            why=f"its {DIGESTS} has the SHA-512 {hashlib.sha512(there).hexdigest()[:32]}...",
            hint="what is published stays as it is: change the recipe or its lock, and release that",
        )  # fmt: skip
    digests = _digests(folder, listed)
    names = sorted(digests)
    if there is not None:
        # Statements of those who rebuilt it come later than the release itself.
        names = [name for name in names if is_statement(name) and place.read(f"{row.path}/{name}") is None]
    files = {f"{row.path}/{name}": folder / name for name in names}
    if files:
        say(f"{len(files)} files to {place.url}/{row.path}")
        place.put(files)
        if there is None:
            place.only(row.path, files)
        wrong = place.other(files, {f"{row.path}/{name}": digests[name] for name in names})
        if wrong:
            raise GlassmasterError(
                f"{place.url}: {len(wrong)} files are not there as {DIGESTS} lists them", why="\n".join(wrong[:8]),
                hint="run it again; nothing there counts as published",
            )  # fmt: skip
    if there is None:
        place.write(f"{row.path}/{DIGESTS}", listed)
    return len(files) + (there is None)


def _digests(folder: Path, listed: bytes) -> Mapping[str, str]:
    """SHA-512 of every file but the list: by the list, and of what it does not name (signatures, statements) as it is
    when this is asked."""
    digests = parse_list(listed.decode("ascii", "replace"), str(folder / DIGESTS))
    others = [name for name in files_below(folder) if name != DIGESTS and not is_listed(name)]
    return {**digests, **{name: digest_of(folder / name).sha512 for name in others}}


def _latest(row: Row, rows: list[Row], place: Place) -> bool:
    """Move `latest`, unless it names a release of a later epoch."""
    name = f"{row.recipe}/{LATEST}"
    named = (place.read(name) or b"").decode("ascii", "replace").strip()
    other = next((item for item in rows if item.recipe == row.recipe and item.release_id == named), None)
    if other is not None and other.epoch > row.epoch:
        return False
    if named != row.release_id:
        place.write(name, f"{row.release_id}\n".encode())
    return True
