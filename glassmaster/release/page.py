"""index.html: a release for people. What it is, how to burn it, what was found out about it, what changed."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glassmaster.checks.repro.result import Row, read_result
from glassmaster.diff.model import Result
from glassmaster.diff.page import HUES
from glassmaster.doit_plugins.summary import size_text
from glassmaster.pages.page import render
from glassmaster.pages.timeline import Bar, boot_bars
from glassmaster.pages.treemap import Tile
from glassmaster.places import STANDIN_NOTICE
from glassmaster.release.artefacts import DIFF, DIGESTS, DOMU, ISO, REPRO, SMOKE
from glassmaster.release.evidence import extent
from glassmaster.release.flow import boxes_of, flow
from glassmaster.release.rebuilds import Words
from glassmaster.release.results import IMPLIED, REQUIRED, read_comparison, read_document
from glassmaster.release.sbom_inputs import Image, Share
from glassmaster.release.signing import SUFFIX

# Pictures go into the page itself: those of a boot that show most, no larger than this, in bytes.
SCREENS, SCREEN_LIMIT = 2, 120_000
# Of what changed, the first items of each section; the rest is in diff.html.
FIRST_ITEMS = 6


@dataclass(frozen=True)
class Boot:
    """A boot of the smoke test. screens: pictures as data: URLs, with their names."""

    name: str
    seconds: float
    failure: str
    bars: list[Bar]
    screens: list[tuple[str, str]]


def page(folder: Path, facts: Mapping[str, Any], images: list[Image], words: Words | None) -> str:
    """The page of a release in a directory. facts: its release.json; images: the CD first; words: of who rebuilt it."""
    disc = images[0]
    day = datetime.datetime.fromtimestamp(facts["epoch"], datetime.UTC).date().isoformat()
    repro = read_result(folder / REPRO) if (folder / REPRO).is_file() else None
    changes = _changes(folder)
    missing = {*facts["without"], *(IMPLIED[name] for name in facts["without"] if name in IMPLIED)}
    good = {name: name not in missing for name in REQUIRED}
    return render(
        "release.html.j2", package="glassmaster.release", style="release.css", facts=facts, day=day,
        notice=STANDIN_NOTICE if facts["standin"] else "", iso=_file(facts, ISO), domus=_domus(facts),
        tiles=[_tile(origin, share) for origin, share in disc.shares.items()],
        picture=flow(boxes_of(_kinds(disc), [image.name.partition(":")[2] for image in images[1:]], good)),
        boots=list(_boots(folder)), repro=repro, repro_extent=extent(repro) if repro else "",
        repro_rows=[_repro_row(row) for row in repro.variations] if repro else [],
        changes=changes, meanings=_meanings(changes), packages=_packages(images),
        origins=[(origin, f"{share.files:,}", f"{share.bytes:,}") for origin, share in _largest_first(disc)],
        files=[(item["name"], item["size"], item["sha512"], item["name"]) for item in facts["files"]],
        words=[(word.who, word.key) for word in words.good] if words else [], first_items=FIRST_ITEMS,
        digests=DIGESTS, signature=DIGESTS + SUFFIX,
    )  # fmt: skip


def _file(facts: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return next(item for item in facts["files"] if item["name"] == name)


def _domus(facts: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [item for item in facts["files"] if item["name"].startswith(f"{DOMU}/") and item["name"].endswith(".img")]


def _tile(origin: str, share: Share) -> Tile:
    return Tile(origin, share.bytes, HUES.get(origin.partition(":")[0], HUES[""]))


def _largest_first(disc: Image) -> list[tuple[str, Share]]:
    return sorted(disc.shares.items(), key=lambda item: (-item[1].bytes, item[0]))


def _kinds(disc: Image) -> dict[str, str]:
    """How much of each kind of origin is on the CD, in words."""
    found: dict[str, list[Share]] = {}
    for origin, share in disc.shares.items():
        found.setdefault(origin.partition(":")[0], []).append(share)
    return {
        kind: f"{len(shares)} of them, {sum(share.files for share in shares):,} files, "
        f"{size_text(sum(share.bytes for share in shares))}"
        for kind, shares in found.items()
    }


def _boots(folder: Path) -> Iterator[Boot]:
    path = folder / SMOKE / "smoke.json"
    if path.is_file():
        for boot in read_document(path)["boots"]:
            screens = list(_screens(folder / SMOKE / boot["scenario"]))
            yield Boot(boot["scenario"], boot["seconds"], boot["failure"], boot_bars(boot), screens)


def _screens(folder: Path) -> Iterator[tuple[str, str]]:
    sizes = {path: path.stat().st_size for path in sorted(folder.glob("screen-*.png"))}
    small = [path for path, size in sizes.items() if size <= SCREEN_LIMIT]
    # A black screen is a small file.
    for path in sorted(sorted(small, key=lambda path: (-sizes[path], path))[:SCREENS]):
        yield path.name, f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


def _repro_row(row: Row) -> tuple[str, str, str, str]:
    outcome = "identical" if row.identical else row.failure or f"{len(row.differing)} differ"
    return row.name, row.what, outcome if row.ran else f"not run: {row.failure}", f"{row.seconds:.1f} s"


def _changes(folder: Path) -> Result | None:
    path = folder / f"{DIFF}.json"
    return read_comparison(path) if path.is_file() else None


def _meanings(changes: Result | None) -> list[tuple[str, str, Any]]:
    """Tree, title and items of each section that says something."""
    if changes is None:
        return []
    return [
        (tree.name or "the CD", section.title, section.items) for tree, section in changes.sections() if section.items
    ]


def _packages(images: list[Image]) -> list[tuple[str, str, str, str]]:
    """Package, image, licence, what it is."""
    rows = []
    for image in images:
        for origin in image.shares:
            kind, _, name = origin.partition(":")
            if kind == "package":
                facts = image.facts.get(name)
                licence = facts.fields.get("LICENSE", "") if facts else ""
                rows.append((name, image.name, licence or "not said", facts.comment if facts else ""))
    return rows
