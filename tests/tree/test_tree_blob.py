"""Blobs: contents one after another, each distinct one once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassmaster.tree.blob import new_blob
from glassmaster.tree.entry import Content, Entry


def test_contents_lie_where_it_says_and_equal_ones_once(tmp_path: Path) -> None:
    path = tmp_path / "blob"
    with new_blob(path) as blob:
        found = [blob.add(data) for data in (b"one", b"", b"twotwo", b"one", b"")]
    assert path.read_bytes() == b"onetwotwo"
    assert found[0] == found[3] == Content(path, 0, 3, hashlib.sha256(b"one").hexdigest())
    assert found[2] == Content(path, 3, 6, hashlib.sha256(b"twotwo").hexdigest())
    assert found[1] == found[4]
    assert found[1].size == 0


def test_a_failing_block_leaves_no_blob(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), new_blob(tmp_path / "blob") as blob:
        blob.add(b"half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("blobs") / "blob"


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.lists(st.binary(max_size=5)))
def test_every_content_is_found_again(scratch: Path, data: list[bytes]) -> None:
    with new_blob(scratch) as blob:
        found = [blob.add(item) for item in data]
    whole = scratch.read_bytes()
    assert [whole[content.offset : content.offset + content.size] for content in found] == data
    assert [content.sha256 for content in found] == [hashlib.sha256(item).hexdigest() for item in data]
    assert len(whole) == sum(map(len, set(data)))


def test_the_size_of_an_entry_is_that_of_its_content() -> None:
    assert Entry("f", "file", 0o644, 0, 0, 0, content=Content(Path("b"), 1, 7, "")).size == 7
    assert Entry("d", "dir", 0o755, 0, 0, 0).size == 0
