"""Do the documents of a release agree, with its files and with each other?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from glassmaster.checks.repro.result import read_result
from glassmaster.inputs.lock import parse_lock
from glassmaster.inputs.record import release_id
from glassmaster.recipe.values import plain_words
from glassmaster.release.artefacts import (
    DIFF,
    DOMU,
    FACTS,
    ISO,
    LOCK_SUFFIX,
    MTREE,
    PAGE,
    PROVENANCE,
    REBUILDS,
    REPRO,
    SBOM,
    SMOKE,
    SOURCE,
    is_built,
    is_said,
)
from glassmaster.release.digestlist import is_listed
from glassmaster.release.evidence import diff_problem, quick_problem, repro_problem, smoke_problem
from glassmaster.release.identity import FILE_PROPERTY, serial_number
from glassmaster.release.provenance import read_statement, subjects_of
from glassmaster.release.rebuilds import words_of
from glassmaster.release.results import FULL, Checked, check, read_comparison, read_document
from glassmaster.release.verify_files import Handed
from glassmaster.release.verify_images import read_spec


def check_provenance(release: Handed) -> Checked:
    """Subjects, byproducts and materials against the files and the lock."""
    what = f"{PROVENANCE} names every file that was built, by its digests, and every row of the lock"
    return check("provenance", what, _provenance, release)


def check_sbom(release: Handed) -> Checked:
    """Its components that are files of the release."""
    return check("sbom", f"{SBOM} is of this release, with the digests of its files", _sbom, release)


def check_facts(release: Handed) -> Checked:
    """release.json, and that all documents speak of one release."""
    return check("facts", f"{FACTS} lists every file, and all documents are of one release", _facts, release)


def check_evidence(release: Handed, without: Mapping[str, str]) -> list[Checked]:
    """The results of smoke, repro and diff that were handed over, or the words by which one was left out.

    That repro was not whole is a line of its own where the release says so.
    """
    checks = (
        ("smoke", "it booted, as smoke.json says of this image", f"{SMOKE}/smoke.json", _smoke),
        ("repro", "it is the same when built again, as repro.json says", REPRO, _repro),
        *([(FULL, "every variation was built", REPRO, _repro)] if FULL in without else []),
        ("diff", "what changed needs no decision, as diff.json says", f"{DIFF}.json", _diff),
    )
    return [
        Checked(name, what, skipped=f"released without it: {without[name]}")
        if name in without
        else check(name, what, find, release, file, without)
        for name, what, file, find in checks
    ]


def check_rebuilds(release: Handed, signers: Path | None) -> Checked:
    """The statements of those who built it again. One that counts for nothing is told, and makes nothing bad."""
    if signers is None:
        what = f"the statements in {REBUILDS}/ say that it is the same"
        return Checked("rebuilds", what, skipped="signers=FILE was not given")
    built = {name: digest.sha256 for name, digest in release.digests.items() if is_built(name)}
    words = words_of(release.folder / REBUILDS, signers, built)
    who = ", ".join(word.who for word in words.good) or "nobody whose word counts"
    return Checked("rebuilds", f"built again, with the same bytes: {who}", skipped="; ".join(words.problems))


def _provenance(release: Handed) -> Iterator[str]:
    statement = read_statement(release.path(PROVENANCE))
    run, definition = statement["predicate"]["runDetails"], statement["predicate"]["buildDefinition"]
    yield from _described(release, subjects_of(statement, PROVENANCE), is_built)
    yield from _described(release, _by_name(run["byproducts"]), is_said)
    name = f"{plain_words(str(definition['externalParameters']['recipe']))}{LOCK_SUFFIX}"
    lock = parse_lock(release.path(name).read_bytes(), name)
    materials = _by_name(definition["resolvedDependencies"])
    wanted = {item.name: {"sha512": item.sha512} for item in lock.inputs}
    source = release.digests[SOURCE]
    wanted[SOURCE] = {"sha256": source.sha256, "sha512": source.sha512}
    for item in sorted(wanted.keys() | materials.keys()):
        if wanted.get(item) != materials.get(item):
            yield f"{item}: not the same in {PROVENANCE} and in {name}"
    internal = definition["internalParameters"]
    if release_id(internal["recipeDigest"]["sha256"], lock.inputs, lock.packages) != internal["releaseId"]:
        yield f"{PROVENANCE}: {internal['releaseId']} is not the release id of its recipe and lock"


def _described(release: Handed, described: Mapping[str, Mapping[str, str]], wanted: Any) -> Iterator[str]:
    names = {name for name in release.digests if wanted(name)}
    yield from (f"{name}: not in {PROVENANCE}" for name in sorted(names - described.keys()))
    for name, digests in sorted(described.items()):
        found = release.digests.get(name)
        if found is None or digests != {"sha256": found.sha256, "sha512": found.sha512}:
            yield f"{name}: not the file that {PROVENANCE} names"


def _by_name(descriptors: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    return {str(item["name"]): dict(item["digest"]) for item in descriptors}


def _sbom(release: Handed) -> Iterator[str]:
    document = read_document(release.path(SBOM))
    identity = read_document(release.path(FACTS))["release_id"]
    if document["serialNumber"] != f"urn:uuid:{serial_number(identity)}":
        yield f"{SBOM}: its serial number is not that of the release {identity}"
    described = set()
    for component in _components([document["metadata"]["component"], *document["components"]]):
        files = [item["value"] for item in component.get("properties", []) if item["name"] == FILE_PROPERTY]
        hashes = {item["alg"]: item["content"] for item in component.get("hashes", [])}
        for name in files:
            described.add(name)
            found = release.digests.get(name)
            if found is None or (hashes.get("SHA-256"), hashes.get("SHA-512")) != (found.sha256, found.sha512):
                yield f"{name}: not the file that {SBOM} describes"
    images = {name for name in release.digests if name.startswith(f"{DOMU}/") and name.endswith(".img")}
    yield from (f"{name}: not in {SBOM}" for name in sorted({ISO, *images} - described))


def _components(components: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for component in components:
        yield component
        yield from _components(component.get("components", []))


def _facts(release: Handed) -> Iterator[str]:
    facts = read_document(release.path(FACTS))
    listed = {item["name"]: (item["size"], item["sha256"], item["sha512"]) for item in facts["files"]}
    there = {
        name: (digest.size, digest.sha256, digest.sha512)
        for name, digest in release.digests.items()
        if is_listed(name) and name not in (FACTS, PAGE)
    }
    for name in sorted(listed.keys() | there.keys()):
        if listed.get(name) != there.get(name):
            yield f"{name}: not the file that {FACTS} lists"
    identity, recipe = facts["release_id"], facts["recipe"]
    parameters = read_statement(release.path(PROVENANCE))["predicate"]["buildDefinition"]
    specs = [name for name in release.digests if name == MTREE or (name.startswith(DOMU) and name.endswith(".mtree"))]
    said = {name: read_spec(release.path(name)).release_id for name in specs}
    said[PROVENANCE] = parameters["internalParameters"]["releaseId"]
    yield from (
        f"{name}: of the release {other or '(none)'}, not {identity}"
        for name, other in said.items()
        if other != identity
    )
    external = parameters["externalParameters"]
    if external["recipe"] != recipe or external["overrides"]["without"] != facts["without"]:
        yield f"{FACTS}: its recipe or what it was released without is not what {PROVENANCE} says"


def _smoke(release: Handed, file: str, _: Mapping[str, str]) -> list[str]:
    return _said(smoke_problem(read_document(release.path(file)), release.digests[ISO].sha256, ()))


def _repro(release: Handed, file: str, without: Mapping[str, str]) -> list[str]:
    artefacts = {name: digest.sha256 for name, digest in release.digests.items() if is_built(name)}
    identity = read_document(release.path(FACTS))["release_id"]
    result = read_result(release.path(file))
    return _said(repro_problem(result, identity, artefacts) or ("" if FULL in without else quick_problem(result)))


def _diff(release: Handed, file: str, _: Mapping[str, str]) -> list[str]:
    identity = read_document(release.path(FACTS))["release_id"]
    return _said(diff_problem(read_comparison(release.path(file)), identity, release.digests[ISO].sha256))


def _said(problem: str) -> list[str]:
    return [problem] if problem else []
