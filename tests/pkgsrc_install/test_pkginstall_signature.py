"""Signatures of packages: verified by the key that is given, and by no other."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc.archive import opened
from glassmaster.inputs.pkgsrc.signature import (
    gpgv_command,
    openssl_command,
    parse_hashes,
    require_signature,
)  # fmt: skip
from glassmaster.inputs.standin.package_archive import hash_file
from glassmaster.inputs.standin.package_repository import SIGNATURE, signed_inner
from glassmaster.inputs.standin.packages import SIGNED
from glassmaster.inputs.store import Store
from tests.pkgsrc_install.conftest import Choose, Run

KEY = SIGNATURE.with_name("key.asc")
SECRET = Path(__file__).parent / "data" / "standin-secret-key.asc"
HASH = hash_file(SIGNED, signed_inner())


def parts(**changes: bytes) -> dict[str, bytes]:
    return {"+PKG_HASH": HASH, "+PKG_GPG_SIGNATURE": SIGNATURE.read_bytes(), **changes}


def test_the_programs_arguments() -> None:
    gpgv = gpgv_command(Path("/k"), Path("/s"), Path("/d"), Path("/h"))
    assert gpgv.argv == ("gpgv", "--homedir", "/h", "--keyring", "/k", "/s", "/d")
    assert openssl_command(Path("/c"), Path("/s"), Path("/d")).argv == (
        "openssl", "smime", "-verify", "-binary", "-inform", "PEM", "-CAfile", "/c", "-no-CApath", "-no-CAstore",
        "-in", "/s", "-content", "/d", "-out", "/dev/null",
    )  # fmt: skip


def test_the_standins_signed_package(choose: Choose, store: Store) -> None:
    package = opened(choose(SIGNED).sha512, SIGNED, store)
    require_signature(package.signed, KEY, SIGNED, "made.tgz")


def test_another_name_than_the_signed_one() -> None:
    with pytest.raises(GlassmasterError, match=f"the signature is for {SIGNED}"):
        require_signature(parts(), KEY, "standin-other-1.0", "made.tgz")


def test_other_digests_than_the_signed_ones() -> None:
    changed = hash_file(SIGNED, signed_inner() + b"x")
    with pytest.raises(GlassmasterError, match=r"made\.tgz: no valid signature by .*key\.asc") as caught:
        require_signature(parts(**{"+PKG_HASH": changed}), KEY, SIGNED, "made.tgz")
    assert "BAD signature" in caught.value.why


def test_no_signature_at_all() -> None:
    with pytest.raises(GlassmasterError, match=r"made\.tgz: it is not signed"):
        require_signature({}, KEY, SIGNED, "made.tgz")


def test_a_key_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(GlassmasterError, match="the key cannot be read"):
        require_signature(parts(), tmp_path / "none.asc", SIGNED, "made.tgz")


def test_a_key_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"not a key")
    with pytest.raises(GlassmasterError, match="no valid signature"):
        require_signature(parts(), tmp_path / "key", SIGNED, "made.tgz")


def certificate(folder: Path, name: str, *more: str) -> tuple[Path, Path]:
    """A key and its certificate: one that signs itself, or what `more` says."""
    key, cert = folder / f"{name}.key", folder / f"{name}.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9000",
         "-subj", f"/CN={name}", "-keyout", key, "-out", cert, *more],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, cert


def issued(folder: Path, name: str, ca: tuple[Path, Path], usage: str) -> tuple[Path, Path]:
    """A key, and its certificate by a certification authority, for what `usage` says."""
    leaf = ("-addext", "basicConstraints=critical,CA:FALSE", "-addext", f"extendedKeyUsage={usage}")
    key, cert = certificate(folder, name, *leaf)
    words = ("-copy_extensions", "copyall")
    request = ["openssl", "x509", "-x509toreq", *words, "-in", str(cert), "-signkey", str(key)]
    made = subprocess.run(request, check=True, capture_output=True).stdout
    subprocess.run(
        ["openssl", "x509", "-req", *words, "-days", "9000", "-CA", ca[1], "-CAkey", ca[0],
         "-CAcreateserial", "-out", cert],
        input=made, check=True, capture_output=True,
    )  # fmt: skip
    return key, cert


def signed_by(key: Path, cert: Path, folder: Path) -> dict[str, bytes]:
    """The members of a package that the owner of a certificate signed."""
    made = subprocess.run(
        ["openssl", "smime", "-sign", "-binary", "-outform", "PEM", "-signer", cert, "-inkey", key],
        cwd=folder, input=HASH, check=True, capture_output=True,
    )  # fmt: skip
    return {"+PKG_HASH": HASH, "+PKG_SIGNATURE": made.stdout}


def test_certificates(tmp_path: Path) -> None:
    key, cert = certificate(tmp_path, "right")
    signed = signed_by(key, cert, tmp_path)
    require_signature(signed, cert, SIGNED, "made.tgz")
    _, other = certificate(tmp_path, "other")
    with pytest.raises(GlassmasterError, match="no valid signature"):
        require_signature(signed, other, SIGNED, "made.tgz")
    with pytest.raises(GlassmasterError, match="no valid signature"):
        require_signature({**signed, "+PKG_HASH": HASH.replace(b"65536", b"65537")}, cert, SIGNED, "made.tgz")


def test_what_this_machine_trusts_signs_no_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SSL_CERT_DIR is the directory that OpenSSL looks into by itself, as it does into the distribution's."""
    _, right = certificate(tmp_path, "right")
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    signed = signed_by(*certificate(tmp_path, "web"), tmp_path)
    shutil.copy(tmp_path / "web.pem", trusted)
    subprocess.run(["openssl", "rehash", trusted], check=True)
    monkeypatch.setenv("SSL_CERT_DIR", str(trusted))
    with pytest.raises(GlassmasterError, match="no valid signature"):
        require_signature(signed, right, SIGNED, "made.tgz")


