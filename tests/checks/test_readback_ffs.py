"""Reading FFS images back: a sound one is equal to its tree, and whatever is wrong with one is noticed."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Literal

import pytest

from glassmaster.checks import readback
from glassmaster.errors import GlassmasterError
from glassmaster.images.ffs.writer import write_ffs
from glassmaster.tree.blob import new_blob
from glassmaster.tree.entry import Entry
from glassmaster.tree.layer import Layer
from glassmaster.tree.merge import Tree, merge
from glassmaster.tree.mtree import listed

EPOCH = 1_700_000_000


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    with new_blob(tmp_path / "blob") as blob:
        entries = [
            Entry("bin/su", "file", 0o4555, 0, 0, EPOCH, content=blob.add(b"setuid" * 1000)),
            Entry("etc/motd", "file", 0o644, 7, 9, EPOCH - 5, content=blob.add(b"hello\n")),
            Entry("etc/empty", "file", 0o600, 0, 0, EPOCH, content=blob.add(b"")),
            Entry("etc/link", "link", 0o755, 0, 0, EPOCH, "motd"),
            Entry("etc/long", "link", 0o755, 0, 0, EPOCH, "x" * 300),
        ]
    return merge([Layer("test", tuple(entries))], epoch=EPOCH)


def image(tree: Tree, path: Path, version: Literal[1, 2] = 1) -> bytearray:
    write_ffs(tree, path, version=version, epoch=EPOCH)
    return bytearray(path.read_bytes())


def result(tree: Tree, path: Path) -> readback.Readback:
    return readback.compare((listed(node) for node in tree), readback.read_ffs(path))


@pytest.mark.parametrize("version", [1, 2])
def test_equal(tree: Tree, tmp_path: Path, version: Literal[1, 2]) -> None:
    image(tree, tmp_path / "x.img", version)
    found = result(tree, tmp_path / "x.img")
    assert found.differences == () and found.entries == len(tree)


def test_another_byte_in_a_file(tree: Tree, tmp_path: Path) -> None:
    data = image(tree, tmp_path / "x.img")
    data[data.index(b"hello\n")] ^= 1
    (tmp_path / "x.img").write_bytes(data)
    (difference,) = result(tree, tmp_path / "x.img").differences
    assert difference.startswith("etc/motd: sha256 ")


def test_another_owner_in_the_tree(tree: Tree, tmp_path: Path) -> None:
    image(tree, tmp_path / "x.img")
    other = merge([Layer("t", tuple(node.entry for node in tree)), Layer("o", (
        Entry("etc/link", "link", 0o755, 5, 0, EPOCH, "motd"),
    ))], epoch=EPOCH)  # fmt: skip
    assert result(other, tmp_path / "x.img").differences == ("etc/link: uid 0 on the disc, 5 in the tree",)


@pytest.mark.parametrize("damage", ["empty", "cut", "zeros", "no image"])
def test_what_is_no_image(tree: Tree, tmp_path: Path, damage: str) -> None:
    data = image(tree, tmp_path / "x.img")
    data = {"empty": bytearray(), "cut": data[:20000], "zeros": bytearray(len(data)), "no image": data[::-1]}[damage]
    (tmp_path / "x.img").write_bytes(data)
    with pytest.raises(GlassmasterError, match=r"x\.img: not a sound FFS image"):
        result(tree, tmp_path / "x.img")


@pytest.mark.parametrize("version", [1, 2])
def test_no_flipped_bit_of_what_counts_is_missed(tree: Tree, tmp_path: Path, version: Literal[1, 2]) -> None:
    """Of random flips in the image's first part, where superblock, group and inodes lie."""
    good = image(tree, tmp_path / "x.img", version)
    chance, noticed, tried = random.Random(version), 0, 60
    places = [at for at in range(8192, len(good)) if good[at]]
    for at in chance.sample(places, tried):
        data = bytearray(good)
        data[at] ^= 1 << chance.randrange(8)
        (tmp_path / "x.img").write_bytes(data)
        try:
            noticed += bool(result(tree, tmp_path / "x.img").differences)
        except GlassmasterError:
            noticed += 1
    # What is not looked at: fields that only tune writing, and the superblock's own hints.
    assert noticed >= tried * 3 // 4
