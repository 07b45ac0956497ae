"""A host's disk, read back by the Sleuth Kit."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import subprocess
import time
from pathlib import Path

import pytest

from glassmaster.config.disk import DiskFacts, Wanted, write_host_disk
from glassmaster.config.tree import read_config_tree
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.accounts import Accounts
from tests.config.conftest import GUEST, HOST, Example

NAME = "dom0.example.org"
EPOCH = 1_700_000_000
WANTED = Wanted(".glassmaster-config", EPOCH, None)
SECTOR = 512


@pytest.fixture
def example(example: Example) -> Example:
    """The example with a small disk: what is read takes time."""
    for old, new in (("128 ", "12 "), ("512 ", "4 "), ("256 ", "6 "), ("config: 32, swap: 128", "config: 8, swap: 4")):
        example.change(
            f"{HOST}/host.yaml", f": {old}" if old[0].isdigit() else old, f": {new}" if old[0].isdigit() else new
        )
    return example


def written(example: Example, target: Path, wanted: Wanted = WANTED) -> DiskFacts:
    return write_host_disk(read_config_tree(example.root), NAME, wanted, target)


def output(*argv: str | Path) -> str:
    return subprocess.run([str(word) for word in argv], capture_output=True, check=True, text=True).stdout


def start_of(facts: DiskFacts, letter: str) -> str:
    return next(str(place.start) for place in facts.places if place.partition.letter == letter)


def contents(image: Path, start: str) -> dict[str, tuple[str, str, int, int, int, bytes]]:
    """Path to type, mode, uid, gid, mtime and bytes (a link's target), as fls and icat see them."""
    found = {}
    for line in output("fls", "-r", "-m", "", "-o", start, image).splitlines():
        _, name, inode, mode, uid, gid, _, _, mtime, *_ = line.split("|")
        path, _, _ = name.lstrip("/").partition(" -> ")
        if "$OrphanFiles" in path:
            continue
        kind, permissions = mode.split("/")[1][0], mode.split("/")[1][1:]
        data = b""
        if kind == "r":
            command = ["icat", "-o", start, str(image), inode]
            data = subprocess.run(command, capture_output=True, check=True).stdout
        elif kind == "l":
            data = name.partition(" -> ")[2].encode()
        found[path] = (kind, permissions, int(uid), int(gid), int(mtime), data)
    return found


def test_it_holds_what_it_should(example: Example, tmp_path: Path) -> None:
    example.add(f"{HOST}/.mtree", "./etc/rc.conf mode=0640 uid=7 gid=8\n")
    facts = written(example, tmp_path / "d.img")
    assert [(slot.letter, slot.use, slot.owner) for slot in facts.slots] == [
        ("a", "config", ""), ("b", "swap", ""), ("e", "var", ""), ("f", "config", "web"), ("g", "swap", "web"),
    ]  # fmt: skip
    assert re.search(r"0000002048 .* NetBSD \(0xa9\)", output("mmls", tmp_path / "d.img"))
    found = contents(tmp_path / "d.img", start_of(facts, "a"))
    files = {path: data for path, (kind, *_, data) in found.items() if kind == "r"}
    wanted = {f"local/{path.relative_to(example.root / HOST)}": path for path in files_below(example.root / HOST)}
    wanted |= {
        f"global/{path.relative_to(example.root / 'global')}": path for path in files_below(example.root / "global")
    }
    assert files == {".glassmaster-config": b"", **{name: path.read_bytes() for name, path in wanted.items()}}
    assert {item[4] for item in found.values()} == {EPOCH}
    modes = {path: item[1:4] for path, item in found.items()}
    assert modes["local/etc/rc.conf"] == ("rw-r-----", 7, 8)
    assert modes["local/accounts"] == ("rwx------", 0, 0)
    assert modes["local/accounts/master.passwd"] == ("rw-------", 0, 0)
    assert modes["local/accounts/ssh/root"] == ("rwx------", 0, 0)
    assert modes["global/hosts"] == ("rw-r--r--", 0, 0)
    assert modes[".glassmaster"] == ("rwx------", 0, 0)
    assert found["local/etc/resolv.conf"][0] == "l"


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def test_a_virtual_machine_has_its_own(example: Example, tmp_path: Path) -> None:
    facts = written(example, tmp_path / "d.img")
    found = contents(tmp_path / "d.img", start_of(facts, "f"))
    assert found["local/etc/rc.conf"][5] == (example.root / GUEST / "etc/rc.conf").read_bytes()
    assert found["global/hosts"][5] == (example.root / "global/hosts").read_bytes()
    assert ".glassmaster-config" in found
    assert contents(tmp_path / "d.img", start_of(facts, "e")) == {}


def test_swap_is_empty_and_takes_no_room(example: Example, tmp_path: Path) -> None:
    facts = written(example, tmp_path / "d.img")
    with (tmp_path / "d.img").open("rb") as image:
        image.seek(int(start_of(facts, "b")) * SECTOR)
        assert not any(image.read(1 << 20))
    assert (tmp_path / "d.img").stat().st_blocks * SECTOR < 4 << 20 < (tmp_path / "d.img").stat().st_size


def test_the_same_bytes_every_time(example: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(example, tmp_path / "d.img")
    # Elsewhere, by another order and time of files, by another umask, zone and clock, with Subversion's data.
    other = Example(tmp_path / "else where")
    for path in sorted(example.root.rglob("*"), reverse=True):
        place = other.root / path.relative_to(example.root)
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            place.symlink_to(path.readlink())
        elif path.is_file():
            shutil.copyfile(path, place)
            os.utime(place, (1, 1))
            place.chmod(0o600)
    other.write(f"{HOST}/.svn/wc.db", "x")
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    monkeypatch.setattr(time, "time", lambda: 4e9)
    before = os.umask(0o000)
    try:
        written(other, tmp_path / "out/e.img")
    finally:
        os.umask(before)
    assert digest(tmp_path / "d.img") == digest(tmp_path / "out/e.img")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["e.img"]


def digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def test_only_the_user_can_read_it(example: Example, tmp_path: Path) -> None:
    written(example, tmp_path / "d.img")
    assert stat.S_IMODE((tmp_path / "d.img").stat().st_mode) == 0o600


def test_names_of_users(example: Example, tmp_path: Path) -> None:
    example.add(f"{HOST}/.mtree", "./restart uname=www gname=svn\n")
    with pytest.raises(GlassmasterError, match=r"\.mtree:5: unknown user 'www'"):
        written(example, tmp_path / "d.img")
    release = Wanted(WANTED.marker, EPOCH, Accounts({"root": 0, "www": 24}, {"wheel": 0, "svn": 9}))
    example.write(f"{HOST}/accounts/group", "svn:*:1001:\n")
    facts = written(example, tmp_path / "d.img", release)
    assert contents(tmp_path / "d.img", start_of(facts, "a"))["local/restart"][2:4] == (24, 1001)


def test_a_disk_of_a_size(example: Example, tmp_path: Path) -> None:
    example.change(f"{HOST}/host.yaml", "  name: wd0", "  name: wd0\n  size: 64")
    written(example, tmp_path / "d.img")
    assert (tmp_path / "d.img").stat().st_size == 64 << 20


@pytest.mark.parametrize(
    ("path", "old", "new", "message"),
    [
        ("host.yaml", "  name: wd0", "  name: wd0\n  size: 20", "the partitions take"),
        ("host.yaml", "    web:", "    db: {}\n    web:", "there is no vservers/db"),
        ("domUs/web/domu.conf", "memory", "memry", "domu.conf:2: memry: no such key"),
    ],
)
def test_what_makes_no_disk(example: Example, tmp_path: Path, path: str, old: str, new: str, message: str) -> None:
    example.change(f"{HOST}/{path}", old, new)
    (tmp_path / "out").mkdir()
    with pytest.raises(GlassmasterError) as caught:
        written(example, tmp_path / "out/d.img")
    assert re.search(message, str(caught.value))
    assert list((tmp_path / "out").iterdir()) == []


def test_more_than_the_partition_holds(example: Example, tmp_path: Path) -> None:
    example.write(f"{HOST}/large", bytes(range(256)) * (13 << 12))
    with pytest.raises(GlassmasterError) as caught:
        written(example, tmp_path / "d.img")
    assert f"{HOST}/host.yaml: partition a, 12 MiB, cannot be made" in str(caught.value)


def test_hosts_that_there_are_not(example: Example, tmp_path: Path) -> None:
    with pytest.raises(GlassmasterError, match="there is no pservers/x") as caught:
        write_host_disk(read_config_tree(example.root), "x", WANTED, tmp_path / "d.img")
    assert "there are: dom0.example.org" in str(caught.value)
    (example.root / HOST / "host.yaml").unlink()
    with pytest.raises(GlassmasterError, match=r"host\.yaml: there is none"):
        written(example, tmp_path / "d.img")


def test_a_mistake_of_another_host_is_its_own(example: Example, tmp_path: Path) -> None:
    example.write("pservers/other/etc/rc.conf", "a = b\n")
    written(example, tmp_path / "d.img")


def test_where_nothing_can_be_written(example: Example, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(GlassmasterError, match="cannot be written"):
        written(example, tmp_path / "file/d.img")
