"""Set archives: what an image cannot hold safely is refused, and nothing half-read stays in the store."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import lzma
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.inputs import tarindex
from glassmaster.inputs.store import Store
from glassmaster.inputs.tarindex import Member, indexed, read_members

Kept = Callable[[], list[str]]
Part = tuple[tarfile.TarInfo, bytes]
BLOCK = 512
Form = Literal[0, 1, 2]  # tarfile's USTAR_FORMAT, GNU_FORMAT, PAX_FORMAT


def part(name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, **more: object) -> Part:
    """A member and its data; `more` are fields of TarInfo."""
    info = tarfile.TarInfo(name)
    info.type, info.size, info.uname, info.gname = kind, len(data), "root", "wheel"
    for key, value in more.items():
        setattr(info, key, value)
    return info, data


def tar(*parts: Part, form: Form = tarfile.USTAR_FORMAT) -> bytes:
    """An archive of members as they are given, with the two zero blocks at its end and no others."""
    out = io.BytesIO()
    for info, data in parts:
        out.write(info.tobuf(form, "utf-8", "surrogateescape") + data + bytes(-len(data) % BLOCK))
    return out.getvalue() + bytes(2 * BLOCK)


GOOD = tar(
    part("./", kind=tarfile.DIRTYPE, mode=0o755),
    part("./bin/", kind=tarfile.DIRTYPE, mode=0o755),
    part("./bin/cat", b"cat" * 300, mode=0o4555, mtime=1234),
    part("./bin/dog", kind=tarfile.LNKTYPE, linkname="./bin/cat"),
    part("./bin/cow", kind=tarfile.LNKTYPE, linkname="./bin/dog"),
    part("./bin/lion", kind=tarfile.SYMTYPE, linkname="../no such"),
    part("./bin/ünï", b""),
)


def read(data: bytes) -> dict[str, Member]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.tar"
        path.write_bytes(data)
        return read_members(path, "base.tgz")


def refused(data: bytes) -> GlassmasterError:
    with pytest.raises(GlassmasterError) as caught:
        read(data)
    assert caught.value.what.startswith("base.tgz: ")
    return caught.value


def test_members_and_where_their_bytes_are() -> None:
    members = read(GOOD)
    assert list(members) == [".", "bin", "bin/cat", "bin/dog", "bin/cow", "bin/lion", "bin/ünï"]
    cat = members["bin/cat"]
    assert GOOD[cat.offset : cat.offset + cat.size] == b"cat" * 300
    assert cat.sha256 == hashlib.sha256(b"cat" * 300).hexdigest()
    assert (cat.mode, cat.mtime, cat.uname, cat.gname) == (0o4555, 1234, "root", "wheel")
    assert members["bin/lion"].link == "../no such"
    assert members["bin/ünï"].size == 0


def test_all_names_of_a_file_know_the_first() -> None:
    members = read(GOOD)
    assert [members[path].hardlink for path in ("bin/cat", "bin/dog", "bin/cow")] == ["", "bin/cat", "bin/cat"]
    assert members["bin/cow"].offset == members["bin/cat"].offset


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_of_other_formats(form: Form) -> None:
    path = "deep/" * 60 + "ünï"
    assert list(read(tar(part("./" + path, b"x"), form=form))) == [path]


def test_a_time_before_1970_is_1970() -> None:
    assert read(tar(part("old", mtime=-5.5), form=tarfile.PAX_FORMAT))["old"].mtime == 0


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        ([part("../etc/passwd")], "'../etc/passwd': `..` in a path"),
        ([part("./a/../../b")], "`..` in a path"),
        ([part("/etc/passwd")], "'/etc/passwd': an absolute path"),
        ([part("./tmp", kind=tarfile.SYMTYPE, linkname="/"), part("./tmp/x")],
         "tmp/x: lies below the symbolic link tmp of the same archive"),
        ([part("./tmp/x"), part("./tmp", kind=tarfile.SYMTYPE, linkname="/")],
         "tmp/x: lies below the symbolic link tmp"),
        ([part("./bin"), part("./bin/cat")], "bin/cat: lies below the file bin"),
        ([part("./dev/null", kind=tarfile.CHRTYPE)], "dev/null: a device node, FIFO"),
        ([part("./dev/wd0a", kind=tarfile.BLKTYPE)], "dev/wd0a: a device node"),
        ([part("./pipe", kind=tarfile.FIFOTYPE)], "pipe: a device node, FIFO"),
        ([part("./odd", kind=b"V")], "odd: a device node, FIFO, sparse file or other"),
        ([part("./sparse", kind=tarfile.GNUTYPE_SPARSE)], "sparse: a device node, FIFO, sparse file"),
        ([part("./sparse", pax_headers={"GNU.sparse.major": "1", "GNU.sparse.minor": "0"})], "sparse file|damaged"),
        ([part("./caf\udce9")], "not UTF-8 text"),
        ([part("./l", kind=tarfile.SYMTYPE, linkname="caf\udce9")], "l: the symbolic link's target"),
        ([part("./l", kind=tarfile.SYMTYPE)], "l: the symbolic link's target '' is empty"),
        ([part("./x", uname="caf\udce9")], "x: the names of its owner"),
        ([part("./x", gname="caf\udce9")], "x: the names of its owner"),
        ([part("./x", b"1"), part("x", b"2")], "x: stands twice in the archive"),
        ([part("./a", kind=tarfile.LNKTYPE, linkname="./b")], "a: a hard link to './b', which is no file"),
        ([part("./a", kind=tarfile.LNKTYPE, linkname="./b"), part("./b")], "a: a hard link to './b'"),
        ([part("./a", kind=tarfile.LNKTYPE, linkname="./a")], "a: a hard link to './a'"),
        ([part("./d", kind=tarfile.DIRTYPE), part("./a", kind=tarfile.LNKTYPE, linkname="d")], "a: a hard link to 'd'"),
        ([part("./a", kind=tarfile.LNKTYPE, linkname="/etc/passwd")], "a: hard link: '/etc/passwd': an absolute path"),
        ([part("./a", kind=tarfile.LNKTYPE, linkname="../b")], "a: hard link: '../b': `..` in a path"),
        ([part("./", b"")], ".: the root is not a directory|damaged"),
        ([part(".", kind=tarfile.SYMTYPE, linkname="x")], ".: the root is not a directory"),
        ([part("./huge", size=10 << 30)], "huge: claims 10,737,418,240 bytes"),
        ([part("./neg", size=-BLOCK)], "neg: claims -512 bytes|the archive is damaged"),
    ],
)  # fmt: skip
def test_what_an_image_cannot_hold(parts: list[Part], what: str) -> None:
    form: Form = tarfile.PAX_FORMAT if any(info.pax_headers for info, _ in parts) else tarfile.GNU_FORMAT
    error = refused(tar(*parts, form=form))
    assert any(words in error.what for words in what.split("|")), error.what


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
@pytest.mark.parametrize("size", [-BLOCK, 10 << 30, 2 << 20])
def test_a_header_that_claims_too_much(kind: bytes, size: int) -> None:
    error = refused(tar(part("././@LongLink", kind=kind, size=size), part("x"), form=tarfile.GNU_FORMAT))
    assert error.what == "base.tgz: the archive is damaged"
    # tarfile with the fix of CVE-2025-8194 refuses negative sizes before they are asked for.
    refused_by_tarfile = ["invalid offset"] if size < 0 else []
    assert error.why in [f"a header claims to be {size} bytes long", *refused_by_tarfile]


def test_a_name_of_two_megabytes() -> None:
    name = part("././@LongLink", b"n" * (2 << 20), kind=tarfile.GNUTYPE_LONGNAME)
    assert refused(tar(name, part("x"), form=tarfile.GNU_FORMAT)).why == "a header claims to be 2097152 bytes long"


def test_a_file_of_negative_size_at_the_root_does_not_go_round_for_ever() -> None:
    what = refused(tar(part(".", size=-BLOCK), form=tarfile.GNU_FORMAT)).what
    assert "claims -512" in what or "the archive is damaged" in what  # the latter: tarfile itself refused


def test_headers_of_headers_without_end() -> None:
    chain = tar(*[part("././@LongLink", b"name\0", kind=tarfile.GNUTYPE_LONGNAME)] * 3000, part("x"))
    assert refused(chain).what == "base.tgz: the archive is damaged"


@pytest.mark.parametrize("mtime", ["nan", "inf", "1e400"])
def test_times_that_are_no_number(mtime: str) -> None:
    assert "damaged" in refused(tar(part("x", pax_headers={"mtime": mtime}), form=tarfile.PAX_FORMAT)).what


def test_cut_between_members() -> None:
    error = refused(tar(part("./a", b"a"))[: -2 * BLOCK])
    assert error.what == "base.tgz: the archive breaks off without its end mark"


@pytest.mark.parametrize("end", range(0, len(GOOD) - BLOCK + 1, 97))
def test_cut_anywhere(end: int) -> None:
    refused(GOOD[:end])


def test_one_zero_block_or_many_end_an_archive() -> None:
    assert read(GOOD[:-BLOCK]) == read(GOOD + bytes(100 * BLOCK)) == read(GOOD)


@pytest.mark.parametrize("rest", [b"x", bytes(BLOCK) + b"x", tar(part("./hidden"))])
def test_something_after_the_end_mark(rest: bytes) -> None:
    assert "goes on where no member begins" in refused(GOOD + rest).what


def test_a_damaged_header_in_the_middle() -> None:
    at = 2 * BLOCK + 3
    assert "goes on" in refused(GOOD[:at] + b"X" + GOOD[at + 1 :]).what


def test_nothing_is_no_archive() -> None:
    assert "damaged" in refused(b"").what
    assert "damaged" in refused(b"<html>not found</html>" * 100).what


FLIPS = st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(1, 255)), min_size=1, max_size=5)


def flipped(flips: list[tuple[int, int]], *, checksums: bool) -> bytes:
    """GOOD with changed bytes; with headers' checksums made right again, so that tarfile believes them."""
    data = bytearray(GOOD)
    for at, value in flips:
        data[at] ^= value
        start = at - at % BLOCK
        if checksums and data[start + 257 : start + 262] == b"ustar":
            header = data[start : start + 148] + b" " * 8 + data[start + 156 : start + BLOCK]
            data[start + 148 : start + 156] = b"%06o\0 " % sum(header)
    return bytes(data)


