"""Trees as mtree(5) text: lossless, and read by Debian's mtree; we read what it prints."""

from __future__ import annotations

import dataclasses
import hashlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.tree.entry import Content, Entry, Kind
from glassmaster.tree.layer import Layer
from glassmaster.tree.merge import Node, Tree, merge
from glassmaster.tree.mtree import Listed, format_mtree, listed, parse_mtree
from glassmaster.tree.mtreespec import parse
from glassmaster.tree.vis import unvis

EPOCH = 2_000_000_000
NUMBERS = st.integers(0, 2**31 - 1)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=20).filter(
    lambda name: name not in (".", "..")
)
awkward = st.sampled_from(
    ["[", "a b", "#x", "ã", "*?", "back\\slash", "new\nline", "tab\t", "a=b", "a,b", "ünï", "\x7f", "-f", "~", "..x",
     "\\040", "x\\"]
)  # fmt: skip
paths = st.lists(names | awkward, min_size=1, max_size=3).map("/".join)
tag_text = st.text(max_size=10).filter(lambda text: not any("\ud800" <= character <= "\udfff" for character in text))
targets = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30)


@st.composite
def some_entries(draw: st.DrawFn) -> Entry:
    kind: Kind = draw(st.sampled_from(["file", "file", "dir", "link"]))
    size = draw(st.integers(0, 10**12))
    sha256 = hashlib.sha256(str(size).encode()).hexdigest()
    return Entry(
        draw(paths), kind, draw(st.integers(0, 0o7777)), draw(NUMBERS), draw(NUMBERS), draw(st.integers(0, EPOCH)),
        draw(targets) if kind == "link" else "",
        Content(Path("blob"), 0, size, sha256) if kind == "file" else None,
        draw(tag_text) if kind == "file" else "",
    )  # fmt: skip


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Trees of two layers; an entry that does not fit the others is left out."""
    layers: list[Layer] = []
    for origin in (draw(tag_text), draw(tag_text)):
        layers.append(Layer(origin, ()))
        for entry in draw(st.lists(some_entries(), max_size=4)):
            before = layers[-1]
            layers[-1] = dataclasses.replace(before, entries=(*before.entries, entry))
            try:
                merge(layers, epoch=EPOCH)
            except GlassmasterError:
                layers[-1] = before
    return merge(layers, epoch=EPOCH)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(trees(), st.text())
def test_a_tree_is_read_as_it_was_written(tree: Tree, comment: str) -> None:
    text = format_mtree(tree, comment=comment)
    found = parse_mtree(text, "spec")
    assert found == [listed(node) for node in tree]
    assert format_mtree(found, comment=comment) == text
    assert all(line.isascii() for line in text.splitlines() if not line.startswith("#"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where mtree finds no names for users and groups: it prints a name where it knows one."""
    folder = tmp_path_factory.mktemp("mtree")
    for name in ("master.passwd", "group"):
        (folder / name).write_bytes(b"")
    return folder


def printed_by_mtree(folder: Path, text: str) -> str:
    (folder / "spec").write_text(text, encoding="utf-8")
    argv = ["mtree", "-N", str(folder), "-C", "-k", "all", "-f", str(folder / "spec")]
    return subprocess.run(argv, capture_output=True, check=True).stdout.decode("utf-8", "surrogateescape")


@settings(derandomize=True, deadline=None, max_examples=60)
@given(trees())
def test_mtree_reads_what_we_write_and_we_read_what_it_prints(folder: Path, tree: Tree) -> None:
    found = parse_mtree(printed_by_mtree(folder, format_mtree(tree)), "mtree")
    assert {item.path: item for item in found} == {item.path: item for item in map(listed, tree)}


def node(entry: Entry, origin: str = "set:base", hid: tuple[str, ...] = ()) -> Node:
    return Node(entry, origin, hid)


def test_the_text_is_this() -> None:
    content = Content(Path("blob"), 5, 12, "ab" * 32)
    nodes = [
        node(Entry(".", "dir", 0o755, 0, 0, 7), "made"),
        node(Entry("bin/[", "file", 0o4555, 0, 5, 1767225600, content=content, inode="bin/test"), hid=("a", "b,c=d")),
        node(Entry("usr/tmp x", "link", 0o755, 0, 0, 0, "../var/tmp")),
    ]
    assert format_mtree(nodes, comment="one\ntwo") == (
        "#mtree v2.0\n"
        "# one\n"
        "# two\n"
        ". type=dir uid=0 gid=0 mode=0755 time=7.000000000 tags=origin:made\n"
        f"./bin/\\133 type=file uid=0 gid=5 mode=4555 size=12 sha256={'ab' * 32} time=1767225600.000000000 "
        "tags=origin:set:base,hid:a,hid:b\\054c\\075d,inode:bin/test\n"
        "./usr/tmp\\040x type=link uid=0 gid=0 mode=0755 link=../var/tmp time=0.000000000 tags=origin:set:base\n"
    )


