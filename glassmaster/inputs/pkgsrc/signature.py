"""Signed packages: the digests in +PKG_HASH, and who signed them (pkg_install's lib/pkg_signature.c).

The digests are compared whenever a package is unpacked; the signature is looked at when the recipe gives a key.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.signed import dearmored
from glassmaster.run import Command, run

GPG_SIGNATURE, X509_SIGNATURE = "+PKG_GPG_SIGNATURE", "+PKG_SIGNATURE"
SMALLEST_BLOCK, LARGEST_BLOCK = 1024, 64 << 20
_HASH_FILE = re.compile(
    r"pkgsrc signature\n\nversion: 1\npkgname: (?P<name>[!-~]+)\nalgorithm: SHA512\nblock size: (?P<block>[0-9]{1,9})\n"
    r"file size: (?P<size>[0-9]{1,15})\n\n(?P<hashes>(?:[0-9a-f]{128}\n)+)end pkgsrc signature\n"
)


@dataclass(frozen=True)
class Hashes:
    """What +PKG_HASH says: the package's name, its file's size in bytes, and the SHA-512 of each block of it."""

    name: str
    block: int
    size: int
    digests: tuple[str, ...]


def parse_hashes(data: bytes, package: str) -> Hashes:
    """Read +PKG_HASH; anything of another form is an error that names `package`."""
    match = _HASH_FILE.fullmatch(data.decode("latin-1"))
    if match is None:
        raise GlassmasterError(f"{package}: +PKG_HASH has an unknown form")
    found = Hashes(match["name"], int(match["block"]), int(match["size"]), tuple(match["hashes"].split()))
    if not SMALLEST_BLOCK <= found.block <= LARGEST_BLOCK or len(found.digests) != -(-found.size // found.block):
        raise GlassmasterError(f"{package}: +PKG_HASH disagrees with itself in sizes")
    return found


def checked_blocks(hashes: Hashes, read: Callable[[int], bytes], package: str) -> Iterator[bytes]:
    """The blocks of a package's file, each compared with its digest before it is given out."""
    left = hashes.size
    for number, digest in enumerate(hashes.digests, 1):
        block = read(min(hashes.block, left))
        left -= len(block)
        if hashlib.sha512(block).hexdigest() != digest:
            raise GlassmasterError(
                f"{package}: not what was signed", why=f"block {number} of {len(hashes.digests)} has another SHA-512"
            )
        yield block


def gpgv_command(keyring: Path, signature: Path, data: Path, home: Path) -> Command:
    """Verify a detached OpenPGP signature by the keys of a keyring and by no others."""
    return Command(("gpgv", "--homedir", str(home), "--keyring", str(keyring), str(signature), str(data)))


def openssl_command(certificates: Path, signature: Path, data: Path) -> Command:
    """Verify a detached PKCS #7 signature by a certificate that the given ones vouch for, and no others.

    Beside -CAfile OpenSSL would take what this machine trusts for the web. As for pkg_add the purpose that a
    certificate states must be that of a sender (OpenSSL's own choice here): a web server's signs no packages.
    """
    return Command((
        "openssl", "smime", "-verify", "-binary", "-inform", "PEM", "-CAfile", str(certificates), "-no-CApath",
        "-no-CAstore", "-in", str(signature), "-content", str(data), "-out", "/dev/null",
    ))  # fmt: skip


def require_signature(signed: dict[str, bytes], key: Path, name: str, package: str) -> None:
    """A package must be signed by `key`, and signed under this name; otherwise GlassmasterError.

    key: OpenPGP public keys (armored or a keyring) for +PKG_GPG_SIGNATURE, PEM certificates for +PKG_SIGNATURE.
    signed: the members of the outer archive; empty for a package that is not signed.
    """
    if not signed:
        raise GlassmasterError(f"{package}: it is not signed", why=f"the recipe asks for a signature by {key}")
    stated = parse_hashes(signed["+PKG_HASH"], package).name
    if stated != name:
        raise GlassmasterError(f"{package}: the signature is for {stated}", why=f"the package calls itself {name}")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "hash").write_bytes(signed["+PKG_HASH"])
        kind = GPG_SIGNATURE if GPG_SIGNATURE in signed else X509_SIGNATURE
        (home / "signature").write_bytes(signed[kind])
        if kind == GPG_SIGNATURE:
            (home / "keys").write_bytes(dearmored(_key(key), str(key)))
            command = gpgv_command(home / "keys", home / "signature", home / "hash", home)
        else:
            command = openssl_command(key.absolute(), home / "signature", home / "hash")
        try:
            run(command)
        except GlassmasterError as error:
            raise GlassmasterError(
                f"{package}: no valid signature by {key}", why=f"{error.what}\n{error.why}"
            ) from error


def _key(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise GlassmasterError(f"{path}: the key cannot be read", why=error.strerror or "") from error