@given(FLIPS, st.booleans())
@example([(2 * BLOCK + 156, ord("0") ^ ord("S"))], True)
@example([(2 * BLOCK + 265, 0xFF)], True)
@example([(2 * BLOCK + 124, 0xFF)], True)
def test_flipped_bytes_are_an_error_or_a_result(flips: list[tuple[int, int]], checksums: bool) -> None:
    try:
        members = read(flipped(flips, checksums=checksums))
    except GlassmasterError as error:
        assert error.what.startswith("base.tgz: ")
    else:
        json.dumps([member.path for member in members.values()]).encode()
        assert all(member.size >= 0 and member.offset + member.size <= len(GOOD) for member in members.values())


@given(st.binary(max_size=4 * BLOCK))
def test_random_bytes_are_refused(data: bytes) -> None:
    refused(data)


# --- in the store


def added(store: Store, data: bytes) -> str:
    return store.add([data], what="test").sha512


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress, bytes])
def test_indexed_once(store: Store, kept: Kept, compress: Callable[[bytes], bytes]) -> None:
    sha512 = added(store, compress(GOOD))
    first = indexed(sha512, "base.tgz", store)
    store.path(sha512).unlink()
    again = indexed(sha512, "base.tgz", store)
    assert again == first
    assert again.tar.read_bytes() == GOOD
    assert again.read("bin/cat") == again.read("bin/cow") == b"cat" * 300
    assert again.read("bin/fox") is None
    assert [Path(path).name for path in kept()] == ["data.tar", "index.json"]


