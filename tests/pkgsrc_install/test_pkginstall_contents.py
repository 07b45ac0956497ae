"""Packing lists: pkg_add's grammar, and lists that are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc.contents import WORDS, Contents, Exec, PackedFile, parse_contents

MD5 = "0123456789abcdef" * 2
HEAD = "@name made-1.0\n@cwd /usr/pkg\n"


def parse(text: str) -> Contents:
    return parse_contents(text.encode(), "made-1.0.tgz")


def test_a_whole_list() -> None:
    contents = parse(
        "@comment $NetBSD$\n@name made-1.0nb2\n@blddep tool-1.0\n@pkgdep tool>=1\n@pkgcfl other-[0-9]*\n"
        "@option preserve\n@src /work\n@cwd /usr/pkg/\n"
        f"bin/made  \t\n@comment MD5:{MD5}\nlib/link\n@comment Symlink:../x y\n\n"
        "@mode u+s\n@owner games\n@group games\nbin/game\n@mode\n@owner\n@group\nbin/plain\n@comment nothing\n"
        "@exec echo %F\n@unexec rm %F\n@pkgdir share/made\n@dirrm share\n@display +DISPLAY\n"
        "@cwd .\n@ignore\n+COMMENT\n@ignore_inst\n+DESC\n"
    )
    assert (contents.name, contents.prefix) == ("made-1.0nb2", "/usr/pkg")
    assert contents.depends == ["tool>=1"]
    assert contents.build_depends == ["tool-1.0"]
    assert contents.conflicts == ["other-[0-9]*"]
    assert contents.options == ["preserve"]
    assert contents.unexec == ["rm %F"]
    assert contents.steps == [
        PackedFile("bin/made", 9, md5=MD5),
        PackedFile("lib/link", 11, link="../x y"),
        PackedFile("bin/game", 17, mode="u+s", owner="games", group="games"),
        PackedFile("bin/plain", 21),
        Exec("echo %F", "bin/plain", 23),
        "share/made",
    ]
    assert [file.path for file in contents.files] == ["bin/made", "lib/link", "bin/game", "bin/plain"]
    assert list(contents.directories) == ["share/made"]


def test_a_comment_belongs_to_the_file_right_before_it() -> None:
    contents = parse(f"{HEAD}a\n@mode 0555\n@comment MD5:{MD5}\nb\n")
    assert [file.md5 for file in contents.files] == ["", ""]


def test_ignore_takes_the_next_entry_not_the_next_line() -> None:
    assert [file.path for file in parse(f"{HEAD}@ignore\n\n \nignored\nkept\n").files] == ["kept"]


@pytest.mark.parametrize(("text", "what"), [
    ("@cwd /usr/pkg\n", "has no @name"),
    ("@name made-1.0\n", "has no @cwd"),
    ("", "has no @name"),
    ("@name ../made-1.0\n@cwd /\n", ":1: '../made-1.0' is not the name"),
    ("@name made\n@cwd /\n", "is not the name"),
    ("@name .made-1.0\n@cwd /\n", "is not the name"),
    ("@name made-1.0\n@cwd usr/pkg\n", ":2: @cwd usr/pkg: not an absolute path"),
    (f"{HEAD}@cd /tmp\n", ":3: unknown command @cd"),
    (f"{HEAD}@\n", ":3: unknown command @"),
    (f"{HEAD}@pkgdep\n", ":3: @pkgdep says nothing"),
    (f"{HEAD}@exec  \n", ":3: @exec says nothing"),
    (f"{HEAD}a\na\n", ":4: a: listed twice"),
    (f"{HEAD}a\n./a\n", ":4: a: listed twice"),
    (f"{HEAD}../a\n", ":3: '../a': `..` in a path"),
    (f"{HEAD}/etc/a\n", ":3: '/etc/a': an absolute path"),
    (f"{HEAD}@pkgdir ../../etc\n", "`..` in a path"),
    (f"{HEAD}a\n@comment MD5:12\n", ":4: a: MD5:12: not an MD5"),
    (f"{HEAD}@cwd /etc\na\n", ":4: a: a file after a second @cwd /etc"),
    (f"{HEAD}@cwd .\n+COMMENT\n", ":4: +COMMENT: a file after a second @cwd"),
    (f"{HEAD}a\0b\n", "not a text"),
])  # fmt: skip
def test_refused(text: str, what: str) -> None:
    with pytest.raises(GlassmasterError) as caught:
        parse(text)
    assert what in caught.value.what
    assert caught.value.what.startswith("made-1.0.tgz: +CONTENTS")


def test_names_that_are_no_utf8_are_refused() -> None:
    with pytest.raises(GlassmasterError, match="not UTF-8"):
        parse_contents(HEAD.encode() + b"caf\xe9\n", "made-1.0.tgz")


LINES = st.one_of(
    st.text(max_size=20),
    st.builds("@{} {}".format, st.sampled_from(WORDS), st.text(max_size=12)),
    st.sampled_from(["@name a-1", "@cwd /usr/pkg", "@cwd .", "@ignore", f"@comment MD5:{MD5}", "bin/a", "bin/b"]),
)


@given(st.lists(LINES, max_size=30))
def test_only_our_own_errors(lines: list[str]) -> None:
    try:
        contents = parse_contents("\n".join(lines).encode("utf-8", "surrogatepass"), "noise")
    except GlassmasterError:
        return
    assert contents.name and contents.prefix.startswith("/")


@given(st.binary(max_size=200))
def test_only_our_own_errors_for_bytes(data: bytes) -> None:
    try:
        parse_contents(HEAD.encode() + data, "noise")
    except GlassmasterError:
        return
