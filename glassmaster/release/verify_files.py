"""Is every file of a release what its list says, is there nothing else, and who vouches for the list?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from glassmaster.doit_plugins.progress import progress
from glassmaster.errors import GlassmasterError
from glassmaster.release.artefacts import DIGESTS, DOMU, Digest, digest_of, files_below
from glassmaster.release.digestlist import differences, is_listed, read_list
from glassmaster.release.results import Checked, check, told
from glassmaster.release.signing import verify

VOUCHED = f"{DIGESTS} is signed by one of the allowed signers"
# What is read as a whole: documents, specifications, kernels. None of ours is nearly as large.
LARGEST_READ = 256 << 20


@dataclass(frozen=True)
class Handed:
    """A release's directory with the digests of the files that are really there. Nothing in it is believed."""

    folder: Path
    digests: Mapping[str, Digest]

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return name in self.digests

    def path(self, name: str) -> Path:
        """Where a file is that is read as a whole; GlassmasterError if it is missing, or too large for that."""
        path = self.image(name)
        if self.digests[name].size > LARGEST_READ:
            raise GlassmasterError(f"{name}: larger than {LARGEST_READ:,} bytes")
        return path

    def image(self, name: str) -> Path:
        """Where a file is that is read piece by piece. Only files of the release are read: no link, no pipe."""
        if name not in self.digests:
            raise GlassmasterError(f"{name}: missing, or not a file")
        return self.folder / name


def handed(folder: Path) -> Handed:
    """Take the digests of all files below a directory; links and devices are not followed."""
    names = [name for name in files_below(folder) if not (folder / name).is_symlink() and (folder / name).is_file()]
    with progress("digests", sum((folder / name).stat().st_size for name in names), "bytes") as advance:
        digests = {}
        for name in names:
            digests[name] = digest_of(folder / name)
            advance(digests[name].size)
    return Handed(folder, digests)


def check_list(release: Handed) -> Checked:
    """Each file against SHA512, nothing missing, nothing besides."""
    return check("files", f"every file is as {DIGESTS} lists it, and there is no other", _list, release)


def _list(release: Handed) -> list[str]:
    listed = read_list(release.path(DIGESTS))
    every = files_below(release.folder)
    problems = [f"{name}: a link or a device, not a file" for name in every if not release.has(name)]
    there = [name for name in every if is_listed(name)]
    problems += differences(listed, there)
    problems += [
        f"{name}: not the bytes that {DIGESTS} lists ({release.digests[name].size:,} are there)"
        for name, digest in listed.items() if release.has(name) and release.digests[name].sha512 != digest
    ]  # fmt: skip
    return problems


def check_voucher(folder: Path, signers: Path) -> Checked:
    """The signature of the list alone, before anything else is looked at."""
    return check("signature", VOUCHED, _vouched, folder, signers)


def _vouched(folder: Path, signers: Path) -> list[str]:
    verify(folder / DIGESTS, signers)
    return []


def check_signatures(release: Handed, signers: Path | None) -> Checked:
    """The signatures of the lists, by one of the allowed signers."""
    if signers is None:
        return Checked("signature", VOUCHED, skipped="signers=FILE was not given")
    return check("signature", VOUCHED, _signatures, release, signers)


def _signatures(release: Handed, signers: Path) -> list[str]:
    problems: list[str] = []
    for name in (DIGESTS, f"{DOMU}/{DIGESTS}"):
        if name == DIGESTS or release.has(name):
            with told(problems):
                verify(release.path(name), signers)
    return problems
