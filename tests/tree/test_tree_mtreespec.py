"""The grammar of mtree(5) specifications. What Debian's mtree prints of the same text is the second opinion."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.tree.mtreespec import parse
from glassmaster.tree.vis import unvis

fixed = settings(derandomize=True, deadline=None, max_examples=300)


def read(text: str) -> dict[str, dict[str, str]]:
    return {line.path: dict(line.keywords) for line in parse(text, "spec")}


def by_mtree(tmp_path: Path, text: str) -> dict[str, dict[str, str]]:
    """The specification as mtree(8) prints it, read as its plainest form: one line for each path, words and spaces."""
    (tmp_path / "spec").write_bytes(text.encode())
    (tmp_path / "master.passwd").write_text("root:*:0:0::0:0:root:/:/bin/sh\n")
    (tmp_path / "group").write_text("wheel:*:0:\n")
    argv = ["mtree", "-N", str(tmp_path), "-C", "-k", "all", "-f", str(tmp_path / "spec")]
    printed = subprocess.run(argv, capture_output=True, check=True, text=True)
    lines = [line.split() for line in printed.stdout.splitlines()]
    pairs = {name: dict(word.partition("=")[::2] for word in words) for name, *words in lines}
    return {name.removeprefix("./"): words for name, words in pairs.items()}


# Of NetBSD's own sets (mtree -CS -k all -R …), and of /etc/mtree/special.
MANIFEST = """\
. type=dir uname=root gname=wheel mode=0755
./bin type=dir uname=root gname=wheel mode=0755
./bin/\\133 type=file uname=root gname=wheel mode=0555 size=12288
./bin/cat type=file uname=root gname=wheel mode=0555 size=9
./sys type=link uname=root gname=wheel mode=0755 link=usr/src/sys
./usr type=dir uname=root gname=wheel mode=0755
./usr/bin type=dir uname=root gname=wheel mode=0755
./usr/bin/su type=file uname=root gname=wheel mode=04555 flags=schg
"""
SPECIAL = """\
#	special files and directories

/set type=file uname=root gname=wheel mode=0755
.				type=dir
etc				type=dir
    fstab			mode=0644	# the disks
    master.passwd		mode=0600 \\
				tags=nodiff
    mtree			type=dir mode=0755
	special			mode=0600
	/set mode=0444
	x
    ..
/unset uname gname
..
var				type=dir
    at				type=dir mode=0700
    ..
