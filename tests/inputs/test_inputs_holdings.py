"""What a store holds, who uses it, and what prune takes: never what a lock names, of this clone or of another."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.holdings import damaged, holdings, prune, remove
from glassmaster.inputs.incoming import Wanted, claimed, partial_path
from glassmaster.inputs.lock import Lock, LockedInput, write_lock
from glassmaster.inputs.register import exclusive, register, registered, uses
from glassmaster.inputs.store import Store

Kept = Callable[[], list[str]]
A, B, C = b"file a", b"another file b", b"c"


def sha(data: bytes) -> str:
    return hashlib.sha512(data).hexdigest()


def place(data: bytes) -> str:
    return f"sha512/{sha(data)[:2]}/{sha(data)}"


def lock_of(path: Path, *files: bytes) -> Path:
    inputs = [LockedInput(f"sets/{data.decode()}", "release", (), len(data), sha(data), "first-use") for data in files]
    write_lock(path, Lock(path.stem, {}, tuple(inputs)))
    return path


def derive(store: Store, kind: str, key: str, made_of: str = "") -> None:
    with store.deriving(kind, key) as work:
        (work / "data").write_bytes(b"12345")
        if made_of:
            (work / "sha512").write_text(made_of)


@pytest.fixture
def full(store: Store) -> Store:
    for data in (A, B, C):
        store.add([data], what="x")
    return store


def test_who_uses_what(full: Store, tmp_path: Path) -> None:
    one, two = lock_of(tmp_path / "one.lock", A, B), lock_of(tmp_path / "two.lock", A, b"missing")
    found = holdings(full, uses([two, one, one]))
    by_digest = {held.sha512: held for held in found.files}
    assert [use.lock for use in by_digest[sha(A)].used] == [one, two]
    assert by_digest[sha(B)].names == ["sets/another file b"]
    assert by_digest[sha(C)].used == () and by_digest[sha(C)].size == 1
    assert [(use.name, use.lock) for use in found.missing] == [("sets/missing", two)]


def test_prune_takes_what_no_lock_names(full: Store, tmp_path: Path, kept: Kept) -> None:
    derive(full, "tar", f"{sha(A)}-2")
    derive(full, "tar", f"{sha(C)}-2")
    derive(full, "debian", "SHA256-00", sha(A))
    derive(full, "debian", "SHA256-01", sha(C))
    derive(full, "tools", "of-both", f"{sha(A)}\n{sha(C)}\n")
    derive(full, "tools", "of-nobody-knows-what")
    for data in (b"missing", b"nobody's"):
        partial_path(sha(data), full).parent.mkdir(exist_ok=True)
        partial_path(sha(data), full).write_bytes(b"begin")
    lock = lock_of(tmp_path / "one.lock", A, B, b"missing")
    before = kept()
    found = prune(full, [lock], dry=True)
    assert kept() == [*sorted({*before, "register.lock"})]
    assert prune(full, [lock], dry=False) == found
    assert kept() == sorted(
        [
            place(A), place(B), f"derived/tar/{sha(A)}-2/data", "derived/debian/SHA256-00/data",
            "derived/debian/SHA256-00/sha512", f"incoming/{sha(b'missing')}.part", "register.lock",
        ]
    )  # fmt: skip
    assert found.size == len(C) + 5 + (5 + 128) + (5 + 258) + 5 + 5
    assert prune(full, [lock], dry=False).size == 0


def test_prune_keeps_what_other_clones_registered(full: Store, tmp_path: Path, kept: Kept) -> None:
    other, own = lock_of(tmp_path / "other" / "x.lock", B), lock_of(tmp_path / "own.lock", A)
    register(full, other)
    register(full, other)
    assert registered(full) == [other]
    prune(full, [own], dry=False)
    assert [path for path in kept() if path.startswith("sha512")] == sorted([place(A), place(B)])
    # A clone that is gone needs nothing, and is forgotten.
    other.unlink()
    prune(full, [own], dry=False)
    assert [path for path in kept() if path.startswith("sha512")] == [place(A)]
    assert str(other) not in (full.root / "register.json").read_text()


def test_prune_without_any_lock_is_refused(full: Store, kept: Kept) -> None:
    with pytest.raises(GlassmasterError, match="no lock is known"):
        prune(full, [], dry=False)
    assert len([path for path in kept() if path.startswith("sha512")]) == 3


@pytest.mark.parametrize("text", ["", "{}", "[", '{"format": 99}', "null"])
def test_a_lock_that_cannot_be_read_keeps_everything(full: Store, tmp_path: Path, kept: Kept, text: str) -> None:
    bad = tmp_path / "bad.lock"
    bad.write_text(text)
    register(full, bad)
    with pytest.raises(GlassmasterError, match="not a lock"):
        prune(full, [lock_of(tmp_path / "own.lock", A)], dry=False)
    assert len([path for path in kept() if path.startswith("sha512")]) == 3


@pytest.mark.parametrize("text", ["", "[]", '{"format": 2, "locks": []}', '{"format": 1}', '{"format": 1, "locks": 7}'])
def test_a_damaged_register_keeps_everything(full: Store, tmp_path: Path, kept: Kept, text: str) -> None:
    (full.root / "register.json").write_text(text)
    with pytest.raises(GlassmasterError, match=r"register\.json: not the store's register"):
        prune(full, [lock_of(tmp_path / "own.lock", A)], dry=False)
    assert len([path for path in kept() if path.startswith("sha512")]) == 3


def test_prune_leaves_what_is_being_fetched(full: Store, tmp_path: Path) -> None:
    file = Wanted("x", (), sha(b"coming"), 6)
    with claimed(file, full, lambda: None) as part:
        assert part is not None
        found = prune(full, [lock_of(tmp_path / "own.lock", A)], dry=False)
        assert [item.path for item in found.busy] == [part.path]
        part.append(b"coming")
        part.take_in()
    assert sha(b"coming") in full


def test_prune_leaves_what_is_being_derived(full: Store, tmp_path: Path) -> None:
    with full.deriving("tar", f"{sha(C)}-2") as work:
        prune(full, [lock_of(tmp_path / "own.lock", A)], dry=False)
        (work / "data").write_bytes(b"x")
    assert (full.derived("tar", f"{sha(C)}-2") / "data").exists()


def test_a_fetch_waits_until_prune_is_done(full: Store, tmp_path: Path) -> None:
    lock = lock_of(tmp_path / "own.lock", A)
    begun, done = threading.Event(), threading.Event()

    def registering() -> None:
        begun.set()
        register(full, lock)
        done.set()

    thread = threading.Thread(target=registering)
    with exclusive(full):
        thread.start()
        assert begun.wait(30)
        assert not done.is_set() and registered(full) == []
    thread.join(30)
    assert registered(full) == [lock]


def test_many_register_at_once(store: Store, tmp_path: Path) -> None:
    locks = [lock_of(tmp_path / f"{number:02}.lock", A) for number in range(12)]
    threads = [threading.Thread(target=register, args=(store, lock)) for lock in locks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert registered(store) == locks


def test_damaged_files_are_found_and_removed_with_what_was_made_of_them(full: Store, kept: Kept) -> None:
    derive(full, "tar", f"{sha(B)}-2")
    full.path(sha(B)).write_bytes(B[:-1] + b"?")
    found = holdings(full, []).files
    bad = [held for held, is_damaged in damaged(full, found) if is_damaged]
    assert [held.sha512 for held in bad] == [sha(B)]
    remove(full, bad)
    assert kept() == sorted([place(A), place(C)])
