"""Differences are named from the trees, their sources from the bytes, and diffoscope is kept within bounds."""

from __future__ import annotations

import dataclasses
import json
import shutil
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from glassmaster.checks.repro import diffoscope
from glassmaster.checks.repro.artefacts import Release
from glassmaster.checks.repro.catalogue import Clues, likely, spans
from glassmaster.checks.repro.contents import Pair, inside
from glassmaster.checks.repro.explain import difference, with_reports
from glassmaster.checks.repro.isolate import causes_of
from glassmaster.checks.repro.matrix import AGAIN, ALL, RELEASE
from glassmaster.checks.repro.result import Difference, Repro, Row, read_result, write_result
from glassmaster.checks.repro.text import made
from glassmaster.errors import GlassmasterError

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = 1795000000.0
FACTS = {"directory": "/w/run/clone", "home": "/w/run/home", "host": "here", "user": 0, "umask": 0o022, "offset": 0.0,
         "encoding": "UTF-8", "days": 0, "kernel": "6.1.0", "machine": "x86_64", "python": "3.11.2 (main)"}  # fmt: skip
OTHER = {**FACTS, "directory": "/w/run/deep/clone", "host": "there", "user": 65534, "umask": 0o077, "offset": 3600.0,
         "encoding": "ISO-8859-9", "days": 400, "kernel": "2.6.78", "machine": "i686",
         "python": "3.13.0 (main)"}  # fmt: skip
CLUES = Clues(FACTS, OTHER, NOW)


@pytest.mark.parametrize(
    ("plain", "other", "tree", "expected"),
    [
        (b"in /w/run/clone\n", b"in /w/run/deep/clone\n", "", "a path"),
        (b"on here", b"on there", "", "a host name"),
        (b"by 0", b"by 65534", "", "a uid"),
        (b"", b"", "uid 0 -> 65534", "a uid"),
        (b"", b"", "mode 0644 -> 0600", "a mode cut by the umask"),
        (b"one\ntwo\nthree\n", b"three\none\ntwo\n", "", "an order"),
        (b"a,b,c", b"c,b,a", "", "an order"),
        (b"made 10:00", b"made 11:00", "", "a local time"),
        (b"made 2026", b"made 2027", "", "a date"),
        (b"epoch 1795000001", b"epoch 1795000009", "", "a date"),
        (struct.pack("<II", 0xFFFFFFFF, 1795000001), struct.pack("<II", 0xFFFFFFFF, 1795000009), "", "a date"),
        (b"at 0x7ffff7dd1000", b"at 0x7f1234567000", "", "a pointer"),
        (struct.pack("<Q", 0x7FFFF7DD1000), struct.pack("<Q", 0x7F1234567000), "", "a pointer"),
        (b"size 2.5", b"size 2,5", "", "a text of the locale"),
        (b"TITLE", b"title", "", "a text of the locale"),
        (b"on 6.1.0", b"on 2.6.78", "", "the name of the kernel or machine"),
        (b"by 3.11.2 (main)", b"by 3.13.0 (main)", "", "Python's version"),
    ],
)
def test_sources_are_named_by_the_bytes(plain: bytes, other: bytes, tree: str, expected: str) -> None:
    found = likely([Pair("etc/x", plain, other, tree)], CLUES, "all together")
    assert expected in [source.what for source in found]
    assert all(source.evidence.startswith("etc/x: ") and source.cure for source in found)


def test_a_mode_that_no_umask_explains_is_not_called_so() -> None:
    found = likely([Pair("etc/x", b"", b"", "mode 0644 -> 0755")], CLUES, "umask")
    assert [source.evidence for source in found] == ["nothing but 'umask' was varied"]


def test_what_no_byte_shows_is_named_by_what_was_varied() -> None:
    pair = Pair("x", b"\x01\x02", b"\xf1\xf2")
    same = Clues(FACTS, FACTS, NOW)
    assert [source.what for source in likely([pair], same, "hash seed")] == ["an order", "a hash value"]
    assert [source.what for source in likely([pair], same, "warm store")] == ["something that was left over"]
    assert likely([pair], same, ALL) == ()


