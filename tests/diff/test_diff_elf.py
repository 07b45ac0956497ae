"""Recompiled only, or changed? Told of programs that gcc made."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from glassmaster.diff import details
from glassmaster.diff.elf import Elf, differences, only_recompiled, read_elf
from tests.diff.conftest import Pairs, opened, result


def read(data: bytes) -> Elf:
    """An ELF file that is one."""
    found = read_elf(data)
    assert found is not None
    return found


def netbsd(version: int) -> str:
    """The note by which NetBSD knows its programs."""
    return f'.section .note.netbsd.ident,"a",@note\n.long 7,4,1\n.asciz "NetBSD"\n.byte 0\n.long {version}\n'


def pax(flags: int) -> str:
    """NetBSD's note with what a program may be protected from."""
    return f'.section .note.netbsd.pax,"a",@note\n.long 4,4,3\n.asciz "PaX"\n.long {flags}\n'


def test_a_program_of_netbsd_says_which(pairs: Pairs, program: Callable[..., bytes]) -> None:
    old, new = pairs.worlds(lambda world: None)
    for world, version in ((old, 1000000000), (new, 1001000000)):
        data = program("int one(void) { return 1; }", assembly=netbsd(version))
        world.file("set:base", "lib/one.so", data, 0o444)
    found = result(old.release(), new.release())
    (change,) = found.tree.changes
    assert change.grade == "recompiled"
    sides = opened(old.folder), opened(new.folder)
    assert "made for: NetBSD 10.0 -> NetBSD 10.1" in details.details(*sides, "/lib/one.so", pairs.folder)


def test_protection_that_is_switched_off_is_a_change(program: Callable[..., bytes]) -> None:
    one, other = (read(program("int one(void) { return 1; }", assembly=pax(flags))) for flags in (0, 2))
    assert not only_recompiled(one, other)
    assert differences(one, other) == ["notes: PaX 3: 00000000 -> PaX 3: 02000000"]


def test_an_object_that_calls_another_function(tmp_path: Path) -> None:
    made = []
    for name, build in (("one", "-g"), ("one", "-O1"), ("two", "-O1")):
        (tmp_path / "a.c").write_text(f"int {name}(void); int f(void) {{ return {name}(); }}")
        command = ["gcc", "-c", build, "-O1", "-o", str(tmp_path / "a.o"), str(tmp_path / "a.c")]
        subprocess.run(command, check=True)
        made.append(read((tmp_path / "a.o").read_bytes()))
    assert made[1].sections[".text"] == made[2].sections[".text"], "its code alone does not show it"
    assert not only_recompiled(made[1], made[2])


def test_debugging_is_nothing(tmp_path: Path) -> None:
    made = []
    for flag in ("-g0", "-g"):
        (tmp_path / "a.c").write_text("int one(void) { return 1; }")
        command = ["gcc", "-shared", "-nostdlib", flag, "-o", str(tmp_path / "a.so"), str(tmp_path / "a.c")]
        subprocess.run(command, check=True)
        made.append(read((tmp_path / "a.so").read_bytes()))
    assert only_recompiled(*made)


def test_static_libraries(pairs: Pairs, tmp_path: Path) -> None:
    def library(number: int, when: int) -> bytes:
        (tmp_path / "a.c").write_text(f"int one(void) {{ return {number}; }}")
        subprocess.run(["gcc", "-c", "-o", str(tmp_path / "a.o"), str(tmp_path / "a.c")], check=True)
        os.utime(tmp_path / "a.o", (when, when))
        (tmp_path / "a.a").unlink(missing_ok=True)
        subprocess.run(["ar", "rcU", str(tmp_path / "a.a"), str(tmp_path / "a.o")], check=True)
        return (tmp_path / "a.a").read_bytes()

    old, new = pairs.worlds(lambda world: None)
    old.file("set:comp", "usr/lib/same.a", library(1, 1000))
    new.file("set:comp", "usr/lib/same.a", library(1, 2000))
    old.file("set:comp", "usr/lib/other.a", library(1, 1000))
    new.file("set:comp", "usr/lib/other.a", library(2, 1000))
    grades = {change.path: change.grade for change in result(old.release(), new.release()).tree.changes}
    assert grades == {"usr/lib/same.a": "recompiled", "usr/lib/other.a": "data"}


@given(st.data())
def test_a_damaged_program_is_read_or_not(program: Callable[..., bytes], data: st.DataObject) -> None:
    body = bytearray(program("int one(void) { return 1; }", libraries=("libextra.so.7",)))
    for _ in range(data.draw(st.integers(1, 8))):
        # Where the headers are, most of the time.
        at = data.draw(
            st.integers(0, 64) | st.integers(0, len(body) - 1) | st.integers(len(body) - 1600, len(body) - 1)
        )
        body[at] = data.draw(st.integers(0, 255))
    found = read_elf(bytes(body[: data.draw(st.integers(4, len(body)))]))
    if found is not None:
        assert only_recompiled(found, found) or not found.sections


def test_what_is_no_program() -> None:
    assert read_elf(b"") is None and read_elf(b"#!/bin/sh\n") is None and read_elf(b"\x7fELF") is None
