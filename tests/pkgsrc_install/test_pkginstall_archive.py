"""Packages' files: what pkg_add refuses is refused, and so is everything that disagrees with the packing list."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc.archive import META, opened
from glassmaster.inputs.standin.content import Item
from glassmaster.inputs.standin.package_archive import (
    COMPRESSORS,
    StandinPackage,
    ar_of,
    hash_file,
    members,
    tar_of,
)  # fmt: skip
from glassmaster.inputs.standin.packages import CORRUPT, MISORDERED, SHORTENED, program
from glassmaster.inputs.store import Store
from tests.pkgsrc_install.conftest import EPOCH, SYSTEM, Choose, Open

MADE = StandinPackage("made-1.0", "Made", (program("bin/a"), program("bin/b"), Item("lib/c", "link", 0o755, link="d")))
Change = Callable[[list[Item]], object]


@pytest.mark.parametrize("compression", sorted(COMPRESSORS))
def test_a_package_whatever_its_compression(compression: str, open_package: Open) -> None:
    package = open_package(replace(MADE, compression=compression))
    assert package.contents.name == "made-1.0"
    assert package.signed == {}
    assert " ".join(package.meta()) == "+CONTENTS +COMMENT +DESC +BUILD_INFO +SIZE_PKG +SIZE_ALL"
    assert package.index.read("bin/a") == program("bin/a").data
    assert package.read("+SIZE_PKG") == b"%d\n" % MADE.size
    assert package.read("+INSTALL") == b""


def test_the_second_time_nothing_is_unpacked(open_package: Open, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_package(MADE)
    monkeypatch.setattr(Store, "verified", None)
    again = open_package(MADE)
    assert again == first


def test_a_damaged_index_is_made_again(open_package: Open, store: Store) -> None:
    first = open_package(MADE)
    index = first.index.tar.with_name("index.json")
    document = json.loads(index.read_bytes())
    index.write_text(json.dumps(document | {"size": 1}))
    assert open_package(MADE) == first
    assert json.loads(index.read_bytes()) == document


def test_a_changed_file_of_the_store_is_no_package(store: Store) -> None:
    data = COMPRESSORS["gzip"](tar_of(members(MADE, *SYSTEM), EPOCH))
    sha512 = store.add([data], what="made").sha512
    store.path(sha512).write_bytes(data + b"more")
    with pytest.raises(GlassmasterError, match="has changed since it was verified"):
        opened(sha512, "made-1.0.tgz", store)


def swap(items: list[Item], one: str, other: str) -> None:
    a, b = [next(n for n, item in enumerate(items) if item.path == path) for path in (one, other)]
    items[a], items[b] = items[b], items[a]


def drop(items: list[Item], path: str) -> None:
    items[:] = [item for item in items if item.path != path]


def alter(items: list[Item], path: str, **changes: object) -> None:
    items[:] = [replace(item, **changes) if item.path == path else item for item in items]  # type: ignore[arg-type]


@pytest.mark.parametrize(("change", "what", "why"), [
    (lambda items: swap(items, "+COMMENT", "+DESC"), "do not stand in their order", "+COMMENT comes after +DESC"),
    (lambda items: swap(items, "+CONTENTS", "+DESC"), "do not stand in their order", "+COMMENT comes after +DESC"),
    (lambda items: swap(items, "bin/a", "bin/b"), "do not stand in their order", "bin/b stands where +CONTENTS"),
    (lambda items: items.insert(2, items.pop(-3)), "do not stand in their order", "bin/a comes before"),
    (lambda items: drop(items, "+CONTENTS"), "not a package", "it has no +CONTENTS"),
    (lambda items: drop(items, "+COMMENT"), "has no +COMMENT", "pkg_add refuses"),
    (lambda items: drop(items, "+DESC"), "has no +DESC", "pkg_add refuses"),
    (lambda items: drop(items, "bin/b"), "bin/b: is in +CONTENTS, not in the package", "pkg_add refuses"),
    (lambda items: items.append(Item("bin/z")), "bin/z: is in the package, not in +CONTENTS", "pkg_add refuses"),
    (lambda items: items.append(Item("bin/a")), "bin/a: stands twice", ""),
    (lambda items: items.append(Item("+ODD")), "+ODD: is in the package, not in +CONTENTS", ""),
    (lambda items: alter(items, "bin/a", data=b"changed"), "bin/a: the packing list disagrees", "it says MD5"),
    (lambda items: alter(items, "bin/a", kind="link", link="b", data=b""), "bin/a: the packing list", "a link to b"),
    (lambda items: alter(items, "bin/a", kind="dir", data=b""), "bin/a: the packing list", "holds a directory"),
    (lambda items: alter(items, "lib/c", link="e"), "lib/c: the packing list", "a link to d, the package holds e"),
    (lambda items: alter(items, "lib/c", kind="file"), "lib/c: the packing list", "holds a file"),
])  # fmt: skip
def test_refused(change: Change, what: str, why: str, open_package: Open, store: Store) -> None:
    with pytest.raises(GlassmasterError) as caught:
        open_package(MADE, change)
    assert what in caught.value.what
    assert caught.value.what.startswith("made-1.0.tgz: ")
    assert why in caught.value.why
    assert not list(store.root.glob("derived/pkg/*"))


@pytest.mark.parametrize(("name", "what"), [
    (MISORDERED, "do not stand in their order"),
    (CORRUPT, "bin/standin-wrong: the packing list disagrees"),
    (SHORTENED, "the compressed data is damaged"),
])  # fmt: skip
def test_the_standins_wrong_packages(name: str, what: str, choose: Choose, store: Store) -> None:
    with pytest.raises(GlassmasterError, match=what):
        opened(choose(name).sha512, name, store)


def test_pkg_adds_order_is_what_we_write_by(open_package: Open) -> None:
    full = replace(MADE, install=("SHELL: bin/a",))
    names = [name for name in open_package(full).index.members if name.startswith("+")]
    assert names == sorted(names, key=list(META).index)


def signed(inner: bytes, **changes: bytes) -> bytes:
    parts = {"+PKG_HASH": hash_file("made-1.0", inner), "+PKG_GPG_SIGNATURE": b"a signature"}
    return ar_of([*({**parts, **changes}).items(), ("made-1.0.tgz", inner)])


def inner() -> bytes:
    # Noise, so that the package has several blocks.
    noise = Item("share/noise", data=bytes(n * n % 251 for n in range(200_000)))
    return tar_of(members(replace(MADE, items=(noise,)), *SYSTEM), EPOCH)


def test_a_signed_package(store: Store) -> None:
    package = opened(store.add([signed(inner())], what="made").sha512, "made-1.0.tgz", store)
    assert package.signed == {"+PKG_HASH": hash_file("made-1.0", inner()), "+PKG_GPG_SIGNATURE": b"a signature"}
    again = opened(store.add([signed(inner())], what="made").sha512, "made-1.0.tgz", store)
    assert again == package


@pytest.mark.parametrize(("data", "what"), [
    (signed(inner()).replace(b"share/noise", b"share/noisE"), "not what was signed"),
    (signed(inner(), **{"+PKG_HASH": hash_file("made-1.0", inner()[:-1])}), "bytes, signed were"),
    (signed(inner(), **{"+PKG_HASH": b"pkgsrc signature\n"}), r"\+PKG_HASH has an unknown form"),
    (ar_of([("made-1.0.tgz", inner())]), "not a signed package"),
    (ar_of([]), "not a signed package"),
    (signed(inner())[:-600], "the signed package is damaged"),
])  # fmt: skip
def test_a_signed_package_that_is_refused(data: bytes, what: str, store: Store) -> None:
    with pytest.raises(GlassmasterError, match=what):
        opened(store.add([data], what="made").sha512, "made-1.0.tgz", store)
    assert not list(store.root.glob("derived/pkg/*"))


@given(at=st.integers(0, 12_000), noise=st.binary(min_size=1, max_size=8), packed=st.booleans())
def test_only_our_own_errors(at: int, noise: bytes, packed: bool, tmp_path_factory: pytest.TempPathFactory) -> None:
    data = tar_of(members(MADE, *SYSTEM), EPOCH)
    data = data[:at] + noise + data[at + len(noise) :]
    store = Store(Path(tmp_path_factory.mktemp("store")))
    try:
        opened(store.add([gzip.compress(data) if packed else data], what="made").sha512, "made-1.0.tgz", store)
    except GlassmasterError:
        return