..
..
"""


@pytest.mark.parametrize("text", [MANIFEST, SPECIAL])
def test_both_styles_are_read_as_mtree_reads_them(tmp_path: Path, text: str) -> None:
    theirs, ours = by_mtree(tmp_path, text), read(text)
    assert list(ours) == [unvis(name) for name in theirs]
    for (path, found), expected in zip(ours.items(), theirs.values(), strict=True):
        assert found.get("type") == expected.get("type"), path
        # mtree prints four digits, and tags between commas.
        if "mode" in expected:
            assert int(found["mode"], 8) == int(expected["mode"], 8), path
        assert ("uname" in found) == ("uname" in expected), path
        assert found.get("tags", "") == expected.get("tags", "").strip(","), path
        assert found.get("link") == expected.get("link"), path


@pytest.mark.parametrize(
    "text",
    [
        ". type=dir\n    bin type=dir\n    ..\n..\n",
        ". type=dir mode=0755 # comment uid=4\n./a\\#b type=file # x\n",
        ". type=dir\n./a type=file mo\\\nde=0644\n",
        ". type=dir\n./a type=file \\\n   mode=0644\n",
        ". type=dir\n./a\\#b type=file \\\n   mode=0644\n",
        ". type=dir\n./a type=file nlink=5 # x \\\n b type=file\n",
        ". type=dir\n./a\\\\ type=file\n",
        ". type=dir\n a type=dir\n ..\n ./a/b type=file\n c type=file\n",
        ". type=dir\n./a type=dir\nb type=file\n..\nc type=file\n",
        "/set type=dir\n. \n a mode=0755\n b\n ..\n..\n..\n",
        "#c \\\n. type=dir\n",
        "/set type=file mode=0644\n. type=dir\n./a\n/unset mode\n./b\n/set mode=0600\n./c mode=0400\n./d\n",
        ". type=dir\n./c\\^A\\^?\\E\\s\\n\\$x\\tz type=file\n",
        ". type=dir\n./a\u00a0b type=file\n",
        ". type=dir\n./a type=file optional\n",
    ],
)
def test_corners_are_read_as_mtree_reads_them(tmp_path: Path, text: str) -> None:
    theirs = {unvis(name): words for name, words in by_mtree(tmp_path, text).items()}
    assert read(text) == theirs


def test_a_third_closing_of_the_top_is_refused_by_both(tmp_path: Path) -> None:
    text = ". type=dir\n    bin type=dir\n    ..\n..\n..\n"
    with pytest.raises(subprocess.CalledProcessError):
        by_mtree(tmp_path, text)
    with pytest.raises(GlassmasterError, match=r"spec:5: `\.\.` above the top"):
        read(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("..\n", "spec:1: `..` above the top of the specification"),
        ("# c\n\n.. \n", "spec:3: `..` above the top of the specification"),
        ("/etc type=dir\n", "spec:1: '/etc': an absolute path"),
        ("./a/../../b type=file\n", "spec:1: './a/../../b': `..` in a path"),
        ("\\056\\056 type=dir\n", "spec:1: './..': `..` in a path"),
        ("./caf\\351 type=file\n", "spec:1: './caf\\udce9': this name is not UTF-8 text"),
        ("./a\\000b type=file\n", "spec:1: './a\\x00b': this name is not UTF-8 text"),
    ],
)
def test_malformed_lines_are_refused_with_their_place(text: str, message: str) -> None:
    with pytest.raises(GlassmasterError) as caught:
        read(text)
    assert caught.value.what == message


@pytest.mark.parametrize("word", ["./a\\400", "./a\\M", "./a\\xz", "./a\\ü"])
def test_a_broken_escape_is_refused_with_its_place(word: str) -> None:
    with pytest.raises(GlassmasterError) as caught:
        read(f". type=dir\n{word} type=file\n")
    assert caught.value.what == f"spec:2: broken vis(3) escape in {word!r}"


def test_a_continued_line_has_the_number_of_its_first(tmp_path: Path) -> None:
    lines = list(parse("# c\n\n./a \\\n type=file \\\n mode=0644\n./b type=file\n", "spec"))
    assert [(line.path, line.where) for line in lines] == [("a", "spec:3"), ("b", "spec:6")]


def test_a_line_that_is_continued_by_nothing_still_counts() -> None:
    assert read("./a type=file \\") == {"a": {"type": "file"}}
    assert read("./a type=file \\\n") == {"a": {"type": "file"}}


def test_unset_all_forgets_everything() -> None:
    assert read("/set type=file mode=0644\n/unset all\n./a\n") == {"a": {}}
    assert read("/set type=file\n/unset mode\n./a\n") == {"a": {"type": "file"}}


def test_other_systems_line_ends_and_tabs_are_read() -> None:
    assert read("./a\t\ttype=file\r\n\r\n./b type=link link=x=y\r\n") == {
        "a": {"type": "file"},
        "b": {"type": "link", "link": "x=y"},
    }


def test_a_bare_keyword_has_no_value() -> None:
    assert read("./a type=file optional\n") == {"a": {"type": "file", "optional": ""}}


def test_nothing_gives_nothing() -> None:
    assert read("") == read("\n \n# comment\n") == {}


def test_white_space_of_other_scripts_is_part_of_a_name() -> None:
    assert list(read("./a\u2003b\x85c\x1fd type=file\n")) == ["a\u2003b\x85c\x1fd"]


@fixed
@given(st.text("./.. abü\\#=\n\t/set unset type=dir\0\udcff10"))
def test_any_text_gives_paths_or_an_error_for_people(text: str) -> None:
    try:
        for line in parse(text, "spec"):
            assert ".." not in line.path.split("/")
            assert not line.path.startswith("/")
    except GlassmasterError as error:
        assert error.what.startswith("spec:")
