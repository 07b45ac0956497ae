"""The lock's file: what it holds, what is refused, how two of them are compared."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.lock import REMEDY, Lock, LockedInput, LockedPackage, changes, read_lock, write_lock
from glassmaster.inputs.wants import differences

BASE = LockedInput("amd64/binary/sets/base.tgz", "release", ("https://a/b", "file:c"), 12, "ab" * 64, "first-use")
GRUB = LockedInput("debian/grub-pc-bin", "debian", ("http://d/g.deb",), 9, "cd" * 64, "apt", "2.06-13+deb12u1")
LOCK = Lock("racks", {"release.sets": ("base", "etc"), "release.version": ("10.2",)}, (BASE, GRUB), {"gcc": "12.2.0"})
# JSON whose objects now and then have the names that a lock has.
NAMES = st.sampled_from(
    [
        "format",
        "recipe",
        "wants",
        "inputs",
        "tools",
        "name",
        "kind",
        "urls",
        "size",
        "sha512",
        "trust",
        "version",
        "packages",
        "input",
        "needs",
        "wanted",
        "built",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.floats() | st.text(max_size=3) | st.sampled_from(
        ["release", "debian", "package", "ab" * 64]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=7),
    max_leaves=30,
)  # fmt: skip


def write(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value))
    return path


def document() -> dict[str, Any]:
    return {
        "format": 1, "recipe": "r", "wants": {"a": ["b"]},
        "inputs": [{"name": "n", "kind": "release", "urls": ["u"], "size": 1, "sha512": "0" * 128, "trust": "t"}],
    }  # fmt: skip


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_lock(tmp_path / "racks.lock", LOCK)
    assert read_lock(tmp_path / "racks.lock") == LOCK


def test_equal_locks_are_equal_files_with_a_value_on_each_line(tmp_path: Path) -> None:
    write_lock(tmp_path / "one", LOCK)
    other = dataclasses.replace(LOCK, inputs=(GRUB, BASE), wants=dict(reversed(list(LOCK.wants.items()))))
    write_lock(tmp_path / "two", other)
    text = (tmp_path / "one").read_text()
    assert text == (tmp_path / "two").read_text() and text.endswith("}\n")
    data = json.loads(text)
    assert data["format"] == 1 and [row["name"] for row in data["inputs"]] == [BASE.name, GRUB.name]
    assert "version" not in data["inputs"][0] and max(map(len, text.splitlines())) < 160


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"format": 2}, "its format is 2; this glassmaster reads 1"),
        ({"format": None}, "its format is None"),
        ({"recipe": None}, "recipe: not a line of text"),
        ({"wants": []}, "wants: not a JSON object"),
        ({"wants": {"a": "b"}}, "wants: a: not a JSON array"),
        ({"inputs": {}}, "inputs: not a JSON array"),
        ({"inputs": [5]}, "an input: not a JSON object"),
        ({"tools": {"gcc": 12}}, "tools: not a line of text"),
    ],
)
def test_what_is_no_lock(tmp_path: Path, change: dict[str, Any], why: str) -> None:
    path = write(tmp_path / "x.lock", {**document(), **change})
    with pytest.raises(GlassmasterError, match=r"x\.lock: not a lock that can be used") as caught:
        read_lock(path)
    assert why in caught.value.why and caught.value.hint == REMEDY


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"name": "a\nb"}, "name of an input: not a line of text"),
        ({"kind": "other"}, "n: kind: 'other' is none of release, debian"),
        ({"kind": []}, "n: kind"),
        ({"size": -1}, "n: size: -1 is no number of bytes"),
        ({"size": True}, "n: size: True is no number of bytes"),
        ({"size": 1.0}, "n: size: 1.0 is no number of bytes"),
        ({"sha512": "0" * 127}, "n: sha512: not a SHA-512 digest"),
        ({"sha512": "0" * 127 + "A"}, "n: sha512: not a SHA-512 digest"),
        ({"urls": "u"}, "n: urls: not a JSON array"),
        ({"urls": [1]}, "n: urls: not a line of text"),
        ({"trust": "\x1b[0m"}, "n: trust: not a line of text"),
    ],
)
def test_what_is_no_input(tmp_path: Path, change: dict[str, Any], why: str) -> None:
    value = document()
    value["inputs"][0].update(change)
    with pytest.raises(GlassmasterError) as caught:
        read_lock(write(tmp_path / "x.lock", value))
    assert why in caught.value.why


def test_an_input_listed_twice(tmp_path: Path) -> None:
    value = document()
    value["inputs"] *= 2
    with pytest.raises(GlassmasterError) as caught:
        read_lock(write(tmp_path / "x.lock", value))
    assert "n is listed twice" in caught.value.why


PACKAGE = LockedInput("packages/a-1.tgz", "package", ("https://p/All/a-1.tgz",), 3, "12" * 64, "first-use")
ROWS = (
    LockedPackage("b-2", "packages/a-1.tgz", 7, built="2026-07-01"),
    LockedPackage("a-1", "packages/a-1.tgz", 5, ("core a>=1",), {"b>=1": "b-2"}),
)


def test_packages_are_read_as_they_were_written_and_in_their_order(tmp_path: Path) -> None:
    lock = dataclasses.replace(LOCK, inputs=(*LOCK.inputs, PACKAGE), packages={"dom0": ROWS})
    write_lock(tmp_path / "x.lock", lock)
    assert read_lock(tmp_path / "x.lock") == lock
    # A lock of a recipe without packages is what it always was.
    write_lock(tmp_path / "y.lock", LOCK)
    assert "packages" not in json.loads((tmp_path / "y.lock").read_text())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"name": 5}, "name of a package: not a line of text"),
        ({"input": "packages/none.tgz"}, "packages: dom0: a-1: there is no input packages/none.tgz"),
        ({"input": "n"}, "there is no input n"),
        ({"size": -1}, "a-1: size: -1 is no number of bytes"),
        ({"size": True}, "a-1: size: True is no number of bytes"),
        ({"wanted": "core a"}, "a-1: wanted: not a JSON array"),
        ({"wanted": ["a"]}, "a-1: wanted: not a pkgset and a pattern"),
        ({"needs": []}, "a-1: needs: not a JSON object"),
        ({"needs": {"b>=1": "b-2"}}, "packages: dom0: a-1 needs b-2, which does not stand before it"),
        ({"needs": {"a": "a-1"}}, "a-1 needs a-1, which does not stand before it"),
        ({"needs": {"a": 1}}, "a-1: needs: not a line of text"),
        ({"built": 1}, "a-1: built: not a line of text"),
    ],
)
def test_what_is_no_package(tmp_path: Path, change: dict[str, Any], why: str) -> None:
    value = document()
    value["inputs"].append(dataclasses.asdict(PACKAGE) | {"sha512": "1" * 128})
    row = {"name": "a-1", "input": PACKAGE.name, "size": 1, "wanted": [], "needs": {}}
    assert read_lock(write(tmp_path / "x.lock", {**value, "packages": {"dom0": [row]}})).packages["dom0"]
    with pytest.raises(GlassmasterError) as caught:
        read_lock(write(tmp_path / "x.lock", {**value, "packages": {"dom0": [{**row, **change}]}}))
    assert why in caught.value.why


@pytest.mark.parametrize(
    ("packages", "why"),
    [
        ([], "packages: not a JSON object"),
        ({"dom0": {}}, "packages: dom0: not a JSON array"),
        ({"dom0": [5]}, "packages: dom0: a package: not a JSON object"),
    ],
)
def test_what_is_no_table_of_packages(tmp_path: Path, packages: Any, why: str) -> None:
    with pytest.raises(GlassmasterError) as caught:
        read_lock(write(tmp_path / "x.lock", {**document(), "packages": packages}))
    assert why in caught.value.why


def test_a_package_listed_twice(tmp_path: Path) -> None:
    value = document()
    value["inputs"].append(dataclasses.asdict(PACKAGE) | {"sha512": "1" * 128})
    row = {"name": "a-1", "input": PACKAGE.name, "size": 1, "wanted": [], "needs": {}}
    with pytest.raises(GlassmasterError) as caught:
        read_lock(write(tmp_path / "x.lock", {**value, "packages": {"dom0": [row, row]}}))
    assert "packages: dom0: a-1 is listed twice" in caught.value.why


def test_packages_in_another_order_or_for_another_reason_are_news() -> None:
    old = dataclasses.replace(LOCK, packages={"dom0": ROWS})
    new = dataclasses.replace(LOCK, packages={"dom0": (dataclasses.replace(ROWS[0], wanted=("core b",)), ROWS[1])})
    assert changes(old, old) == []
    assert changes(old, new) == ["~ the packages of dom0, their order or why they are there"]


@given(data=st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_whatever_the_file_holds(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any.lock"
    path.write_bytes(data)
    try:
        lock = read_lock(path)
    except GlassmasterError:
        return
    write_lock(path, lock)
    assert read_lock(path).inputs == tuple(sorted(lock.inputs, key=lambda item: item.name))


def test_nesting_without_end(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("[" * 200_000)
    with pytest.raises(GlassmasterError, match="not a lock"):
        read_lock(tmp_path / "x")


def test_changes_are_named() -> None:
    newer = dataclasses.replace(GRUB, version="2.06-13+deb12u2", sha512="ef" * 64)
    moved = dataclasses.replace(BASE, urls=("https://other/b",))
    kernel = dataclasses.replace(BASE, name="amd64/binary/kernel/netbsd-XEN3_DOM0.gz")
    other = dataclasses.replace(LOCK, inputs=(newer, moved, kernel))
    assert changes(LOCK, LOCK) == []
    assert changes(LOCK, other) == [
        "+ amd64/binary/kernel/netbsd-XEN3_DOM0.gz",
        "~ amd64/binary/sets/base.tgz: the same file; urls changed",
        "~ debian/grub-pc-bin: 2.06-13+deb12u1 -> 2.06-13+deb12u2",
    ]
    assert changes(other, LOCK)[0] == "- amd64/binary/kernel/netbsd-XEN3_DOM0.gz"
    altered = dataclasses.replace(BASE, sha512="12" * 64, size=13)
    assert changes(LOCK, dataclasses.replace(LOCK, inputs=(altered, GRUB))) == [
        f"~ {BASE.name}: {'ab' * 6}, 12 bytes -> {'12' * 6}, 13 bytes"
    ]


def test_differences_of_two_questions() -> None:
    new = {"release.sets": ("etc", "man", "base"), "release.version": ("10.3",), "release.key": ("keys/n.asc",)}
    assert differences(LOCK.wants, LOCK.wants) == []
    assert differences(LOCK.wants, new) == [
        "release.key: nothing -> keys/n.asc", "release.sets: +man", "release.version: 10.2 -> 10.3",
    ]  # fmt: skip
    assert differences({"release.sets": ("base", "etc")}, {"release.sets": ("etc", "base")}) == [
        "release.sets: another order: etc base"
    ]
    assert differences({"release.sets": ("base", "etc")}, {"release.sets": ("etc",)}) == ["release.sets: -base"]
