"""Signed digests: made by the real gpg with a key of the tests, verified by gpgv."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.signed import SignedDigests, dearmored, gpgv, verified

SETS = "amd64/binary/sets"
TEXT = f"""\
MD5 (NetBSD-10.2/{SETS}/base.tar.xz) = {"0" * 32}
SHA512 (NetBSD-10.2/{SETS}/base.tar.xz) = {"1" * 128}
SHA512 (NetBSD-10.2/source/sets/src.tgz) = {"2" * 128}
- -- a line with dashes, and words that are no digest
"""


@dataclass(frozen=True)
class Signer:
    """A key of the tests: a gpg home, its fingerprint, the public key armored and not."""

    home: Path
    fingerprint: str
    armored: bytes
    binary: bytes

    def sign(self, text: str, *options: str) -> bytes:
        return gpg(self.home, *options, "--clearsign", stdin=text.encode())


def gpg(home: Path, *words: str, stdin: bytes = b"") -> bytes:
    command = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback",
               "--passphrase", "", *words]  # fmt: skip
    found = subprocess.run(command, input=stdin, capture_output=True, check=False, env={"PATH": os.environ["PATH"]})
    assert found.returncode == 0, found.stderr.decode()
    return found.stdout


def new_signer(home: Path) -> Signer:
    home.mkdir(mode=0o700)
    gpg(home, "--quick-gen-key", "Signer of the tests <signer@example.org>", "ed25519", "sign", "never")
    listing = gpg(home, "--list-keys", "--with-colons").decode()
    fingerprint = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:"))
    return Signer(home, fingerprint, gpg(home, "--armor", "--export"), gpg(home, "--export"))


@pytest.fixture(scope="session")
def signers() -> Iterator[list[Signer]]:
    """Two of them. gpg's agent talks through a socket, whose path must be short."""
    top = Path(tempfile.mkdtemp(dir="/tmp"))
    yield [new_signer(top / "a"), new_signer(top / "b")]
    for name in "ab":
        subprocess.run(["gpgconf", "--homedir", str(top / name), "--kill", "all"], check=True)
    shutil.rmtree(top)


@pytest.fixture
def signer(signers: list[Signer]) -> Signer:
    return signers[0]


def test_command() -> None:
    assert gpgv(Path("/a b/key.gpg"), Path("m"), Path("o")).line() == (
        "gpgv --status-fd 1 --keyring '/a b/key.gpg' --output o m"
    )


@pytest.mark.parametrize("form", ["armored", "binary"])
def test_a_good_signature(signer: Signer, form: str) -> None:
    found = verified(signer.sign(TEXT), getattr(signer, form), "x.asc", "key")
    assert found.fingerprint == signer.fingerprint
    assert found.folder("10.2", SETS) == {"base.tar.xz": "1" * 128}
    assert found.folder("10.2", "source/sets") == {"src.tgz": "2" * 128}


def test_another_key(signers: list[Signer]) -> None:
    with pytest.raises(GlassmasterError, match=r"x\.asc: no valid signature by the key keys/n\.asc") as caught:
        verified(signers[1].sign(TEXT), signers[0].armored, "x.asc", "keys/n.asc")
    assert "gpgv ended with status" in caught.value.why and "No public key" in caught.value.why


@pytest.mark.parametrize("change", ["text", "signature", "cut", "none", "detached"])
def test_what_is_not_signed(signer: Signer, change: str) -> None:
    message = signer.sign(TEXT)
    if change == "text":
        message = message.replace(b"1" * 128, b"3" * 128)
    elif change == "signature":
        head, mark, tail = message.partition(b"-----BEGIN PGP SIGNATURE-----\n\n")
        message = head + mark + bytes([tail[0], tail[1] ^ 1, *tail[2:]])
    elif change == "cut":
        message = message.partition(b"-----BEGIN PGP SIGNATURE-----")[0]
    elif change == "none":
        message = TEXT.encode()
    else:
        message = gpg(signer.home, "--armor", "--detach-sign", stdin=TEXT.encode())
    with pytest.raises(GlassmasterError, match="no valid signature"):
        verified(message, signer.armored, "x.asc", "key")


def test_only_what_was_signed_is_read(signer: Signer) -> None:
    before = f"SHA512 (NetBSD-10.2/{SETS}/evil.tgz) = {'e' * 128}\n".encode()
    message = before + signer.sign(TEXT) + before
    try:
        found = verified(message, signer.armored, "x.asc", "key")
    except GlassmasterError:
        return  # gpgv may refuse it altogether
    assert "evil.tgz" not in found.folder("10.2", SETS)


def test_signed_but_without_digests(signer: Signer) -> None:
    with pytest.raises(GlassmasterError, match=r"x\.asc: has no SHA-512 digests"):
        verified(signer.sign("hello\n"), signer.armored, "x.asc", "key")


def test_a_key_that_is_none(signer: Signer) -> None:
    with pytest.raises(GlassmasterError, match="no valid signature"):
        verified(signer.sign(TEXT), b"no key", "x.asc", "key")
    damaged = signer.armored.replace(b"\n\n", b"\n\n!!", 1)
    with pytest.raises(GlassmasterError, match="its armor is damaged"):
        verified(signer.sign(TEXT), damaged, "x.asc", "key")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (f"NetBSD-10.2/{SETS}/base.tgz", True),
        (f"{SETS}/base.tgz", True),
        (f"./pub/NetBSD/NetBSD-10.2/{SETS}/base.tgz", True),
        (f"NetBSD-9.4/{SETS}/base.tgz", False),
        (f"NetBSD-10.2/NetBSD-9.4/{SETS}/base.tgz", False),
        (f"xx{SETS}/base.tgz", False),
        (f"NetBSD-10.2/{SETS}/more/base.tgz", False),
    ],
)
def test_digests_of_another_release_do_not_count(name: str, found: bool) -> None:
    signed = SignedDigests({name: "a" * 128}, "F")
    assert signed.folder("10.2", SETS) == ({"base.tgz": "a" * 128} if found else {})


def test_two_digests_of_one_file() -> None:
    signed = SignedDigests({f"NetBSD-10.2/{SETS}/a": "a" * 128, f"{SETS}/a": "b" * 128}, "F")
    with pytest.raises(GlassmasterError, match="have two of amd64/binary/sets/a"):
        signed.folder("10.2", SETS)


@given(st.binary(max_size=100), st.booleans())
def test_whatever_the_key_is(data: bytes, is_armored: bool) -> None:
    if is_armored:
        data = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n" + data
    try:
        assert isinstance(dearmored(data, "key"), bytes)
    except GlassmasterError as error:
        assert "armor is damaged" in error.why


PARTS = st.sampled_from(["NetBSD-10.2", "NetBSD-9.4", "amd64", "binary", "sets", "base.tgz", "..", "", "x"])


@given(st.dictionaries(st.lists(PARTS, max_size=7).map("/".join) | st.text(max_size=9), st.sampled_from(["a", "b"])))
def test_whatever_names_are_signed(digests: dict[str, str]) -> None:
    try:
        found = SignedDigests(digests, "F").folder("10.2", SETS)
    except GlassmasterError:
        return
    assert all(any(name.endswith(f"{SETS}/{file}") and "NetBSD-9.4" not in name for name in digests) for file in found)
