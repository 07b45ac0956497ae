"""An image without boot images: a file system and nothing else, such as a virtual machine's root."""

from __future__ import annotations

import subprocess
from pathlib import Path

from glassmaster.checks import readback
from glassmaster.images.iso import write_iso
from glassmaster.tree.merge import Tree
from glassmaster.tree.mtree import listed


def test_it_holds_the_tree_and_starts_nothing(awkward_tree: Tree, tmp_path: Path, epoch: int) -> None:
    path = tmp_path / "root.img"
    assert write_iso(awkward_tree, None, path, volume_id="ROOT", epoch=epoch) is None
    result = readback.compare((listed(node) for node in awkward_tree), readback.read_iso(path))
    assert result.differences == () and result.entries == len(awkward_tree)
    said = subprocess.run(["isoinfo", "-d", "-i", path], check=True, stdout=subprocess.PIPE).stdout.decode()
    assert "Volume id: ROOT\n" in said and "Torito" not in said
    # No partition table either: what is not there cannot start by mistake.
    assert path.read_bytes()[:512] == bytes(512)