def test_spans_hold_what_differs_and_little_more() -> None:
    one, two = b"a" * 500 + b"X" + b"b" * 500, b"a" * 500 + b"YY" + b"b" * 500
    assert spans(Pair("", one, two)) == (b"a" * 40 + b"X" + b"b" * 40, b"a" * 40 + b"YY" + b"b" * 40)
    assert spans(Pair("", b"", b"")) == (b"", b"")
    assert spans(Pair("", b"same", b"same and more")) == (b"same", b"same and more")


# ---- named from the trees

SPEC = """#mtree v2.0
. type=dir uid=0 gid=0 mode=0755 time=1.000000000 tags=origin:x
./a type=file uid=0 gid=0 mode=0644 size=2 sha256={a} time=1.000000000 tags=origin:x
./b type=file uid=0 gid=0 mode={mode} size=2 sha256={b} time=1.000000000 tags=origin:x
{more}"""


def release(folder: Path, **values: str) -> Release:
    (folder / "out").mkdir(parents=True)
    (folder / "grub").mkdir()
    text = SPEC.format(**{"a": "1" * 64, "b": "2" * 64, "mode": "0644", "more": "", **values})
    (folder / "out" / "dom0.mtree").write_text(text)
    (folder / "out" / "dom0.json").write_text(json.dumps({"size": len(text), "title": "t"}))
    return Release(folder / "out", folder / "grub", folder / "no.lock")


def test_entries_of_a_tree_are_named_with_what_is_different(tmp_path: Path) -> None:
    more = "./new type=link uid=0 gid=0 mode=0755 link=x time=1.000000000 tags=origin:x\n"
    one, two = release(tmp_path / "1"), release(tmp_path / "2", a="3" * 64, mode="0600", more=more)
    entries, _ = inside("dom0.mtree", one, two)
    assert entries == ["a: content", "b: mode 0644 -> 0600", "new: not in the plain build"]
    assert inside("dom0.json", one, two)[0] == ["size"]


def test_an_artefact_that_only_one_has_is_said_so(tmp_path: Path) -> None:
    one, two = release(tmp_path / "1"), release(tmp_path / "2")
    (two.out / "more").write_text("x")
    assert difference("x", "more", "d", one, two, CLUES) == Difference("more", "d", ("not in the plain build",))
    assert difference("x", "more", "", two, one, CLUES).entries == ("only in the plain build",)


def test_what_cannot_be_looked_into_is_a_problem_and_no_traceback(tmp_path: Path) -> None:
    one, two = release(tmp_path / "1"), release(tmp_path / "2", a="no digest\n")
    for folder in (one, two):
        (folder.out / "dom0.iso").write_bytes(b"no image" + str(folder.out).encode())
    (two.out / "dom0.mtree").write_text("no tree")
    found = difference("umask", "dom0.iso", "d", one, two, CLUES)
    assert found.problems[0].startswith("cannot be looked into: ") and not found.entries


def test_a_difference_far_into_a_file_is_found(tmp_path: Path) -> None:
    one, two = release(tmp_path / "1"), release(tmp_path / "2")
    for folder, word in ((one, b"here"), (two, b"there")):
        (folder.out / "big.raw").write_bytes(bytes(3 << 20) + b"host " + word)
    found = difference("host name", "big.raw", "d", one, two, CLUES)
    assert [source.what for source in found.sources] == ["a host name"]


def test_only_what_tells_something_is_explained_and_not_for_ever(tmp_path: Path) -> None:
    one, two = release(tmp_path / "1"), release(tmp_path / "2")
    names = ("a.img", "b.img", "c.img", "d.img", "dom0.json")
    for folder, word in ((one, "1"), (two, "2")):
        for name in names:
            (folder.out / name).write_text(word)
    differing = row("umask", *names)
    explained = with_reports(differing, one, two, tmp_path / "repro", time.monotonic() + 600)
    assert [item.artefact for item in explained if item.reports] == ["a.img", "b.img", "c.img"]
    assert explained[0].reports == ("repro/umask/a.img.txt", "repro/umask/a.img.html")
    late = with_reports(differing, one, two, tmp_path / "late", time.monotonic() - 1)
    assert [item.problems for item in late] == [
        ("diffoscope was not asked: 600 seconds had gone by with other differences",)
    ] * 3 + [(), ()]


