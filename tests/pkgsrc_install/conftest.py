"""What the tests of package installation share: a store, the stand-in's repository, and an image to install into."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from glassmaster.inputs.accounts import Accounts
from glassmaster.inputs.pkgsrc.accounts import AccountFiles
from glassmaster.inputs.pkgsrc.archive import Archive, opened
from glassmaster.inputs.pkgsrc.install import Installed, Selected, Target, install
from glassmaster.inputs.pkgsrc.placing import Image, Place
from glassmaster.inputs.pkgsrc.uids import Uids
from glassmaster.inputs.standin.content import Item
from glassmaster.inputs.standin.package_archive import COMPRESSORS, StandinPackage, members, tar_of
from glassmaster.inputs.standin.package_repository import make_repository, repository_path
from glassmaster.inputs.store import Store
from glassmaster.tree.blob import new_blob
from glassmaster.tree.entry import Entry
from glassmaster.tree.layer import Layer

EPOCH = 1_700_000_000
SYSTEM = ("x86_64", "10.0")
PASSWD = "root:*:0:0::0:0:Charlie &:/root:/bin/sh\nsshd:*:16:16::0:0:sshd:/:/sbin/nologin\n"
GROUP = "wheel:*:0:root\nsshd:*:16:\n"
UIDS = Uids({"standin": 1001}, {"standin": 1001})
BELOW = {
    "etc/master.passwd": Entry("etc/master.passwd", "file", 0o600, 0, 0, 1),
    "etc/group": Entry("etc/group", "file", 0o644, 0, 0, 1),
    "etc/shells": Entry("etc/shells", "file", 0o644, 0, 0, 1),
    "etc/rc.d": Entry("etc/rc.d", "dir", 0o755, 0, 0, 1),
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory All of the stand-in's repository."""
    mirror = tmp_path_factory.mktemp("packages") / "mirror"
    make_repository(mirror, "10.0", "amd64", epoch=EPOCH)
    return mirror / repository_path("amd64", "10.0") / "All"


Choose = Callable[..., Selected]


@pytest.fixture
def choose(packages: Path, store: Store) -> Choose:
    """Put a package of the stand-in's repository into the store, chosen."""

    def chosen(name: str, *requires: str, automatic: bool = False) -> Selected:
        data = (packages / f"{name}.tgz").read_bytes()
        return Selected(name, f"{name}.tgz", store.add([data], what=name).sha512, requires, automatic)

    return chosen


Pack = Callable[..., Selected]


@pytest.fixture
def pack(store: Store) -> Pack:
    """Make a package of items and put it into the store, chosen; `edit` changes its packing list."""

    def go(name: str, *items: Item, edit: tuple[bytes, bytes] = (b"", b""), **more: object) -> Selected:
        package = replace(StandinPackage(name, "Made", items), **more)  # type: ignore[arg-type]
        contents, *others = members(package, *SYSTEM)
        contents = replace(contents, data=contents.data.replace(*edit, 1))
        data = COMPRESSORS[package.compression](tar_of([contents, *others], EPOCH))
        return Selected(name, f"{name}.tgz", store.add([data], what=name).sha512)

    return go


@dataclass
class Result:
    """What an installation gave."""

    installed: Installed
    layers: list[Layer]
    entries: dict[str, Entry] = field(default_factory=dict)

    def read(self, path: str) -> bytes:
        """The bytes of a file of the image."""
        content = self.entries[path].content
        assert content is not None
        with content.blob.open("rb") as stream:
            stream.seek(content.offset)
            return stream.read(content.size)


Run = Callable[..., Result]


@pytest.fixture
def run_install(store: Store, tmp_path: Path) -> Run:
    """Install packages; keywords are fields of Target."""

    def go(*selected: Selected, **changes: Any) -> Result:
        target = Target(BELOW.get, AccountFiles(PASSWD, GROUP), "/bin/sh\n", UIDS, "/usr/pkg/pkgdb", EPOCH)
        layers: list[Layer] = []
        with new_blob(tmp_path / "blob") as blob:
            installed = install(selected, replace(target, **changes), store, blob, layers.append)
        entries = {entry.path: entry for layer in layers for entry in layer.entries}
        return Result(installed, layers, entries)

    return go


Open = Callable[..., Archive]


@pytest.fixture
def open_package(store: Store) -> Open:
    """Make a package's file, put it into the store and open it. `change` may alter the members first."""

    def go(package: StandinPackage, change: Callable[[list[Any]], None] = lambda items: None) -> Archive:
        items = members(package, *SYSTEM)
        change(items)
        data = COMPRESSORS[package.compression](tar_of(items, EPOCH))
        return opened(store.add([data], what=package.name).sha512, f"{package.name}.tgz", store)

    return go


@pytest.fixture
def new_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Place]]:
    """Makes places in images that have some accounts and little else."""
    path = tmp_path_factory.mktemp("places") / "blob"
    accounts = Accounts({"root": 0, "standin": 1001}, {"wheel": 0, "standin": 1001})
    with new_blob(path) as blob:
        yield lambda: Place(Image(BELOW.get, accounts, EPOCH, blob), "made-1.0")


@pytest.fixture
def place(new_place: Callable[[], Place]) -> Place:
    """One such place."""
    return new_place()
