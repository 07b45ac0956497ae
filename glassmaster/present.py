"""Results as text for a terminal."""

from __future__ import annotations

import json
import shlex

from glassmaster.checks.repro.result import read_result
from glassmaster.checks.repro.text import table
from glassmaster.places import STANDIN_NOTICE, Places


def image(places: Places, recipe: str) -> str:
    """The finished CD: where, how large, which, and what to do with it. recipe: as given on the command line."""
    facts = json.loads(places.facts.read_bytes())
    rows = [
        ("image", facts["path"]),
        ("what", facts["title"]),
        ("size", f"{facts['size']:,} bytes"),
        ("SHA-256", facts["sha256"]),
        ("files", f"{facts['files']:,} ({facts['entries']:,} entries), read back and compared"),
        ("volume id", facts["volume_id"]),
        ("release id", facts["release_id"]),
        ("boot it", f"./doit smoke recipe={shlex.quote(recipe)}"),
        ("burn it", f"xorriso -as cdrecord -v dev=/dev/sr0 {shlex.quote(facts['path'])}"),
    ]
    notice = f"\n{STANDIN_NOTICE}" if facts["standin"] else ""
    return _table(rows) + notice


def readback(places: Places) -> str:
    """The result of reading the CD back."""
    result = json.loads(places.readback.read_bytes())
    compared = f"{result['entries']:,} entries, {result['bytes']:,} bytes"
    return f"{places.iso}: {compared} equal to {places.mtree} (read by {result['reader']})"


def repro(places: Places) -> str:
    """The matrix of builds."""
    result = read_result(places.repro_result)
    ran = sum(row.ran for row in result.variations)
    last = f"{len(result.artefacts)} artefacts identical in all of {ran} comparisons: {places.repro_result}"
    return "\n".join([*table(result), last])


def smoke(places: Places) -> str:
    """What the boots showed."""
    result = json.loads((places.smoke / "smoke.json").read_bytes())
    lines = []
    for boot in result["boots"]:
        verdict = boot["failure"] or f"all {len(boot['expected'])} milestones in {boot['seconds']:.1f} s"
        lines.append(f"{boot['scenario']}: {verdict}")
        lines += [f"  {item['seconds']:7.2f} s  {item['name']}" for item in boot["reached"]]
    return "\n".join([*lines, f"consoles and screens: {places.smoke}/"])


def _table(rows: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)