def test_a_file_whose_content_is_elsewhere_has_no_empty_digest() -> None:
    """mtree(8) refuses a keyword without its value."""
    text = format_mtree([node(Entry("f", "file", 0o644, 0, 0, 0))])
    assert "sha256" not in text
    assert parse_mtree(text, "spec") == [listed(node(Entry("f", "file", 0o644, 0, 0, 0)))]


def test_what_others_write_is_read_without_our_tags() -> None:
    (item,) = parse_mtree("./a type=file mode=0644 uid=0 gid=0 size=3 time=5.123\n", "spec")
    assert item == Listed("a", "file", 0o644, 0, 0, 5, 3, "", "", "", "", ())


GOOD = "./a type=file mode=0644 uid=0 gid=0 size=3 time=5.0\n"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("type=file", "type=char", "a: type=char cannot be put on an image"),
        ("type=file", "", "a: type=(none) cannot be put on an image"),
        ("mode=0644", "mode=0888", "a: mode=0888: expected an octal mode"),
        ("mode=0644", "mode=10000", "a: mode=10000: expected an octal mode"),
        ("mode=0644", "mode=0o644", "a: mode=0o644: expected an octal mode"),
        ("mode=0644", "mode=6_4", "a: mode=6_4: expected an octal mode"),
        ("mode=0644", "mode=-1", "a: mode=-1: expected an octal mode"),
        ("mode=0644", "mode=u+x", "a: mode=u+x: expected an octal mode"),
        ("mode=0644", "", "a: mode=(none): expected an octal mode"),
        ("uid=0", "uid=-1", "a: uid=-1: expected a number"),
        ("uid=0", "uid=root", "a: uid=root: expected a number"),
        ("gid=0", "gid=٣", "a: gid=٣: expected a number"),
        ("size=3", "", "a: size=(none): expected a number"),
        ("size=3", "size=" + "9" * 5000, "a: size=" + "9" * 5000 + ": expected a number"),
        ("time=5.0", "time=soon", "a: time=soon: expected a number"),
        ("time=5.0", "time=.5", "a: time=(none): expected a number"),
        ("time=5.0", "time=5 tags=origin:\\400", "broken vis(3) escape in 'origin:\\\\400'"),
        ("type=file", "type=link link=a\\M", "broken vis(3) escape in 'a\\\\M'"),
        (GOOD, GOOD + GOOD, "a: stands twice"),
        (GOOD, GOOD + GOOD.replace("./a", ".//a"), "a: stands twice"),
    ],
)
def test_malformed_specifications_are_refused_with_their_place(old: str, new: str, message: str) -> None:
    assert old in GOOD
    text = ". type=dir mode=0755 uid=0 gid=0 time=0.0\n" + GOOD.replace(old, new)
    number = 3 if "twice" in message else 2
    with pytest.raises(GlassmasterError) as caught:
        parse_mtree(text, "spec")
    assert caught.value.what == f"spec:{number}: {message}"


@settings(derandomize=True, deadline=None)
@given(st.integers(0, len(GOOD)), st.integers(0, 8), st.text("=\\ \n./#019,tagsorigin:\0\udcffü", max_size=8))
def test_a_damaged_specification_is_read_or_refused(start: int, length: int, text: str) -> None:
    try:
        parse_mtree(GOOD[:start] + text + GOOD[start + length :], "spec")
    except GlassmasterError as error:
        assert error.what.startswith("spec:")


def test_every_form_of_vis_that_mtree_prints_is_read(folder: Path) -> None:
    """All 254 bytes that a name can hold, in a link each: mtree prints them in the form that it likes."""
    raw = [bytes([byte]) for byte in range(1, 256) if byte != ord("/")]
    encoded = ["".join(f"\\{byte:03o}" for byte in b"x" + item + b"y") for item in raw]
    text = "".join(f"./l{number} type=link link={word}\n" for number, word in enumerate(encoded))
    found = parse(printed_by_mtree(folder, ". type=dir\n" + text), "mtree")
    links = [unvis(line.keywords["link"]) for line in found if line.path != "."]
    assert links == [(b"x" + item + b"y").decode("utf-8", "surrogateescape") for item in raw]
