"""Which packages the lock gets: of repositories that say much, little, or wrong things."""

from __future__ import annotations

import bz2
import dataclasses
import gzip
import hashlib
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.lock import Lock, LockedInput, LockedPackage
from glassmaster.inputs.package_locking import DIGESTED, LISTED, LockedPackages, lock_images, lock_packages
from glassmaster.inputs.package_tree import newer_packages, resolution_of
from glassmaster.inputs.pkgsrc.platform import Platform
from glassmaster.inputs.pkgsrc.repository import is_moving, read_repository
from glassmaster.inputs.record import read_record, release_id, write_record
from glassmaster.inputs.store import Store
from glassmaster.inputs.wants import package_wants
from glassmaster.recipe.packages import Packages
from tests.inputs.test_inputs_decompress import zstd

PLATFORM = Platform("NetBSD", "10.1", "x86_64")
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda data: gzip.compress(data, mtime=0), "bz2": bz2.compress, "xz": lzma.compress,
    "zst": zstd,
}  # fmt: skip


def record(name: str, *lines: str) -> str:
    built = ("OPSYS=NetBSD", "OS_VERSION=10.0", "MACHINE_ARCH=x86_64", "SIZE_PKG=1000", "BUILD_DATE=2026-07-01")
    return "\n".join([f"PKGNAME={name}", *lines, *built, "DESCRIPTION=d"]) + "\n"


class Laid:
    """A repository on this machine: its packages' files hold their own names."""

    def __init__(self, top: Path) -> None:
        self.top = top
        (top / "All").mkdir(parents=True)

    @property
    def url(self) -> str:
        return self.top.as_uri()

    def summary(self, *records: str, ending: str = "gz") -> None:
        (self.top / "All" / f"pkg_summary.{ending}").write_bytes(PACKERS[ending]("\n".join(records).encode()))

    def file(self, name: str, data: bytes) -> str:
        (self.top / "All" / name).write_bytes(data)
        return hashlib.sha512(data).hexdigest()

    def digests(self, digests: dict[str, str], name: str = "SHA512.bz2") -> None:
        text = "".join(f"SHA512 (All/{file}) = {digest}\n" for file, digest in digests.items()).encode()
        (self.top / name).write_bytes(bz2.compress(text) if name.endswith("bz2") else text)


