"""release.json and index.json against docs/release.schema.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from glassmaster.release.publishing.index import as_json, row_of, with_row
from tests.release.conftest import Released

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs/release.schema.json").read_text())


def valid(document: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(SCHEMA).is_valid(document))


def test_both(released_once: Released) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    facts = json.loads((released_once.folder / "release.json").read_text())
    row = row_of(facts, (released_once.folder / "SHA512").read_bytes())
    assert valid(facts) and valid(json.loads(as_json(with_row([], row))))


@pytest.mark.parametrize("change", [{"format": 2}, {"release_id": "x"}, {"without": {"all": "x"}}, {"more": 1}])
def test_what_is_none(released_once: Released, change: dict[str, Any]) -> None:
    assert not valid({**json.loads((released_once.folder / "release.json").read_text()), **change})
