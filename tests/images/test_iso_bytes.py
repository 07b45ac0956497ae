"""The bytes of an ISO: what they depend on, and that any tree survives being written."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glassmaster.checks import readback
from glassmaster.errors import GlassmasterError
from glassmaster.images.iso import BootImages, Slice, write_iso
from glassmaster.tree.blob import new_blob
from glassmaster.tree.entry import Content, Entry
from glassmaster.tree.layer import Layer, write_layer
from glassmaster.tree.merge import Tree, merge
from glassmaster.tree.mtree import listed

Make = Callable[[dict[str, bytes]], Tree]

WRITE = """
import sys
from pathlib import Path
from glassmaster.images.iso import BootImages, write_iso
from glassmaster.tree.layer import read_layer
from glassmaster.tree.merge import merge
layer, boot, output = map(Path, sys.argv[1:])
data = boot.read_bytes()
images = BootImages(data[:61001], data[61001:-512], data[-512:])
write_iso(merge([read_layer(layer)], epoch=1_700_000_000), images, output, volume_id="SAME", epoch=1_700_000_000)
"""
SURROUNDINGS = (
    {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONHASHSEED": "1"},
    {"TZ": "America/St_Johns", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "2", "LANG": "tr_TR.UTF-8"},
)


def test_same_bytes_whatever_surrounds_it(awkward_tree: Tree, boot: BootImages, tmp_path: Path) -> None:
    write_layer(Layer("all", tuple(node.entry for node in awkward_tree)), tmp_path / "layer.json")
    (tmp_path / "boot").write_bytes(boot.core + boot.efi + boot.boot_hybrid)
    digests = set()
    for number, surroundings in enumerate(SURROUNDINGS):
        target = tmp_path / f"{number}.iso"
        subprocess.run(
            [sys.executable, "-c", WRITE, tmp_path / "layer.json", tmp_path / "boot", target],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **surroundings},
            umask=0o077 if number else 0o002, check=True,
        )  # fmt: skip
        digests.add(readback.file_digest(target))
    assert len(digests) == 1


def test_no_host_clock(
    tree_of: Make, boot: BootImages, volume: str, epoch: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = set()
    for name, now in (("early", 1.0), ("late", 4e9)):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        write_iso(tree_of({"file": b"1"}), boot, tmp_path / name, volume_id=volume, epoch=epoch)
        digests.add(readback.file_digest(tmp_path / name))
    assert len(digests) == 1


@pytest.mark.parametrize("epoch", [0, 315_532_799, 2**31, 2**32, 5_800_000_000])
def test_any_epoch(tree_of: Make, boot: BootImages, tmp_path: Path, epoch: int) -> None:
    nodes = [Entry(f"at{mtime}", "dir", 0o755, 0, 0, mtime) for mtime in {0, epoch // 2, epoch}]
    tree = merge([Layer("test", tuple(nodes))], epoch=epoch)
    write_iso(tree, boot, tmp_path / "iso", volume_id="EPOCH", epoch=epoch)
    assert differences(tree, tmp_path / "iso") == ()


NAMES = st.text(
    st.one_of(st.sampled_from("aAbB.;- ~\n"), st.characters(exclude_characters="/\0", exclude_categories=["Cs"])),
    min_size=1, max_size=40,
).filter(lambda name: name not in (".", ".."))  # fmt: skip
LONG_NAMES = st.integers(1, 255).map("x".__mul__)
PATHS = st.lists(st.one_of(NAMES, LONG_NAMES), min_size=1, max_size=5).map("/".join)
TARGETS = st.lists(st.one_of(NAMES, st.sampled_from(["..", "."]), LONG_NAMES), min_size=1, max_size=12).map("/".join)
MODES, OWNERS = st.integers(0, 0o7777), st.integers(0, 2**32 - 1)
TIMES = st.integers(0, 1_700_000_000)
WHAT = st.one_of(
    st.tuples(st.just("dir")),
    st.tuples(st.just("file"), st.one_of(st.binary(max_size=5), st.integers(0, 5000).map(bytes))),
    st.tuples(st.just("link"), st.one_of(TARGETS, TARGETS.map("/".__add__))),
)
TREES = st.dictionaries(PATHS, st.tuples(WHAT, MODES, OWNERS, OWNERS, TIMES), max_size=12)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(content=TREES)
def test_any_tree_is_read_back(
    content: dict[str, tuple[tuple[Any, ...], int, int, int, int]], boot: BootImages, tmp_path: Path
) -> None:
    with new_blob(tmp_path / "blob") as blob:
        entries: dict[str, Entry] = {}
        for path, (what, mode, uid, gid, mtime) in sorted(content.items(), key=lambda item: item[0].split("/")):
            above = path.split("/")[:-1]
            if any(
                "/".join(above[:n]) in entries and entries["/".join(above[:n])].kind != "dir" for n in range(len(path))
            ):
                continue
            match what:
                case ("file", data):
                    entries[path] = Entry(path, "file", mode, uid, gid, mtime, content=blob.add(bytes(data)))
                case ("link", target):
                    entries[path] = Entry(path, "link", mode, uid, gid, mtime, str(target))
                case _:
                    entries[path] = Entry(path, "dir", mode, uid, gid, mtime)
    tree = merge([Layer("any", tuple(entries.values()))], epoch=1_700_000_000)
    write_iso(tree, boot, tmp_path / "iso", volume_id="ANY", epoch=1_700_000_000)
    assert differences(tree, tmp_path / "iso") == ()


@pytest.mark.parametrize("target", ["a//b", "a/", "//a", "/.", "./", "/", "//", "../", "a" * 1000, "/" + "b/" * 400])
def test_spellings_of_a_link_are_kept(boot: BootImages, tmp_path: Path, target: str) -> None:
    tree = merge([Layer("test", (Entry("link", "link", 0o755, 0, 0, 0, target),))], epoch=0)
    write_iso(tree, boot, tmp_path / "iso", volume_id="LINK", epoch=0)
    assert differences(tree, tmp_path / "iso") == ()


def test_size_and_padding(awkward_iso: Path) -> None:
    data = awkward_iso.read_bytes()
    assert len(data) % 2048 == 0
    assert data[-300 * 1024 :] == bytes(300 * 1024)
    blocks = int.from_bytes(data[16 * 2048 + 80 : 16 * 2048 + 84], "little")
    assert blocks * 2048 == len(data) - 300 * 1024


def test_a_blob_that_ends_too_early_gives_no_image(boot: BootImages, tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(b"short")
    content = Content(tmp_path / "blob", 0, 5000, hashlib.sha256(bytes(5000)).hexdigest())
    tree = merge([Layer("test", (Entry("file", "file", 0o644, 0, 0, 0, content=content),))], epoch=0)
    try:
        write_iso(tree, boot, tmp_path / "iso", volume_id="SHORT", epoch=0)
    except GlassmasterError:
        return
    assert differences(tree, tmp_path / "iso") != ()


def test_a_slice_is_a_part_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(b"0123456789")
    with (tmp_path / "blob").open("rb") as stream:
        part = Slice(stream, 3)
        part.seek(0)
        assert part.read(2) + part.read(2) == b"3456"
        part.seek(1)
        assert part.read(1) == b"4"


def test_a_file_is_named_in_the_error_when_its_directory_is_missing_from_the_disc(
    tree_of: Make, boot: BootImages, volume: str, epoch: int, tmp_path: Path
) -> None:
    tree = tree_of({"dir/file": b"1"})
    write_iso(tree, boot, tmp_path / "iso", volume_id=volume, epoch=epoch)
    more = tree_of({"dir/file": b"1", "other": b"2"})
    assert differences(more, tmp_path / "iso") == ("other: is in the tree, but not on the disc",)


@pytest.mark.slow
def test_a_file_of_more_than_4_gib(boot: BootImages, tmp_path: Path) -> None:
    # Beyond 4 GiB - 1 bytes a file takes several extents. The blob is sparse; the image is not.
    size = (1 << 32) + 4097
    with (tmp_path / "blob").open("wb") as stream:
        stream.truncate(size)
        stream.seek(size - 4)
        stream.write(b"end\n")
    content = Content(tmp_path / "blob", 0, size, readback.file_digest(tmp_path / "blob"))
    tree = merge([Layer("test", (Entry("large", "file", 0o4755, 7, 8, 0, content=content),))], epoch=0)
    write_iso(tree, boot, tmp_path / "iso", volume_id="LARGE", epoch=0)
    found = differences(tree, tmp_path / "iso")
    (tmp_path / "iso").unlink()
    assert found == ()


def differences(tree: Tree, image: Path) -> tuple[str, ...]:
    return readback.compare((listed(node) for node in tree), readback.read_iso(image)).differences
