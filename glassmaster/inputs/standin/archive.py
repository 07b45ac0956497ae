"""Set archives in NetBSD's form: ustar, `./` first, the manifest inside (distrib/sets/maketars)."""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, cast

from glassmaster.atomic import writing
from glassmaster.inputs.standin.content import Item
from glassmaster.tree.vis import vis

# Level of compression: the stand-in is made in a second, not shipped.
XZ_PRESET, GZIP_LEVEL = 1, 1


def write_set(path: Path, name: str, items: Iterable[Item], *, epoch: int, manifest: bool = True) -> None:
    """Write a set to NAME.tar.xz or NAME.tgz. Contents are read once and not kept: a set may be large."""
    with writing(path) as raw:
        compressed = _compressor(path)(raw)
        with (
            compressed,
            tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT, encoding="utf-8") as tar,
        ):
            lines: list[bytes] = []
            hardlinked: dict[str, tuple[int, str]] = {}
            for number, item in enumerate(items):
                data = item.data
                size, sha256 = hardlinked.get(item.hardlink) or (len(data), hashlib.sha256(data).hexdigest())
                if item.kind == "file" and not item.hardlink:
                    hardlinked[item.path] = (size, sha256)
                lines.append(_manifest_line(item, size, sha256).encode())
                tar.addfile(_header(item, max(0, epoch - number % 1000)), io.BytesIO(data))
                # tarfile keeps the header of every member for a list that nobody asks for.
                tar.members = []  # type: ignore[attr-defined]
            if manifest:
                item = Item(f"etc/mtree/set.{name}")
                lines.append(f"./{item.path} type=file uname=root gname=wheel mode=0444".encode())
                body = b"\n".join([*sorted(lines), b""])
                tar.addfile(_header(item, epoch, len(body)), io.BytesIO(body))


def gzipped(data: bytes, level: int) -> bytes:
    """The data as gzip -n makes it; gzip.compress() names another operating system in each version of Python."""
    return zlib.compress(data, level, wbits=16 + zlib.MAX_WBITS)


def _compressor(path: Path) -> Callable[[IO[bytes]], IO[bytes]]:
    if path.name.endswith(".tgz"):
        # As gzip -n: neither a name nor a time in the header.
        return lambda raw: cast(IO[bytes], gzip.GzipFile("", "wb", GZIP_LEVEL, raw, 0))
    return lambda raw: cast(IO[bytes], lzma.LZMAFile(raw, "wb", preset=XZ_PRESET))


def _header(item: Item, mtime: int, size: int | None = None) -> tarfile.TarInfo:
    info = tarfile.TarInfo("./" + item.path if item.path != "." else ".")
    info.type = {"file": tarfile.REGTYPE, "dir": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}[item.kind]
    info.linkname = item.link
    if item.hardlink:
        info.type, info.linkname = tarfile.LNKTYPE, "./" + item.hardlink
    info.size = len(item.data) if size is None else size
    info.mode, info.uname, info.gname, info.mtime = item.mode, item.user, item.group, mtime
    return info


def _manifest_line(item: Item, size: int, sha256: str) -> str:
    name = "./" + vis(item.path) if item.path != "." else "."
    words = [name, f"type={item.kind}", f"uname={item.user}", f"gname={item.group}", f"mode={item.mode:04o}"]
    if item.kind == "file":
        words += [f"size={size}", f"sha256={sha256}"]
    if item.kind == "link":
        words.append(f"link={vis(item.link)}")
    return " ".join(words)
