"""Summaries of repositories: read from any compression in any pieces, refused with the place of what is wrong."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc import summary as module
from glassmaster.inputs.pkgsrc.summary import Summary, read_summary

BUILT = "OPSYS=NetBSD\nOS_VERSION=10.0\nMACHINE_ARCH=x86_64\nSIZE_PKG=2048\n"
SCREEN = f"""\
PKGNAME=screen-5.0.1nb2
DEPENDS=ncurses>=6.4
DEPENDS=foo-[0-9]*
COMMENT=Multi-screen window manager = useful
{BUILT}DESCRIPTION=Screen is
DESCRIPTION=
DESCRIPTION=DEPENDS=nothing
CONFLICTS=old-screen-[0-9]*
SUPERSEDES=iscreen<9
REQUIRES=/usr/lib/libc.so.12
REQUIRES=
PROVIDES=/usr/pkg/lib/libscreen.so.1
BUILD_DATE=2026-07-01 10:00:00 +0000
LICENSE=gnu-gpl-v3
HOMEPAGE=https://www.example.org/screen/
PKGPATH=misc/screen
FILE_NAME=screen-5.0.1nb2.tgz
FILE_SIZE=512
FILE_CKSUM=SHA512 {"ab" * 64}
UNKNOWN_2=x
"""
SMALL = f"PKGNAME=a-1\n{BUILT}"


def read(text: str | bytes, size: int = 1 << 20) -> Summary:
    data = text if isinstance(text, bytes) else text.encode()
    return read_summary((data[at : at + size] for at in range(0, len(data), size)), "S")


def refused(text: str | bytes) -> str:
    """The error of a summary, or of its only package."""
    with pytest.raises(GlassmasterError) as caught:
        read(text).package("a-1")
    return str(caught.value)


def test_all_that_is_kept_of_a_record() -> None:
    package = read(SCREEN).package("screen-5.0.1nb2")
    assert (package.base, package.version, package.where) == ("screen", "5.0.1nb2", "S:1: record 1, screen-5.0.1nb2")
    assert package.depends == ("ncurses>=6.4", "foo-[0-9]*")
    assert (package.conflicts, package.supersedes) == (("old-screen-[0-9]*",), ("iscreen<9",))
    assert (package.requires, package.provides) == (("/usr/lib/libc.so.12",), ("/usr/pkg/lib/libscreen.so.1",))
    assert (package.file_name, package.file_size, package.size) == ("screen-5.0.1nb2.tgz", 512, 2048)
    assert package.file_digest == ("SHA512", "ab" * 64)
    assert (package.opsys, package.os_version, package.machine_arch) == ("NetBSD", "10.0", "x86_64")
    assert (package.pkgpath, package.license, package.build_date) == (
        "misc/screen", "gnu-gpl-v3", "2026-07-01 10:00:00 +0000",
    )  # fmt: skip
    assert package.comment == "Multi-screen window manager = useful"
    assert package.homepage == "https://www.example.org/screen/"


def test_what_a_record_need_not_say() -> None:
    package = read(SMALL).package("a-1")
    assert (package.file_name, package.file_size, package.file_digest, package.depends) == ("a-1.tgz", None, None, ())


@pytest.mark.parametrize("compress", [bytes, gzip.compress, lzma.compress, bz2.compress])
def test_any_compression(compress: Callable[[bytes], bytes]) -> None:
    summary = read(compress(f"{SCREEN}\n{SMALL}".encode()))
    assert len(summary) == 2 and "a-1" in summary and "a-2" not in summary


@given(st.integers(1, 90), st.integers(0, 4), st.integers(1, 4), st.integers(0, 4))
def test_any_pieces_and_empty_lines(size: int, before: int, between: int, after: int) -> None:
    text = "\n" * before + SCREEN + "\n" * between + SMALL.rstrip() + "\n" * after
    summary = read(text, size)
    assert summary.names.beginning_with("") == ["a-1", "screen-5.0.1nb2"]
    assert summary.package("a-1").where == f"S:{before + SCREEN.count(chr(10)) + between + 1}: record 2, a-1"
    assert summary.package("screen-5.0.1nb2") == read("\n" * before + SCREEN).package("screen-5.0.1nb2")


def test_nothing_is_a_repository_without_packages() -> None:
    assert len(read("")) == len(read("\n\n\n")) == 0


WRONG: list[tuple[str | bytes, str]] = [
    (f"{SMALL}\n\nPKGNAME=b-1\n{BUILT}what is this\n", "S:13: 'what is this': expected VARIABLE=VALUE"),
    (f"PKGNAME=a-1\r\n{BUILT}x\r", "S:6: 'x\\r': expected VARIABLE=VALUE"),
    ("<html>\n", "S:1: '<html>': expected"),
    (f"DESCRIPTION=1\n{SMALL}DESCRIPTION=2\n", "S:1: the lines of DESCRIPTION do not follow each other"),
    (f"{SMALL}DESCRIPTION=1\nbad\nDESCRIPTION=2\n", "S:7: 'bad'"),
    (f"{SMALL}\n{BUILT}", "S:7: record 2: PKGNAME must stand there once"),
    (f"{SMALL}PKGNAME=b-1\n", "S:1: record 1: PKGNAME must stand there once"),
    ("PKGNAME=a\n", "'a' cannot be a package's name and version"),
    ("PKGNAME=../a-1\n", "cannot be a package's name"),
    ("PKGNAME=a b-1\n", "cannot be a package's name"),
    ("PKGNAME=+a-1\n", "cannot be a package's name"),
    ("PKGNAME=ä-1\n", "cannot be a package's name"),
    (f"{SMALL}\n{SMALL}", "S:7: record 2: a-1 stands twice\n  the first is at line 1"),
    (SMALL.replace("OPSYS", "X"), "S:1: record 1, a-1: OPSYS is missing"),
    (SMALL.replace("SIZE_PKG", "X"), "SIZE_PKG is missing"),
    (f"{SMALL}SIZE_PKG=1\n", "SIZE_PKG stands there 2 times"),
    (SMALL.replace("2048", "2k"), "SIZE_PKG cannot be '2k'"),
    (SMALL.replace("2048", "9" * 5000), "SIZE_PKG cannot be '999"),
    (f"{SMALL}FILE_SIZE=-1\n", "FILE_SIZE cannot be '-1'"),
    (f"{SMALL}FILE_NAME=../../x.tgz\n", "FILE_NAME cannot be '../../x.tgz'"),
    (f"{SMALL}FILE_CKSUM=SHA1\n", "FILE_CKSUM cannot be 'SHA1'"),
    (f"{SMALL}DEPENDS={{a,b\n", "DEPENDS={a,b: '{a,b' is no pattern for packages\n  a brace"),
    (f"{SMALL}CONFLICTS=a b\n", "CONFLICTS=a b: 'a b' is no pattern"),
    (gzip.compress(SMALL.encode(), mtime=0)[:-4], "S: the compressed data is damaged"),
]


@pytest.mark.parametrize(("text", "message"), WRONG, ids=[message for _, message in WRONG])
def test_what_is_wrong_is_said_with_its_place(text: str | bytes, message: str) -> None:
    assert message in refused(text)


def test_no_record_is_endless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RECORD_LIMIT", 1000)
    with pytest.raises(GlassmasterError, match="no summary of packages"):
        read("X=y\n" * 1000, 100)
    monkeypatch.setattr(module, "SIZE_LIMIT", 2000)
    with pytest.raises(GlassmasterError, match="unpacks to more than 2,000 bytes"):
        read(gzip.compress(SMALL.encode() * 1000))


def test_descriptions_take_no_memory() -> None:
    text = b"".join(b"PKGNAME=a-%d\n%sDESCRIPTION=%s\n\n" % (n, BUILT.encode(), bytes(9000)) for n in range(1000))
    packed = gzip.compress(text.replace(b"\0", b"x"))
    tracemalloc.start()
    try:
        summary = read(packed)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(summary) == 1000
    assert kept < 1 << 20 and peak < 6 << 20


def test_who_provides_a_library_and_who_took_a_name_over() -> None:
    summary = read(f"{SCREEN}\n{SMALL}SUPERSEDES=b-[0-9]*\nPROVIDES=/usr/pkg/lib/libscreen.so.10\n")
    assert summary.providing("/usr/pkg/lib/libscreen.so.1") == ["screen-5.0.1nb2"]
    assert summary.providing("/usr/pkg/lib/libscreen.so") == []
    assert summary.superseding("iscreen") == ["screen-5.0.1nb2"]
    assert summary.superseding("b") == ["a-1"]
    assert summary.superseding("iscr") == []


def test_superseded_packages_in_one_line_as_pkgsrc_writes_them() -> None:
    summary = read(f"{SMALL}SUPERSEDES=b-[0-9]* py3-c<2  {{d,e}}-[0-9]*\nSUPERSEDES=f-[0-9]*\n")
    (name,) = summary.names.beginning_with("")
    assert summary.package(name).supersedes == ("b-[0-9]*", "py3-c<2", "{d,e}-[0-9]*", "f-[0-9]*")
    assert summary.superseding("py3-c") == summary.superseding("b") == summary.superseding("f") == [name]
    assert summary.superseding("c") == []
    with pytest.raises(GlassmasterError, match="holds a space"):
        read(f"{SMALL}CONFLICTS=a-1 b-1\n").package(name)


LINE = st.one_of(
    st.sampled_from([*SCREEN.splitlines(), "", "PKGNAME=b-2", "DESCRIPTION=", "="]),
    st.text(alphabet="AZ_=-\n 1{\r\x00é", max_size=6),
)


@given(st.one_of(st.lists(LINE).map(lambda lines: "\n".join(lines).encode("utf-8")), st.binary(max_size=200)))
@example(b"PKGNAME=a-1\xff\n")
@example(b"PKGNAME=a-1\nCOMMENT=\xff\xfe\n" + BUILT.encode())
def test_whatever_comes_is_read_or_gives_our_own_error(data: bytes) -> None:
    try:
        summary = read(data, 7)
        for name in summary.names.beginning_with(""):
            summary.package(name).comment.encode()
    except GlassmasterError as error:
        assert error.what.startswith("S:")
