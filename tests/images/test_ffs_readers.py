"""FFS images of a tree with every awkward thing, read by the Sleuth Kit, which shares no code with their writer."""

from __future__ import annotations

import datetime
import os
import random
import re
import stat
import subprocess
from pathlib import Path

import pytest

from glassmaster.checks.ffs_reader import Image, complaints
from glassmaster.images.ffs.writer import FfsFacts, write_ffs
from glassmaster.tree.entry import Entry
from glassmaster.tree.merge import Tree

ENVIRONMENT = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"}
TYPES = {"dir": stat.S_IFDIR, "file": stat.S_IFREG, "link": stat.S_IFLNK}


@pytest.fixture(scope="module", params=[1, 2])
def image(
    request: pytest.FixtureRequest, awkward_tree: Tree, epoch: int, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, FfsFacts]:
    path = tmp_path_factory.mktemp("ffs") / "awkward.ffs"
    facts = write_ffs(awkward_tree, path, version=request.param, epoch=epoch, label="awkward", free_space=1 << 20)
    return path, facts


def output(*argv: str | Path) -> bytes:
    return subprocess.run(argv, env=ENVIRONMENT, check=True, stdout=subprocess.PIPE).stdout


def printable(entry: Entry) -> bool:
    """The Sleuth Kit shows control characters as `^`, or as they are; both spoil a listing."""
    return (entry.path + entry.link).isprintable()


def body_line(entry: Entry, inode: str) -> str:
    """The line that `fls -m /` prints of a file or link."""
    kind = {"dir": "d", "file": "r", "link": "l"}[entry.kind]
    letters = kind + stat.filemode(TYPES[entry.kind] | entry.mode)[1:]
    name = f"/{entry.path}" + (f" -> {entry.link}" if entry.kind == "link" else "")
    size = len(entry.link.encode()) if entry.kind == "link" else entry.size
    times = "|".join([str(entry.mtime)] * 3)
    return f"0|{name}|{inode}|{kind}/{letters}|{entry.uid}|{entry.gid}|{size}|{times}|0"


def test_fls_lists_every_entry(image: tuple[Path, FfsFacts], awkward_tree: Tree) -> None:
    lines = output("fls", "-r", "-m", "/", image[0]).decode().splitlines()
    found = {line.split("|")[1].split(" -> ")[0]: line for line in lines if line.startswith("0|/")}
    wrong = []
    for entry in (node.entry for node in awkward_tree if node.entry.path != "." and printable(node.entry)):
        line = found.get("/" + entry.path, "0|missing|0|||||||")
        if entry.kind == "dir":  # the size is the image's own business
            line = re.sub(r"\|\d+((?:\|\d+){4})$", r"|0\1", line)
        expected = body_line(entry, line.split("|")[2])
        if line != expected:
            wrong.append((line, expected))
    assert wrong == []
    assert len(lines) >= len(awkward_tree) - 1


def test_icat_gives_the_contents(image: tuple[Path, FfsFacts], awkward_tree: Tree) -> None:
    lines = output("fls", "-r", "-p", "-F", image[0]).decode().splitlines()
    inodes = {
        path: inode for inode, _, path in (line.split(" ", 1)[1].partition(":\t") for line in lines if ":\t" in line)
    }
    files = [node.entry for node in awkward_tree if node.entry.content and printable(node.entry)]
    chosen = [entry for entry in files if entry.path.startswith("sizes/")] + random.Random("icat").sample(files, 25)
    for entry in chosen:
        assert entry.content is not None
        data = entry.content.blob.read_bytes()[entry.content.offset :][: entry.content.size]
        assert output("icat", image[0], inodes[entry.path]) == data, entry.path


def test_istat_of_the_root_and_of_hard_links(image: tuple[Path, FfsFacts], awkward_tree: Tree, epoch: int) -> None:
    text = output("istat", image[0], "2").decode()
    children = sum("/" not in node.entry.path and node.entry.kind == "dir" for node in awkward_tree) - 1
    moment = datetime.datetime.fromtimestamp(awkward_tree["."].entry.mtime, datetime.UTC)
    assert "Allocated" in text and f"num of links: {2 + children}\n" in text
    assert text.count(f"{moment:%Y-%m-%d %H:%M:%S} (UTC)") >= 3
    numbers = {path: found.number for path, found in Image(image[0]).walk()}
    # Names that agree in all that an inode holds share one; ffind gives them all.
    assert numbers["hard/empty1"] == numbers["hard/empty2"]
    names = output("ffind", "-a", image[0], str(numbers["hard/empty1"])).decode().splitlines()
    assert names == ["/hard/empty1", "/hard/empty2"]
    # `one` is 0555, `two` is setuid: each keeps its own mode.
    assert len({numbers[f"hard/{name}"] for name in ("one", "two", "three")}) == 3


def test_fsstat_agrees_with_what_the_writer_says(image: tuple[Path, FfsFacts], epoch: int) -> None:
    path, facts = image
    text = output("fsstat", path).decode()
    moment = datetime.datetime.fromtimestamp(epoch, datetime.UTC)
    assert f"File System Type: UFS {facts.version}\n" in text
    assert f"Last Written: {moment:%Y-%m-%d %H:%M:%S} (UTC)\n" in text
    assert f"Num of Avail Inodes: {facts.free_inodes}\n" in text
    assert f"Number of Cylinder Groups: {facts.groups}\n" in text
    assert f"Fragment Range: 0 - {facts.size // facts.fragment_size - 1}\n" in text
    # What the table of groups says, and each group for itself.
    for block in re.findall(r"Global Summary.*?Local Summary.*?Last Block", text, re.S):
        numbers = re.findall(r"Num of .*: (\d+)", block)
        assert numbers[:4] == numbers[4:]


def test_the_books_are_right(image: tuple[Path, FfsFacts]) -> None:
    assert complaints(Image(image[0])) == []


@pytest.mark.parametrize("version", [1, 2])
def test_our_reader_reads_what_makefs_writes(tmp_path: Path, version: int) -> None:
    # The reader is right about the format, and not only about our writer.
    folder = tmp_path / "folder"
    (folder / "a" / "b").mkdir(parents=True)
    chance = random.Random("makefs")
    for number in range(60):
        (folder / "a" / f"f{number}").write_bytes(chance.randbytes(number * 700))
    (folder / "big").write_bytes(chance.randbytes(900_000))
    (folder / "a" / "name").hardlink_to(folder / "big")
    (folder / "link").symlink_to("a/f1")
    output("makefs", "-t", "ffs", "-o", f"version={version}", "-s", "8m", tmp_path / "image", folder)
    image = Image(tmp_path / "image")
    copies = "its copy of the superblock differs"  # makefs leaves pointers of its own in them
    assert [text for text in complaints(image) if "times" not in text and copies not in text] == []
    found = dict(image.walk())
    for path in (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()):
        assert image.content(found[str(path.relative_to(folder))]) == path.read_bytes()
