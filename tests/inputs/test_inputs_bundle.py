"""Bundles: all that a lock names goes in and comes out; nothing that a bundle says is believed."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.bundle import export, import_bundle
from glassmaster.inputs.store import Store
from tests.inputs.test_inputs_holdings import A, B, C, lock_of, place, sha

Members = list[tuple[Any, bytes]]


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return lock_of(tmp_path / "recipes" / "racks.lock", A, B)


@pytest.fixture
def bundle(store: Store, lock: Path, tmp_path: Path) -> Path:
    for data in (A, B, C):
        store.add([data], what="x")
    export([lock], store, tmp_path / "bundle.tar")
    return tmp_path / "bundle.tar"


@pytest.fixture
def other(tmp_path: Path) -> Store:
    return Store(tmp_path / "other")


def files_of(store: Store) -> list[str]:
    return sorted(str(path.relative_to(store.root)) for path in store.root.rglob("*") if path.is_file())


def test_out_and_in(bundle: Path, lock: Path, other: Store, tmp_path: Path) -> None:
    found = import_bundle(bundle, other, tmp_path / "air" / "recipes")
    assert (found.new, found.known, found.size) == (2, 0, len(A) + len(B))
    assert files_of(other) == sorted([place(A), place(B)])
    assert [path.read_bytes() for path in found.locks] == [lock.read_bytes()]
    again = import_bundle(bundle, other, tmp_path / "air" / "recipes")
    assert (again.new, again.known, again.locks, again.same) == (0, 2, (), found.locks)


def test_equal_locks_make_equal_bundles(bundle: Path, lock: Path, other: Store, tmp_path: Path) -> None:
    for data in (C, B, A):
        other.add([data], what="x")
    export([lock], other, tmp_path / "again.tar")
    assert (tmp_path / "again.tar").read_bytes() == bundle.read_bytes()


def test_another_reader_sees_a_plain_tar(bundle: Path) -> None:
    names = subprocess.run(["tar", "tf", bundle], check=True, capture_output=True, text=True).stdout.split("\n")
    assert names == [
        "manifest.json",
        "locks/racks.lock",
        *(f"sha512/{digest}" for digest in sorted([sha(A), sha(B)])),
        "",
    ]


def test_what_the_store_lacks_is_named_and_nothing_is_written(lock: Path, store: Store, tmp_path: Path) -> None:
    store.add([A], what="x")
    with pytest.raises(GlassmasterError, match="the store lacks 1 of 2 files") as caught:
        export([lock], store, tmp_path / "bundle.tar")
    assert caught.value.why == "sets/another file b"
    assert not (tmp_path / "bundle.tar").exists()


def test_a_damaged_file_is_not_exported(bundle: Path, lock: Path, store: Store, tmp_path: Path) -> None:
    store.path(sha(B)).write_bytes(b"x" * len(B))
    with pytest.raises(GlassmasterError, match="has changed since it was verified"):
        export([lock], store, tmp_path / "second.tar")
    assert not (tmp_path / "second.tar").exists()


def test_a_lock_that_is_there_is_never_overwritten(bundle: Path, other: Store, tmp_path: Path) -> None:
    (tmp_path / "air").mkdir()
    (tmp_path / "air" / "racks.lock").write_text("mine")
    found = import_bundle(bundle, other, tmp_path / "air")
    assert found.other == (tmp_path / "air" / "racks.lock",)
    assert found.other[0].read_text() == "mine"


def rewritten(bundle: Path, change: Callable[[Members], Members]) -> Path:
    with tarfile.open(bundle) as archive:
        members = [(info, archive.extractfile(info).read()) for info in archive]  # type: ignore[union-attr]
    with tarfile.open(bundle, "w") as archive:
        for info, data in change(members):
            info.size = len(data) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(data) if info.isreg() else None)
    return bundle


def member(
    name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info, data


def manifest(members: Members, **changes: Any) -> Members:
    document = {**json.loads(members[0][1]), **changes}
    return [(members[0][0], json.dumps(document).encode()), *members[1:]]


def renamed(members: Members, number: int, name: str) -> Members:
    members[number][0].name = name
    members[number][0].pax_headers = {}
    return members


BAD: dict[str, Callable[[Members], Members]] = {
    "no manifest": lambda members: members[1:],
    "manifest later": lambda members: [*members[1:], members[0]],
    "two manifests": lambda members: [*members, members[0]],
    "no members": lambda members: [],
    "other format": lambda members: manifest(members, format=2),
    "no JSON": lambda members: [(members[0][0], b"{"), *members[1:]],
    "a list": lambda members: [(members[0][0], b"[]"), *members[1:]],
    "files are a list": lambda members: manifest(members, files=[]),
    "a size that is none": lambda members: manifest(members, files={sha(A): -1}),
    "a digest that is none": lambda members: manifest(members, files={"../x": 1}),
    "a lock's path": lambda members: manifest(members, locks={"../x.lock": sha(A)}),
    "a file missing": lambda members: members[:-1],
    "a file twice": lambda members: [*members, members[-1]],
    "a file too many": lambda members: [*members, member(f"sha512/{sha(C)}", C)],
    "another content": lambda members: [*members[:-1], (members[-1][0], bytes(len(members[-1][1])))],
    "another size": lambda members: [*members[:-1], (members[-1][0], members[-1][1] + b"x")],
    "up and out": lambda members: renamed(members, 2, "sha512/../../../outside"),
    "absolute": lambda members: renamed(members, 2, "/tmp/outside"),
    "a lock up and out": lambda members: renamed(members, 1, "locks/../../outside.lock"),
    "another lock's name": lambda members: renamed(members, 1, "locks/other.lock"),
    "no lock": lambda members: [members[0], *members[2:]],
    "another lock": lambda members: [members[0], (members[1][0], b"{}"), *members[2:]],
    "a lock that is none": lambda members: manifest(
        [members[0], (members[1][0], b"{}"), *members[2:]], locks={"racks.lock": sha(b"{}")}
    ),
    "a lock that names more": lambda members: manifest(members[:3], files={members[2][0].name[7:]: len(members[2][1])}),
    "a symbolic link": lambda members: [*members, member("locks/l.lock", kind=tarfile.SYMTYPE, link="/etc/passwd")],
    "a hard link": lambda members: [*members, member("locks/l.lock", kind=tarfile.LNKTYPE, link="manifest.json")],
    "a device": lambda members: [*members, member("locks/l.lock", kind=tarfile.CHRTYPE)],
    "a directory": lambda members: [*members, member("sha512", kind=tarfile.DIRTYPE)],
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_bundles(bundle: Path, other: Store, tmp_path: Path, case: str) -> None:
    other.add([C], what="x")
    (tmp_path / "air").mkdir()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(GlassmasterError):
        import_bundle(rewritten(bundle, BAD[case]), other, tmp_path / "air")
    assert sorted(tmp_path.iterdir()) == before and not any((tmp_path / "air").iterdir())
    assert set(files_of(other)) <= {place(A), place(B), place(C)} and place(C) in files_of(other)
    for name in files_of(other):
        assert hashlib.sha512((other.root / name).read_bytes()).hexdigest() == name.rpartition("/")[2]


def test_a_file_that_is_no_bundle(other: Store, tmp_path: Path) -> None:
    with pytest.raises(GlassmasterError, match="No such file"):
        import_bundle(tmp_path / "none.tar", other, tmp_path)
    with pytest.raises(GlassmasterError, match="cannot be read"):
        import_bundle(tmp_path, other, tmp_path)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    top = tmp_path_factory.mktemp("sample")
    store = Store(top / "store")
    for data in (A, B):
        store.add([data], what="x")
    export([lock_of(top / "racks.lock", A, B)], store, top / "bundle.tar")
    return (top / "bundle.tar").read_bytes()


@given(st.lists(st.tuples(st.integers(0, 9000), st.binary(min_size=1, max_size=24)), max_size=4), st.integers(0, 20000))
def test_any_damage_is_an_error_of_ours_or_does_no_harm(
    sample: bytes, tmp_path_factory: pytest.TempPathFactory, patches: list[tuple[int, bytes]], end: int
) -> None:
    data = bytearray(sample)
    for place_in, patch in patches:
        data[place_in : place_in + len(patch)] = patch
    top = tmp_path_factory.mktemp("damaged")
    (top / "bundle.tar").write_bytes(data[:end])
    store = Store(top / "store")
    try:
        import_bundle(top / "bundle.tar", store, top / "recipes")
    except GlassmasterError:
        assert not (top / "recipes").exists()
    for name in files_of(store):
        assert hashlib.sha512((store.root / name).read_bytes()).hexdigest() == name.rpartition("/")[2]
    shutil.rmtree(top)
