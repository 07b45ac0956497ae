"""The stand-in's package repository: `packages/MACHINE/VERSION_standin/All`, with summaries and checksums.

The form is that of NetBSD's own: archives and pkg_summary (pkg_summary(5)) in All, SHA512.bz2 beside it.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from glassmaster.atomic import write_bytes
from glassmaster.inputs.checksums import format_checksums
from glassmaster.inputs.standin.content import Item
from glassmaster.inputs.standin.package_archive import (
    COMPRESSORS,
    PKGTOOLS_VERSION,
    StandinPackage,
    ar_of,
    hash_file,
    members,
    tar_of,
)
from glassmaster.inputs.standin.packages import (
    CORRUPT,
    MISORDERED,
    SHORTENED,
    SIGNED_MTIME,
    signed_package,
    standin_packages,
    wrong_packages,
)

SIGNATURE = Path(__file__).parent / "signed" / "signature.asc"
# What the signed package says of the system, whatever the recipe says: its signature was made once, for the version in
# recipes/standin.yaml.
SIGNED_SYSTEM = ("x86_64", "standin-1")
# Packages say the processor, NetBSD's directories the port.
PROCESSORS = {"amd64": "x86_64"}
SUMMARIES = {"gz": "gzip", "xz": "xz", "bz2": "bzip2"}


def repository_path(machine: str, version: str) -> str:
    """The repository's directory below the mirror's."""
    return f"packages/{machine}/{version}_standin"


def make_repository(mirror: Path, version: str, machine: str, *, epoch: int) -> None:
    """Write the repository below `mirror`."""
    top = mirror / repository_path(machine, version)
    system = (PROCESSORS.get(machine, machine), version)
    files: dict[str, bytes] = {}
    records = []
    for package in standin_packages(epoch):
        data = COMPRESSORS[package.compression](tar_of(members(package, *system), epoch))
        files[f"{package.name}.tgz"] = data
        records.append(summary_record(package, data, system))
    for package in wrong_packages():
        data = _wrong(package, system, epoch)
        files[f"{package.name}.tgz"] = data
        records.append(summary_record(package, data, system))
    signed = signed_package()
    files[f"{signed.name}.tgz"] = signed_archive()
    records.append(summary_record(signed, files[f"{signed.name}.tgz"], SIGNED_SYSTEM))
    for ending, compression in SUMMARIES.items():
        files[f"pkg_summary.{ending}"] = COMPRESSORS[compression]("\n".join(records).encode())
    for name, data in files.items():
        write_bytes(top / "All" / name, data)
    digests = {f"All/{name}": hashlib.sha512(data).hexdigest() for name, data in files.items()}
    write_bytes(top / "SHA512.bz2", COMPRESSORS["bzip2"](format_checksums("SHA512", digests).encode()))


def summary_record(package: StandinPackage, data: bytes, system: tuple[str, str]) -> str:
    """A package's lines in pkg_summary."""
    lines = [
        f"PKGNAME={package.name}",
        *(f"DEPENDS={pattern}" for pattern in package.depends),
        *(f"CONFLICTS={pattern}" for pattern in package.conflicts),
        *([f"SUPERSEDES={' '.join(package.supersedes)}"] if package.supersedes else []),
        *(f"PROVIDES={library}" for library in package.provides),
        *(f"REQUIRES={library}" for library in package.requires),
        f"COMMENT={package.comment}", f"SIZE_PKG={package.size}", "BUILD_DATE=2026-01-01 00:00:00 +0000",
        "CATEGORIES=standin", "LICENSE=2-clause-bsd", f"MACHINE_ARCH={system[0]}", "OPSYS=NetBSD",
        f"OS_VERSION={system[1]}", f"PKGPATH={package.path}", f"PKGTOOLS_VERSION={PKGTOOLS_VERSION}",
        f"FILE_NAME={package.name}.tgz", f"FILE_SIZE={len(data)}",
        f"FILE_CKSUM=sha512 {hashlib.sha512(data).hexdigest()}",
        f"DESCRIPTION={package.name} is part of glassmaster's stand-in.", "DESCRIPTION=It is not NetBSD's.",
    ]  # fmt: skip
    return "".join(f"{line}\n" for line in lines)


def signed_inner() -> bytes:
    """The package inside the signed one."""
    return tar_of(members(signed_package(), *SIGNED_SYSTEM), SIGNED_MTIME)


def signed_archive() -> bytes:
    """The signed package: digests, signature, package."""
    inner, name = signed_inner(), signed_package().name
    parts = [
        ("+PKG_HASH", hash_file(name, inner)),
        ("+PKG_GPG_SIGNATURE", SIGNATURE.read_bytes()),
        (f"{name}.tgz", inner),
    ]
    return ar_of(parts)


def _wrong(package: StandinPackage, system: tuple[str, str], mtime: int) -> bytes:
    items = members(package, *system)
    if package.name == MISORDERED:
        items[1], items[2] = items[2], items[1]
    if package.name == CORRUPT:
        items[-1] = _changed(items[-1])
    data = COMPRESSORS["gzip"](tar_of(items, mtime))
    return data[: len(data) // 2] if package.name == SHORTENED else data


def _changed(item: Item) -> Item:
    return replace(item, data=item.data.upper())
