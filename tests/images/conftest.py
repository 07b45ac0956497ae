"""Trees with every awkward thing, and images made of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from glassmaster.images.iso import BootImages, write_iso
from glassmaster.inputs.sets import release_accounts, set_layer
from glassmaster.inputs.standin import content as standin
from glassmaster.inputs.standin.archive import write_set
from glassmaster.inputs.store import Store
from glassmaster.inputs.tarindex import indexed
from glassmaster.tree.blob import Blob, new_blob
from glassmaster.tree.entry import Entry
from glassmaster.tree.layer import Layer
from glassmaster.tree.merge import Tree, merge

EPOCH = 1_700_000_000
VOLUME = "GLASSMASTER_TEST"
SIZES = (0, 1, 2047, 2048, 2049)


@pytest.fixture(scope="session")
def boot() -> BootImages:
    """Boot images of the right shape; nothing here starts them."""
    chance = random.Random("boot images")
    return BootImages(chance.randbytes(61_001), chance.randbytes(131_072), chance.randbytes(512))


@pytest.fixture(scope="session")
def epoch() -> int:
    """The time that no file of these images is later than."""
    return EPOCH


@pytest.fixture(scope="session")
def volume() -> str:
    """The volume identifier of these images."""
    return VOLUME


@pytest.fixture(scope="session")
def awkward_tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """The stand-in's sets, and above them what no set has, but a disc may."""
    folder = tmp_path_factory.mktemp("tree")
    store = Store(folder / "store")
    indexes = {}
    sets = {"base": standin.base(), "etc": standin.etc(), "misc": standin.misc(), "comp": standin.comp(30, 100_000)}
    for name, items in sets.items():
        write_set(folder / f"{name}.tgz", name, items, epoch=EPOCH)
        stored = store.add([(folder / f"{name}.tgz").read_bytes()], what=name)
        indexes[name] = indexed(stored.sha512, f"{name}.tgz", store)
    accounts = release_accounts(indexes["etc"])
    with new_blob(folder / "awkward.blob") as blob:
        awkward = Layer("awkward", tuple(awkward_entries(blob)))
    return merge(
        [*(set_layer(name, index, accounts, epoch=EPOCH) for name, index in indexes.items()), awkward], epoch=EPOCH
    )


@pytest.fixture(scope="session")
def awkward_iso(awkward_tree: Tree, boot: BootImages, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image of the awkward tree."""
    path = tmp_path_factory.mktemp("iso") / "awkward.iso"
    write_iso(awkward_tree, boot, path, volume_id=VOLUME, epoch=EPOCH)
    return path


@pytest.fixture
def tree_of(tmp_path: Path) -> Callable[[dict[str, bytes]], Tree]:
    """Makes a tree of files by path and content, with all their directories."""

    def make(files: dict[str, bytes]) -> Tree:
        with new_blob(tmp_path / "tree.blob") as blob:
            entries = tuple(
                Entry(path, "file", 0o644, 0, 0, EPOCH, content=blob.add(data)) for path, data in files.items()
            )
        return merge([Layer("test", entries)], epoch=EPOCH)

    return make


def awkward_entries(blob: Blob) -> list[Entry]:
    """Hand-made entries; `blob` takes their contents."""
    chance = random.Random("awkward")
    entries: list[Entry] = []

    def file(path: str, data: bytes, mode: int = 0o644, uid: int = 0, gid: int = 0, mtime: int = EPOCH) -> None:
        entries.append(Entry(path, "file", mode, uid, gid, mtime, content=blob.add(data)))

    def directory(path: str, mode: int = 0o755, uid: int = 0, gid: int = 0, mtime: int = EPOCH) -> None:
        entries.append(Entry(path, "dir", mode, uid, gid, mtime))

    def link(path: str, target: str, mtime: int = EPOCH) -> None:
        entries.append(Entry(path, "link", 0o755, 7, 9, mtime, target))

    file("a/" + "/".join(f"d{n}" for n in range(40)) + "/deepest", b"forty down\n")
    file(f"names/{'n' * 200}", b"long name\n")
    file(f"names/{'ü' * 100}", b"long name of two-byte characters\n")
    file(f"{'d' * 200}/{'e' * 200}/{'f' * 200}/inside", b"long directories\n")
    for name in ("case", "Case", "CASE", "cAsE.Txt", "CaSe.tXt"):
        file(f"names/{name}", name.encode())
    for name in (
        "ünïcödé",
        "日本語",
        "🦆",
        "e\u0301",
        "é",
        " leading",
        "trailing ",
        "in side",
        "new\nline",
        "tab\t",
        "\x01",
    ):
        file(f"names/{name}", b"name " + name.encode())
    for name in ("a;1", "a:b", "a\\b", "'", '"', "*", "?", "[x]", "-rf", "#", "=", "%00", "~", "a.", "..a", "a..b"):
        file(f"names/{name}", b"special " + name.encode())
    for name in (".hidden", ".h", "...", "....", ". ", "..."):
        if f"names/{name}" not in {entry.path for entry in entries}:
            file(f"names/{name}", b"dots " + name.encode())
    for name in ("core.img", "CORE.IMG", "efi.img", "boot.cat", "BOOT.CAT", "rr_moved"):
        file(name, b"named like what the boot images are called: " + name.encode())
    for number in range(1000):
        file(f"same/longname{number:04d}.text", b"" if number % 3 else f"{number}".encode())
    for size in SIZES:
        file(f"sizes/{size}", chance.randbytes(size))
        file(f"sizes/{size}-other", chance.randbytes(size))
    file("sizes/large", chance.randbytes((1 << 21) + 3))
    for mode in (0o000, 0o400, 0o600, 0o644, 0o4755, 0o2755, 0o6755, 0o1644, 0o7777):
        file(f"equal/{mode:04o}", b"equal content\n", mode)
        directory(f"modes/{mode:04o}", mode)
        file(f"modes/{mode:04o}/inside", b"", mode)
    for number in (1, 32767, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1):
        file(f"owners/{number}", f"{number}".encode(), uid=number, gid=2**32 - 1 - number)
        directory(f"owners/d{number}", uid=2**32 - 1 - number, gid=number)
    for mtime in (0, 1, 86399, 951_782_400, 951_868_799, 1_078_012_800, EPOCH - 1, EPOCH, EPOCH + 1, 4_000_000_000):
        file(f"times/{mtime}", f"{mtime}".encode(), mtime=mtime)
        directory(f"times/d{mtime}", mtime=mtime)
        link(f"times/l{mtime}", "x", mtime=mtime)
    for number, target in enumerate((
        "x", "..", ".", "/", "/etc/rc", "../../../x", "./x", "x/..", "../" * 60 + "end", "/".join(["long" * 20] * 11),
        "c" * 250, "ü" * 100, "/" + "/".join("abc" * 30), "with space", "new\nline", ".hidden", "...", "a/.../b",
    )):  # fmt: skip
        link(f"links/{number:02d}", target)
    data = chance.randbytes(5000)
    for name, mode in (("one", 0o555), ("two", 0o4555), ("three", 0o600)):
        content = blob.add(data)
        entries.append(Entry(f"hard/{name}", "file", mode, 1, 2, EPOCH - 5, content=content, inode="hard"))
    entries += [
        Entry(f"hard/empty{n}", "file", 0o644, 0, 0, EPOCH, content=blob.add(b""), inode="none") for n in (1, 2)
    ]
    directory("empty directory")
    return entries
