"""Binary packages in pkg_create's form: what they say of themselves first, then files in the order of their list."""

from __future__ import annotations

import bz2
import hashlib
import io
import lzma
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from glassmaster.inputs.standin.archive import gzipped
from glassmaster.inputs.standin.content import Item

PREFIX = "/usr/pkg"
GZIP_LEVEL = XZ_PRESET = BZIP2_LEVEL = 1
PKGTOOLS_VERSION = "20091115"
COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzipped(data, GZIP_LEVEL),
    "xz": lambda data: lzma.compress(data, preset=XZ_PRESET),
    "bzip2": lambda data: bz2.compress(data, BZIP2_LEVEL),
    "none": lambda data: data,
}


@dataclass(frozen=True)
class StandinPackage:
    """A package. Paths of items are relative to the prefix; list_lines stand after the files in the packing list.

    install:     the data lines of its +INSTALL, without "# "; none: it has no +INSTALL. code: what its +INSTALL does.
    provides, requires: shared libraries. compression: a name of COMPRESSORS.
    """

    name: str
    comment: str
    items: tuple[Item, ...]
    depends: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    supersedes: tuple[str, ...] = ()
    list_lines: tuple[str, ...] = ()
    install: tuple[str, ...] = ()
    code: str = ""
    provides: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    compression: str = "gzip"

    @property
    def path(self) -> str:
        """Where its source would be in pkgsrc's tree."""
        return f"standin/{self.name.rpartition('-')[0]}"

    @property
    def size(self) -> int:
        """Bytes of its files together."""
        return sum(len(item.data) for item in self.items)


def build_info(package: StandinPackage, machine_arch: str, os_version: str) -> str:
    """+BUILD_INFO: lines of NAME=value, sorted."""
    lines = [
        "CATEGORIES=standin", f"LOCALBASE={PREFIX}", f"MACHINE_ARCH={machine_arch}", "OPSYS=NetBSD",
        f"OS_VERSION={os_version}", f"PKGPATH={package.path}", f"PKGTOOLS_VERSION={PKGTOOLS_VERSION}",
        *(f"PROVIDES={library}" for library in package.provides),
        *(f"REQUIRES={library}" for library in package.requires),
        *([f"SUPERSEDES={' '.join(package.supersedes)}"] if package.supersedes else []),
    ]  # fmt: skip
    return "".join(f"{line}\n" for line in sorted(lines))


def install_script(package: StandinPackage) -> str:
    """+INSTALL: it says what it is, and holds the data lines that pkgsrc's own scripts would read."""
    return "".join([
        "#!/bin/sh\n", f"# +INSTALL of {package.name}, of glassmaster's stand-in.\n", package.code, "exit 0\n",
        *(f"# {line}\n" for line in package.install),
    ])  # fmt: skip


def packing_list(package: StandinPackage) -> str:
    """+CONTENTS as pkg_create writes it."""
    lines = [f"@name {package.name}", f"@comment {package.comment}"]
    lines += [f"@pkgdep {pattern}" for pattern in package.depends]
    lines += [f"@pkgcfl {pattern}" for pattern in package.conflicts]
    lines.append(f"@cwd {PREFIX}")
    contents = {item.path: item.data for item in package.items}
    for item in package.items:
        data = contents[item.hardlink] if item.hardlink else item.data
        said = f"Symlink:{item.link}" if item.kind == "link" else f"MD5:{_md5(data)}"
        lines += [item.path, f"@comment {said}"]
    lines += [*package.list_lines, "@cwd ."]
    for name in (
        "+COMMENT",
        "+DESC",
        *(["+INSTALL"] if package.install else []),
        "+BUILD_INFO",
        "+SIZE_PKG",
        "+SIZE_ALL",
    ):
        lines += ["@ignore", name]
    return "".join(f"{line}\n" for line in lines)


def members(package: StandinPackage, machine_arch: str, os_version: str) -> list[Item]:
    """All members of the package's archive in their order."""
    scripts = [Item("+INSTALL", mode=0o555, data=install_script(package).encode())] if package.install else []
    return [
        Item("+CONTENTS", mode=0o644, data=packing_list(package).encode()),
        Item("+COMMENT", data=package.comment.encode()),
        Item("+DESC", data=f"{package.name} is part of glassmaster's stand-in. It is not NetBSD's.\n".encode()),
        *scripts,
        Item("+BUILD_INFO", data=build_info(package, machine_arch, os_version).encode()),
        Item("+SIZE_PKG", data=f"{package.size}\n".encode()),
        Item("+SIZE_ALL", data=f"{package.size}\n".encode()),
        *package.items,
    ]


def tar_of(items: Sequence[Item], mtime: int) -> bytes:
    """An uncompressed archive of members in the given order."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8") as tar:
        for item in items:
            info = tarfile.TarInfo(item.path)
            info.type = {"file": tarfile.REGTYPE, "dir": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}[item.kind]
            info.linkname = item.link
            if item.hardlink:
                info.type, info.linkname = tarfile.LNKTYPE, item.hardlink
            info.size = len(item.data)
            info.mode, info.uname, info.gname, info.mtime = item.mode, item.user, item.group, mtime
            tar.addfile(info, io.BytesIO(item.data))
    return stream.getvalue()


def hash_file(name: str, data: bytes, block: int = 65536) -> bytes:
    """+PKG_HASH of a package's file: what is signed."""
    digests = [hashlib.sha512(data[at : at + block]).hexdigest() for at in range(0, len(data), block)]
    lines = [
        "pkgsrc signature", "", "version: 1", f"pkgname: {name}", "algorithm: SHA512", f"block size: {block}",
        f"file size: {len(data)}", "", *digests, "end pkgsrc signature",
    ]  # fmt: skip
    return "".join(f"{line}\n" for line in lines).encode()


def ar_of(parts: Sequence[tuple[str, bytes]]) -> bytes:
    """An ar archive in BSD's form, as libarchive writes it for pkg_admin."""
    data = [b"!<arch>\n"]
    for name, part in parts:
        long = len(name) > 16 or " " in name
        raw = name.encode() if long else b""
        label = f"#1/{len(raw)}" if long else name
        data.append(f"{label:<16}{0:<12}{0:<6}{0:<6}{0o100644:<8o}{len(raw) + len(part):<10}`\n".encode())
        data += [raw, part, b"\n" * ((len(raw) + len(part)) % 2)]
    return b"".join(data)


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
