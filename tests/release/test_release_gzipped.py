"""Compression: the same bytes everywhere, and what other programs read is what was given."""

from __future__ import annotations

import gzip
import hashlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.release import gzipped


def test_the_bytes_are_these(tmp_path: Path) -> None:
    # Another digest means that releases made before are no longer made again: a change for the notes of a version.
    data = b"".join(b"line %d of a file\n" % number for number in range(5000))
    member = gzipped.compressed(data)
    assert hashlib.sha256(member).hexdigest() == "4f0a00dbc02578899df03fead2c6100e3b1bdbf2ca10fac2981aa356aa20fd6d"
    # RFC 1952, 2.3: deflate, no flags (so no name), no time, slowest algorithm, unknown system.
    assert member[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"


@given(st.binary(max_size=200), st.integers(1, 70))
def test_what_is_read_is_what_was_given(tmp_path_factory: pytest.TempPathFactory, data: bytes, piece: int) -> None:
    folder = tmp_path_factory.mktemp("pieces")
    (folder / "plain").write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gzipped, "PIECE", piece)
        gzipped.compress(folder / "plain", folder / "plain.gz")
    assert gzip.decompress((folder / "plain.gz").read_bytes()) == data
    assert b"".join(gzipped.read_inside(folder / "plain.gz")) == data


def test_gzip_reads_several_members_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gzipped, "PIECE", 1000)
    data = bytes(range(256)) * 20
    (tmp_path / "plain").write_bytes(data)
    gzipped.compress(tmp_path / "plain", tmp_path / "plain.gz")
    assert (tmp_path / "plain.gz").read_bytes().count(b"\x1f\x8b\x08\x00") == 6
    assert subprocess.run(["gzip", "-dc", tmp_path / "plain.gz"], check=True, capture_output=True).stdout == data


def test_a_compressor_that_errs_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gzipped, "compressed", lambda data: gzip.compress(data[:-1]))
    (tmp_path / "plain").write_bytes(b"abc")
    with pytest.raises(GlassmasterError, match="what is inside is not"):
        gzipped.compress(tmp_path / "plain", tmp_path / "plain.gz")


@pytest.mark.parametrize("damage", ["cut", "changed", "header", "empty"])
def test_damaged_files(tmp_path: Path, damage: str) -> None:
    member = gzipped.compressed(b"some text that is long enough " * 50)
    bad = {
        "cut": member[:-9], "changed": member[:30] + b"\xff\xfe" + member[32:], "header": b"\x1f\x8c" + member[2:],
        "empty": member[:5],
    }  # fmt: skip
    (tmp_path / "bad.gz").write_bytes(bad[damage])
    with pytest.raises(GlassmasterError, match="not sound gzip data"):
        list(gzipped.read_inside(tmp_path / "bad.gz"))
