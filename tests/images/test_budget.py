"""The media budget."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.images.budget import room_of
from glassmaster.images.iso import BootImages, write_iso
from glassmaster.tree.merge import Tree


def test_exactly_as_large_as_allowed(awkward_tree: Tree, awkward_iso: Path, boot: BootImages, tmp_path: Path) -> None:
    size = awkward_iso.stat().st_size
    write_iso(awkward_tree, boot, tmp_path / "fits", volume_id="FITS", epoch=1_700_000_000, budget=size)
    assert (tmp_path / "fits").stat().st_size == size


def test_one_byte_too_large(awkward_tree: Tree, awkward_iso: Path, boot: BootImages, tmp_path: Path) -> None:
    size = awkward_iso.stat().st_size
    with pytest.raises(GlassmasterError) as error:
        write_iso(awkward_tree, boot, tmp_path / "no", volume_id="NO", epoch=1_700_000_000, budget=size - 1)
    assert not (tmp_path / "no").exists()
    assert error.value.what == f"the image would have {size:,} bytes; media.budget is {size - 1:,}"
    rows = [line.split(maxsplit=1) for line in error.value.why.splitlines()]
    assert {"awkward", "set:base", "boot images", "sizes", "rescue"} <= {row[-1] for row in rows}
    assert "media.budget" in error.value.hint


def test_the_table_is_about_right(awkward_tree: Tree, awkward_iso: Path, boot: BootImages) -> None:
    by_origin = room_of(awkward_tree, lambda node: node.origin)
    by_folder = room_of(awkward_tree, lambda node: node.entry.path.split("/")[0])
    assert by_origin.total() == by_folder.total()
    assert by_origin.total() + boot.size() == pytest.approx(awkward_iso.stat().st_size, rel=0.1)


def test_content_with_many_names_counts_once(tree_of: Callable[[dict[str, bytes]], Tree]) -> None:
    tree = tree_of({f"rescue/{number}": bytes(100_000) for number in range(50)})
    assert 100_000 < room_of(tree, lambda node: node.origin)["test"] < 130_000
