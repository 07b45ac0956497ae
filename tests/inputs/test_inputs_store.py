"""The store: nothing unverified, nothing half-written."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.inputs import store as store_module
from glassmaster.inputs.store import Store, Stored, default_store

DATA = b"some bytes"
SHA512 = hashlib.sha512(DATA).hexdigest()
Kept = Callable[[], list[str]]


def test_add_and_read(store: Store, kept: Kept) -> None:
    assert SHA512 not in store
    assert store.add(iter([DATA[:3], b"", DATA[3:]]), what="x", expected=SHA512) == Stored(SHA512, len(DATA))
    assert SHA512 in store
    assert b"".join(store.read(SHA512, "x")) == DATA
    assert store.verified(SHA512, "x").read_bytes() == DATA
    assert kept() == [f"sha512/{SHA512[:2]}/{SHA512}"]


def test_a_wrong_digest_keeps_nothing(store: Store, kept: Kept) -> None:
    with pytest.raises(GlassmasterError, match=r"http://m/base.tgz: wrong SHA-512") as caught:
        store.add([b"other"], what="http://m/base.tgz", expected=SHA512)
    assert SHA512 in caught.value.why
    assert hashlib.sha512(b"other").hexdigest() in caught.value.why
    assert kept() == []
    store.add([DATA], what="x", expected=SHA512)
    assert SHA512 in store


def test_a_source_that_fails_half_way_keeps_nothing(store: Store, kept: Kept) -> None:
    def broken() -> Iterator[bytes]:
        yield DATA
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.add(broken(), what="x")
    assert kept() == []


def test_a_full_disk_is_an_error_for_people(store: Store, kept: Kept) -> None:
    def full() -> Iterator[bytes]:
        yield DATA
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(GlassmasterError, match="no room left"):
        store.add(full(), what="x")
    assert kept() == []


def test_a_file_that_changed_is_noticed_only_after_its_last_piece(store: Store) -> None:
    store.add([DATA], what="x")
    store.path(SHA512).write_bytes(b"changed on the disk")
    source = store.read(SHA512, "base.tgz")
    assert next(source) == b"changed on the disk"
    with pytest.raises(GlassmasterError, match=r"base.tgz: the store's copy has changed") as caught:
        next(source)
    assert f"rm {store.path(SHA512)}" in caught.value.hint
    with pytest.raises(GlassmasterError, match="has changed"):
        store.verified(SHA512, "base.tgz")
    # What it says helps: the next run takes the file in again.
    store.path(SHA512).unlink()
    store.add([DATA], what="x", expected=SHA512)
    assert b"".join(store.read(SHA512, "base.tgz")) == DATA


def test_a_file_that_is_gone(store: Store) -> None:
    with pytest.raises(GlassmasterError, match=r"base.tgz: the store lacks it") as caught:
        list(store.read(SHA512, "base.tgz"))
    assert str(store.path(SHA512)) in caught.value.why


def test_the_digest_of_nothing_is_not_in_the_store(store: Store) -> None:
    store.add([DATA], what="x")
    assert "" not in store


def test_deriving_is_all_or_nothing(store: Store, kept: Kept) -> None:
    with pytest.raises(ZeroDivisionError), store.deriving("kind", "key") as work:
        (work / "half").write_text("written")
        raise ZeroDivisionError
    assert kept() == []
    assert not store.derived("kind", "key").exists()
    with store.deriving("kind", "key") as work:
        (work / "sub").mkdir()
        (work / "sub" / "whole").write_text("written")
    assert kept() == ["derived/kind/key/sub/whole"]


def test_two_builds_that_derive_the_same(store: Store, kept: Kept) -> None:
    with store.deriving("kind", "key") as slower:
        with store.deriving("kind", "key") as faster:
            (faster / "file").write_text("same")
        (slower / "file").write_text("same")
    assert kept() == ["derived/kind/key/file"]


def test_a_place_that_cannot_be_taken_is_an_error(store: Store, kept: Kept) -> None:
    with pytest.raises(OSError), store.deriving("kind", "key") as work:
        store.derived("kind", "key").write_text("a file, in the way")
        (work / "file").write_text("x")
    assert kept() == ["derived/kind/key"]


@pytest.mark.parametrize("in_the_way", ["store", "store/derived", "store/derived/kind"])
def test_a_store_that_cannot_be_written(store: Store, tmp_path: Path, in_the_way: str) -> None:
    (tmp_path / in_the_way).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / in_the_way).write_text("a file")
    with pytest.raises(GlassmasterError, match=rf"the store {store.root} cannot be written") as caught:
        store.deriving("kind", "key").__enter__()
    assert "GLASSMASTER_STORE" in caught.value.hint


def test_forget(store: Store, kept: Kept) -> None:
    store.forget("kind", "key")
    with store.deriving("kind", "key") as work:
        (work / "file").write_text("x")
    store.forget("kind", "key")
    assert kept() == []


def test_everything_is_on_the_disk_before_it_has_its_name(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(store_module, "_sync", synced.append)
    with store.deriving("kind", "key") as work:
        (work / "file").write_text("x")
    assert [path.name.split(".")[:2] for path in synced] == [["", "key"], ["file"], ["kind"]]


def test_where_the_store_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert default_store().root == tmp_path / "store"
    monkeypatch.delenv("GLASSMASTER_STORE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert default_store().root == tmp_path / "cache" / "glassmaster"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert default_store().root == tmp_path / "home" / ".cache" / "glassmaster"
