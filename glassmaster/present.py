"""Results as text for a terminal."""

from __future__ import annotations

import json
import shlex

from glassmaster.checks.repro.result import read_result
from glassmaster.checks.repro.text import table
from glassmaster.doit_plugins.summary import size_text
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
        ("burn it", f"./doit burn /dev/sr0 image={shlex.quote(facts['path'])}"),
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


def signature(places: Places) -> str:
    """What was signed, and what to do with it."""
    manifest = places.domu("SHA512")
    return f"{manifest}.sig: the signature of {manifest}\nfor a web server: {manifest.parent}/ (docs/rollout.md)"


def release(places: Places) -> str:
    """What is handed over, and what to do with it."""
    facts = json.loads((places.release / "release.json").read_bytes())
    size = sum(item["size"] for item in facts["files"])
    signed = (places.release / "SHA512.sig").exists()
    rows = [
        ("release", f"{places.release}/"),
        ("what", facts["description"]),
        ("release id", facts["release_id"]),
        ("files", f"{len(facts['files']):,}, {size_text(size)}, verified"),
        ("signed", "yes, SHA512.sig" if signed else "no"),
        *[("without", f"{name}: {reason}") for name, reason in sorted(facts["without"].items())],
        ("verify it", f"./doit verify {places.release} signers=FILE" if signed else f"./doit verify {places.release}"),
    ]
    return _table(rows) + (f"\n{STANDIN_NOTICE}" if facts["standin"] else "")


def _table(rows: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)
