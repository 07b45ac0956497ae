"""The stand-in's package repository: its forms agree, and its packages say what they are."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
from pathlib import Path

from glassmaster.inputs.checksums import parse_sha512
from glassmaster.inputs.pkgsrc.archive import opened
from glassmaster.inputs.standin.package_archive import hash_file
from glassmaster.inputs.standin.package_repository import signed_archive, signed_inner
from glassmaster.inputs.standin.packages import CORRUPT, MISORDERED, SHORTENED, SIGNED
from glassmaster.inputs.store import Store


def records(packages: Path) -> list[dict[str, list[str]]]:
    found = []
    for block in gzip.decompress((packages / "pkg_summary.gz").read_bytes()).decode().rstrip("\n").split("\n\n"):
        record: dict[str, list[str]] = {}
        for line in block.split("\n"):
            name, _, value = line.partition("=")
            record.setdefault(name, []).append(value)
        found.append(record)
    return found


def test_summaries_say_the_same(packages: Path) -> None:
    text = gzip.decompress((packages / "pkg_summary.gz").read_bytes())
    assert lzma.decompress((packages / "pkg_summary.xz").read_bytes()) == text
    assert bz2.decompress((packages / "pkg_summary.bz2").read_bytes()) == text


def test_the_summary_tells_of_each_file(packages: Path) -> None:
    described = {}
    for record in records(packages):
        [name], [file], [size], [check] = (record[key] for key in ("PKGNAME", "FILE_NAME", "FILE_SIZE", "FILE_CKSUM"))
        data = (packages / file).read_bytes()
        assert (len(data), f"sha512 {hashlib.sha512(data).hexdigest()}") == (int(size), check)
        described[file] = name
    assert set(described) == {path.name for path in packages.glob("*.tgz")}


def test_checksums(packages: Path) -> None:
    text = bz2.decompress((packages.parent / "SHA512.bz2").read_bytes()).decode()
    found = {
        f"All/{path.name}": hashlib.sha512(path.read_bytes()).hexdigest()
        for path in packages.iterdir()
        if path.is_file()
    }
    assert parse_sha512(text, "SHA512") == found


def test_packages_agree_with_the_summary(packages: Path, store: Store) -> None:
    for record in records(packages):
        [name] = record["PKGNAME"]
        if name in (CORRUPT, MISORDERED, SHORTENED):
            continue
        sha512 = store.add([(packages / f"{name}.tgz").read_bytes()], what=name).sha512
        package = opened(sha512, name, store)
        assert package.contents.name == name
        assert "Stand-in" in package.read("+COMMENT").decode()
        assert package.contents.depends == record.get("DEPENDS", [])
        assert package.contents.conflicts == record.get("CONFLICTS", [])
        lines = package.read("+BUILD_INFO").decode().splitlines()
        assert lines == sorted(lines)
        for key in ("PROVIDES", "REQUIRES", "SUPERSEDES", "OPSYS", "OS_VERSION", "MACHINE_ARCH", "PKGPATH"):
            assert [line.partition("=")[2] for line in lines if line.startswith(f"{key}=")] == record.get(key, [])


def test_the_signed_package_never_changes() -> None:
    """Its signature was made once: whoever changes it signs it again (test_pkginstall_signature.py has the key)."""
    assert hashlib.sha256(hash_file(SIGNED, signed_inner())).hexdigest() == DIGEST
    assert signed_archive().startswith(b"!<arch>\n+PKG_HASH ")


DIGEST = "8c5c72d1c95ee22d7aa575159cae71d3a6cb935102fccf69366bc810e4b61a47"
