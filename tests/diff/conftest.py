"""A small release with something of every kind in it, to be changed in one thing and compared."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings

from glassmaster.atomic import write_json, write_text
from glassmaster.diff.model import Item, Result, Section, SectionName
from glassmaster.diff.parallel import both
from glassmaster.diff.releases import Terms, compare_releases
from glassmaster.diff.source import Source, open_path
from glassmaster.images.ffs.writer import write_ffs
from glassmaster.images.iso import BootImages, write_iso
from glassmaster.tree.blob import new_blob
from glassmaster.tree.entry import Entry
from glassmaster.tree.layer import Layer
from glassmaster.tree.merge import Tree, merge
from glassmaster.tree.mtree import format_mtree

settings.register_profile("diff", derandomize=True, deadline=None, database=None, max_examples=60)
settings.load_profile("diff")

EPOCH = 1_700_000_000
BOOT = BootImages(bytes(61_001), bytes(131_072), bytes(512))
HEADER = "glassmaster recipe racks, release 0123456789ab"
RC_CONF = "if [ -r /etc/defaults/rc.conf ]; then\n\t. /etc/defaults/rc.conf\nfi\nrc_configured=YES\nsshd=NO\n"
GRUB = """\
set timeout=5
set default=normal
menuentry 'NetBSD/Xen (0123456789ab)' --id normal --hotkey n {
\tmultiboot2 /boot/xen.gz 'dom0_mem=512M'
\tmodule2 /netbsd 'root=cd0a' 'console=pc'
}
"""
PASSWD = "root:$sha1$1$x:0:0::0:0:Charlie &:/root:/bin/sh\ndaemon:*:1:1::0:0:The devil:/:/sbin/nologin\n"
GROUP = "wheel:*:0:root\ndaemon:*:1:daemon\n"
INETD = "#ftp stream tcp nowait root /usr/libexec/ftpd ftpd -ll\n"
CONFIG = """\
### START CONFIG FILE "DOM0"
include "std"
options XEN, DOM0OPS
options MAXUSERS=32
pseudo-device vnd
xbd* at xenbus?
config netbsd root on cd0a type cd9660 dumps on none
### END CONFIG FILE "DOM0"
### (included from "std")
###> options INET
###> options INET6
###> no options INET6
### (end include "std")
"""


def script(name: str, *lines: str, rcvar: str = "") -> bytes:
    """A script of rc.d."""
    switch = f"rcvar={rcvar or name}\n" if rcvar != "-" else ""
    head = "".join(f"# {line}\n" for line in lines)
    return f"#!/bin/sh\n# PROVIDE: {name}\n{head}\nname={name}\n{switch}".encode()


def kernel(config: str) -> bytes:
    """A kernel with a configuration inside."""
    lines = "".join(f"_CFG_{line}\n" for line in config.splitlines())
    return b"\x7fELF\2\1\1" + bytes(57) + b"\0" + lines.encode() + b"\0"


@dataclass
class World:
    """Files with owners and origins, in the making. layers: entries by origin, in the order of merging."""

    folder: Path
    layers: dict[str, dict[str, Entry]] = field(default_factory=dict)
    data: dict[str, bytes] = field(default_factory=dict)
    images: dict[str, World] = field(default_factory=dict)
    epoch: int = EPOCH

    def file(
        self, origin: str, path: str, data: bytes | str, mode: int = 0o644, uid: int = 0, gid: int = 0,
        mtime: int = EPOCH - 5, inode: str = "",
    ) -> None:  # fmt: skip
        """A file."""
        self.data[f"{origin} {path}"] = data.encode() if isinstance(data, str) else data
        self.layers.setdefault(origin, {})[path] = Entry(path, "file", mode, uid, gid, mtime, inode=inode)

    def link(self, origin: str, path: str, target: str) -> None:
        """A symbolic link."""
        self.layers.setdefault(origin, {})[path] = Entry(path, "link", 0o755, 0, 0, EPOCH - 5, target)

    def directory(self, origin: str, path: str, mode: int = 0o755) -> None:
        """A directory."""
        self.layers.setdefault(origin, {})[path] = Entry(path, "dir", mode, 0, 0, EPOCH - 5)

    def remove(self, path: str) -> None:
        """Take a path out of every layer."""
        for entries in self.layers.values():
            entries.pop(path, None)

    def package(self, name: str, version: str, body: str = "program\n") -> None:
        """A package with one file and its database."""
        origin = f"package:{name}-{version}"
        self.file(origin, f"usr/pkg/bin/{name}", body, 0o755)
        contents = f"@name {name}-{version}\n@cwd /usr/pkg\nbin/{name}\n"
        self.file("packages", f"usr/pkg/pkgdb/{name}-{version}/+CONTENTS", contents)

    def tree(self) -> Tree:
        """All of it merged; domU images are written first."""
        for name, world in self.images.items():
            data = world.image(self.folder / "domu", name).read_bytes()
            self.file(f"domu:{name}", f"images/{name}.img", data, 0o444)
        self.folder.mkdir(parents=True, exist_ok=True)
        with new_blob(self.folder / "blob") as blob:
            layers = [
                Layer(origin, tuple(
                    Entry(
                        entry.path, entry.kind, entry.mode, entry.uid, entry.gid, entry.mtime, entry.link,
                        blob.add(self.data[f"{origin} {entry.path}"]) if entry.kind == "file" else None, entry.inode,
                    )
                    for entry in entries.values()
                ))
                for origin, entries in self.layers.items()
            ]  # fmt: skip
        return merge(layers, epoch=self.epoch)

    def image(self, folder: Path, name: str) -> Path:
        """This world as a domU's image, with what describes it."""
        tree, path = self.tree(), folder / f"{name}.img"
        folder.mkdir(parents=True, exist_ok=True)
        if name.startswith("ffs"):
            write_ffs(tree, path, version=2, epoch=self.epoch, label="ROOT", minfree=0)
        else:
            write_iso(tree, None, path, volume_id="ROOT", epoch=self.epoch)
        write_text(folder / f"{name}.mtree", format_mtree(tree, comment=HEADER))
        write_json(folder / f"{name}.json", {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
        return path

    def release(self) -> Path:
        """An out directory."""
        tree, iso = self.tree(), self.folder / "dom0.iso"
        write_iso(tree, BOOT, iso, volume_id="TEST", epoch=self.epoch)
        write_text(self.folder / "dom0.mtree", format_mtree(tree, comment=HEADER))
        write_json(
            self.folder / "dom0.json", {"sha256": hashlib.sha256(iso.read_bytes()).hexdigest(), "title": "racks"}
        )
        return self.folder

    def disc(self) -> Path:
        """The ISO alone, somewhere where nothing describes it."""
        target = self.folder.with_name(f"{self.folder.name}-bare.iso")
        (self.release() / "dom0.iso").rename(target)
        return target


def fill(world: World) -> World:
    """What every release of these tests has."""
    for path in ("bin/cat", "bin/ls", "usr/bin/su"):
        world.file("set:base", path, f"program {path}\n", 0o4555 if path.endswith("su") else 0o555)
    world.file("set:base", "usr/share/doc/one", "one text\n" * 40)
    world.file("set:base", "bin/first", "the same file\n", inode="bin/first")
    world.file("set:base", "bin/second", "the same file\n", inode="bin/first")
    world.directory("set:base", "tmp", 0o1777)
    world.link("set:base", "sys", "usr/src/sys")
    world.file("set:etc", "etc/master.passwd", PASSWD, 0o600)
    world.file("set:etc", "etc/group", GROUP)
    world.file("set:etc", "etc/inetd.conf", INETD)
    world.file("set:etc", "etc/defaults/rc.conf", "sshd=NO\nntpd=NO\nnetwork=YES\ncron=YES\n")
    world.file("set:etc", "etc/rc.conf", RC_CONF)
    world.file("set:etc", "etc/ntp.conf", "server 192.0.2.1\n")
    world.file("set:etc", "etc/rc.d/network", script("network", rcvar="-"), 0o555)
    world.file("set:etc", "etc/rc.d/sshd", script("sshd", "REQUIRE: network"), 0o555)
    world.file("set:etc", "etc/rc.d/ntpd", script("ntpd", "REQUIRE: network", "BEFORE: sshd"), 0o555)
    world.file("set:etc", "etc/rc.d/cron", script("cron", "REQUIRE: network"), 0o555)
    world.file("kernel:DOM0", "netbsd", kernel(CONFIG), 0o555)
    world.file("xen:4.17.5", "boot/xen.gz", b"\x7fELF\0xen\x004.17.5\0", 0o444)
    world.package("sudo", "1.9.14")
    world.package("screen", "4.9.1nb2")
    world.file("grub", "boot/grub/grub.cfg", GRUB, 0o444)
    world.file("overlay:dom0", "etc/rc", "#!/bin/sh\nexit 0\n", 0o755)
    return world


Change = Callable[[World], None]


@dataclass(frozen=True)
class Pairs:
    """Makes two releases that differ by what a function does to the new one, and compares them."""

    folder: Path

    def worlds(self, change: Change) -> tuple[World, World]:
        """Both, not written yet."""
        old, new = fill(World(self.folder / "old")), fill(World(self.folder / "new"))
        change(new)
        return old, new

    def compare(self, change: Change, terms: Terms | None = None) -> Result:
        """Out directories compared."""
        old, new = self.worlds(change)
        return result(old.release(), new.release(), terms)

    def bare(self, change: Change, terms: Terms | None = None) -> Result:
        """Discs compared of which nobody says anything."""
        old, new = self.worlds(change)
        return result(old.disc(), new.disc(), terms)


def opened(path: Path) -> Source:
    """A side."""
    return open_path(path, path.name)


def result(old: Path, new: Path, terms: Terms | None = None) -> Result:
    """Two paths compared."""
    work = old.parent / "work"
    work.mkdir(exist_ok=True)
    return compare_releases(*both(opened, old, new), terms or Terms(), work)


def items(found: Result, name: SectionName) -> list[Item]:
    """The items of a section of the release's own tree."""
    section: Section = found.tree.section(name)
    return list(section.items)


def only(found: Result, name: SectionName) -> Item:
    """The one item of a section."""
    (item,) = items(found, name)
    return item


@pytest.fixture
def pairs(tmp_path: Path) -> Pairs:
    """See Pairs."""
    return Pairs(tmp_path)


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., bytes]:
    """Compiles a program or library from C; build_id: hex; libraries: sonames that it needs; assembly: more of it."""
    folder = tmp_path_factory.mktemp("programs")

    def make(source: str, build_id: str = "01", libraries: tuple[str, ...] = (), assembly: str = "") -> bytes:
        key = hashlib.sha256(json.dumps([source, build_id, libraries, assembly]).encode()).hexdigest()[:12]
        target = folder / f"{key}.so"
        (folder / f"{key}.c").write_text(source)
        (folder / f"{key}-more.s").write_text(assembly + '\n.section .note.GNU-stack,"",@progbits\n')
        for name in libraries:
            if not (folder / name).exists():
                (folder / "none.c").write_text("")
                flags = ["-shared", "-nostdlib", f"-Wl,-soname,{name}"]
                subprocess.run(["gcc", *flags, "-o", folder / name, folder / "none.c"], check=True)
        subprocess.run(
            [
                "gcc", "-shared", "-nostdlib", "-Wl,--no-as-needed", f"-Wl,--build-id=0x{build_id}", "-o", target,
                folder / f"{key}.c", folder / f"{key}-more.s", *(folder / name for name in libraries),
            ],
            check=True,
        )  # fmt: skip
        return target.read_bytes()

    return make
