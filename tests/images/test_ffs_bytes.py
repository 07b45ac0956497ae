"""The bytes of an FFS: what they depend on, that any tree survives being written, and how large it is."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glassmaster.checks import readback
from glassmaster.checks.ffs_reader import Image, complaints
from glassmaster.errors import GlassmasterError
from glassmaster.images.ffs.writer import write_ffs
from glassmaster.tree.blob import new_blob
from glassmaster.tree.entry import Content, Entry
from glassmaster.tree.layer import Layer, write_layer
from glassmaster.tree.merge import Tree, merge

Make = Callable[[dict[str, bytes]], Tree]
Version = Literal[1, 2]
EPOCH = 1_700_000_000

WRITE = """
import sys
from pathlib import Path
from glassmaster.images.ffs.writer import write_ffs
from glassmaster.tree.layer import read_layer
from glassmaster.tree.merge import merge
tree = merge([read_layer(Path(sys.argv[1]))], epoch=1_700_000_000)
write_ffs(tree, Path(sys.argv[2]), version=2, epoch=1_700_000_000, label="SAME", free_space=1 << 20)
"""
SURROUNDINGS = (
    {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONHASHSEED": "1"},
    {"TZ": "America/St_Johns", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "2", "LANG": "tr_TR.UTF-8"},
)
SHAPES = [(16384, 2048), (4096, 512), (8192, 8192), (8192, 2048), (32768, 16384), (65536, 8192)]


def differences(tree: Tree, path: Path) -> list[str]:
    """What the image has otherwise than the tree, and what is wrong with its books."""
    image = Image(path)
    found = dict(image.walk())
    wrong = [f"{path}: on one side only" for path in found.keys() ^ {node.entry.path for node in tree}]
    for entry in (node.entry for node in tree if node.entry.path in found):
        there = found[entry.path]
        same: tuple[object, ...] = (there.kind, there.mode, there.uid, there.gid, there.times)
        if same != (entry.kind, entry.mode, entry.uid, entry.gid, frozenset({entry.mtime})):
            wrong.append(f"{entry.path}: {same}")
        if entry.kind == "link" and image.content(there) != entry.link.encode():
            wrong.append(f"{entry.path}: leads to {image.content(there)!r}")
        if entry.content and image.content(there) != content_of(entry.content):
            wrong.append(f"{entry.path}: its content")
    return wrong + complaints(image)


def content_of(content: Content) -> bytes:
    with content.blob.open("rb") as stream:
        stream.seek(content.offset)
        return stream.read(content.size)


def test_same_bytes_whatever_surrounds_it(awkward_tree: Tree, tmp_path: Path) -> None:
    digests = set()
    for number, surroundings in enumerate(SURROUNDINGS):
        folder = tmp_path / ("x" * (1 + 50 * number))
        folder.mkdir()
        write_layer(Layer("all", tuple(node.entry for node in awkward_tree)), folder / "layer.json")
        subprocess.run(
            [sys.executable, "-c", WRITE, folder / "layer.json", folder / "image"],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **surroundings},
            umask=0o077 if number else 0o002, check=True,
        )  # fmt: skip
        digests.add(readback.file_digest(folder / "image"))
    assert len(digests) == 1


def test_no_host_clock(tree_of: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = set()
    for name, now in (("early", 1.0), ("late", 4e9)):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        write_ffs(tree_of({"file": b"1"}), tmp_path / name, version=2, epoch=EPOCH)
        digests.add(readback.file_digest(tmp_path / name))
    assert len(digests) == 1


def test_the_label_makes_another_file_system(tree_of: Make, tmp_path: Path) -> None:
    tree = tree_of({"file": b"1"})
    for label in ("one", "two"):
        write_ffs(tree, tmp_path / label, version=1, epoch=EPOCH, label=label)
    one, two = (Image(tmp_path / label) for label in ("one", "two"))
    assert one.ints(144, 1) == two.ints(144, 1) == (EPOCH,)
    assert one.ints(148, 1) != two.ints(148, 1)
    assert one.inode(2).generation != two.inode(2).generation
    assert one.inode(2).generation > 0 and one.inode(2).generation != one.inode(3).generation
    assert one.superblock[680:712] == b"one".ljust(32, b"\0")


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(("block", "fragment"), SHAPES)
def test_sizes_of_blocks_and_fragments(
    awkward_tree: Tree, tmp_path: Path, version: Version, block: int, fragment: int
) -> None:
    path = tmp_path / "image"
    write_ffs(awkward_tree, path, version=version, epoch=EPOCH, block_size=block, fragment_size=fragment)
    assert differences(awkward_tree, path) == []


@pytest.mark.parametrize("version", [1, 2])
def test_around_each_level_of_indirection(tmp_path: Path, version: Version) -> None:
    block = 4096
    each = block // (4 * version)
    levels = (0, 1, 2048, 11 * block, 12 * block, (12 + each) * block, (12 + each + each) * block)
    sizes = sorted({max(0, size + more) for size in levels for more in (-1, 0, 1)})
    with (tmp_path / "blob").open("wb") as stream:
        for number in range(0, sizes[-1], 4096):
            stream.write(hashlib.sha256(str(number).encode()).digest() * 128)
        stream.truncate(sizes[-1] + 7)
    entries = tuple(
        Entry(f"f{size}", "file", 0o644, 0, 0, 0, content=Content(tmp_path / "blob", 7, size, str(size)))
        for size in sizes
    )
    tree = merge([Layer("test", entries)], epoch=EPOCH)
    write_ffs(tree, tmp_path / "image", version=version, epoch=EPOCH, block_size=block, fragment_size=512)
    assert differences(tree, tmp_path / "image") == []


@pytest.mark.slow
def test_three_levels_of_indirection_and_zeros_that_take_no_room(tmp_path: Path) -> None:
    # With blocks of 4096 bytes UFS2 needs the third level beyond 1 GiB. Most of it is zeros, on both sides.
    size = (12 + 512 + 512**2 + 513) * 4096 + 5
    with (tmp_path / "blob").open("wb") as stream:
        stream.truncate(size)
        for at in (0, 5_000_000, size // 2, size - 4):
            stream.seek(at)
            stream.write(b"here")
    entry = Entry("large", "file", 0o644, 0, 0, 0, content=Content(tmp_path / "blob", 0, size, "x"))
    tree = merge([Layer("test", (entry,))], epoch=EPOCH)
    write_ffs(tree, tmp_path / "image", version=2, epoch=EPOCH, block_size=4096, fragment_size=512)
    assert (tmp_path / "image").stat().st_blocks * 512 < 16 << 20
    image = Image(tmp_path / "image")
    large = dict(image.walk())["large"]
    assert len(large.indirect) == 1 + 513 + 1 + 2 + 1
    for at in (0, 5_000_000, size // 2):
        address, _ = large.data[at // 4096]
        assert image.fragments(address, 8)[at % 4096 :].startswith(b"here")
    address, count = large.data[-1]
    assert image.fragments(address, count).rstrip(b"\0").endswith(b"here")
    addresses = [address for address, _ in large.data] + list(large.indirect)
    assert len(set(addresses)) == len(addresses) == large.held // 8


@pytest.mark.parametrize("version", [1, 2])
def test_big_directories_and_many_names(tmp_path: Path, version: Version) -> None:
    with new_blob(tmp_path / "blob") as blob:
        content = blob.add(b"content")
        names = [Entry(f"big/{n:04d}{'n' * (n % 250)}", "file", 0o644, 0, 0, 0, content=content) for n in range(5000)]
        names += [Entry(f"deep/{'/'.join('d' * 150)}/file", "file", 0o644, 0, 0, 0, content=content)]
        names += [Entry(f"hard/{n}", "file", 0o4555, 1, 2, 3, content=content, inode="h") for n in range(1000)]
    tree = merge([Layer("test", tuple(names))], epoch=EPOCH)
    facts = write_ffs(tree, tmp_path / "image", version=version, epoch=EPOCH)
    assert differences(tree, tmp_path / "image") == []
    assert facts.inodes - facts.free_inodes == 1 + 1 + 5000 + 1 + 150 + 1 + 1 + 1


@pytest.mark.parametrize("length", [1, 59, 60, 61, 119, 120, 121, 1023])
@pytest.mark.parametrize("version", [1, 2])
def test_lengths_of_links(tmp_path: Path, version: Version, length: int) -> None:
    tree = merge([Layer("test", (Entry("link", "link", 0o755, 0, 0, 0, "t" * length),))], epoch=0)
    write_ffs(tree, tmp_path / "image", version=version, epoch=0)
    assert differences(tree, tmp_path / "image") == []
    assert bool(Image(tmp_path / "image").inode(3).inline) == (length < 60 * version)


@pytest.mark.parametrize("version", [1, 2])
def test_room_to_grow(tree_of: Make, tmp_path: Path, version: Version) -> None:
    tree = tree_of({f"f{n}": bytes(n) for n in range(100)})
    for free_space, free_inodes in ((0, None), (1, 1), (5_000_000, None), (1 << 30, None), (0, 20_000), (1 << 28, 7)):
        facts = write_ffs(
            tree, tmp_path / "image", version=version, epoch=EPOCH, free_space=free_space, free_inodes=free_inodes
        )
        assert facts.free_bytes >= free_space
        assert facts.free_inodes >= (free_space // 8192 if free_inodes is None else free_inodes)
        assert facts.size == (tmp_path / "image").stat().st_size < 4_000_000 + free_space * 1.1 + facts.inodes * 256
        if free_space < 10_000_000:
            assert differences(tree, tmp_path / "image") == []


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("size", [400_000, 1_000_000, 5_000_000, 5_000_001, 40_000_512, 300_000_000])
def test_a_given_size(tree_of: Make, tmp_path: Path, version: Version, size: int) -> None:
    tree = tree_of({"a/file": b"1" * 10_000})
    facts = write_ffs(tree, tmp_path / "image", version=version, epoch=EPOCH, size=size)
    assert facts.size == (tmp_path / "image").stat().st_size == size
    assert size - 16384 * 100 - size // 10 < facts.free_bytes < size
    if size < 50_000_000:
        assert differences(tree, tmp_path / "image") == []


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(("block", "fragment"), SHAPES)
def test_an_empty_tree(tree_of: Make, tmp_path: Path, version: Version, block: int, fragment: int) -> None:
    # Readers look for a superblock at 262144 too, and give up if the image ends before.
    path = tmp_path / "image"
    facts = write_ffs(tree_of({}), path, version=version, epoch=EPOCH, block_size=block, fragment_size=fragment)
    assert differences(tree_of({}), path) == []
    assert facts.size >= 262144 + 8192
    subprocess.run(["fls", "-r", path], check=True)


@pytest.mark.parametrize("version", [1, 2])
def test_the_smallest_size_is_enough_and_less_is_not(awkward_tree: Tree, tmp_path: Path, version: Version) -> None:
    size = write_ffs(awkward_tree, tmp_path / "image", version=version, epoch=EPOCH).size
    assert write_ffs(awkward_tree, tmp_path / "same", version=version, epoch=EPOCH, size=size).size == size
    assert differences(awkward_tree, tmp_path / "same") == []
    with pytest.raises(GlassmasterError, match="has no room in an image of") as caught:
        write_ffs(awkward_tree, tmp_path / "less", version=version, epoch=EPOCH, size=size * 9 // 10)
    assert f"at least {size:,} bytes" in caught.value.why
    assert not (tmp_path / "less").exists()


NAMES = st.text(
    st.one_of(st.sampled_from("aAbB.;- ~\n"), st.characters(exclude_characters="/\0", exclude_categories=["Cs"])),
    min_size=1, max_size=40,
).filter(lambda name: name not in (".", ".."))  # fmt: skip
PATHS = st.lists(st.one_of(NAMES, st.integers(1, 255).map("x".__mul__)), min_size=1, max_size=4).map("/".join)
OWNERS, TIMES = st.integers(0, 2**32 - 1), st.integers(0, EPOCH)
WHAT = st.one_of(
    st.tuples(st.just("dir")),
    st.tuples(
        st.just("file"), st.one_of(st.binary(max_size=5), st.integers(0, 70_000).map(lambda n: b"12345" * (n // 5)))
    ),
    st.tuples(st.just("link"), st.one_of(PATHS, st.integers(1, 1023).map("t".__mul__))),
)
TREES = st.dictionaries(PATHS, st.tuples(WHAT, st.integers(0, 0o7777), OWNERS, OWNERS, TIMES), max_size=12)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(content=TREES, version=st.sampled_from([1, 2]), shape=st.sampled_from(SHAPES))
def test_any_tree_is_read_back(
    content: dict[str, tuple[tuple[Any, ...], int, int, int, int]],
    version: Version,
    shape: tuple[int, int],
    tmp_path: Path,
) -> None:
    entries: dict[str, Entry] = {}
    with new_blob(tmp_path / "blob") as blob:
        for path, (what, mode, uid, gid, mtime) in sorted(content.items(), key=lambda item: item[0].split("/")):
            above = path.split("/")[:-1]
            if any(entries[up].kind != "dir" for up in ("/".join(above[:n]) for n in range(1, 9)) if up in entries):
                continue
            match what:
                case ("file", data):
                    entries[path] = Entry(path, "file", mode, uid, gid, mtime, content=blob.add(bytes(data)))
                case ("link", target):
                    entries[path] = Entry(path, "link", mode, uid, gid, mtime, str(target)[:1023])
                case _:
                    entries[path] = Entry(path, "dir", mode, uid, gid, mtime)
    entries = {path: entry for path, entry in entries.items() if len(entry.link.encode()) < 1024}
    tree = merge([Layer("any", tuple(entries.values()))], epoch=EPOCH)
    block, fragment = shape
    target = tmp_path / "image"
    write_ffs(tree, target, version=version, epoch=EPOCH, block_size=block, fragment_size=fragment)
    assert differences(tree, target) == []
    # And by the Sleuth Kit, as far as it prints names as they are.
    lines = subprocess.run(["fls", "-r", "-p", target], check=True, stdout=subprocess.PIPE).stdout.decode().split("\n")
    found = {name: line.split()[1] for line, _, name in (line.partition(":\t") for line in lines) if name}
    printable = [entry for entry in entries.values() if entry.path.isprintable()]
    assert {entry.path for entry in printable} <= found.keys()
    for entry in [entry for entry in printable if entry.content][:1]:
        icat = subprocess.run(["icat", target, found[entry.path]], check=True, stdout=subprocess.PIPE)
        assert entry.content and icat.stdout == content_of(entry.content)
