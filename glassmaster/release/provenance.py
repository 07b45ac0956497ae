"""provenance.json: what a release was made from, by what, and how: an in-toto statement (v1) with SLSA's provenance v1.

Subjects are the files that are built, materials the rows of the lock and source.tar.gz, byproducts what was found out
about them. There is no time in it: the clock is no input.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glassmaster.doit_plugins.digests import DIGESTS
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.lock import Lock, LockedInput
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.release.artefacts import SOURCE, Digest
from glassmaster.release.source import Source, commit_of

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:glassmaster:release:1"
BUILDER = "urn:glassmaster:doit"
# What writes bytes of an image; everything else is in requirements/, which source.tar.gz has with its digests.
LIBRARIES = ("deflate", "doit", "glassmaster", "Jinja2", "libarchive-c", "pycdlib", "PyYAML")
PROGRAMS = ("gcc", "as", "ld", "mformat")
EPOCH_VARIABLE = "SOURCE_DATE_EPOCH"


@dataclass(frozen=True)
class Made:
    """What a release consists of when its provenance is written: names in its directory to digests.

    subjects: what is built. byproducts: what says something of it. without: the checks that were left out, by name,
    each with the reason for which the release would have been refused.
    """

    release_id: str
    subjects: Mapping[str, Digest]
    byproducts: Mapping[str, Digest]
    without: Mapping[str, str]


def provenance(loaded: LoadedRecipe, lock: Lock, source: Source, made: Made) -> dict[str, Any]:
    """The statement."""
    definition = {
        "buildType": BUILD_TYPE,
        "externalParameters": {
            "recipe": loaded.name,
            "recipeFile": source.recipe,
            "repository": source.repository,
            "source": SOURCE,
            "epoch": loaded.recipe.epoch,
            "overrides": {
                **({"epoch": EPOCH_VARIABLE} if EPOCH_VARIABLE in os.environ else {}),
                "without": dict(sorted(made.without.items())),
            },
        },
        "internalParameters": {
            "releaseId": made.release_id,
            "recipeDigest": {"sha256": loaded.digest()},
            **commit_of(Path.cwd()),
        },
        "resolvedDependencies": [
            *(_material(item) for item in sorted(lock.inputs, key=lambda item: item.name)),
            *_descriptors({SOURCE: made.subjects[SOURCE]}),
        ],
    }
    run = {
        "builder": {"id": BUILDER, "version": versions(lock)},
        "metadata": {"invocationId": made.release_id},
        "byproducts": _descriptors(made.byproducts),
    }
    predicate = {"buildDefinition": definition, "runDetails": run}
    return {
        "_type": STATEMENT, "subject": _descriptors(made.subjects), "predicateType": PREDICATE, "predicate": predicate,
    }  # fmt: skip


def versions(lock: Lock) -> dict[str, str]:
    """Versions of what made it: Python and libraries by number, programs of the host by their binary's digest."""
    found = {"python": platform.python_version()}
    found |= {name: importlib.metadata.version(name) for name in LIBRARIES if _installed(name)}
    paths = {program: shutil.which(program) for program in PROGRAMS}
    found |= {f"{name} (sha256)": DIGESTS.digest(os.path.realpath(path)) for name, path in paths.items() if path}
    return dict(sorted((found | dict(lock.tools)).items()))


def subjects_of(statement: Any, where: str) -> dict[str, dict[str, str]]:
    """The subjects of a statement: name to digests by algorithm; GlassmasterError for anything but a statement."""
    try:
        if statement["_type"] != STATEMENT:
            raise ValueError(f"its type is {statement['_type']!r}")
        found = {
            str(item["name"]): {str(k): str(v) for k, v in item["digest"].items()} for item in statement["subject"]
        }
        if len(found) != len(statement["subject"]):
            raise ValueError("two subjects have one name")
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        why = f"{type(error).__name__}: {error}"
        raise GlassmasterError(f"{where}: not an in-toto statement that can be used", why=why) from error
    return found


def read_statement(path: Path, predicate: str = PREDICATE) -> dict[str, Any]:
    """A statement from a file; GlassmasterError for anything else, and for another predicate."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise GlassmasterError(f"{path}: not an in-toto statement that can be used", why=str(error)) from error
    subjects_of(document, str(path))
    if document.get("predicateType") != predicate:
        why = f"its predicate is {document.get('predicateType')!r}, expected {predicate}"
        raise GlassmasterError(f"{path}: a statement of another kind", why=why)
    return dict(document)


def _material(item: LockedInput) -> dict[str, Any]:
    """A row of the lock. Only the first place is its URI; the lock, a subject, has them all."""
    annotations = {"kind": item.kind, "size": item.size, "trust": item.trust}
    annotations |= {"version": item.version} if item.version else {}
    uri = {"uri": item.urls[0]} if item.urls else {}
    return {"name": item.name, **uri, "digest": {"sha512": item.sha512}, "annotations": annotations}


def _descriptors(files: Mapping[str, Digest]) -> list[dict[str, Any]]:
    return [
        {"name": name, "digest": {"sha256": digest.sha256, "sha512": digest.sha512}}
        for name, digest in sorted(files.items())
    ]


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
