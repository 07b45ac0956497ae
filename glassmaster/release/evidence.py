"""What is asked of a release before it is handed over: read back, booted, built again. "" is good; else the reason."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from glassmaster.checks.repro.result import Repro
from glassmaster.diff.model import Result
from glassmaster.release.artefacts import DOMU, ISO


def readback_problem(document: Mapping[str, Any], iso: str) -> str:
    """readback.json, against the CD's SHA-256."""
    if document["image"] != iso:
        return "another image was read back"
    return f"{len(document['differences'])} differences were read back" if document["differences"] else ""


def smoke_problem(document: Mapping[str, Any], iso: str, scenarios: Collection[str]) -> str:
    """smoke.json, against the CD's SHA-256. scenarios: names of those that the recipe asks for."""
    if document["image"]["sha256"] != iso:
        return "another image was booted"
    boots = {boot["scenario"]: boot["failure"] for boot in document["boots"]}
    failed = [f"{name}: {failure}" for name, failure in boots.items() if failure]
    if failed:
        return failed[0]
    missing = sorted(set(scenarios) - boots.keys())
    if missing:
        return f"not booted: {', '.join(missing)}"
    return "" if boots else "nothing was booted"


def repro_problem(result: Repro, release_id: str, artefacts: Mapping[str, str]) -> str:
    """repro.json, against the release. artefacts: SHA-256 by path below out/RECIPE, of those that it has."""
    if result.release_id != release_id:
        return f"another release was built again, {result.release_id}"
    images = {name for name in artefacts if name.startswith(f"{DOMU}/") and name.endswith(".img")}
    silent = sorted({ISO, *images} - result.artefacts.keys())
    if silent:
        return f"it says nothing of {', '.join(silent)}"
    other = [name for name, digest in sorted(result.artefacts.items()) if artefacts.get(name, digest) != digest]
    if other:
        return f"it was made of another {other[0]}"
    if not result.passed:
        bad = [row.name for row in (result.plain, *result.variations) if not (row.ran and row.identical)]
        return f"not the same when built again: {', '.join(bad)}"
    return "" if result.variations else "nothing was built again"


def quick_problem(result: Repro) -> str:
    """repro.json: it is not the whole of it that was built."""
    return extent(result) if result.quick else ""


def extent(result: Repro) -> str:
    """How much was varied, in words."""
    number = len(result.variations)
    return f"{'quick: ' if result.quick else ''}{number} variation{'' if number == 1 else 's'}"


def diff_problem(result: Result, release_id: str, iso: str) -> str:
    """diff.json, against the release and the CD's SHA-256: a change that a person has to decide on stands in the way.

    A comparison with itself is none.
    """
    new, old = result.new, result.old
    if new.release_id != release_id:
        return f"it compares another release, {new.release_id or 'of an unknown id'}"
    if new.sha256 != iso:
        return f"it compares another {ISO}" if new.sha256 else f"it does not say which {ISO} it compares"
    if old.sha256 == iso or (old.release_id == release_id and not old.sha256):
        return "it compares the release with itself"
    if old.release_id == release_id:
        # Of the recipe and its lock nothing has changed, but of an overlay, a patch or our own code.
        return f"the release before is another one of the same id, {release_id}: give the recipe another epoch"
    if result.verdict.outcome != "decision":
        return ""
    return f"needs a decision: {', '.join(decision.name for decision in result.verdict.open)}"
