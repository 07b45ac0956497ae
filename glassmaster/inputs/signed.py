"""NetBSD's signed digests: security/hashes/NetBSD-VERSION_hashes.asc, clear-signed with OpenPGP (RFC 9580, 7).

gpgv (Debian: gpgv) verifies them with a key that the recipe names; only what it says was signed is read.
"""

from __future__ import annotations

import base64
import binascii
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.checksums import parse_sha512
from glassmaster.run import Command, run

_VALID = re.compile(r"^\[GNUPG:\] VALIDSIG (?P<fingerprint>[0-9A-F]{40,64}) ", re.MULTILINE)
_ARMOR_BEGIN, _ARMOR_END = "-----BEGIN PGP PUBLIC KEY BLOCK-----", "-----END PGP PUBLIC KEY BLOCK-----"


@dataclass(frozen=True)
class SignedDigests:
    """Digests (SHA-512, hex) by the names in the file; fingerprint (hex): whose signature it is."""

    digests: dict[str, str]
    fingerprint: str

    def folder(self, version: str, folder: str) -> dict[str, str]:
        """The files of a directory of a release, by their names there. folder: its path below NetBSD-VERSION.

        The names in the file may have anything before the path, but not another release: the signed digests of an
        older one must not pass for this one's.
        """
        found: dict[str, str] = {}
        for name, digest in self.digests.items():
            above, _, file = name.rpartition("/")
            if above == folder or above.endswith(f"/{folder}"):
                prefix = above.removesuffix(folder).strip("/").split("/")
                releases = [part for part in prefix if part.startswith("NetBSD-")]
                if releases in ([], [f"NetBSD-{version}"]) and found.setdefault(file, digest) != digest:
                    raise GlassmasterError(f"the signed digests have two of {folder}/{file}")
        return found


def gpgv(keyring: Path, message: Path, output: Path) -> Command:
    """Verify a clear-signed message and write the text that was signed (gpgv(1))."""
    return Command(("gpgv", "--status-fd", "1", "--keyring", str(keyring), "--output", str(output), str(message)))


def verified(message: bytes, key: bytes, where: str, key_name: str) -> SignedDigests:
    """The digests of a clear-signed message. key: an OpenPGP public key, armored or not; where: what errors call it."""
    with tempfile.TemporaryDirectory() as folder:
        keyring, signed, output = (Path(folder) / name for name in ("key.gpg", "signed.asc", "text"))
        keyring.write_bytes(dearmored(key, key_name))
        signed.write_bytes(message)
        try:
            status = run(gpgv(keyring, signed, output)).decode("ascii", "replace")
            text = output.read_bytes()
        except (GlassmasterError, OSError) as error:
            raise GlassmasterError(
                f"{where}: no valid signature by the key {key_name}", why=str(error),
                hint="nothing of it is believed; is it the right key for this release?",
            ) from error  # fmt: skip
    match = _VALID.search(status)
    if match is None:
        raise GlassmasterError(f"{where}: no valid signature by the key {key_name}", why=status.strip()[-500:])
    # Others than SHA-512, and whatever prose was signed with them, are passed over; line numbers stay what they are.
    lines = text.decode("utf-8", "replace").splitlines()
    digests = parse_sha512("\n".join(line if line.startswith("SHA512 (") else "" for line in lines), where)
    if not digests:
        raise GlassmasterError(f"{where}: has no SHA-512 digests", why="it is signed, but of another kind")
    return SignedDigests(digests, match["fingerprint"])


def dearmored(key: bytes, name: str) -> bytes:
    """A public key as gpgv's keyrings want it: without the ASCII armor (RFC 9580, 6.2), whose check sum is not looked
    at: a damaged key verifies nothing."""
    text = key.decode("ascii", "replace")
    if _ARMOR_BEGIN not in text:
        return key
    inside = text.partition(_ARMOR_BEGIN)[2].partition(_ARMOR_END)[0]
    # Headers such as "Comment: …" end at the first empty line.
    lines = [line.strip() for line in inside.splitlines()]
    body = lines[lines.index("", 1) + 1 :] if "" in lines[1:] else lines
    try:
        return base64.b64decode("".join(line for line in body if not line.startswith("=")), validate=True)
    except (binascii.Error, ValueError) as error:
        raise GlassmasterError(f"{name}: not an OpenPGP public key", why=f"its armor is damaged: {error}") from error
