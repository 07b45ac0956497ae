"""What differs inside an artefact: named from the trees, and the bytes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glassmaster.checks.ffs_reader import Image
from glassmaster.checks.readback import name_of
from glassmaster.checks.repro.artefacts import BOOT, LOCK, Release
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.lock import changes, read_lock
from glassmaster.tree.mtree import Listed, parse_mtree

# Of a difference no more entries are named, and of a file no more bytes are looked at.
MOST_ENTRIES, MOST_BYTES = 40, 1 << 20
FIELDS = ("kind", "mode", "uid", "gid", "mtime", "size", "sha256", "link", "inode", "origin")
IMAGE_SUFFIXES = (".iso", ".img")


@dataclass(frozen=True)
class Pair:
    """A file, or an entry of an image, with the bytes of both builds; tree: what else the trees say of it, in words."""

    name: str
    plain: bytes
    other: bytes
    tree: str = ""


def inside(artefact: str, plain: Release, other: Release) -> tuple[list[str], list[Pair]]:
    """What differs inside an artefact that both have: a line for each entry, and the bytes to look at."""
    one, two = _path(artefact, plain), _path(artefact, other)
    if artefact.startswith(f"{LOCK}/"):
        return changes(read_lock(one), read_lock(two)), [_files(artefact, one, two)]
    if artefact.endswith(".json"):
        return _values(one, two), [_files(artefact, one, two)]
    if artefact.endswith(IMAGE_SUFFIXES) and not artefact.startswith(f"{BOOT}/"):
        trees = _changed(_tree(one), _tree(two))
        pairs = _pairs(trees, one, two)
        return [f"{path}: {how}" for path, how in trees.items()], pairs or [_files(artefact, one, two)]
    if artefact.endswith(".mtree"):
        return [f"{path}: {how}" for path, how in _changed(_tree(one), _tree(two)).items()], []
    return [], [_files(artefact, one, two)]


def _path(artefact: str, release: Release) -> Path:
    return dict(release.files())[artefact]


def _tree(image: Path) -> dict[str, Listed]:
    """The tree of an image, from the specification beside it."""
    path = image.with_suffix(".mtree")
    return {item.path: item for item in parse_mtree(path.read_text(encoding="utf-8"), str(path))}


def _changed(plain: Mapping[str, Listed], other: Mapping[str, Listed]) -> dict[str, str]:
    """Paths with what is different about them, in order."""
    found = {}
    for path in sorted(plain.keys() | other.keys()):
        one, two = plain.get(path), other.get(path)
        if one is None or two is None:
            found[path] = "only in the plain build" if two is None else "not in the plain build"
        elif one != two:
            found[path] = ", ".join(
                _field(name, one, two) for name in FIELDS if getattr(one, name) != getattr(two, name)
            )
    return found


def _field(name: str, one: Listed, two: Listed) -> str:
    if name == "sha256":
        return "content"
    before, after = getattr(one, name), getattr(two, name)
    return f"{name} {before:04o} -> {after:04o}" if name == "mode" else f"{name} {before} -> {after}"


def _values(one: Path, two: Path) -> list[str]:
    """The values of a JSON object that differ, by name."""
    before, after = _object(one), _object(two)
    return [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]


def _object(path: Path) -> dict[str, Any]:
    value = json.loads(path.read_bytes())
    return value if isinstance(value, dict) else {"": value}


def _files(name: str, one: Path, two: Path) -> Pair:
    with one.open("rb") as plain, two.open("rb") as other:
        return Pair(name, *_from_where_they_differ(plain, other))


def _from_where_they_differ(plain: Any, other: Any) -> tuple[bytes, bytes]:
    """The first part of both files in which there is a difference, with a block before it."""
    last = (b"", b"")
    while True:
        blocks = (plain.read(MOST_BYTES // 4), other.read(MOST_BYTES // 4))
        if blocks[0] != blocks[1] or not blocks[0]:
            return last[0] + blocks[0], last[1] + blocks[1]
        last = blocks


def _pairs(changed: Mapping[str, str], one: Path, two: Path) -> list[Pair]:
    """Entries with their bytes; those that only one has come without."""
    wanted = list(changed)[:MOST_ENTRIES]
    plain, other = dict(_members(one, set(wanted))), dict(_members(two, set(wanted)))
    return [Pair(path, plain.get(path, b""), other.get(path, b""), changed[path]) for path in wanted]


def _members(image: Path, wanted: set[str]) -> Iterator[tuple[str, bytes]]:
    """The first bytes of some files of an image, whichever of the two kinds of images it is."""
    import libarchive

    try:
        with libarchive.file_reader(str(image), format_name="iso9660") as archive:
            for entry in archive:
                if entry.isreg and name_of(entry) in wanted:
                    yield name_of(entry), b"".join(entry.get_blocks())[:MOST_BYTES]
    except libarchive.ArchiveError:
        try:
            found = Image(image)
            for name, item in found.walk():
                if item.kind == "file" and name in wanted:
                    yield name, found.content(item)[:MOST_BYTES]
        except (ValueError, LookupError) as error:
            raise GlassmasterError(f"{image}: neither an ISO nor an FFS image", why=str(error)) from error
