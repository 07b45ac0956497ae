"""What a repository has by now, compared with what was chosen before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from glassmaster.inputs.pkgsrc.package import Package
from glassmaster.inputs.pkgsrc.summary import Summary
from glassmaster.inputs.pkgsrc.versions import compare


@dataclass(frozen=True)
class Outdated:
    """A package that the repository no longer has as it was.

    how: newer or older (its only versions), rebuilt (the same version, other bytes), renamed, gone.
    now: the names that the repository has instead.
    """

    package: Package
    how: Literal["newer", "older", "rebuilt", "renamed", "gone"]
    now: tuple[str, ...]


def outdated(packages: Iterable[Package], newer: Summary) -> Iterator[Outdated]:
    """Compare packages with a summary that was fetched later; what is as it was gives nothing."""
    for package in packages:
        versions = newer.names.versions(package.base)
        if not versions:
            successors = tuple(newer.superseding(package.base))
            yield Outdated(package, "renamed" if successors else "gone", successors)
            continue
        now = newer.package(versions[-1])
        difference = compare(now.version, package.version)
        if difference > 0:
            yield Outdated(package, "newer", (now.name,))
        elif package.name not in newer:
            yield Outdated(package, "older", (now.name,))
        elif _build(newer.package(package.name)) != _build(package):
            yield Outdated(package, "rebuilt", (package.name,))


def _build(package: Package) -> tuple[object, ...]:
    return package.build_date, package.file_size, package.file_digest
