"""The outer archive of signed packages."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc.ar import ArMember, read_ar
from glassmaster.inputs.standin.package_archive import ar_of

PARTS = [("+PKG_HASH", b"abc"), ("+PKG_GPG_SIGNATURE", b"signature"), ("a long name-1.0.tgz", b"package"), ("x", b"")]


def read(data: bytes) -> list[tuple[str, bytes]]:
    members = list(read_ar(io.BytesIO(data), "made-1.0.tgz"))
    return [(member.name, data[member.offset : member.offset + member.size]) for member in members]


def test_names_short_and_long_and_odd_sizes() -> None:
    assert read(ar_of(PARTS)) == PARTS


def test_bsdtar_reads_what_the_standin_writes(tmp_path: Path) -> None:
    (tmp_path / "x.a").write_bytes(ar_of(PARTS))
    listed = subprocess.run(["bsdtar", "-tf", tmp_path / "x.a"], capture_output=True, text=True, check=True).stdout
    assert listed.splitlines() == [name for name, _ in PARTS]


def test_what_bsdtar_writes_is_read(tmp_path: Path) -> None:
    for name, data in PARTS[:2]:
        (tmp_path / name).write_bytes(data)
    names = [name for name, _ in PARTS[:2]]
    subprocess.run(["bsdtar", "-cf", "x.a", "--format=ar", *names], cwd=tmp_path, check=True)
    assert read((tmp_path / "x.a").read_bytes()) == PARTS[:2]


@pytest.mark.parametrize("data", [
    b"", b"!<arch>", ar_of(PARTS)[:-5], ar_of(PARTS)[:70], b"!<arch>\n" + b"x" * 60,
    ar_of(PARTS).replace(b"#1/19", b"#1/99"), ar_of(PARTS).replace(b"100644  3 ", b"100644  -3"),
])  # fmt: skip
def test_damage_is_an_error(data: bytes) -> None:
    with pytest.raises(GlassmasterError, match=r"made-1\.0\.tgz: the signed package is damaged"):
        read(data)


@given(st.binary(max_size=300), st.integers(0, 200))
def test_only_our_own_errors(noise: bytes, place: int) -> None:
    data = ar_of(PARTS)
    for odd in (b"!<arch>\n" + noise, data[:place] + noise + data[place + len(noise) :]):
        try:
            found = list(read_ar(io.BytesIO(odd), "noise"))
        except GlassmasterError:
            continue
        assert all(isinstance(member, ArMember) and member.offset + member.size <= len(odd) for member in found)
