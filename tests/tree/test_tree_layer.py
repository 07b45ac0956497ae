"""Layers as files: what is written is read again, and what is no layer is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.tree.entry import Content, Entry
from glassmaster.tree.layer import FORMAT, Layer, read_layer, read_layers, write_layer, write_layers


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("layers")


text = st.text(st.characters(exclude_categories=()))
numbers = st.integers(0, 1 << 40)
contents = st.builds(
    lambda beside, name, offset, size: (beside, Content(Path(name), offset, size, "0" * 64)),
    st.booleans(),
    st.sampled_from(["blob", "deep/blob", "data.tar"]),
    numbers,
    numbers,
)
entries = st.tuples(
    st.builds(
        Entry, text, st.sampled_from(["file", "dir", "link"]), numbers, numbers, numbers, numbers, text,
        inode=text,
    ),
    st.none() | contents,
)  # fmt: skip


@settings(derandomize=True, deadline=None)
@given(text, st.lists(entries, max_size=4), st.lists(text, max_size=3), st.dictionaries(text, text, max_size=3))
def test_a_layer_is_read_as_it_was_written(
    scratch: Path,
    origin: str,
    rows: list[tuple[Entry, tuple[bool, Content] | None]],
    deleted: list[str],
    moved: dict[str, str],
) -> None:
    items = []
    for entry, place in rows:
        content = None
        if place is not None:
            beside, found = place
            folder = scratch if beside else Path("/elsewhere")
            content = Content(folder / found.blob, found.offset, found.size, found.sha256)
        items.append(Entry(entry.path, entry.kind, entry.mode, entry.uid, entry.gid, entry.mtime, entry.link, content))
    layer = Layer(origin, tuple(items), tuple(deleted), moved)
    write_layer(layer, scratch / "layer.json")
    assert read_layer(scratch / "layer.json") == layer


def sample(blob: Path) -> Layer:
    content = Content(blob, 3, 4, "a" * 64)
    return Layer("set:base", (Entry("bin/cat", "file", 0o555, 0, 0, 7, content=content, inode="bin/cat"),))


def test_a_blob_beside_the_layer_moves_with_it(tmp_path: Path) -> None:
    """So two clones in different directories have the same layer, byte for byte."""
    for place in ("one", "two"):
        write_layer(sample(tmp_path / place / "blob"), tmp_path / place / "layer.json")
    assert (tmp_path / "one" / "layer.json").read_bytes() == (tmp_path / "two" / "layer.json").read_bytes()
    (tmp_path / "one").rename(tmp_path / "three")
    assert read_layer(tmp_path / "three" / "layer.json") == sample(tmp_path / "three" / "blob")


def test_a_blob_elsewhere_is_named_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_layer(sample(Path("store/data.tar")), Path("build/layer.json"))
    (entry,) = read_layer(Path("build/layer.json")).entries
    assert entry.content is not None
    assert entry.content.blob == tmp_path / "store" / "data.tar"


def broken(**changes: Any) -> bytes:
    row = ["a", "file", 1, 0, 0, 0, "", "", 0, 0, 1, "x"]
    document = {"format": FORMAT, "origin": "o", "blobs": ["b"], "deleted": [], "moved": {}, "entries": [row]}
    return json.dumps({**document, **changes}).encode()


def test_the_sample_of_the_next_test_is_a_layer_when_nothing_is_changed(tmp_path: Path) -> None:
    (tmp_path / "layer.json").write_bytes(broken())
    assert read_layer(tmp_path / "layer.json").origin == "o"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not json",
        b"\xff",
        b"[]",
        b"{}",
        b"null",
        broken()[:-5],
        broken(format=FORMAT + 1),
        broken(format=None),
        broken(entries=[["a", "file"]]),
        broken(entries=[["a", "file", 1, 0, 0, 0, "", "", 5, 0, 1, "x"]]),
        broken(entries=[["a", "file", 1, 0, 0, 0, "", "", 0, 0]]),
        broken(entries=5),
        broken(blobs=[5]),
        broken(deleted=None),
        b"[" * 200_000,
    ],
)
def test_what_is_no_layer_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "layer.json"
    path.write_bytes(data)
    with pytest.raises(GlassmasterError) as caught:
        read_layer(path)
    assert caught.value.what == f"{path}: not a layer of this version"
    assert "delete it" in caught.value.hint


def test_a_missing_layer_is_an_error_for_people(tmp_path: Path) -> None:
    with pytest.raises(GlassmasterError, match="not a layer of this version"):
        read_layer(tmp_path / "layer.json")


def test_several_layers_in_one_file(tmp_path: Path) -> None:
    one, two = sample(tmp_path / "a.blob"), Layer("second", (Entry("x", "dir", 0o755, 0, 0, 1),), ("gone",))
    write_layers([one, two], tmp_path / "layers.json")
    assert read_layers(tmp_path / "layers.json") == (one, two)
    assert json.loads((tmp_path / "layers.json").read_bytes())["blobs"] == ["a.blob"]
    with pytest.raises(GlassmasterError, match="2 layers instead of one"):
        read_layer(tmp_path / "layers.json")
    write_layer(two, tmp_path / "layer.json")
    assert read_layers(tmp_path / "layer.json") == (two,)
    write_layers([], tmp_path / "none.json")
    assert read_layers(tmp_path / "none.json") == ()
    (tmp_path / "layers.json").write_text(json.dumps({"format": FORMAT, "blobs": [], "layers": [5]}))
    with pytest.raises(GlassmasterError, match="not a layer of this version"):
        read_layers(tmp_path / "layers.json")
