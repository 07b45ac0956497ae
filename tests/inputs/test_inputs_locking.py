"""What `doit lock` finds out: of a mirror of a release's layout, of signed digests, of Debian."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import threading
from collections.abc import Iterator, Sequence
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.inputs import debian, locking
from glassmaster.inputs.boot_packages import debian_packages
from glassmaster.inputs.debian import DebianPackage, fetch_locked
from glassmaster.inputs.lock import Lock, LockedInput
from glassmaster.inputs.locking import FIRST_USE, lock_inputs, release_inputs
from glassmaster.inputs.pkgsrc.pkgsets import load_pkgset
from glassmaster.inputs.signed import SignedDigests
from glassmaster.inputs.store import Store
from glassmaster.inputs.wants import require_fresh, wants
from glassmaster.recipe.load import load
from glassmaster.recipe.model import Recipe

RECIPES = sorted(Path("recipes").glob("netbsd-*-amd64.yaml"))
SETS, KERNELS, SOURCES = "amd64/binary/sets", "amd64/binary/kernel", "source/sets"


def recipe(name: str = "netbsd-10.2-amd64") -> Recipe:
    return load(Path("recipes") / f"{name}.yaml").recipe


def lay_out(top: Path, wanted: Recipe) -> None:
    """A mirror with what a recipe wants, in NetBSD's layout; the files hold their own names."""
    release = top / f"NetBSD-{wanted.release.version}"
    files = {
        SETS: [f"{name}.tar.xz" for name in (*wanted.release.sets, "comp")],
        KERNELS: [f"netbsd-{name}.gz" for name in ("XEN3_DOM0", "XEN3_DOMU")],
        SOURCES: [f"{name}.tgz" for name in wanted.kernel.build.sets],
    }  # fmt: skip
    for folder, names in files.items():
        (release / folder).mkdir(parents=True)
        lines = []
        for name in names:
            data = f"{folder}/{name}".encode()
            (release / folder / name).write_bytes(data)
            lines.append(f"SHA512 ({name}) = {hashlib.sha512(data).hexdigest()}\n")
        (release / folder / "SHA512").write_text("".join(lines))


class _Quiet(SimpleHTTPRequestHandler):
    has_length = True

    def send_header(self, keyword: str, value: str) -> None:
        if self.has_length or keyword != "Content-Length" or self.command != "HEAD":
            super().send_header(keyword, value)

    def log_message(self, *words: object) -> None:
        """Nothing."""


class _Unsized(_Quiet):
    has_length = False


