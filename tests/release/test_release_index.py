"""The index of published releases: what it shows, and what is no index."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.release.artefacts import files_below
from glassmaster.release.assemble import write_list
from glassmaster.release.publishing.index import Row, as_page, read_index, with_row
from glassmaster.release.publishing.places import DirectoryPlace
from tests.release.test_release_publish import put


def a_row(**change: object) -> bytes:
    """An index with one release."""
    row = asdict(Row("racks", "0" * 12, "words", "10.1", 5, False, "racks/0", "ab", "cd", ()))
    return json.dumps({"format": 1, "releases": [{**row, **change}]}).encode()


@pytest.mark.parametrize(
    "text",
    [
        b"", b"[]", b"{}", b'{"format": 2, "releases": []}', b'{"format": 1, "releases": [1]}', b"[" * 200_000,
        *(a_row(**change) for change in (
            {"epoch": "soon"}, {"epoch": 1e20}, {"epoch": 10**20}, {"epoch": -1}, {"epoch": True}, {"epoch": None},
            {"recipe": 1}, {"standin": "no"}, {"without": "smoke"}, {"without": [1]}, {"without": None},
            {"description": "\ud800"}, {"path": ["x"]}, {"more": "x"},
        )),
    ],
)  # fmt: skip
def test_an_index_that_is_none_is_left_alone(copy: Path, tmp_path: Path, text: bytes) -> None:
    place = DirectoryPlace(tmp_path / "place")
    place.write("index.json", text)
    with pytest.raises(GlassmasterError, match="not an index of releases"):
        put(copy, place)
    # It is looked at before anything is there.
    assert place.read("index.json") == text and files_below(place.folder) == ["index.json"]


def test_facts_that_no_index_can_show(copy: Path, tmp_path: Path) -> None:
    facts = json.loads((copy / "release.json").read_text())
    changes: list[dict[str, object]] = [
        {"epoch": "soon"}, {"recipe": "../up"}, {"release_id": "a/b"}, {"files": []}, {"standin": 0},
    ]  # fmt: skip
    for change in changes:
        (copy / "release.json").write_text(json.dumps({**facts, **change}))
        write_list(copy)
        with pytest.raises(GlassmasterError, match=r"release\.json: not the facts of a release"):
            put(copy, DirectoryPlace(tmp_path / "place"))
        assert not (tmp_path / "place").exists()


def test_rows_that_others_wrote_meanwhile_stay(copy: Path, tmp_path: Path) -> None:
    class Busy(DirectoryPlace):
        def put(self, files: Mapping[str, Path]) -> None:
            super().put(files)
            self.write("index.json", a_row())

    place = Busy(tmp_path / "place")
    put(copy, place)
    assert {row.recipe for row in read_index(place.read("index.json"), "x")} == {"racks", "standin"}


def test_the_index_escapes_and_sorts() -> None:
    row = Row("racks", "0" * 12, "<script>alert(1)</script>", "10.1", 5, False, "racks/0", "ab", "cd", ("smoke",))
    later = Row("racks", "1" * 12, "later", "10.1", 6, False, "racks/1", "ab", "cd", ())
    rows = with_row(with_row([], row), later)
    assert [item.release_id[0] for item in rows] == ["1", "0"] and with_row(rows, row) == rows
    page = as_page(rows).decode()
    assert (
        "<script>alert" not in page
        and "&lt;script&gt;alert(1)" in page
        and "http" not in page.replace("http-equiv", "")
    )
