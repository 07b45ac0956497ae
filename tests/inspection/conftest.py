"""One small file of each kind that can be looked into."""

from __future__ import annotations

import gzip
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from glassmaster.images.disk import DiskPlan, Partition, write_disk
from glassmaster.images.ffs.writer import write_ffs
from glassmaster.images.iso import BootImages, write_iso
from glassmaster.inputs.standin import content as standin
from glassmaster.inputs.standin.archive import write_set
from glassmaster.tree.blob import new_blob
from glassmaster.tree.entry import Entry
from glassmaster.tree.layer import Layer
from glassmaster.tree.merge import Tree, merge

EPOCH = 1_700_000_000
MIB = 1 << 20
BOOT = BootImages(bytes(61_001), bytes(131_072), b"GRUB".rjust(512, b"\0"))
CONFIG = (
    b'_CFG_### START CONFIG FILE "XEN3_DOM0"\n_CFG_options INCLUDE_CONFIG_FILE\n_CFG_options XEN\n'
    b"_CFG_pseudo-device vnd\n_CFG_xbd* at xenbus?\n_CFG_config netbsd root on cd0a type cd9660 dumps on none\n"
    b'_CFG_### END CONFIG FILE "XEN3_DOM0"\n\0'
)
COMMENT = b"_CFG_options \tCOMPAT_15\t# compatibility with NetBSD 1.5,\n"
KERNEL = b"\x7fELF" + bytes(60) + COMMENT + b"\0NetBSD 10.1 (XEN3_DOM0) #0: Mon Dec 16 13:08:11 UTC 2024\n\0" + CONFIG
CONTENTS = (
    b"@name tool-1.2nb3\n@cwd /usr/pkg\n@pkgdep libfoo>=2\n@pkgcfl othertool-[0-9]*\nbin/tool\n"
    b"@comment MD5:d41d8cd98f00b204e9800998ecf8427e\n"
)
INSTALL = b"#!/bin/sh\n# PERMS: bin/tool 4511 root wheel\n# FILE: /etc/rc.d/tool cr share/tool 0755\n"
RELEASE = b"A release\nrelease_id=0123456789ab\nrecipe=racks\nnetbsd=10.1\nmachine=amd64\n"


def tree(files: dict[str, bytes], folder: Path, *, mode: int = 0o644) -> Tree:
    """A tree of files by path."""
    with new_blob(folder / "tree.blob") as blob:
        entries = [Entry(path, "file", mode, 0, 0, EPOCH, content=blob.add(data)) for path, data in files.items()]
    return merge([Layer("all", tuple(entries))], epoch=EPOCH)


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Files by what they are."""
    top = tmp_path_factory.mktemp("looked")
    found = {name: top / name for name in ("disc", "ffs", "disk", "kernel", "packed-kernel", "set", "package", "tar")}
    inner = {"etc/motd": b"hello\n", "etc/mtree/set.etc": b"./etc/motd type=file\n", "usr/x": b"x" * 5000}
    write_ffs(tree(inner, top), found["ffs"], version=2, epoch=EPOCH, label="racks")
    on_disc = {
        "netbsd": KERNEL, "etc/glassmaster/release": RELEASE, "images/web.img": found["ffs"].read_bytes(),
        "images/broken.img": b"no image at all",
        "usr/pkg/pkgdb/tool-1.2nb3/+CONTENTS": CONTENTS, "usr/pkg/bin/tool": b"tool",
        "etc/mtree/set.base": b"./netbsd.old type=file\n./bin/cat type=file sha256=00\n", "bin/cat": b"changed",
    }  # fmt: skip
    write_iso(tree(on_disc, top, mode=0o4755), BOOT, found["disc"], volume_id="RACKS", epoch=EPOCH)
    plan = DiskPlan((Partition("a", "4.2BSD", 2 * MIB, found["ffs"]), Partition("b", "swap", MIB)), "example")
    write_disk(plan, found["disk"])
    found["kernel"].write_bytes(KERNEL)
    found["packed-kernel"].write_bytes(gzip.compress(KERNEL, mtime=0))
    write_set(found["set"], "etc", standin.etc(), epoch=EPOCH)
    members = {"+CONTENTS": CONTENTS, "+COMMENT": b"A tool\n", "+DESC": b"", "+INSTALL": INSTALL, "bin/tool": b"tool"}
    members["+BUILD_INFO"] = b"OPSYS=NetBSD\nOS_VERSION=10.1\nMACHINE_ARCH=x86_64\n"
    found["package"].write_bytes(gzip.compress(tar(members), mtime=0))
    found["tar"].write_bytes(tar({"a/b": b"12345", "c": b"1"}))
    return found


def tar(members: dict[str, bytes]) -> bytes:
    """An uncompressed tar."""
    stream = BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, BytesIO(data))
    return stream.getvalue()
