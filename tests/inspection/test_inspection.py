"""What is in each kind of file, checked against other readers where there are any."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.inspection.look import look
from glassmaster.inspection.model import Cell, Report
from glassmaster.inspection.partitions import boot_code, read_disklabel, read_mbr
from glassmaster.inspection.volume import read_volume
from tests.inspection.conftest import CONTENTS, KERNEL, tar

ENVIRONMENT = {"PATH": os.environ["PATH"] + ":/sbin:/usr/sbin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def output(*argv: str | Path) -> str:
    return subprocess.run(argv, env=ENVIRONMENT, check=True, capture_output=True).stdout.decode()


def rows(report: Report, title: str) -> list[tuple[Cell, ...]]:
    return [row for table in report.tables if table.title.startswith(title) for row in table.rows]


def sizes(report: Report, title: str) -> dict[Cell, Cell]:
    return {row[0]: row[1] for row in rows(report, title)}


def test_a_disc(files: dict[str, Path]) -> None:
    report = look(files["disc"], "racks.iso")
    facts = dict(report.facts)
    assert (report.name, report.what) == ("racks.iso", "ISO 9660 disc")
    assert facts["volume id"] == "RACKS" and facts["created"] == "2023-11-14 22:13:20 UTC"
    assert (facts["release id"], facts["recipe"], facts["NetBSD"]) == ("0123456789ab", "racks", "10.1")
    assert facts["setuid"] == "8 files are setuid or setgid" and facts["extensions"] == "Rock Ridge"
    assert rows(report, "Packages") == [("tool-1.2nb3", 3, len(CONTENTS) + 4)]
    assert rows(report, "Sets") == [("base", 1, 7, 1)]
    assert sizes(report, "Bytes by directory")["."] == len(KERNEL)
    assert sizes(report, "Bytes by origin")["altered:base"] == 7
    kernel, broken, web = report.inside
    assert (kernel.name, broken.name, web.name) == ("netbsd", "images/broken.img", "images/web.img")
    assert dict(kernel.facts)["config netbsd"] == "root on cd0a type cd9660, dumps on none"
    assert "cannot be looked into" in broken.remarks[0] and web.what == "domU image, FFS"
    assert report.remarks == ()


def test_boot_records_as_xorriso_and_sfdisk_see_them(files: dict[str, Path]) -> None:
    report = look(files["disc"], "it")
    said = output("xorriso", "-indev", files["disc"], "-report_el_torito", "plain")
    images = re.findall(r"El Torito boot img :\s+\d+\s+(\S+)\s+(\S)\s+\S+\s+\S+\s+\S+\s+(\d+)\s+(\d+)", said)
    assert [(platform, bootable, int(size), int(block)) for platform, bootable, size, block in images] == [
        (str(row[0]), str(row[1])[0], row[4], row[3]) for row in rows(report, "El Torito")
    ]
    (part,) = json.loads(output("sfdisk", "--json", files["disc"]))["partitiontable"]["partitions"]
    (row,) = rows(report, "MBR")
    assert row == (1, "active", "EFI system", int(part["type"], 16), part["start"], part["size"])


def test_the_volume_as_isoinfo_sees_it(files: dict[str, Path]) -> None:
    said = output("isoinfo", "-d", "-i", files["disc"])
    with files["disc"].open("rb") as stream:
        volume = read_volume(stream, "it")
    assert f"Volume id: {volume.names['volume']}" in said and f"Volume size is: {volume.blocks}" in said
    assert volume.descriptors == ("primary", "boot record (EL TORITO SPECIFICATION)", "enhanced (ISO 9660:1999)", "end")


@pytest.fixture
def foreign(files: dict[str, Path], tmp_path: Path) -> Path:
    """An installation disc as somebody else makes it."""
    sets = tmp_path / "root" / "amd64" / "binary" / "sets"
    sets.mkdir(parents=True)
    shutil.copyfile(files["set"], sets / "etc.tgz")
    kernels = sets.parent / "kernel"
    kernels.mkdir()
    shutil.copyfile(files["packed-kernel"], kernels / "netbsd-GENERIC.gz")
    argv = ["genisoimage", "-quiet", "-R", "-J", "-V", "NETBSD_101", "-publisher", "The NetBSD Project"]
    subprocess.run([*argv, "-o", str(tmp_path / "boot.iso"), str(tmp_path / "root")], check=True, capture_output=True)
    return tmp_path / "boot.iso"


def test_a_disc_from_elsewhere(foreign: Path) -> None:
    report = look(foreign, "boot.iso")
    facts = dict(report.facts)
    assert facts["publisher id"].upper() == "THE NETBSD PROJECT" and "Joliet" in facts["extensions"]
    ((name, _, path),) = rows(report, "Set archives")
    assert (name, path) == ("etc", "amd64/binary/sets/etc.tgz")
    assert [inner.name for inner in report.inside] == ["amd64/binary/kernel/netbsd-GENERIC.gz"]
    assert report.remarks == ("nothing starts from it: it has no El Torito boot record and no MBR",)


def test_a_disc_that_breaks_off_and_one_with_a_gpt(files: dict[str, Path], tmp_path: Path) -> None:
    data = bytearray(files["disc"].read_bytes())
    data[446 + 4] = 0xEE
    (tmp_path / "gpt.iso").write_bytes(data)
    assert "it has a GPT" in " ".join(look(tmp_path / "gpt.iso", "it").remarks)
    struct.pack_into("<I", data, 16 * 2048 + 80, len(data))
    (tmp_path / "short.iso").write_bytes(data)
    assert "it breaks off" in " ".join(look(tmp_path / "short.iso", "it").remarks)


def test_a_catalog_that_is_none(files: dict[str, Path], tmp_path: Path) -> None:
    data = bytearray(files["disc"].read_bytes())
    (block,) = struct.unpack_from("<I", data, 17 * 2048 + 71)
    data[block * 2048 + 4] ^= 1
    (tmp_path / "it").write_bytes(data)
    assert "the boot catalog's checksum is wrong" in look(tmp_path / "it", "it").remarks
    data[block * 2048] = 9
    (tmp_path / "it").write_bytes(data)
    assert f"there is no boot catalog at block {block}" in look(tmp_path / "it", "it").remarks


def test_an_image_of_ffs(files: dict[str, Path]) -> None:
    report = look(files["ffs"], "web.img")
    facts = dict(report.facts)
    assert report.what == "FFS image" and facts["label"] == "racks" and "UFS2" in facts["file system"]
    assert rows(report, "Sets") == [("etc", 1, 6, 0)]
    assert sizes(report, "Bytes by directory")["usr"] == 5000


def test_a_hard_disk(files: dict[str, Path]) -> None:
    report = look(files["disk"], "disk")
    assert dict(report.facts)["disklabel"] == "glassmaster example"
    label = {str(row[0]): row[1:] for row in rows(report, "Disklabel")}
    said = output("mmls", "-t", "bsd", "-o", "2048", files["disk"])
    found = re.search(r" 000\s+(\d+)\s+\d+\s+(\d+)\s+4.2BSD", said)
    assert found and label["a"][1:] == (int(found[1]), int(found[2]))
    assert label["a"][0] == "4.2BSD" and label["b"][0] == "swap"
    (inside,) = report.inside
    assert inside.name == "partition a" and dict(inside.facts)["label"] == "racks" and inside.remarks == ()
    assert report.remarks == ()


def test_a_hard_disk_that_is_damaged(files: dict[str, Path], tmp_path: Path) -> None:
    data = bytearray(files["disk"].read_bytes())
    data[2049 * 512 + 30] ^= 1
    data[4096 * 512 + 65536 + 1372] ^= 1
    (tmp_path / "it").write_bytes(data[: 5000 * 512])
    report = look(tmp_path / "it", "it")
    remarks = " ".join(report.remarks)
    assert "checksum is wrong" in remarks and "partition a ends behind the end of the file" in remarks
    assert "no superblock" in report.inside[0].remarks[0]
    data[2049 * 512] ^= 1
    (tmp_path / "it").write_bytes(data)
    assert "NetBSD's part of it has no disklabel" in look(tmp_path / "it", "it").remarks


@pytest.mark.parametrize("name", ["kernel", "packed-kernel"])
def test_a_kernel(files: dict[str, Path], name: str) -> None:
    report = look(files[name], name)
    facts = dict(report.facts)
    assert facts["version"] == "NetBSD 10.1 (XEN3_DOM0) #0: Mon Dec 16 13:08:11 UTC 2024"
    assert facts["settings"] == "2 options, 1 pseudo-devices, 1 devices"
    assert ("options XEN", "") in rows(report, "Configuration") and ("packed" in facts) == (name != "kernel")


def test_a_set(files: dict[str, Path]) -> None:
    report = look(files["set"], "etc.tgz")
    assert report.what == "set of NetBSD" and dict(report.facts)["set"] == "etc"
    listed = output("bsdtar", "-tf", files["set"]).splitlines()
    counts = [int(number) for number in re.findall(r"(\d+) [a-z]", dict(report.facts)["members"].partition(";")[0])]
    assert sum(counts) == len(listed)


def test_a_package(files: dict[str, Path]) -> None:
    report = look(files["package"], "tool.tgz")
    facts = dict(report.facts)
    assert (facts["package"], facts["comment"], facts["OS_VERSION"]) == ("tool-1.2nb3", "A tool", "10.1")
    assert facts["signed"] == "no" and facts["rc.d scripts"] == "/etc/rc.d/tool"
    assert rows(report, "Other") == [("needs", "libfoo>=2"), ("conflicts with", "othertool-[0-9]*")]
    assert ("/usr/pkg/bin/tool", "4511", "root", "wheel") in rows(report, "Made")


def test_a_signed_package() -> None:
    path = Path(__file__).parents[1] / "pkgsrc_install" / "data" / "created-signed.tgz"
    facts = dict(look(path, "it").facts)
    assert facts["package"] == "created-1" and facts["signed"] == "+PKG_HASH, +PKG_GPG_SIGNATURE"


def test_a_tar_and_a_specification(files: dict[str, Path], tmp_path: Path) -> None:
    report = look(files["tar"], "it")
    assert report.what == "archive" and rows(report, "Bytes by directory") == [("a", 5), (".", 1)]
    spec = tmp_path / "spec"
    spec.write_text("#mtree v2.0\n. type=dir\n./a type=file size=5 mode=0644 uid=0 gid=0 time=0.0\n")
    report = look(spec, "it")
    assert report.what == "mtree specification" and rows(report, "Bytes by directory") == [(".", 5)]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "an empty file"),
        (b"# A title\n\ntext\n", "nothing that is known here"),
        (b"\x7fELF" + bytes(500), "an ELF file, but no kernel of NetBSD"),
        (b"\x1f\x8b" + bytes(50), "a damaged archive, or none"),
        (b"!<arch>\n", "an ar archive, and no signed package"),
        (b"\xfd7zXZ\0" + bytes(50), "a damaged archive, or none"),
        (bytes(40_000), "nothing that is known here"),
        (bytes(32769) + b"CD001" + bytes(4000), "no ISO 9660 volume"),
        (bytes(65536 + 1372) + b"\x19\x01\x54\x19" + bytes(9000), "not a sound FFS image"),
        (b"/set type=file\n. type=dir\n..\n..\n", "`..` above the top"),
        (tar({"+CONTENTS": b"@name x"}), "not the name of a package"),
    ],
)
def test_what_is_none_is_said(data: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "it").write_bytes(data)
    with pytest.raises(GlassmasterError) as caught:
        look(tmp_path / "it", "it")
    assert words in str(caught.value)


def test_what_is_no_file(files: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "dom0.iso").touch()
    os.mkfifo(tmp_path / "pipe")
    for path, words in (
        (tmp_path / "nothing", "No such file"), (tmp_path, "its disc is"), (tmp_path / "pipe", "not a plain file"),
        (tmp_path / "a\0b", "cannot be read"),
    ):  # fmt: skip
        with pytest.raises(GlassmasterError) as caught:
            look(path, "it")
        assert words in str(caught.value)


def test_sectors_that_are_none() -> None:
    assert read_mbr(b"") is None and read_mbr(bytes(512)) is None and read_disklabel(bytes(512)) is None
    assert read_mbr(b"\xff" * 510 + b"\x55\xaa") is None and read_mbr(bytes(510) + b"\x55\xaa") == ()
    assert boot_code(bytes(512)) == "none" and boot_code(b"\xfa" * 512) == "some"
