"""Statements of those who built a release again: written, signed, read, and counted.

rebuilds/WHO.json is an in-toto statement (v1) about the files that WHO built, WHO.json.sig its signature.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glassmaster.atomic import write_json
from glassmaster.errors import GlassmasterError
from glassmaster.release.artefacts import PROVENANCE, REBUILDS, Digest
from glassmaster.release.digestlist import WHO
from glassmaster.release.provenance import STATEMENT, read_statement, subjects_of, versions
from glassmaster.release.rebuild import Rebuilt
from glassmaster.release.signing import sign, verify

PREDICATE = "urn:glassmaster:rebuild:1"
SUFFIX = ".json"
_KEY = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


@dataclass(frozen=True)
class Word:
    """Somebody's word that they built the same. who: the name of the file; key: the fingerprint that signed it."""

    who: str
    key: str


@dataclass(frozen=True)
class Words:
    """What was found. good: one for each key; problems: of the others, a line each."""

    good: tuple[Word, ...]
    problems: tuple[str, ...]


def statement(rebuilt: Rebuilt, provenance: Digest) -> dict[str, Any]:
    """What was built again, file by file, and of which release. There is no time in it."""
    return {
        "_type": STATEMENT,
        "subject": [
            {"name": name, "digest": {"sha256": digest.sha256, "sha512": digest.sha512}}
            for name, digest in sorted(rebuilt.digests.items())
        ],
        "predicateType": PREDICATE,
        "predicate": {
            "release": {
                "recipe": rebuilt.recipe, "releaseId": rebuilt.release_id,
                "provenance": {"sha256": provenance.sha256, "sha512": provenance.sha512},
            },
            "identical": rebuilt.identical,
            "differing": [item.name for item in rebuilt.files if not item.identical],
            "builder": {"version": versions(rebuilt.lock)},
        },
    }  # fmt: skip


def write_statement(document: Mapping[str, Any], folder: Path, who: str, key: Path) -> Path:
    """Write a statement and sign it; returns where it is."""
    path = folder / f"{require_who(who)}{SUFFIX}"
    write_json(path, dict(document))
    sign(path, key)
    return path


def require_who(who: str) -> str:
    """A name that a file may have."""
    if not re.fullmatch(WHO, who):
        raise GlassmasterError(f"who={who}: expected letters, digits and . _ - for the name of who builds")
    return who


def words_of(folder: Path, signers: Path, artefacts: Mapping[str, str]) -> Words:
    """Who built these artefacts again and found all of them the same. artefacts: SHA-256 by name in the release.

    signers: the allowed signers among those who rebuild (ssh-keygen(1), identity and namespace glassmaster). Two
    statements by one key are one.
    """
    good: dict[str, Word] = {}
    problems = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            key = _signed_by(path, signers)
            _require_same(path, artefacts)
        except GlassmasterError as error:
            problems.append(" / ".join(filter(None, [error.what, *error.why.splitlines()[:2]])))
            continue
        if key in good:
            problems.append(f"{path}: by the same key as {good[key].who}{SUFFIX}")
        else:
            good[key] = Word(path.name.removesuffix(SUFFIX), key)
    return Words(tuple(good.values()), tuple(problems))


def require_rebuilds(wanted: int, folder: Path, signers: Path, artefacts: Mapping[str, str]) -> Words:
    """At least so many good statements, or GlassmasterError that says of each what is wrong with it."""
    found = words_of(folder, signers, artefacts)
    if len(found.good) < wanted:
        names = ", ".join(item.who for item in found.good) or "nobody"
        raise GlassmasterError(
            f"{wanted} have to have built it again, {len(found.good)} did: {names}",
            why="\n".join(found.problems), hint=f"`doit rebuild` makes a statement; they are looked for in {folder}/",
        )  # fmt: skip
    return found


def require_rebuilds_of(release: Path, wanted: int, signers: Path) -> Words:
    """The same for a release that was verified, with the statements that lie in it."""
    subjects = subjects_of(read_statement(release / PROVENANCE), PROVENANCE)
    artefacts = {name: digests["sha256"] for name, digests in subjects.items()}
    return require_rebuilds(wanted, release / REBUILDS, signers, artefacts)


def _signed_by(path: Path, signers: Path) -> str:
    """The fingerprint of the key that signed, as ssh-keygen says it."""
    said = verify(path, signers)
    match = _KEY.search(said)
    if match is None:
        raise GlassmasterError(f"{path}: ssh-keygen does not say by which key it is signed", why=said)
    return match[0]


def _require_same(path: Path, artefacts: Mapping[str, str]) -> None:
    document = read_statement(path, PREDICATE)
    subjects = {name: digests.get("sha256", "") for name, digests in subjects_of(document, str(path)).items()}
    other = [name for name, digest in sorted(artefacts.items()) if subjects.get(name) != digest]
    if other:
        how = "another" if other[0] in subjects else "no"
        raise GlassmasterError(f"{path}: {how} {other[0]} was built", why=f"{len(other)} of {len(artefacts)} files")
    predicate = document.get("predicate")
    if not isinstance(predicate, dict) or predicate.get("identical") is not True:
        raise GlassmasterError(f"{path}: says itself that it is not the same")
