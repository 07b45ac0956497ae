"""The files of a release that must be the same, by name, and where they are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from glassmaster.places import Places

CHUNK = 1 << 20
# What a check says of the release is not part of it, and neither is what is made of it to hand it over.
NOT_ARTEFACTS = (
    "readback.json",
    "smoke",
    "repro",
    "repro.json",
    "release",
    "kept",
    "published.json",
    "diff.json",
    "diff.html",
    "diff.md",
    "disks",
)
BOOT, LOCK = "boot", "lock"


@dataclass(frozen=True)
class Release:
    """A release that was built: the directories and the file in which its artefacts are."""

    out: Path
    grub: Path
    lock: Path

    def files(self) -> Iterator[tuple[str, Path]]:
        """Name and path of each artefact, by name.

        Names are paths below out/RECIPE; boot/NAME for GRUB's images, which go on the disc and nowhere else; lock/NAME.
        """
        found = {
            str(path.relative_to(self.out)): path
            for path in self.out.rglob("*")
            if path.is_file() and path.relative_to(self.out).parts[0] not in NOT_ARTEFACTS
        }
        found |= {f"{BOOT}/{path.name}": path for path in self.grub.glob("*") if path.is_file()}
        if self.lock.is_file():
            found[f"{LOCK}/{self.lock.name}"] = self.lock
        yield from sorted(found.items())

    def digests(self) -> dict[str, str]:
        """SHA-256 (hex) of each artefact, by name."""
        return {name: sha256(path) for name, path in self.files()}


def release_below(top: Path, recipe: str, lock: Path) -> Release:
    """The release that was built in a directory. lock: its lock, seen from there."""
    places = Places(recipe)
    return Release(top / places.out, (top / places.grub("core.img")).parent, top / lock)


def sha256(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
