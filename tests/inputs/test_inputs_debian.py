"""Debian packages, with a package made here and an apt-get that is a shell script: no network."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.debian import (
    REMEDY,
    Candidate,
    DebianPackage,
    download,
    extracted,
    fetch_packages,
    filesystem_tar,
    parse_uris,
    print_uris,
)
from glassmaster.inputs.store import Store

Kept = Callable[[], list[str]]
VERSION = "1:4.17.5-1+deb12u1"
FILE = "xen_1%3a4.17.5-1+deb12u1_amd64.deb"
FILES = {
    "boot/xen.gz": gzip.compress(b"a hypervisor", mtime=0),
    "usr/lib/grub/i386-pc/boot.img": b"boot",
    "usr/lib/grub/i386-pc/kernel.img": b"kernel",
    "usr/share/usr/lib/grub/i386-pc/trap.img": b"trap",
    "usr/share/boot/xen.gz": b"trap",
    "usr/bin/tool": b"#!/bin/sh\n",
    "opt/a/same": b"1",
    "opt/b/same": b"2",
}
APT = """\
#!/bin/sh
# Answers as apt-get of Debian 12 does; every call is noted.
echo "$@" >>"{folder}/calls"
case "$*" in
"download --print-uris xen") printf "'http://deb.example/%s' %s %s SHA256:%s\\n" "{file}" "{file}" {size} {digest} ;;
"download --print-uris absent") echo "E: Unable to locate package absent" >&2; exit 100 ;;
"download --print-uris silent") echo "E: nothing to say" ;;
"download -q -o APT::Sandbox::User=root xen={version}") [ -e "{folder}/offline" ] || cp "{package}" "{file}" ;;
*) echo "not foreseen: $*" >&2; exit 1 ;;
esac
"""


@pytest.fixture(scope="session")
def package_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("deb") / "xen"
    for name, data in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    (root / "usr/bin/link").symlink_to("tool")
    (root / "DEBIAN").mkdir()
    (root / "DEBIAN" / "control").write_text(
        f"Package: xen\nVersion: {VERSION}\nArchitecture: amd64\nMaintainer: nobody <nobody@example.org>\n"
        "Description: a package made by a test\n"
    )
    # Whatever the umask is: dpkg-deb refuses a control directory that others cannot read.
    for path in (root, *root.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.name == "tool" else 0o644)
    made = root.parent / "xen.deb"
    command = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(root), str(made)]
    subprocess.run(command, check=True, capture_output=True)
    return made


@pytest.fixture
def apt(tmp_path: Path, package_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an apt-get that comes first on PATH; `calls` there says how it was called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    data = package_file.read_bytes()
    script = APT.format(
        folder=folder, file=FILE, size=len(data), digest=hashlib.sha256(data).hexdigest(), version=VERSION,
        package=package_file,
    )  # fmt: skip
    (folder / "apt-get").write_text(script)
    (folder / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


@pytest.fixture
def package(apt: Path, store: Store) -> DebianPackage:
    return fetch_packages(["xen"], store)[0]


def calls(apt: Path) -> list[str]:
    return (apt / "calls").read_text().splitlines()


CANDIDATE = Candidate("xen", f"http://deb.example/{FILE}", FILE, "SHA256-00")


def test_commands() -> None:
    assert print_uris(["a", "b"]).line() == "apt-get download --print-uris a b"
    assert download(["xen=1:4.17.5-1+deb12u1", "grub=2.06-13"], Path("/some dir")).line() == (
        "cd '/some dir' && apt-get download -q -o APT::Sandbox::User=root xen=1:4.17.5-1+deb12u1 grub=2.06-13"
    )
    assert filesystem_tar(Path("/store/ab/abcd")).line() == "dpkg-deb --fsys-tarfile /store/ab/abcd"


def test_apts_answer_is_read_in_the_order_of_the_question() -> None:
    text = (
        "'http://d/pool/b_2_all.deb' b_2_all.deb 10 SHA256:bb\n"
        f"'http://deb.example/{FILE}' {FILE} 1234 SHA256:00\n"
    )  # fmt: skip
    found = parse_uris(text, ["xen", "b"])
    assert found == [CANDIDATE, Candidate("b", "http://d/pool/b_2_all.deb", "b_2_all.deb", "SHA256-bb")]
    assert [item.version for item in found] == [VERSION, "2"]


def test_a_package_that_apt_does_not_list() -> None:
    with pytest.raises(GlassmasterError, match="apt finds no package xen-") as caught:
        parse_uris(f"'http://d/{FILE}' {FILE} 1234 SHA256:00\n", ["xen", "xen-"])
    assert caught.value.hint == REMEDY


def test_fetched_once(apt: Path, store: Store, package_file: Path) -> None:
    first = fetch_packages(["xen"], store)
    assert first == fetch_packages(["xen"], store)
    package = first[0]
    assert (package.name, package.version, package.url) == ("xen", VERSION, f"http://deb.example/{FILE}")
    assert package.stored.size == package_file.stat().st_size
    assert store.verified(package.stored.sha512, "x").read_bytes() == package_file.read_bytes()
    assert calls(apt) == [
        "download --print-uris xen", f"download -q -o APT::Sandbox::User=root xen={VERSION}",
        "download --print-uris xen",
    ]  # fmt: skip


@pytest.mark.parametrize("damage", ["blob gone", "note damaged", "note empty"])
def test_fetched_again_when_the_store_lost_it(apt: Path, store: Store, damage: str) -> None:
    first = fetch_packages(["xen"], store)
    note = next(store.root.glob("derived/debian/*/sha512"))
    if damage == "blob gone":
        store.path(first[0].stored.sha512).unlink()
    else:
        note.write_text("abc" if damage == "note damaged" else "")
    assert fetch_packages(["xen"], store) == first
    assert len(calls(apt)) == 4


@pytest.mark.parametrize(
    ("name", "why"), [("absent", "Unable to locate package absent"), ("silent", "apt finds no package silent")]
)
def test_apt_does_not_find_it(apt: Path, store: Store, kept: Kept, name: str, why: str) -> None:
    with pytest.raises(GlassmasterError, match="apt does not find what is needed") as caught:
        fetch_packages([name], store)
    assert why in caught.value.why
    assert caught.value.hint == REMEDY
    assert kept() == []
    assert fetch_packages(["xen"], store)


def test_apt_downloads_nothing(apt: Path, store: Store, kept: Kept) -> None:
    (apt / "offline").touch()
    with pytest.raises(GlassmasterError, match=f"apt downloaded no {FILE.replace('+', '.')}"):
        fetch_packages(["xen"], store)
    assert kept() == []
    (apt / "offline").unlink()
    assert fetch_packages(["xen"], store)


def test_without_apt(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GlassmasterError) as caught:
        fetch_packages(["xen"], store)
    assert "apt-get is not installed" in str(caught.value)


def test_files_of_a_package(package: DebianPackage, store: Store) -> None:
    members = ["boot/xen.gz", "usr/lib/grub/i386-pc/*.img", "usr/bin/tool"]
    folder = extracted(package, members, store, key="all")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "xen.gz": FILES["boot/xen.gz"], "boot.img": b"boot", "kernel.img": b"kernel", "tool": FILES["usr/bin/tool"],
    }  # fmt: skip
    assert (folder / "tool").stat().st_mode & 0o777 == 0o755
    assert (folder / "boot.img").stat().st_mode & 0o777 == 0o644
    assert folder.is_relative_to(store.root)


def test_extracted_once(package: DebianPackage, store: Store) -> None:
    folder = extracted(package, ["boot/xen.gz"], store, key="xen")
    store.path(package.stored.sha512).unlink()
    assert extracted(package, ["boot/xen.gz"], store, key="xen") == folder
    with pytest.raises(GlassmasterError, match="the store lacks it"):
        extracted(package, ["boot/xen.gz"], store, key="other")


@pytest.mark.parametrize(
    "member", ["boot/xen-4.17-amd64.gz", "usr/bin/link", "grub/i386-pc/boot.img", "usr/lib/*/*.img"]
)
def test_a_member_that_is_missing(package: DebianPackage, store: Store, kept: Kept, member: str) -> None:
    before = kept()
    with pytest.raises(GlassmasterError) as caught:
        extracted(package, ["boot/xen.gz", member], store, key="x")
    assert caught.value.what == f"the Debian package xen {VERSION} has no {member}"
    assert kept() == before
    assert extracted(package, ["boot/xen.gz"], store, key="x").is_dir()


def test_two_members_with_one_name(package: DebianPackage, store: Store, kept: Kept) -> None:
    before = kept()
    with pytest.raises(GlassmasterError, match="a second file that would be same"):
        extracted(package, ["opt/*/same"], store, key="x")
    assert kept() == before


def test_a_package_that_changed_in_the_store(package: DebianPackage, store: Store, kept: Kept) -> None:
    store.path(package.stored.sha512).write_bytes(b"changed")
    before = kept()
    with pytest.raises(GlassmasterError, match=r"the Debian package xen .*: the store's copy has changed"):
        extracted(package, ["boot/xen.gz"], store, key="x")
    assert kept() == before


def test_what_is_no_package(store: Store, kept: Kept) -> None:
    assert shutil.which("dpkg-deb")
    package = DebianPackage("xen", "1", "http://x", store.add([b"no package"], what="x"))
    before = kept()
    with pytest.raises(GlassmasterError, match="dpkg-deb ended with status 2"):
        extracted(package, ["boot/xen.gz"], store, key="x")
    assert kept() == before