# ---- isolated


def row(name: str, *differing: str, ran: bool = True) -> Row:
    items = tuple(Difference(item, "d") for item in differing)
    return Row(name, "x", ran, 1.0, ran and not items, items, "" if ran else "why", ("iso",), ("downloads",))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([row(AGAIN), row("umask"), row(ALL)], ()),
        ([row(AGAIN), row("umask", "x"), row("clock"), row(ALL, "x")], ("umask",)),
        ([row(AGAIN, "x"), row("umask", "x"), row(ALL, "x")], (AGAIN,)),
        ([row(AGAIN, "x"), row("umask", "x", "y"), row(ALL, "x", "y")], (AGAIN, "umask")),
        ([row(AGAIN), row("umask"), row(ALL, "x"), row(RELEASE, "x")], (ALL,)),
        ([row(RELEASE, "x"), row(AGAIN), row(ALL)], (RELEASE,)),
        ([row(AGAIN), row("umask", ran=False), row(ALL)], ()),
    ],
)
def test_causes(rows: list[Row], expected: tuple[str, ...]) -> None:
    assert causes_of(rows) == expected


# ---- the result


def repro(*rows: Row) -> Repro:
    return Repro("r", "0" * 12, {"x": "d"}, row("plain"), rows, causes_of(rows), (), False, False)


def test_a_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    for result in (repro(row("umask")), repro(row("umask", "x"), row("clock", ran=False)), repro()):
        write_result(tmp_path / "repro.json", result)
        assert read_result(tmp_path / "repro.json") == result
    assert repro(row("umask")).passed and not repro(row("umask", ran=False)).passed
    assert not dataclasses.replace(repro(), plain=row("plain", ran=False)).passed


@pytest.mark.parametrize("change", ['"passed": false', '"format": 2', '"variations": 5', '"variations": [{}]', "["])
def test_anything_else_is_no_result(tmp_path: Path, change: str) -> None:
    path = tmp_path / "repro.json"
    write_result(path, repro(row("umask")))
    key = change.partition(":")[0]
    lines = [line for line in path.read_text().splitlines() if not line.strip().startswith(f"{key}:")]
    path.write_text(change if change == "[" else "\n".join(["{", f"{change},", *lines[1:]]))
    with pytest.raises(GlassmasterError, match="not a result of repro"):
        read_result(path)


def test_what_was_built_again_is_said_once_for_all_that_share_it() -> None:
    warm = dataclasses.replace(row("warm store"), from_store=("downloads", "what was derived from them"))
    said = list(made(repro(row("umask"), row("clock"), warm)))
    assert said == [
        "all others: from the store downloads; built again iso",
        "warm store: from the store downloads and what was derived from them; built again iso",
    ]


# ---- diffoscope


def test_diffoscope_is_bounded() -> None:
    argv = diffoscope.compare(Path("a"), Path("b"), Path("t"), Path("h"), 60).argv
    assert argv[4:] == (
        "timeout", "-k", "20", "80", "diffoscope", "--no-progress", "--timeout", "60",
        "--exclude-directory-metadata", "yes", "--max-text-report-size", "200000",
        "--max-report-size", "2000000", "--max-page-size", "2000000", "--max-diff-block-lines-saved", "2000",
        "--text", "t", "--html", "h", "a", "b",
    )  # fmt: skip


def files(folder: Path, one: bytes, two: bytes) -> tuple[Path, Path]:
    paths = folder / "one", folder / "two"
    for path, data in zip(paths, (one, two), strict=True):
        path.write_bytes(data)
    return paths