@pytest.fixture
def laid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Laid:
    """A repository with a-1, which needs b; and the pkgset that wants a."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pkgsets").mkdir()
    (tmp_path / "pkgsets" / "core.yaml").write_text("description: d\npackages:\n  a: it is nice\n")
    made = Laid(tmp_path / "pkgs")
    made.summary(record("a-1", "DEPENDS=b>=1"), record("b-2", "FILE_NAME=b+2.tgz"))
    made.file("a-1.tgz", b"a")
    made.file("b+2.tgz", b"bb")
    return made


def locked(store: Store, *urls: str, moving: bool = False) -> LockedPackages:
    packages = Packages(repository=urls, sets=("core",), moving=moving)
    return lock_packages(packages, urls, PLATFORM, store)


def digest(data: bytes) -> str:
    return hashlib.sha512(data).hexdigest()


def test_without_digests_packages_are_downloaded_and_digested(laid: Laid, store: Store) -> None:
    found = locked(store, laid.url)
    assert found.chosen == (
        LockedPackage("b-2", "packages/b+2.tgz", 1000, (), {}, "2026-07-01"),
        LockedPackage("a-1", "packages/a-1.tgz", 1000, ("core a",), {"b>=1": "b-2"}, "2026-07-01"),
    )
    assert found.inputs == (
        LockedInput("packages/b+2.tgz", "package", (f"{laid.url}/All/b+2.tgz",), 2, digest(b"bb"), DIGESTED),
        LockedInput("packages/a-1.tgz", "package", (f"{laid.url}/All/a-1.tgz",), 1, digest(b"a"), DIGESTED),
    )
    assert found.notes == ("packages built for NetBSD 10.0; pkg_add on 10.1 would warn of that",)


@pytest.mark.parametrize("name", ["SHA512.bz2", "SHA512"])
def test_the_repositorys_own_digests_count(laid: Laid, store: Store, name: str) -> None:
    laid.digests({"a-1.tgz": digest(b"a"), "b+2.tgz": digest(b"bb")}, name)
    laid.summary(record("a-1", "DEPENDS=b>=1", "FILE_SIZE=1"), record("b-2", "FILE_NAME=b+2.tgz", "FILE_SIZE=2"))
    # Nothing is downloaded for it.
    (laid.top / "All" / "a-1.tgz").unlink()
    found = locked(store, laid.url)
    assert {item.trust for item in found.inputs} == {LISTED}
    assert [item.size for item in found.inputs] == [2, 1] and not store.root.exists()


def test_a_size_that_nobody_says_is_that_of_the_verified_file(laid: Laid, store: Store) -> None:
    laid.digests({"a-1.tgz": digest(b"a"), "b+2.tgz": digest(b"bb")})
    assert [item.size for item in locked(store, laid.url).inputs] == [2, 1]
    laid.digests({"a-1.tgz": digest(b"other"), "b+2.tgz": digest(b"bb")})
    with pytest.raises(GlassmasterError, match="wrong SHA-512"):
        locked(Store(store.root / "new"), laid.url)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("FILE_SIZE=7", "a-1.tgz has another size"),
        (f"FILE_CKSUM=SHA512 {'0' * 128}", "a-1.tgz: the repository does not agree with itself"),
    ],
)
def test_a_file_that_is_not_what_the_summary_says(laid: Laid, store: Store, line: str, message: str) -> None:
    laid.summary(record("a-1", line))
    with pytest.raises(GlassmasterError, match=message):
        locked(store, laid.url)


def test_a_list_that_contradicts_the_summary(laid: Laid, store: Store) -> None:
    laid.digests({"a-1.tgz": digest(b"a")})
    laid.summary(record("a-1", f"FILE_CKSUM=sha512 {digest(b'a')}"))
    assert locked(store, laid.url).inputs[0].sha512 == digest(b"a")
    laid.summary(record("a-1", f"FILE_CKSUM=sha512 {'0' * 128}"))
    with pytest.raises(GlassmasterError, match="does not agree with itself") as caught:
        locked(store, laid.url)
    assert "its list" in caught.value.why


def test_a_library_that_no_package_provides(laid: Laid, store: Store) -> None:
    laid.summary(record("a-1", "REQUIRES=/usr/lib/libc.so.12"))
    locked(store, laid.url)
    laid.summary(record("a-1", "REQUIRES=/usr/pkg/lib/libq.so.1"))
    with pytest.raises(GlassmasterError, match=r"libq\.so\.1, which a-1 needs, is not on the image"):
        locked(store, laid.url)


@pytest.mark.parametrize(
    ("url", "moving"),
    [
        ("https://cdn.example.org/packages/NetBSD/amd64/10.0", True),
        ("https://cdn.example.org/packages/NetBSD/amd64/10.0/", True),
        ("https://cdn.example.org/packages/NetBSD/amd64/11.0_current", True),
        ("https://cdn.example.org/packages/NetBSD/amd64/10.0_2026Q2", False),
        ("file:/srv/our packages/mail", False),
    ],
)
def test_urls_that_lead_elsewhere_in_time(url: str, moving: bool) -> None:
    assert is_moving(url) == moving


def test_a_moving_repository(laid: Laid, store: Store, tmp_path: Path) -> None:
    laid.top.rename(tmp_path / "10.0")
    url = (tmp_path / "10.0").as_uri()
    with pytest.raises(GlassmasterError, match=r"packages\.repository: .*/10\.0: leads to other packages") as caught:
        locked(store, url)
    assert "moving: yes" in caught.value.hint
    assert locked(store, url, moving=True).inputs


# ---- the summary


def test_summaries_are_tried_in_pkgins_order(laid: Laid) -> None:
    for number, ending in enumerate(("gz", "bz2", "xz", "zst"), 1):
        laid.summary(*(record(f"p{n}-1") for n in range(number)), ending=ending)
        found = read_repository([laid.url])
        assert (len(found.summary), found.summary.what) == (number, f"{laid.url}/All/pkg_summary.{ending}")


def test_the_mirror_that_has_the_summary_comes_first(laid: Laid, tmp_path: Path) -> None:
    gone = (tmp_path / "gone").as_uri()
    found = read_repository([gone, f"{laid.url}/"])
    assert found.urls == (laid.url, gone)
    assert found.file_urls("x#1.tgz") == (f"{laid.url}/All/x%231.tgz", f"{gone}/All/x%231.tgz")


def test_no_mirror_with_a_summary(tmp_path: Path) -> None:
    with pytest.raises(GlassmasterError, match=r"no summary of packages at file:.*/gone/All or http:") as caught:
        read_repository([(tmp_path / "gone").as_uri(), "http://127.0.0.1:1/x"])
    # A server that does not answer is asked for one of the four files only.
    assert caught.value.why.count("pkg_summary") == 5 and "directory that holds All" in caught.value.hint


def test_a_damaged_summary_is_not_passed_over(laid: Laid) -> None:
    (laid.top / "All" / "pkg_summary.xz").write_bytes(b"\xfd7zXZ\0broken")
    with pytest.raises(GlassmasterError, match=r"pkg_summary\.xz"):
        read_repository([laid.url])


def test_a_damaged_list_of_digests(laid: Laid, store: Store) -> None:
    (laid.top / "SHA512.bz2").write_bytes(b"BZh9 broken")
    with pytest.raises(GlassmasterError, match=r"SHA512\.bz2"):
        locked(store, laid.url)
    (laid.top / "SHA512.bz2").write_bytes(bz2.compress(b"<html>\n"))
    with pytest.raises(GlassmasterError, match="not a line of a checksum file"):
        locked(store, laid.url)


# ---- several images, and what the question is


def test_images_share_files_of_one_repository(laid: Laid, store: Store, tmp_path: Path) -> None:
    packages = Packages(repository=(laid.url,), sets=("core",))
    images, inputs, notes = lock_images({"dom0": packages, "domu:mail": packages}, "", PLATFORM, store)
    assert images["dom0"] == images["domu:mail"] and len(inputs) == 2 and len(notes) == 1
    other = Laid(tmp_path / "others")
    other.summary(record("a-1"))
    other.file("a-1.tgz", b"another")
    with pytest.raises(GlassmasterError, match=r"packages/a-1\.tgz: two repositories have other files"):
        lock_images({"x": packages, "y": dataclasses.replace(packages, repository=(other.url,))}, "", PLATFORM, store)
    own = dataclasses.replace(packages, repository=())
    assert lock_images({"x": own}, other.url, PLATFORM, store, trust="made here")[1][0].trust == "made here"


def test_what_pkgsets_list_is_part_of_the_question(laid: Laid) -> None:
    packages = Packages(repository=("u",), sets=("core",), harmless=("x",), key="k")
    assert package_wants(packages, "packages") == {
        "packages.repository": ("u",), "packages.sets": ("core",), "pkgset core": ("a",),
    }  # fmt: skip
    Path("pkgsets/core.yaml").write_text("description: d\npackages:\n  a: other words\n")
    assert package_wants(packages, "packages")["pkgset core"] == ("a",)
    Path("pkgsets/core.yaml").write_text("description: d\npackages:\n  a>=1: other words\n")
    assert package_wants(packages, "packages")["pkgset core"] == ("a>=1",)


# ---- what the lock is good for later


def test_the_tree_is_that_of_the_resolver(laid: Laid, store: Store) -> None:
    resolution = resolution_of(locked(store, laid.url).chosen)
    assert [(branch.depth, branch.chosen.package.name) for branch in resolution.tree()] == [(0, "a-1"), (1, "b-2")]
    assert resolution.why("b-2") == ("core wants a (pkgsets/core.yaml:3)", "a-1 needs b>=1", "b-2")
    assert resolution["b-2"].automatic and not resolution["a-1"].automatic


@pytest.mark.parametrize(
    ("now", "how"),
    [
        (record("a-1"), []),
        (record("a-1", "FILE_SIZE=1", f"FILE_CKSUM=SHA512 {digest(b'a')}"), []),
        (record("a-1", "FILE_SIZE=1", f"FILE_CKSUM=SHA1 {'0' * 40}"), []),
        (record("a-1", "FILE_SIZE=2"), ["rebuilt"]),
        (record("a-1", f"FILE_CKSUM=SHA512 {'0' * 128}"), ["rebuilt"]),
        (record("a-1").replace("07-01", "08-01"), ["rebuilt"]),
        (record("a-2"), ["newer"]),
        (record("a-0.9"), ["older"]),
        (record("b-1"), ["gone"]),
        (record("c-1", "SUPERSEDES=a<2"), ["renamed"]),
    ],
)
def test_what_is_newer_than_the_lock(laid: Laid, store: Store, now: str, how: list[str]) -> None:
    laid.summary(record("a-1"))
    found = locked(store, laid.url)
    lock = Lock("r", {}, found.inputs, packages={"dom0": found.chosen})
    laid.summary(now)
    assert [item.how for item in newer_packages(lock, "dom0", read_repository([laid.url]).summary)] == how


# ---- what the build reads of it


def test_the_record_has_the_packages_and_another_id_for_others(laid: Laid, store: Store, tmp_path: Path) -> None:
    found = locked(store, laid.url)
    images = {"dom0": found.chosen}
    path = tmp_path / "inputs.json"
    write_record(path, "id", found.inputs, images)
    assert read_record(path).packages("dom0") == found.chosen
    with pytest.raises(GlassmasterError, match=r"inputs\.json: no packages for domu:x"):
        read_record(path).packages("domu:x")
    path.write_text(path.read_text().replace('"size": 1000', '"size": -1'))
    with pytest.raises(GlassmasterError, match=r"inputs\.json: damaged"):
        read_record(path).packages("dom0")
    wanted = {"dom0": tuple(dataclasses.replace(item, wanted=("core x",)) for item in found.chosen)}
    ids = {release_id("r", found.inputs, rows) for rows in (images, wanted, {}, None)}
    assert len(ids) == 3 and release_id("r", found.inputs) == release_id("r", found.inputs, {})
