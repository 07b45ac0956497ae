"""Checksum files of mirrors."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.checksums import format_checksums, parse_sha512

HEX = st.text("0123456789abcdef", min_size=128, max_size=128)
NAMES = st.text(st.characters(codec="ascii", exclude_characters=")\n", exclude_categories=["Cc"]), min_size=1)
# NetBSD 10.1's own line, as its _hashes.asc has it.
BASE_10_1 = (
    "1c6b74cedd7fc92adfe51239808d41e63fc6eb9e9877c1101c1da515a38457278c7774e8fc3041d69cefc49821bad836"
    "cfdcc5147ad757f2f4a1f59f9e3862e5"
)


def test_reads_netbsds_lines() -> None:
    text = f"SHA512 (base.tar.xz) = {BASE_10_1}\n\nMD5 (base.tar.xz) = {'0' * 32}\n"
    assert parse_sha512(text, "SHA512") == {"base.tar.xz": BASE_10_1}


@given(st.dictionaries(NAMES, HEX))
def test_what_is_written_is_read(digests: dict[str, str]) -> None:
    assert parse_sha512(format_checksums("SHA512", digests), "SHA512") == digests


@given(st.text())
def test_anything_else_is_an_error_or_digests(text: str) -> None:
    try:
        digests = parse_sha512(text, "SHA512")
    except GlassmasterError as error:
        assert error.what.startswith("SHA512:")
    else:
        assert all(len(digest) == 128 for digest in digests.values())


def test_case_of_digits_does_not_matter() -> None:
    text = f"SHA512 (a) = {BASE_10_1.upper()}\nSHA512 (a) = {BASE_10_1}\n"
    assert parse_sha512(text, "SHA512") == {"a": BASE_10_1}


@pytest.mark.parametrize(
    ("line", "what", "hint"),
    [
        ("<!DOCTYPE html>", "not a line of a checksum file", "the mirror sent a web page instead"),
        (f"{BASE_10_1}  base.tar.xz", "not a line of a checksum file", ""),
        ("SHA512 (base.tar.xz) = abc", "not a SHA-512 digest", ""),
        (f"SHA512 (first) = {'0' * 128}", "first has two different digests", ""),
    ],
)
def test_other_lines_are_errors_with_their_number(line: str, what: str, hint: str) -> None:
    with pytest.raises(GlassmasterError) as caught:
        parse_sha512(f"SHA512 (first) = {BASE_10_1}\n{line}\n", "http://mirror/SHA512")
    assert caught.value.what.startswith("http://mirror/SHA512:2: ")
    assert what in caught.value.what
    assert caught.value.hint == hint


def test_a_form_feed_does_not_end_a_line() -> None:
    with pytest.raises(GlassmasterError, match="SHA512:1: not a line"):
        parse_sha512(f"junk\fSHA512 (a) = {BASE_10_1}\n", "SHA512")


def test_sha512sum_accepts_what_is_written(tmp_path: Path) -> None:
    (tmp_path / "a file").write_bytes(b"content")
    text = format_checksums("SHA512", {"a file": hashlib.sha512(b"content").hexdigest()})
    (tmp_path / "SHA512").write_text(text)
    subprocess.run(["sha512sum", "--check", "--strict", "SHA512"], cwd=tmp_path, check=True, capture_output=True)