def test_its_reports_are_not_longer_than_the_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diffoscope, "TEXT_BYTES", 2000)
    one, two = ("".join(f"{number} {word}\n" for number in range(20000)).encode() for word in ("a", "b"))
    found = diffoscope.explain("boot/x", *files(tmp_path, one, two), tmp_path / "repro")
    assert [path.name for path in found.reports] == ["boot-x.txt", "boot-x.html"] and not found.problems
    assert found.reports[0].stat().st_size < 2100 and found.reports[0].read_text().endswith("\n[cut here]\n")
    assert found.reports[1].stat().st_size < 2 * diffoscope.HTML_BYTES


def program(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "bin").mkdir()
    (folder / "bin" / "diffoscope").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "bin" / "diffoscope").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:/usr/bin:/bin")


def test_one_that_does_not_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "exec sleep 600", monkeypatch)
    monkeypatch.setattr(diffoscope, "GRACE", 0)
    monkeypatch.setattr(diffoscope, "SECONDS", 1)
    monkeypatch.setattr(diffoscope.compare, "__defaults__", (1,))
    found = diffoscope.explain("x", *files(tmp_path, b"a", b"b"), tmp_path / "repro")
    assert found.reports == () and "took too long and was stopped" in found.problems[0]


def test_one_that_must_be_killed_took_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "trap '' TERM; while :; do sleep 0.1; done", monkeypatch)
    monkeypatch.setattr(diffoscope, "GRACE", 1)
    monkeypatch.setattr(diffoscope.compare, "__defaults__", (1,))
    found = diffoscope.explain("x", *files(tmp_path, b"a", b"b"), tmp_path / "repro")
    assert found.reports == () and "took too long and was stopped" in found.problems[0]


def test_what_it_lacks_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "Installing the 'guestfs' Python module from the 'python3-guestfs' package may produce a better output."
    program(tmp_path, f'while [ "$1" != --text ]; do shift; done; echo "{said}" >"$2"; exit 1', monkeypatch)
    found = diffoscope.explain("x", *files(tmp_path, b"a", b"b"), tmp_path / "repro")
    assert found.problems == (f"diffoscope: {said[:-1]}",)
    assert list(diffoscope.problems("'isoinfo' not available in path. Falling back to binary comparison.\n" * 2)) == [
        "'isoinfo' not available in path"
    ]


def test_one_that_fails_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "echo broken >&2; exit 2", monkeypatch)
    found = diffoscope.explain("x", *files(tmp_path, b"a", b"b"), tmp_path / "repro")
    assert "status 2" in found.problems[0] and "broken" in found.problems[0]


@pytest.fixture
def fat(tmp_path: Path) -> Callable[[str, bytes], Path]:
    from glassmaster.images.fat import write_fat

    def make(name: str, content: bytes, serial: int = 0x12345678) -> Path:
        source, image = tmp_path / "source", tmp_path / name / "grub" / "efi.img"
        source.write_bytes(content)
        image.parent.mkdir(parents=True)
        write_fat(image, source, "EFI/BOOT/BOOTX64.EFI", serial=serial, epoch=1767225600)
        return image

    return make


def test_fat_images_are_compared_by_their_parts(fat: Callable[..., Path], tmp_path: Path) -> None:
    one, two = fat("one", b"text 1\n"), fat("two", b"text 2\n", 0x12345679)
    found = diffoscope.explain("boot/efi.img", one, two, tmp_path / "repro")
    text = found.reports[0].read_text()
    assert "-text 1" in text and "+text 2" in text and "serial number" in text and not found.problems


def test_bytes_between_the_parts_are_seen(fat: Callable[..., Path], tmp_path: Path) -> None:
    one = fat("one", b"text\n")
    two = tmp_path / "two" / "grub" / "efi.img"
    two.parent.mkdir(parents=True)
    shutil.copy(one, two)
    data = bytearray(two.read_bytes())
    data[-1] ^= 0xFF
    two.write_bytes(data)
    found = diffoscope.explain("boot/efi.img", one, two, tmp_path / "repro")
    assert f"{len(data) - 16:08x}" in found.reports[0].read_text() and not found.problems