def test_what_a_certificate_is_for(tmp_path: Path) -> None:
    """pkg_install wants codeSigning and emailProtection; a web server's certificate of the same authority is none."""
    authority = certificate(tmp_path, "authority")
    packager = issued(tmp_path, "packager", authority, "codeSigning,emailProtection")
    require_signature(signed_by(*packager, tmp_path), authority[1], SIGNED, "made.tgz")
    server = issued(tmp_path, "server", authority, "serverAuth")
    with pytest.raises(GlassmasterError, match="no valid signature") as caught:
        require_signature(signed_by(*server, tmp_path), authority[1], SIGNED, "made.tgz")
    assert "purpose" in caught.value.why


def test_the_secret_key_of_the_tests_made_the_signature() -> None:
    """Whoever changes the signed package signs it again with this key."""
    # gpg's agent talks through a socket, whose path must be short.
    with tempfile.TemporaryDirectory(dir="/tmp") as home:
        gpg = ["gpg", "--homedir", home, "--batch", "--quiet"]
        subprocess.run([*gpg, "--import", str(SECRET)], check=True, capture_output=True)
        made = subprocess.run([*gpg, "--armor", "--detach-sign"], input=HASH, check=True, capture_output=True).stdout
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)
    require_signature(parts(**{"+PKG_GPG_SIGNATURE": made}), KEY, SIGNED, "made.tgz")


def test_an_installation_asks_for_signatures_when_there_is_a_key(choose: Choose, run_install: Run) -> None:
    run_install(choose(SIGNED), key=KEY)
    with pytest.raises(GlassmasterError, match=r"standin-lib-1\.2nb1\.tgz: it is not signed"):
        run_install(choose("standin-lib-1.2nb1"), key=KEY)


@pytest.mark.parametrize("change", [
    (b"version: 1", b"version: 2"), (b"SHA512", b"MD5"), (b"block size: 65536", b"block size: 512"),
    (b"file size: ", b"file size: 9"), (b"pkgname: ", b"pkgname: a b"), (b"end pkgsrc signature\n", b""),
])  # fmt: skip
def test_a_hash_file_that_is_refused(change: tuple[bytes, bytes]) -> None:
    with pytest.raises(GlassmasterError, match=r"made\.tgz: \+PKG_HASH"):
        parse_hashes(HASH.replace(*change), "made.tgz")


@given(st.integers(0, len(HASH)), st.binary(max_size=20))
def test_only_our_own_errors(at: int, noise: bytes) -> None:
    try:
        parse_hashes(HASH[:at] + noise + HASH[at + len(noise) :], "noise")
    except GlassmasterError:
        return
