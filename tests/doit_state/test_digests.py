"""Digests of files: what is believed, and when a file is read once more."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.doit_plugins import digests
from glassmaster.doit_plugins.checker import ContentChecker, as_state, same_content
from glassmaster.doit_plugins.digests import Derived, Digests, NotAFile, Seen, Signature

LATER_NS = 10_000_000_000


def later() -> int:
    """A clock by which every file has been at rest for long."""
    return time.time_ns() + LATER_NS


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_file_is_read_once_however_often_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    known = Digests(now=later)
    assert {known.digest(str(path)) for _ in range(5)} == {sha256(b"content")}
    assert known.hashed == [str(path)]


def test_a_change_is_seen_though_size_and_mtime_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    os.utime(path, ns=(1, 1))
    known = Digests(now=later)
    assert known.digest(str(path)) == sha256(b"one")
    path.write_bytes(b"two")
    os.utime(path, ns=(1, 1))
    assert known.digest(str(path)) == sha256(b"two")


def test_a_file_that_replaced_another_is_seen(tmp_path: Path) -> None:
    path, other = tmp_path / "file", tmp_path / "other"
    path.write_bytes(b"one")
    known = Digests(now=later)
    known.digest(str(path))
    other.write_bytes(b"two")
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)
    assert known.digest(str(path)) == sha256(b"two")


@pytest.mark.parametrize(("age", "coarse", "trusted"), [
    (0, False, False), (digests.TICK_NS, False, False), (digests.TICK_NS + 1, False, True), (-1, False, False),
    (digests.TICK_NS + 1, True, False), (digests.COARSE_TICK_NS + 1, True, True),
])  # fmt: skip
def test_a_file_at_rest_for_less_than_a_tick_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: int, coarse: bool, trusted: bool
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    changed = 5_000_000_000 if coarse else 5_000_000_001
    real = path.stat()
    info = os.stat_result((*real[:7], 5, 5, 5), {"st_mtime_ns": changed, "st_ctime_ns": changed})
    monkeypatch.setattr(digests, "stat_file", lambda path: info)
    monkeypatch.setattr(os, "fstat", lambda descriptor: info)
    known = Digests(now=lambda: changed + age)
    assert (known.look(str(path)).signature is not None) == trusted
    # Written again within the tick: nothing in stat(2) tells.
    path.write_bytes(b"two")
    assert known.digest(str(path)) == sha256(b"one" if trusted else b"two")


def test_for_a_large_file_one_tick_is_waited_instead_of_reading_it_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"large")
    monkeypatch.setattr(digests, "WORTH_WAITING_BYTES", 5)
    changed = path.stat().st_ctime_ns
    clock = [changed + 1]
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        clock[0] += int(seconds * 1e9) + 1

    known = Digests(now=lambda: clock[0], sleep=sleep)
    if changed % digests.SECOND_NS:  # the file system keeps fractions of seconds
        assert known.look(str(path)).signature is not None
        assert len(waits) == 1 and waits[0] <= digests.TICK_NS / 1e9
        known.look(str(path))
        assert known.hashed == [str(path)]


def test_a_file_that_somebody_goes_on_writing_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"")
    real = hashlib.file_digest

    def reading(stream: object, name: str) -> object:
        result = real(stream, name)  # type: ignore[arg-type]
        with path.open("ab") as other:
            other.write(b"more")
        return result

    monkeypatch.setattr(hashlib, "file_digest", reading)
    known = Digests(now=later)
    assert known.look(str(path)).signature is None
    assert len(known.hashed) == digests.ATTEMPTS
    monkeypatch.undo()
    assert known.digest(str(path)) == sha256(path.read_bytes())


def test_what_is_no_file_is_said_so(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, words in ((".", "is a directory"), ("pipe", "is neither a file nor a directory")):
        with pytest.raises(NotAFile, match=words):
            Digests().look(str(tmp_path / name))
    with pytest.raises(FileNotFoundError):
        Digests().look(str(tmp_path / "none"))


def test_what_one_process_learnt_another_takes_over(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("[1]")
    first, second = Digests(now=later), Digests(now=later)
    made: list[bytes] = []

    def make(data: bytes) -> int:
        made.append(data)
        return len(data)

    assert first.derived(str(path), "length", make) == 3
    second.restore(*first.unsaved())
    assert second.derived(str(path), "length", make) == 3 and second.hashed == [] and made == [b"[1]"]
    path.write_text("[1, 2]")
    assert second.derived(str(path), "length", make) == 6
    first.saved()
    assert first.unsaved() == ([], [])


def test_a_kept_value_is_made_anew_for_another_version() -> None:
    known = Digests()
    assert [known.kept("x", "kind", version, lambda: version) for version in "aab"] == ["a", "a", "b"]  # noqa: B023
    assert known.unsaved()[1] == [("x", "kind", Derived("b", "b"))]


def test_a_state_with_another_signature_is_compared_by_content(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    state = as_state(Seen(sha256(b"one"), 3, Signature(1, 3, 1, 1)))
    assert same_content(str(path), path.stat(), state)
    path.write_bytes(b"two")
    assert not same_content(str(path), path.stat(), state)
    path.write_bytes(b"longer")
    assert not same_content(str(path), path.stat(), state)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3),
    )
)
def test_a_state_that_is_not_ours_means_changed(state: object) -> None:
    path = Path(__file__)
    assert ContentChecker().check_modified(str(path), path.stat(), state)
