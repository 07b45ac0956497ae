"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from glassmaster import atomic
from glassmaster.errors import GlassmasterError


class BrokenError(Exception):
    """What a failing block raises."""


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file_and_its_folders_appear_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    with atomic.writing(path) as stream:
        stream.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert names(path.parent) == ["file"]


def test_the_unfinished_file_lies_beside_its_place_under_another_name(tmp_path: Path) -> None:
    with atomic.writing(tmp_path / "file"):
        (partial,) = names(tmp_path)
    assert partial.startswith(".file.")
    assert partial.endswith(atomic.PARTIAL)


@pytest.mark.parametrize("error", [BrokenError, KeyboardInterrupt, OSError(errno.EIO, "reading something else")])
def test_a_failing_block_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises((BrokenError, KeyboardInterrupt, OSError)), atomic.writing(path) as stream:
        stream.write(b"new")
        raise error
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_another_error_of_the_system_in_the_block_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic.writing(tmp_path / "file"):
        (tmp_path / "missing").read_bytes()


def test_a_failing_block_without_an_old_file_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(BrokenError), atomic.writing(tmp_path / "file"):
        raise BrokenError
    assert names(tmp_path) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("call", ["fsync", "open", "block"])
def test_a_full_disk_is_an_error_for_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, call: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    if call == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    if call == "open":
        monkeypatch.setattr(Path, "open", full)
    with pytest.raises(GlassmasterError) as caught, atomic.writing(path) as stream:
        stream.write(b"new")
        if call == "block":
            full()
    monkeypatch.undo()
    assert caught.value.what == f"no room left for {path}"
    assert os.strerror(number) in caught.value.why
    assert "free some space" in caught.value.hint
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_a_full_disk_under_a_program_that_writes_beside_is_explained_too(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with pytest.raises(GlassmasterError, match="no room left for"), atomic.temporary_beside(path) as temporary:
        temporary.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "full")
    assert names(tmp_path) == []


def test_a_file_where_a_folder_is_needed_is_an_error_for_people(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(GlassmasterError, match="cannot be written"):
        atomic.write_bytes(tmp_path / "out" / "file", b"")


def test_a_folder_where_the_file_should_be_is_an_error_for_people(tmp_path: Path) -> None:
    (tmp_path / "file" / "inside").mkdir(parents=True)
    with pytest.raises(GlassmasterError, match="cannot be written"):
        atomic.write_bytes(tmp_path / "file", b"")
    assert names(tmp_path) == ["file"]


def test_a_name_that_is_too_long_is_an_error_for_people(tmp_path: Path) -> None:
    with pytest.raises(GlassmasterError, match="cannot be written"):
        atomic.write_bytes(tmp_path / ("n" * 250), b"")
    assert names(tmp_path) == []


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_umask_is_respected(tmp_path: Path, mask: int, mode: int) -> None:
    with umask(mask):
        atomic.write_bytes(tmp_path / "file", b"")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


def test_the_umask_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It belongs to all threads: one that looks at it by setting it can leave another's value there."""
    monkeypatch.setattr(os, "umask", lambda _: pytest.fail("the umask was touched"))
    atomic.write_bytes(tmp_path / "file", b"")


def test_content_and_renaming_are_made_durable_in_this_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, seen = tmp_path / "file", list[str]()

    def fsync(descriptor: int) -> None:
        seen.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else f"file, renamed: {path.exists()}")

    monkeypatch.setattr(os, "fsync", fsync)
    with atomic.temporary_beside(path) as temporary:
        temporary.write_bytes(b"by another program")
        atomic.put_in_place(temporary, path)
    assert seen == ["file, renamed: False", "folder"]


def test_a_name_beside_that_is_never_used_leaves_nothing(tmp_path: Path) -> None:
    with atomic.temporary_beside(tmp_path / "deep" / "file") as temporary:
        assert temporary.parent == tmp_path / "deep"
    assert names(tmp_path / "deep") == []


def test_two_unfinished_files_for_one_place_have_two_names(tmp_path: Path) -> None:
    with atomic.temporary_beside(tmp_path / "file") as one, atomic.temporary_beside(tmp_path / "file") as other:
        assert one != other


def test_text_is_utf_8_whatever_the_locale(tmp_path: Path) -> None:
    atomic.write_text(tmp_path / "file", "ü\n")
    assert (tmp_path / "file").read_bytes() == b"\xc3\xbc\n"


def test_equal_values_are_equal_json_files(tmp_path: Path) -> None:
    atomic.write_json(tmp_path / "one", {"b": 1, "a": "ü"})
    atomic.write_json(tmp_path / "two", {"a": "ü", "b": 1})
    assert (tmp_path / "one").read_bytes() == b'{\n "a": "\xc3\xbc",\n "b": 1\n}\n'
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_names_that_are_no_utf_8_survive_json(tmp_path: Path) -> None:
    value = ["caf\udce9", "back\\slash", "ü"]
    atomic.write_json(tmp_path / "file", value)
    assert json.loads((tmp_path / "file").read_bytes()) == value