DAMAGES: dict[str, Callable[[Callable[[bytes], bytes]], bytes]] = {
    "cut in the compressed stream": lambda compress: compress(GOOD)[:-20],
    "cut between members": lambda compress: compress(GOOD[: 2 * BLOCK]),
    "a flipped bit": lambda compress: flip(compress(GOOD), -30),
    "rubbish after it": lambda compress: compress(GOOD) + b"rubbish",
    "a member outside": lambda compress: compress(tar(part("../x"))),
    "a claim of 10 GB": lambda compress: compress(tar(part("x", size=10 << 30), form=tarfile.GNU_FORMAT)),
    "an owner that is no text": lambda compress: compress(tar(part("x", uname="\udce9"))),
}


def flip(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 0x10
    return bytes(changed)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress])
def test_a_bad_archive_leaves_nothing_and_the_next_goes_on(
    store: Store, kept: Kept, compress: Callable[[bytes], bytes], damage: str
) -> None:
    sha512 = added(store, DAMAGES[damage](compress))
    before = kept()
    with pytest.raises(GlassmasterError, match=r"base\.tgz: "):
        indexed(sha512, "base.tgz", store)
    assert kept() == before
    good = added(store, compress(GOOD))
    assert "bin/cat" in indexed(good, "base.tgz", store).members


def test_a_bomb(store: Store, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tarindex, "UNPACKED_LIMIT", 1 << 20)
    sha512 = added(store, gzip.compress(tar(part("zeros", bytes(2 << 20)))))
    before = kept()
    with pytest.raises(GlassmasterError, match=r"base\.tgz: unpacks to more than 1,048,576 bytes"):
        indexed(sha512, "base.tgz", store)
    assert kept() == before


@pytest.mark.parametrize(
    "changed",
    [gzip.compress(GOOD)[:-9], gzip.compress(tar(part("other"))), b"", b"\x1f\x8bjunk"],
    ids=["cut", "another", "empty", "junk"],
)
def test_a_copy_that_changed_after_it_was_verified(store: Store, kept: Kept, changed: bytes) -> None:
    sha512 = added(store, gzip.compress(GOOD, mtime=0))
    store.path(sha512).write_bytes(changed)
    before = kept()
    with pytest.raises(GlassmasterError, match=r"base\.tgz: the store's copy has changed"):
        indexed(sha512, "base.tgz", store)
    assert kept() == before


@pytest.mark.parametrize("name", ["data.tar", "index.json"])
@pytest.mark.parametrize("damage", ["gone", "short", "empty"])
def test_a_damaged_index_is_made_anew(store: Store, name: str, damage: str) -> None:
    sha512 = added(store, gzip.compress(GOOD))
    first = indexed(sha512, "base.tgz", store)
    file = first.tar.with_name(name)
    whole = file.read_bytes()
    file.unlink()
    if damage != "gone":
        file.write_bytes(whole[: len(whole) // 2] if damage == "short" else b"")
    assert indexed(sha512, "base.tgz", store) == first
    assert file.read_bytes() == whole
