"""What a release that is replaced holds of others: their statements about it, and whatever somebody put there."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from glassmaster.atomic import put_in_place, temporary_beside
from glassmaster.errors import GlassmasterError
from glassmaster.release.artefacts import DIGESTS, FACTS, REBUILDS, digest_of, files_below
from glassmaster.release.digestlist import SIGNATURES, is_statement, read_list
from glassmaster.release.results import read_document

UNKNOWN = "unknown"


def statements(release: Path, release_id: str) -> list[Path]:
    """What others said of the release of this id, if it is that one which lies there."""
    there = sorted((release / REBUILDS).glob("*.json*")) if _id_of(release) == release_id else []
    return [path for path in there if is_statement(f"{REBUILDS}/{path.name}")]


def keep(release: Path, successor: Path, kept: Path) -> Path | None:
    """Copy what is not the release's own out of the way, before another directory takes its place.

    Not its own is what neither its list nor the other directory names. kept: directory for the kept ones, one below it
    for each release id. Returns where they are now, None where there was nothing to keep.
    """
    own = {DIGESTS, *SIGNATURES, *files_below(successor)}
    with suppress(GlassmasterError):  # a damaged one: what looks like a release's file is one
        own |= read_list(release / DIGESTS).keys()
    names = [name for name in files_below(release) if name not in own]
    if not names:
        return None
    folder = kept / _id_of(release)
    for name in names:
        _copy(release / name, folder / name)
    return folder


def _copy(path: Path, target: Path) -> None:
    """Beside another one of the same name, if that is not the same."""
    place, number = target, 0
    while place.is_symlink() or place.exists():
        if path.is_symlink() or place.is_symlink():
            same = path.is_symlink() and place.is_symlink() and path.readlink() == place.readlink()
        else:
            same = path.is_file() and place.is_file() and digest_of(path) == digest_of(place)
        if same:
            return
        number += 1
        place = target.with_name(f"{target.name}.{number}")
    with temporary_beside(place) as temporary:
        if path.is_symlink():
            temporary.symlink_to(path.readlink())
            temporary.rename(place)
        elif path.is_file():
            shutil.copy2(path, temporary)
            put_in_place(temporary, place)


def _id_of(release: Path) -> str:
    """The release id that a directory's own facts say; it becomes a name of a directory."""
    facts: dict[str, Any] = {}
    with suppress(GlassmasterError):
        facts = read_document(release / FACTS)
    said = str(facts.get("release_id", ""))
    return said if said.isalnum() else UNKNOWN
