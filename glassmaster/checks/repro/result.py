"""The result of the matrix: repro.json, out and in; docs/repro.schema.json is its schema."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glassmaster.atomic import write_json
from glassmaster.errors import GlassmasterError

FORMAT = 1


@dataclass(frozen=True)
class Source:
    """A likely source of a difference, from the catalogue. what: in a word or two; evidence: what speaks for it."""

    what: str
    evidence: str
    cure: str


@dataclass(frozen=True)
class Difference:
    """An artefact that is not the same.

    sha256: the other one's, "" where there is none. entries: what differs inside, named from the trees.
    sources: likely first. reports: diffoscope's files, seen from out/RECIPE; problems: what diffoscope could not do.
    """

    artefact: str
    sha256: str
    entries: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    reports: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One variation.

    ran:      whether it was built at all, in the surroundings it is named after; if not, failure says why.
    seconds:  of the whole variation, from an empty directory to the digests.
    identical: every artefact is. rebuilt: the steps that ran; from_store: what they took from the store.
    """

    name: str
    what: str
    ran: bool
    seconds: float
    identical: bool
    differing: tuple[Difference, ...]
    failure: str
    rebuilt: tuple[str, ...]
    from_store: tuple[str, ...]


@dataclass(frozen=True)
class Repro:
    """The whole matrix. artefacts: SHA-256 of the plain build's, by name; plain: that build.

    causes: the variations, named, that make the difference. notes: what was not varied, and why.
    """

    recipe: str
    release_id: str
    artefacts: Mapping[str, str]
    plain: Row
    variations: tuple[Row, ...]
    causes: tuple[str, ...]
    notes: tuple[str, ...]
    quick: bool
    toolchain: bool

    @property
    def passed(self) -> bool:
        """Every variation was built and every artefact is the same."""
        return not self.plain.failure and all(row.ran and row.identical for row in self.variations)


def write_result(path: Path, result: Repro) -> None:
    """Write repro.json."""
    write_json(path, {"format": FORMAT, "passed": result.passed, **dataclasses.asdict(result)})


def read_result(path: Path) -> Repro:
    """Read repro.json; GlassmasterError for anything else."""
    try:
        document = json.loads(path.read_bytes())
        if document["format"] != FORMAT:
            raise ValueError(f"its format is {document['format']!r}; this glassmaster reads {FORMAT}")
        result = Repro(
            recipe=document["recipe"], release_id=document["release_id"], artefacts=dict(document["artefacts"]),
            plain=_row(document["plain"]), variations=tuple(map(_row, document["variations"])),
            causes=tuple(document["causes"]), notes=tuple(document["notes"]),
            quick=document["quick"], toolchain=document["toolchain"],
        )  # fmt: skip
        if result.passed != document["passed"]:
            raise ValueError("what it says of the variations is not what it says of the whole")
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise GlassmasterError(
            f"{path}: not a result of repro", why=str(error), hint="`doit repro` makes it"
        ) from error
    return result


def _row(value: Mapping[str, Any]) -> Row:
    fields = {item.name: value[item.name] for item in dataclasses.fields(Row)}
    lists = {name: tuple(fields[name]) for name in ("rebuilt", "from_store")}
    return Row(**{**fields, **lists, "differing": tuple(map(_difference, fields["differing"]))})


def _difference(value: Mapping[str, Any]) -> Difference:
    fields = {item.name: value[item.name] for item in dataclasses.fields(Difference)}
    lists = {name: tuple(fields[name]) for name in ("entries", "reports", "problems")}
    return Difference(**{**fields, **lists, "sources": tuple(Source(**item) for item in fields["sources"])})
