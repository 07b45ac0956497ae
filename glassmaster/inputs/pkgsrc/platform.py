"""Whether a package was built for a release."""

from __future__ import annotations

import re
from dataclasses import dataclass

from glassmaster.inputs.pkgsrc.package import Package

# What a package calls the processor, where that is another name than that of the machine (`uname -p` and `uname -m`).
PROCESSORS = {"amd64": "x86_64"}
# What may follow in NetBSD's version without making it another one for pkg_add (its add/perform.c).
_STAGE = re.compile(r"$|_ALPHA|_BETA|_RC|_STABLE|_PATCH")


@dataclass(frozen=True)
class Platform:
    """What packages are to run on. machine_arch: the processor's name, x86_64 where the machine is amd64."""

    opsys: str
    version: str
    machine_arch: str

    @classmethod
    def of_release(cls, version: str, machine: str) -> Platform:
        """That of a NetBSD release, by its version and machine as a recipe has them."""
        return cls("NetBSD", version, PROCESSORS.get(machine, machine))

    def __str__(self) -> str:
        return f"{self.opsys}/{self.machine_arch} {self.version}"

    def accepts(self, package: Package) -> bool:
        """Whether a package can be used: the same system and processor, and the same major version.

        Packages are built on one release for all of its major version: those for 10.0 are for 10.1 too. A version with
        99 in it is of no release: only packages of the next major version's development belong to it.
        """
        same = (package.opsys, package.machine_arch) == (self.opsys, self.machine_arch)
        return same and _series(package.os_version) == _series(self.version)

    def warns_of(self, package: Package) -> bool:
        """Whether pkg_add(1) on this release would warn that the package was built for another version."""
        here, there = self.version, package.os_version
        at = next((n for n, (a, b) in enumerate(zip(here, there, strict=False)) if a != b), min(len(here), len(there)))
        return here != there and not (_STAGE.match(here, at) and _STAGE.match(there, at))


def _series(version: str) -> str:
    """10 of 10.1, 10.99 of 10.99.12."""
    first, second, *_ = [*re.split(r"[._]", version), ""]
    return f"{first}.99" if second == "99" else first