@pytest.fixture(params=[_Quiet, _Unsized], ids=["sizes told", "no sizes"])
def server(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    handler = functools.partial(request.param, directory=str(tmp_path / "mirror"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


@pytest.fixture
def _debian(monkeypatch: pytest.MonkeyPatch) -> None:
    def some(packages: Sequence[str], store: Store) -> list[DebianPackage]:
        return [
            DebianPackage(name, "1-2", f"http://deb.example/{name}", store.add([b"x"], what=name)) for name in packages
        ]

    monkeypatch.setattr(locking, "fetch_packages", some)


def test_recipes_ship_for_three_releases() -> None:
    assert [load(path).recipe.release.version for path in RECIPES] == ["10.2", "11.0", "9.4"]


@pytest.mark.usefixtures("_debian")
@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_recipes_that_ship_lock_against_a_mirror(path: Path, tmp_path: Path, store: Store, server: str) -> None:
    wanted = load(path).recipe
    lay_out(tmp_path / "mirror", wanted)
    lock = lock_inputs(path.stem, wanted, (server, "https://other.example/pub/"), store)
    version = wanted.release.version
    release = {item.name: item for item in lock.inputs if item.kind == "release"}
    built = wanted.kernel.source == "built"
    kernel = (
        [f"{SOURCES}/{name}.tgz" for name in wanted.kernel.build.sets] if built else [f"{KERNELS}/netbsd-XEN3_DOM0.gz"]
    )
    assert release.keys() == {*(f"{SETS}/{name}.tar.xz" for name in wanted.release.sets), *kernel}
    for name, item in release.items():
        assert item == LockedInput(
            name, "release",
            (f"{server}/NetBSD-{version}/{name}", f"https://other.example/pub/NetBSD-{version}/{name}"),
            len(name), hashlib.sha512(name.encode()).hexdigest(), FIRST_USE,
        )  # fmt: skip
    assert [item.name for item in lock.inputs if item.kind == "debian"] == [
        "debian/grub-common", "debian/grub-pc-bin", "debian/grub-efi-amd64-bin", "debian/xen-hypervisor-4.17-amd64",
    ]  # fmt: skip
    require_fresh(lock, wanted, Path("x.lock"))


def test_a_set_and_a_kernel_that_the_release_does_not_have(tmp_path: Path, store: Store) -> None:
    wanted = recipe()
    lay_out(tmp_path, wanted)
    mirrors = (tmp_path.as_uri(),)
    misspelt = dataclasses.replace(wanted, release=dataclasses.replace(wanted.release, sets=("etc", "bsae")))
    with pytest.raises(GlassmasterError, match="no set 'bsae'") as caught:
        release_inputs(misspelt, mirrors, store)
    assert caught.value.hint == "did you mean base?"
    other = dataclasses.replace(wanted, kernel=dataclasses.replace(wanted.kernel, config="GENERIC"))
    with pytest.raises(GlassmasterError, match="the release has no kernel GENERIC") as caught:
        release_inputs(other, mirrors, store)
    assert "netbsd-XEN3_DOM0.gz" in caught.value.why


def test_signed_digests_are_taken_and_the_mirrors_own_are_not(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = recipe()
    lay_out(tmp_path, wanted)
    names = [*(f"{SETS}/{name}.tar.xz" for name in wanted.release.sets), f"{KERNELS}/netbsd-XEN3_DOM0.gz"]
    # What was signed is other than what the mirror says of itself.
    digests = {f"NetBSD-10.2/{name}": hashlib.sha512(f"signed {name}".encode()).hexdigest() for name in names}
    asc, key = tmp_path / "security/hashes/NetBSD-10.2_hashes.asc", tmp_path / "netbsd.asc"
    asc.parent.mkdir(parents=True)
    asc.write_bytes(b"signed")
    key.write_bytes(b"key")
    asked = []

    def check(message: bytes, key: bytes, where: str, key_name: str) -> SignedDigests:
        asked.append((message, key, where, key_name))
        return SignedDigests(digests, "F00D")

    monkeypatch.setattr(locking, "verified", check)
    release = dataclasses.replace(wanted.release, trust="signed", key=str(key))
    found = release_inputs(dataclasses.replace(wanted, release=release), (tmp_path.as_uri(),), store)
    assert {item.name: item.sha512 for item in found} == {name: digests[f"NetBSD-10.2/{name}"] for name in names}
    assert {item.trust for item in found} == {"signed by F00D"}
    assert asked == [(b"signed", b"key", asc.as_uri(), str(key))]
    key.unlink()
    with pytest.raises(GlassmasterError, match=r"release\.key: .*netbsd\.asc: cannot be read"):
        release_inputs(dataclasses.replace(wanted, release=release), (tmp_path.as_uri(),), store)


def test_a_stale_lock_says_what_differs(tmp_path: Path) -> None:
    wanted = recipe()
    lock = Lock("x", wants(wanted), ())
    release = dataclasses.replace(wanted.release, sets=(*wanted.release.sets, "man"), version="10.3")
    with pytest.raises(GlassmasterError, match=r"x\.lock: made for another state of the recipe") as caught:
        require_fresh(lock, dataclasses.replace(wanted, release=release), Path("x.lock"))
    assert caught.value.why.splitlines() == ["release.sets: +man", "release.version: 10.2 -> 10.3"]
    assert "doit lock" in caught.value.hint


# ---- Debian packages, exactly those of the lock

DATA = b"a package"
NEEDED = LockedInput(
    "debian/xen", "debian", ("http://127.0.0.1:1/xen.deb",), len(DATA), hashlib.sha512(DATA).hexdigest(), "apt", "1:4-1"
)


def apt(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> Path:
    folder.mkdir()
    (folder / "apt-get").write_text(f'#!/bin/sh\necho "$@" >>"{folder}/calls"\n{body}\n')
    (folder / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder / "calls"


def test_the_version_of_the_lock_is_asked_for(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = apt(tmp_path / "bin", monkeypatch, f"printf %s '{DATA.decode()}' >xen_1%3a4-1_amd64.deb")
    fetch_locked([NEEDED], store)
    fetch_locked([NEEDED], store)
    assert store.verified(NEEDED.sha512, "xen").read_bytes() == DATA
    assert calls.read_text() == "download -q -o APT::Sandbox::User=root xen=1:4-1\n"


def test_other_bytes_under_the_same_version(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    apt(tmp_path / "bin", monkeypatch, "echo other >xen_1%3a4-1_amd64.deb")
    with pytest.raises(GlassmasterError, match="wrong SHA-512"):
        fetch_locked([NEEDED], store)
    assert NEEDED.sha512 not in store


def test_what_debian_has_replaced_may_still_lie_at_its_url(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt(tmp_path / "bin", monkeypatch, "exit 100")
    (tmp_path / "old.deb").write_bytes(DATA)
    fetch_locked([dataclasses.replace(NEEDED, urls=((tmp_path / "old.deb").as_uri(),))], store)
    assert NEEDED.sha512 in store


def test_what_debian_has_replaced_is_an_error_with_a_remedy(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt(tmp_path / "bin", monkeypatch, 'case "$*" in *xen=*) exit 100 ;; esac; echo grub >grub_2_amd64.deb')
    grub = dataclasses.replace(NEEDED, name="debian/grub", version="2", sha512=hashlib.sha512(b"grub\n").hexdigest())
    with pytest.raises(GlassmasterError, match=r"Debian's xen 1:4-1, which the lock names, cannot be had") as caught:
        fetch_locked([grub, NEEDED], store)
    assert "doit lock" in caught.value.hint and "Debian may have replaced it" in caught.value.why
    assert grub.sha512 in store and NEEDED.sha512 not in store


def test_apt_that_downloads_nothing(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    apt(tmp_path / "bin", monkeypatch, ":")
    with pytest.raises(GlassmasterError, match="cannot be had"):
        debian.fetch_locked([NEEDED], store)


def test_the_recipe_with_virtual_machines(tmp_path: Path, store: Store, server: str) -> None:
    """Xen and xentools of one number, from one repository; every image that the overlays are for."""
    wanted = recipe("netbsd-10.2-amd64-domus")
    lay_out(tmp_path / "mirror", wanted)
    names = {item.name for item in release_inputs(wanted, (server,), store)}
    assert {f"{KERNELS}/netbsd-XEN3_DOMU.gz", f"{SETS}/comp.tar.xz"} <= names
    assert not [name for name in debian_packages(wanted) if "xen" in name]
    assert wanted.xen is not None and wanted.packages is not None
    patterns = [item.pattern for name in wanted.packages.sets for item in load_pkgset(name).wanted]
    assert {wanted.xen.package, wanted.xen.package.replace("xenkernel", "xentools")} <= set(patterns)
    assert {domu.overlays[-1] for domu in wanted.domus.values()} == {"domu-base", "pkgclient", "pkgrepo", "storage"}
