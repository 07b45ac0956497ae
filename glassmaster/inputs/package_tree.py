"""The packages of a lock as the resolver had chosen them: to show why each is there, to compare with newer ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from glassmaster.inputs.lock import Lock, LockedInput, LockedPackage
from glassmaster.inputs.pkgsrc.choice import Chosen, Need, Reason, Resolution, Wanted
from glassmaster.inputs.pkgsrc.outdated import Outdated, outdated
from glassmaster.inputs.pkgsrc.package import Package
from glassmaster.inputs.pkgsrc.pkgsets import load_pkgset
from glassmaster.inputs.pkgsrc.summary import Summary


def resolution_of(rows: Sequence[LockedPackage]) -> Resolution:
    """What a lock says of an image's packages, with the reasons that the pkgsets give. The lock fits the recipe."""
    reasons: dict[str, list[Reason]] = {row.name: list(_wanted(row)) for row in rows}
    for row in rows:
        for pattern, name in row.needs.items():
            reasons[name].append(Need(pattern, row.name))
    return Resolution(tuple(Chosen(_package(row), tuple(reasons[row.name])) for row in rows))


def newer_packages(lock: Lock, image: str, newer: Summary) -> Iterator[Outdated]:
    """The packages of an image that a repository no longer has as they were locked."""
    inputs = {item.name: item for item in lock.inputs}
    return outdated((_locked(row, inputs[row.input], newer) for row in lock.packages[image]), newer)


def _wanted(row: LockedPackage) -> Iterator[Wanted]:
    for words in row.wanted:
        pkgset, pattern = words.split(" ")
        yield next(item for item in load_pkgset(pkgset).wanted if item.pattern == pattern)


def _locked(row: LockedPackage, file: LockedInput, newer: Summary) -> Package:
    """A package as it was locked, of which those things are said that can be compared with a newer one of its name."""
    if row.name not in newer:
        return _package(row)
    now = newer.package(row.name)
    digest = now.file_digest
    if digest is not None and digest[0].upper() == "SHA512":
        digest = digest[0], file.sha512
    return _package(row, file.size if now.file_size is not None else None, digest, row.built or now.build_date)


def _package(
    row: LockedPackage, file_size: int | None = None, digest: tuple[str, str] | None = None, built: str = ""
) -> Package:
    return Package(
        name=row.name, where=row.input, depends=tuple(row.needs), conflicts=(), supersedes=(), requires=(), provides=(),
        file_name=row.input.rpartition("/")[2], file_size=file_size, file_digest=digest, size=row.size, opsys="",
        os_version="", machine_arch="", pkgpath="", license="", comment="", homepage="", build_date=built,
    )  # fmt: skip
