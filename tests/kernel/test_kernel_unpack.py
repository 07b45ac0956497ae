"""Source sets unpacked: what they hold, and that no archive reaches anything outside of its directory."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.kernel import unpack

Member = tuple[str, bytes, str]
FILE, DIR, SYM, HARD = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
BODY = b"secret or not"


def unpack_sources(file: Path, name: str, target: Path) -> int:
    """Unpack a file, read in small pieces."""
    data = file.read_bytes()
    return unpack.unpack_sources((data[at : at + 1000] for at in range(0, len(data), 1000)), name, target)


def archive(path: Path, *members: Member, mode: int = 0o644) -> Path:
    """A .tgz of members: name, type, target of a link."""
    with tarfile.open(path, "w:gz") as tar:
        for name, kind, target in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.mode, info.mtime = kind, target, mode, 1_000_000
            info.size = len(BODY) if kind == FILE else 0
            tar.addfile(info, io.BytesIO(BODY))
    return path


@pytest.fixture
def outside(tmp_path: Path) -> Callable[[], dict[str, bytes]]:
    """Everything beside the target directory, by name: files outside of it that no archive may change."""
    (tmp_path / "target").mkdir()
    (tmp_path / "precious").write_bytes(b"precious")

    def look() -> dict[str, bytes]:
        return {
            str(path.relative_to(tmp_path)): path.read_bytes() if path.is_file() else b""
            for path in tmp_path.rglob("*") if not path.is_relative_to(tmp_path / "target")
        }  # fmt: skip

    return look


def test_what_a_set_holds(tmp_path: Path) -> None:
    file = archive(
        tmp_path / "src.tgz", ("./usr", DIR, ""), ("./usr/src", DIR, ""), ("usr/src/sys/a.c", FILE, ""),
        ("./usr/src/sys/b.c", HARD, "usr/src/sys/a.c"), ("usr/src/lib/up", SYM, "../sys/a.c"), ("usr/src/e", DIR, ""),
        ("usr/src/lib/nowhere", SYM, "nothing"), mode=0o4777,
    )  # fmt: skip
    (tmp_path / "target").mkdir()
    assert unpack_sources(file, "src.tgz", tmp_path / "target") == 7
    top = tmp_path / "target"
    assert sorted(str(path.relative_to(top)) for path in top.rglob("*")) == [
        "e", "lib", "lib/nowhere", "lib/up", "sys", "sys/a.c", "sys/b.c",
    ]  # fmt: skip
    assert (top / "lib/up").read_bytes() == BODY
    info = (top / "sys/a.c").stat()
    assert (info.st_mode & 0o7777, info.st_mtime, info.st_nlink, info.st_uid) == (0o755, 1_000_000, 2, os.getuid())


def test_sets_over_one_another(tmp_path: Path) -> None:
    """src and syssrc both have usr/src/common; of a file that comes twice the later one stays, alone."""
    (tmp_path / "target").mkdir()
    first = archive(tmp_path / "1.tgz", ("usr/src/common/a", FILE, ""), ("usr/src/common/b", HARD, "usr/src/common/a"))
    second = archive(tmp_path / "2.tgz", ("usr/src/common", DIR, ""), ("usr/src/common/a", FILE, ""), mode=0o755)
    for file in (first, second):
        unpack_sources(file, file.name, tmp_path / "target")
    modes = [(tmp_path / "target/common" / name).stat().st_mode & 0o777 for name in "ab"]
    assert modes == [0o755, 0o644]


@pytest.mark.parametrize(
    ("members", "what"),
    [
        ([("/etc/passwd", FILE, "")], "leads out of the archive"),
        ([("usr/src/../../../precious", FILE, "")], "leads out of the archive"),
        ([("../precious", FILE, "")], "leads out of the archive"),
        ([("usr/precious", FILE, "")], "is not in usr/src"),
        ([("usr/src/tty", tarfile.CHRTYPE, "")], "neither a file"),
        ([("usr/src/disk", tarfile.BLKTYPE, "")], "neither a file"),
        ([("usr/src/pipe", tarfile.FIFOTYPE, "")], "neither a file"),
        ([("usr/src/a", SYM, "/etc")], "leads to /etc"),
        ([("usr/src/a", SYM, "../precious")], "leads out of the sources"),
        ([("usr/src/a/b", SYM, "../..")], "leads out of the sources"),
        # Each alone stays inside, read by their letters; together they do not.
        ([("usr/src/d/up", SYM, ".."), ("usr/src/x", SYM, "d/up/../precious")], "leads out of the sources"),
        ([("usr/src/x", SYM, "d/up/../precious"), ("usr/src/d/up", SYM, "..")], "leads out of the sources"),
        ([("usr/src/a", SYM, ".."), ("usr/src/a/precious", FILE, "")], "a is no directory"),
        ([("usr/src/a", SYM, "b"), ("usr/src/a", DIR, "")], "something else before"),
        ([("usr/src/a", DIR, ""), ("usr/src/a", FILE, "")], "was a directory before"),
        ([("usr/src/a", FILE, ""), ("usr/src/a/b", FILE, "")], "a is no directory"),
        ([("usr/src/a", HARD, "/etc/passwd")], "leads out of the archive"),
        ([("usr/src/a", HARD, "usr/src/../../precious")], "leads out of the archive"),
        ([("usr/src/a", HARD, "usr/src/none")], "there is no file"),
        ([("usr/src/a", HARD, "usr/src")], "there is no file"),
        ([("usr/src/a", SYM, "b"), ("usr/src/c", HARD, "usr/src/a")], "there is no file"),
    ],
)
def test_what_means_no_good(
    members: list[Member], what: str, tmp_path: Path, outside: Callable[[], dict[str, bytes]]
) -> None:
    file = archive(tmp_path / "src.tgz", *members)
    before = outside()
    with pytest.raises(GlassmasterError, match=what):
        unpack_sources(file, "src.tgz", tmp_path / "target")
    assert outside() == before


@pytest.mark.parametrize(
    "data", [b"", b"<html>", gzip.compress(b"no tar" * 200, mtime=0), gzip.compress(bytes(1024), mtime=0)[:-9]]
)
def test_what_is_damaged(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "src.tgz").write_bytes(data)
    (tmp_path / "target").mkdir()
    with pytest.raises(GlassmasterError, match=r"src\.tgz: the (archive|compressed data) is damaged"):
        unpack_sources(tmp_path / "src.tgz", "src.tgz", tmp_path / "target")


@pytest.mark.parametrize("keep", [0, 500, 512, 700, 1024, 5000, 512 * 60])
def test_what_is_cut_short(keep: int, tmp_path: Path) -> None:
    file = archive(tmp_path / "src.tgz", *((f"usr/src/{number}", FILE, "") for number in range(50)))
    (tmp_path / "target").mkdir()
    whole = gzip.decompress(file.read_bytes())
    for data in (whole[:keep], gzip.compress(whole[:keep]), gzip.compress(whole)[: keep // 64]):
        file.write_bytes(data)
        with pytest.raises(GlassmasterError, match=r"the (archive|compressed data) is damaged"):
            unpack_sources(file, "src.tgz", tmp_path / "target")


def test_what_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = archive(tmp_path / "src.tgz", *((f"usr/src/{number}", FILE, "") for number in range(3)))
    (tmp_path / "target").mkdir()
    monkeypatch.setattr(unpack, "MEMBERS_LIMIT", 2)
    with pytest.raises(GlassmasterError, match="larger than any source set"):
        unpack_sources(file, "src.tgz", tmp_path / "target")


PARTS = st.lists(st.sampled_from(["a", "b", "..", ".", "", "usr/src"]), max_size=4).map("/".join)
KINDS = st.sampled_from([FILE, DIR, SYM, HARD, tarfile.FIFOTYPE])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(members=st.lists(st.tuples(PARTS.map(lambda path: f"usr/src/{path}"), KINDS, PARTS), max_size=6))
def test_any_archive_stays_inside(members: list[Member], tmp_path_factory: pytest.TempPathFactory) -> None:
    top = tmp_path_factory.mktemp("any")
    (top / "target").mkdir()
    file = archive(top / "src.tgz", *members)
    data = file.read_bytes()
    try:
        unpack_sources(file, "src.tgz", top / "target")
    except GlassmasterError:
        pass
    else:
        links = [path for path in (top / "target").rglob("*") if path.is_symlink()]
        assert all(Path(os.path.realpath(link)).is_relative_to(top / "target") for link in links)
    assert sorted(path.name for path in top.iterdir()) == ["src.tgz", "target"]
    assert file.read_bytes() == data
