"""Signing a release: the list of its files, and the list of domUs' images, which servers fetch on its own."""

from __future__ import annotations

from pathlib import Path

from glassmaster.errors import GlassmasterError
from glassmaster.release.artefacts import DIGESTS, DOMU
from glassmaster.release.signing import IDENTITY, PRIVATE, PROGRAM, sign
from glassmaster.run import Command, run


def seal(folder: Path, key: Path) -> None:
    """Sign what is signed of a release."""
    for path in (folder / DIGESTS, folder / DOMU / DIGESTS):
        if path.is_file():
            sign(path, key)


def public_command(key: Path) -> Command:
    """Print the public half of a private key."""
    return Command((PROGRAM, "-y", "-f", str(key)))


def signers_of(key: Path) -> str:
    """The line of a file of allowed signers for a key that signs: a private one, or the public half of an agent's."""
    public = key.read_bytes() if not key.read_bytes().startswith(PRIVATE) else _public_half(key)
    words = public.decode("utf-8", "replace").split()
    if len(words) < 2:
        raise GlassmasterError(f"{key}: neither a private key nor a public one")
    return f'{IDENTITY} namespaces="{IDENTITY}" {words[0]} {words[1]}\n'


def _public_half(key: Path) -> bytes:
    beside = key.with_name(f"{key.name}.pub")
    return beside.read_bytes() if beside.is_file() else run(public_command(key))
