"""notes.md: what a person wants to know of a release before anything else, as Markdown."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glassmaster.checks.repro.result import read_result
from glassmaster.places import STANDIN_NOTICE
from glassmaster.release.artefacts import DIFF, ISO, REPRO
from glassmaster.release.evidence import extent


def notes(facts: Mapping[str, Any], folder: Path) -> str:
    """The text. facts: what release.json holds; folder: the release, where diff.md may be."""
    day = datetime.datetime.fromtimestamp(facts["epoch"], datetime.UTC).date()
    lines = [f"# {facts['recipe']} {facts['release_id']}", "", plain(facts["description"]), ""]
    lines += [f"**{STANDIN_NOTICE}**", ""] if facts["standin"] else []
    version = f"Release {facts['version']}" if facts["standin"] else f"NetBSD {facts['version']}"
    lines += [f"{version}, {facts['machine']}; of {day}.", ""]
    if facts["without"]:
        lines += ["**Released without:**", ""]
        lines += [f"- {name}: {plain(reason)}" for name, reason in sorted(facts["without"].items())] + [""]
    if (folder / REPRO).is_file():
        lines += [f"Built again with the same bytes; {extent(read_result(folder / REPRO))}.", ""]
    changes = folder / f"{DIFF}.md"
    if changes.is_file():
        lines += ["## What changed", "", changes.read_text(encoding="utf-8").rstrip(), ""]
    disc = next(item for item in facts["files"] if item["name"] == ISO)
    lines += ["## The disc", "", f"`{ISO}`, {disc['size']:,} bytes, SHA-512:", "", f"    {disc['sha512']}", ""]
    return "\n".join(lines)


def plain(text: str) -> str:
    """Words of somebody else's on one line, with nothing in them that Markdown or HTML would take for its own."""
    line = " ".join(text.split())
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>#|!" else letter for letter in line)
