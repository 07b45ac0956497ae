"""Reading back must notice whatever is wrong with a disc, and name the path."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from glassmaster.checks import readback
from glassmaster.errors import GlassmasterError
from glassmaster.images.iso import BootImages, write_iso
from glassmaster.tree.blob import new_blob
from glassmaster.tree.entry import Entry
from glassmaster.tree.layer import Layer
from glassmaster.tree.merge import Tree, merge
from glassmaster.tree.mtree import listed

EPOCH = 1_700_000_000
FILES = {"alpha": b"A" * 3000, "beta": b"B" * 3000, "gamma": b"C" * 100_000, "zeta": b"last in its directory"}


@dataclass(frozen=True)
class Disc:
    """A finished image in memory. records: where the directory record of each name of the top directory begins."""

    data: bytearray
    records: dict[str, int]
    tree: Tree

    def px(self, name: str) -> int:
        """Where the Rock Ridge PX record of a name begins: mode, links, uid, gid from byte 4 on, 8 bytes each."""
        return self.data.index(b"PX\x24\x01", self.records[name])

    def result(self, path: Path) -> tuple[str, ...]:
        path.write_bytes(self.data)
        return readback.compare((listed(node) for node in self.tree), readback.read_iso(path)).differences


@pytest.fixture
def disc(tmp_path: Path) -> Disc:
    with new_blob(tmp_path / "blob") as blob:
        entries = [Entry(name, "file", 0o644, 0, 0, EPOCH, content=blob.add(data)) for name, data in FILES.items()]
    entries += [Entry("dir", "dir", 0o755, 0, 0, EPOCH), Entry("link", "link", 0o755, 0, 0, EPOCH, "alpha")]
    tree = merge([Layer("test", tuple(entries))], epoch=EPOCH)
    boot = BootImages(bytes(4096), bytes(4096), bytes(512))
    write_iso(tree, boot, tmp_path / "good.iso", volume_id="TEST", epoch=EPOCH)
    data = bytearray((tmp_path / "good.iso").read_bytes())
    records, at = {}, struct.unpack_from("<I", data, 16 * 2048 + 156 + 2)[0] * 2048
    while data[at]:
        name = data.find(b"NM", at, at + data[at])
        if name > 0:
            records[data[name + 5 : name + data[name + 2]].decode()] = at
        at += data[at]
    return Disc(data, records, tree)


def test_good(disc: Disc, tmp_path: Path) -> None:
    assert disc.records.keys() == {*FILES, "dir", "link"}
    assert disc.result(tmp_path / "iso") == ()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("place", ["first", "last"])
def test_a_byte_of_a_file(disc: Disc, tmp_path: Path, name: str, place: str) -> None:
    at = disc.data.index(FILES[name]) + (0 if place == "first" else len(FILES[name]) - 1)
    disc.data[at] ^= 1
    (difference,) = disc.result(tmp_path / "iso")
    assert difference.startswith(f"{name}: sha256 '")


@pytest.mark.parametrize("name", ["alpha", "dir", "link"])
@pytest.mark.parametrize(
    ("offset", "what"), [(4, "mode 0o"), (20, "uid 1 on the disc, 0"), (28, "gid 1 on the disc, 0")]
)
def test_mode_and_owners(disc: Disc, tmp_path: Path, name: str, offset: int, what: str) -> None:
    disc.data[disc.px(name) + offset] ^= 1
    assert [line.startswith(f"{name}: {what}") for line in disc.result(tmp_path / "iso")] == [True]


@pytest.mark.parametrize("name", ["alpha", "dir", "link"])
def test_times(disc: Disc, tmp_path: Path, name: str) -> None:
    second = disc.data.index(b"TF", disc.records[name]) + 5 + 5
    disc.data[second] ^= 1
    (difference,) = disc.result(tmp_path / "iso")
    assert difference.startswith(f"{name}: mtime {EPOCH ^ 1} on the disc") or difference.startswith(f"{name}: mtime ")


@pytest.mark.parametrize("byte", [b"X", b"\xff", b"/", b"."])
def test_a_name(disc: Disc, tmp_path: Path, byte: bytes) -> None:
    at = disc.data.index(b"NM", disc.records["alpha"]) + 5
    disc.data[at : at + 1] = byte
    differences = disc.result(tmp_path / "iso")
    assert "alpha: is in the tree, but not on the disc" in differences
    name = byte.decode("utf-8", "backslashreplace") + "lpha"
    assert f"{name}: is on the disc, but not in the tree" in differences


def test_a_links_target(disc: Disc, tmp_path: Path) -> None:
    disc.data[disc.data.index(b"alpha", disc.data.index(b"SL", disc.records["link"]))] = ord("X")
    assert disc.result(tmp_path / "iso") == ("link: link 'Xlpha' on the disc, 'alpha' in the tree",)


def test_an_entry_that_is_gone(disc: Disc, tmp_path: Path) -> None:
    disc.data[disc.records["zeta"]] = 0
    assert disc.result(tmp_path / "iso") == ("zeta: is in the tree, but not on the disc",)


def test_two_names_for_one(disc: Disc, tmp_path: Path) -> None:
    at = disc.data.index(b"NM", disc.records["zeta"]) + 5
    disc.data[at : at + 4] = b"beta"
    assert "beta: stands twice on the disc" in disc.result(tmp_path / "iso")


def test_two_files_exchanged(disc: Disc, tmp_path: Path) -> None:
    one, two = disc.records["alpha"] + 2, disc.records["beta"] + 2
    disc.data[one : one + 8], disc.data[two : two + 8] = disc.data[two : two + 8], disc.data[one : one + 8]
    assert sorted(line.partition(" ")[0] for line in disc.result(tmp_path / "iso")) == ["alpha:", "beta:"]


def test_a_kind(disc: Disc, tmp_path: Path) -> None:
    disc.data[disc.px("alpha") + 5] = 0o020000 >> 8  # a character device
    (difference,) = disc.result(tmp_path / "iso")
    assert difference.startswith("alpha: kind 'special' on the disc, 'file' in the tree")


def test_truncated_within_a_file(disc: Disc, tmp_path: Path) -> None:
    del disc.data[disc.data.index(FILES["gamma"]) + 50_000 :]
    with pytest.raises(GlassmasterError, match="libarchive cannot read it as an ISO") as error:
        disc.result(tmp_path / "iso")
    assert "gamma" in error.value.why


@pytest.mark.parametrize("size", [0, 100, 16 * 2048, 17 * 2048, 20 * 2048, 25 * 2048 + 10])
def test_truncated_before_the_files(disc: Disc, tmp_path: Path, size: int) -> None:
    del disc.data[size:]
    with pytest.raises(GlassmasterError, match="libarchive cannot read it as an ISO"):
        disc.result(tmp_path / "iso")


def test_no_disc_at_all(disc: Disc, tmp_path: Path) -> None:
    with pytest.raises((GlassmasterError, OSError)):
        list(readback.read_iso(tmp_path / "nothing.iso"))


def test_the_error_shows_the_first_differences(tmp_path: Path) -> None:
    result = readback.Readback(3, 3, tuple(f"file{number}: gone" for number in range(25)))
    with pytest.raises(GlassmasterError, match=r"25 differences") as error:
        readback.require_equal(result, tmp_path / "x.iso")
    lines = error.value.why.splitlines()
    assert (lines[0], lines[-1], len(lines)) == ("file0: gone", "and 5 more", 21)
    readback.require_equal(readback.Readback(3, 3, ()), tmp_path / "x.iso")


@pytest.mark.parametrize("flip", [lambda at: at, lambda at: at + 1])
def test_random_damage_is_never_a_crash(disc: Disc, tmp_path: Path, flip: Callable[[int], int]) -> None:
    start, end = min(disc.records.values()), max(disc.records.values())
    good = bytes(disc.data)
    for at in range(start, end + 100, 7):
        disc.data[:] = good
        disc.data[flip(at)] ^= 0x55
        try:
            disc.result(tmp_path / "iso")
        except GlassmasterError as error:
            assert "iso" in str(error)
