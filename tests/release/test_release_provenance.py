"""The provenance: read by the in-toto project's own library, and equal for equal builds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.lock import Lock, LockedInput
from glassmaster.recipe.load import load
from glassmaster.release import provenance
from glassmaster.release.artefacts import Digest
from glassmaster.release.source import Source

REPOSITORY = Path(__file__).resolve().parents[2]
ROWS = (
    LockedInput("debian/xen", "debian", ("pool/xen.deb",), 5, "cd" * 64, "apt", "4.17"),
    LockedInput("amd64/base.tgz", "release", ("http://mirror.invalid/base.tgz", "http://other.invalid/b"), 7, "ab" * 64,
                "first-use"),
)  # fmt: skip
SUBJECTS = {name: Digest(1, "12" * 32, "34" * 64) for name in ("source.tar.gz", "dom0.iso")}
MADE = provenance.Made("0123456789ab", SUBJECTS, {"sbom.cdx.json": Digest(1, "56" * 32, "78" * 64)}, {"smoke": "none"})
TWICE = json.dumps({"_type": provenance.STATEMENT, "subject": [{"name": "a", "digest": {}}] * 2})


def statement() -> dict[str, Any]:
    loaded = load(REPOSITORY / "recipes/standin.yaml")
    return provenance.provenance(loaded, Lock("standin", {}, ROWS), Source({}, ".", "recipes/standin.yaml"), MADE)


def test_the_projects_own_reader_takes_it() -> None:
    text = json.dumps(statement())
    parsed = json_format.Parse(text, statement_pb2.Statement())
    Statement.copy_from_pb(parsed).validate()
    found = json.loads(text)["predicate"]
    predicate = json_format.ParseDict(found, provenance_pb2.Provenance())
    assert predicate.run_details.builder.id == provenance.BUILDER
    assert [item.name for item in parsed.subject] == ["dom0.iso", "source.tar.gz"]
    materials = predicate.build_definition.resolved_dependencies
    assert [(item.name, item.uri) for item in materials] == [
        ("amd64/base.tgz", "http://mirror.invalid/base.tgz"), ("debian/xen", "pool/xen.deb"), ("source.tar.gz", ""),
    ]  # fmt: skip
    assert [item.name for item in predicate.run_details.byproducts] == ["sbom.cdx.json"]


def test_it_is_equal_for_equal_builds_and_has_no_time() -> None:
    assert statement() == statement()
    assert "startedOn" not in json.dumps(statement())


def test_what_was_left_out_stands_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = statement()["predicate"]["buildDefinition"]["externalParameters"]
    assert parameters["overrides"] == {"without": {"smoke": "none"}}
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    parameters = statement()["predicate"]["buildDefinition"]["externalParameters"]
    assert parameters["overrides"]["epoch"] == "SOURCE_DATE_EPOCH" and parameters["epoch"] == 86400


def test_reading_it_back(tmp_path: Path) -> None:
    path = tmp_path / "provenance.json"
    path.write_text(json.dumps(statement()))
    subjects = provenance.subjects_of(provenance.read_statement(path), "x")
    assert subjects["dom0.iso"] == {"sha256": "12" * 32, "sha512": "34" * 64}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"_type": "x"}', '{"_type": "https://in-toto.io/Statement/v1", "subject": [1]}',
     '{"_type": "https://in-toto.io/Statement/v1", "subject": [{"name": "a", "digest": 3}]}',
     '{"_type": "https://in-toto.io/Statement/v1", "subject": [], "predicateType": "x"}',
     TWICE],
)  # fmt: skip
def test_what_is_no_statement(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(GlassmasterError, match=r"p\.json"):
        provenance.read_statement(tmp_path / "p.json")
