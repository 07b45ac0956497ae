"""What cannot be written as an FFS; and that the checks which these tests rest on can fail."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from glassmaster.checks.ffs_reader import Image, complaints
from glassmaster.errors import GlassmasterError
from glassmaster.images.ffs.writer import write_ffs
from glassmaster.tree.blob import new_blob
from glassmaster.tree.entry import Content, Entry
from glassmaster.tree.layer import Layer
from glassmaster.tree.merge import Tree, merge

Make = Callable[[dict[str, bytes]], Tree]
Version = Literal[1, 2]
EPOCH = 1_700_000_000


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (Entry("n" * 256, "dir", 0o755, 0, 0, 0), "a name of 256 bytes"),
        (Entry("ü" * 128, "dir", 0o755, 0, 0, 0), "a name of 256 bytes"),
        (Entry("link", "link", 0o755, 0, 0, 0, "t" * 1024), "whose target has 1024 bytes"),
        (Entry("link", "link", 0o755, 0, 0, 0, ""), "whose target has 0 bytes"),
        (Entry("late", "dir", 0o755, 0, 0, 2**31), "UFS1 holds no time after 2038"),
    ],
)
def test_what_an_ffs_cannot_hold(tmp_path: Path, entry: Entry, message: str) -> None:
    with pytest.raises(GlassmasterError, match=message):
        write_ffs(merge([Layer("test", (entry,))], epoch=entry.mtime), tmp_path / "image", version=1, epoch=EPOCH)
    assert list(tmp_path.iterdir()) == []


def test_too_many_names_of_a_file(tmp_path: Path) -> None:
    with new_blob(tmp_path / "blob") as blob:
        content = blob.add(b"1")
    names = tuple(Entry(f"{n}", "file", 0o644, 0, 0, 0, content=content, inode="h") for n in range(32768))
    with pytest.raises(GlassmasterError, match="0: 32,768 names are too many"):
        write_ffs(merge([Layer("test", names)], epoch=0), tmp_path / "image", version=2, epoch=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"block_size": 2048, "fragment_size": 512}, "cannot have blocks of 2048"),
        ({"block_size": 131072, "fragment_size": 16384}, "cannot have blocks of 131072"),
        ({"block_size": 16384, "fragment_size": 1024}, "fragments of 1024"),
        ({"block_size": 4096, "fragment_size": 8192}, "fragments of 8192"),
        ({"block_size": 12288, "fragment_size": 4096}, "cannot have blocks of 12288"),
        ({"minfree": 100}, "cannot reserve 100"),
        ({"label": "ü" * 16}, "longer than the 31 bytes"),
        ({"epoch": 2**31}, "UFS1 holds no time after 2038"),
        ({"size": 2**45}, "are too much for UFS1"),
        ({"size": 0}, "has no room in an image of 0 bytes"),
    ],
)
def test_arguments_that_make_no_file_system(
    tree_of: Make, tmp_path: Path, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(GlassmasterError, match=message):
        write_ffs(tree_of({}), tmp_path / "image", **{"version": 1, "epoch": EPOCH, **arguments})
    assert not (tmp_path / "image").exists()


@pytest.mark.parametrize("blob", ["short", "missing"])
def test_a_blob_that_ends_too_early_gives_no_image(tmp_path: Path, blob: str) -> None:
    (tmp_path / "short").write_bytes(b"short")
    content = Content(tmp_path / blob, 0, 5000, hashlib.sha256(bytes(5000)).hexdigest())
    tree = merge([Layer("test", (Entry("file", "file", 0o644, 0, 0, 0, content=content),))], epoch=0)
    with pytest.raises(GlassmasterError, match=blob):
        write_ffs(tree, tmp_path / "image", version=2, epoch=0)
    assert [path.name for path in tmp_path.iterdir()] == ["short"]


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("offset", "message"),
    [
        (lambda image: image.iblkno * image.fsize + 3 * 128 * image.version + 2, "links"),
        (lambda image: image.iblkno * image.fsize + 3 * 128 * image.version + (104, 24)[image.version - 1], "sectors"),
        (lambda image: image.iblkno * image.fsize + 3 * 128 * image.version + (40, 112)[image.version - 1], "taken"),
        (lambda image: image.cblkno * image.fsize + 28, "says"),
        (lambda image: image.cblkno * image.fsize + 56, "cg_frsum"),
        (lambda image: image.cblkno * image.fsize + 168 + (6, 0)[image.version - 1] + image.ipg // 8 - 1, "inode map"),
        (lambda image: image.cblkno * image.fsize + 168 + (6, 0)[image.version - 1] + image.ipg // 8, "free map"),
        (lambda image: image.csaddr * image.fsize, "table says"),
        (lambda image: (8192, 65536)[image.version - 1] + 1008, "superblock says"),
        (lambda image: image.sblkno * image.fsize + 60, "its copy of the superblock"),
    ],
)
def test_the_checks_of_these_tests_can_fail(
    tree_of: Make, tmp_path: Path, version: Version, offset: Callable[[Image], int], message: str
) -> None:
    path = tmp_path / "image"
    write_ffs(tree_of({"file": b"1" * 3000, "other": b"2" * 100_000}), path, version=version, epoch=EPOCH)
    at = offset(Image(path))
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    assert any(message in text for text in complaints(Image(path)))
