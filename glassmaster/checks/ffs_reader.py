"""A second reader of FFS images: what is in one, and whether its books are right, as fsck_ffs(8) would ask.

It shares nothing with the writer: every offset stands here again, as in struct fs, struct cg and struct ufs*_dinode.
"""

from __future__ import annotations

import mmap
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KINDS = {0o100000: "file", 0o040000: "dir", 0o120000: "link"}
ENTRY_TYPES = {"dir": 4, "file": 8, "link": 10}


@dataclass(frozen=True)
class Found:
    """A file as the image has it. blocks: (address, fragments) of all that it holds, indirect blocks too."""

    number: int
    kind: str
    mode: int
    links: int
    uid: int
    gid: int
    size: int
    times: frozenset[int]
    held: int
    generation: int
    data: tuple[tuple[int, int], ...]
    indirect: tuple[int, ...]
    inline: bytes


class DamagedImageError(ValueError):
    """An image that cannot be one; its text says what and where."""


def _require(is_right: bool, what: str) -> None:
    if not is_right:
        raise DamagedImageError(what)


class Image:
    """An open image. Reading anything of a damaged one raises DamagedImageError, IndexError or struct.error.

    start: where it begins in the file, for a partition of a disk.
    """

    def __init__(self, path: Path, start: int = 0) -> None:
        _require(start % mmap.ALLOCATIONGRANULARITY == 0, f"a partition at byte {start:,} cannot be read")
        with path.open("rb") as stream:
            self.bytes = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ, offset=start)
        for start, magic, version in ((65536, 0x19540119, 2), (8192, 0x011954, 1), (8192, 0x19540119, 2)):
            if self.bytes[start + 1372 : start + 1376] == struct.pack("<I", magic):
                self.version, self.superblock = version, self.bytes[start : start + 8192]
                break
        else:
            raise DamagedImageError("no superblock")
        self.sblkno, self.cblkno, self.iblkno, self.dblkno = self.ints(8, 4)
        self.ncg, self.bsize, self.fsize, self.frag = self.ints(44, 4)
        self.cssize, self.cgsize = self.ints(156, 2)
        self.ipg, self.fpg = self.ints(184, 2)
        self.size, self.dsize, self.csaddr = struct.unpack_from("<3q", self.superblock, 1080)
        self.wide = "q" if version == 2 else "i"

    def ints(self, offset: int, count: int) -> tuple[int, ...]:
        """Some of the superblock's 32-bit fields."""
        return struct.unpack_from(f"<{count}i", self.superblock, offset)

    def fragments(self, address: int, count: int) -> bytes:
        """Bytes at an address."""
        return self.bytes[address * self.fsize : (address + count) * self.fsize]

    def inode(self, number: int) -> Found:
        """Read an inode, and follow its addresses."""
        group, index = divmod(number, self.ipg)
        size = 128 * self.version
        at = (group * self.fpg + self.iblkno) * self.fsize + index * size
        raw = self.bytes[at : at + size]
        mode, links = struct.unpack_from("<Hh", raw)
        if self.version == 1:
            (length,), times = struct.unpack_from("<Q", raw, 8), struct.unpack_from("<6i", raw, 16)
            where, (held, generation, uid, gid) = raw[40:100], struct.unpack_from("<IiII", raw, 104)
            _require(
                not any(times[1::2]) and not any(raw[4:8] + raw[100:104] + raw[120:]), f"inode {number}: spare bytes"
            )
            times = times[::2]
        else:
            (uid, gid), (length, held) = struct.unpack_from("<II", raw, 4), struct.unpack_from("<QQ", raw, 16)
            times, (generation,) = struct.unpack_from("<4q", raw, 32), struct.unpack_from("<i", raw, 80)
            where = raw[112:232]
            _require(not any(raw[12:16] + raw[64:80] + raw[84:112] + raw[232:]), f"inode {number}: spare bytes")
        _require(mode & 0o170000 in KINDS, f"inode {number}: mode {mode:o}")
        _require(length <= len(self.bytes), f"inode {number}: {length:,} bytes, more than the image has")
        kind = KINDS[mode & 0o170000]
        _require(length <= len(self.bytes), f"inode {number}: {length} bytes, more than the image has")
        data: list[tuple[int, int]] = []
        indirect: list[int] = []
        inline = b""
        if kind == "link" and length < len(where):
            inline = where[:length]
            _require(not any(where[length:]), f"inode {number}: bytes behind the link")
        else:
            pointers = struct.unpack(f"<15{self.wide}", where)
            rest = -(-length // self.fsize)
            for address in pointers[:12]:
                rest = self._data(address, rest, data, tail=True)
            for level, address in enumerate(pointers[12:], 1):
                rest = self._table(address, level, rest, data, indirect)
            _require(rest == 0, f"inode {number}: too few addresses")
        return Found(
            number, kind, mode & 0o7777, links, uid, gid, length, frozenset(times), held, generation,
            tuple(data), tuple(indirect), inline,
        )  # fmt: skip

    def _data(self, address: int, rest: int, data: list[tuple[int, int]], *, tail: bool) -> int:
        if rest <= 0:
            _require(address == 0, f"an address {address} behind the end of a file")
            return 0
        data.append((address, min(rest, self.frag) if tail else self.frag))
        return max(0, rest - self.frag)

    def _table(self, address: int, level: int, rest: int, data: list[tuple[int, int]], indirect: list[int]) -> int:
        if rest <= 0:
            _require(address == 0, f"an address {address} behind the end of a file")
            return 0
        indirect.append(address)
        for pointer in struct.unpack(
            f"<{self.bsize // struct.calcsize(self.wide)}{self.wide}", self.fragments(address, self.frag)
        ):
            if level > 1:
                rest = self._table(pointer, level - 1, rest, data, indirect)
            else:
                rest = self._data(pointer, rest, data, tail=False)
        return rest

    def content(self, found: Found) -> bytes:
        """The bytes of a file, directory or link."""
        if found.inline or not found.size:
            return found.inline
        data = b"".join(self.fragments(address, count) for address, count in found.data)
        _require(not any(data[found.size :]), f"inode {found.number}: bytes behind the end of the file")
        return data[: found.size]

    def records(self, directory: Found) -> Iterator[tuple[str, int, int]]:
        """Name, inode and type of what a directory holds."""
        data = self.content(directory)
        where = f"directory {directory.number}"
        _require(len(data) % 512 == 0 and len(data) > 0, f"{where}: {len(data)} bytes")
        at = 0
        while at < len(data):
            number, length, kind, size = struct.unpack_from("<IHBB", data, at)
            fits = length % 4 == 0 and length >= 8 + size + 1 and at // 512 == (at + length - 1) // 512
            _require(fits, f"{where}: a record of {length} bytes at {at}")
            _require(not any(data[at + 8 + size : at + length]), f"{where}: bytes behind a name at {at}")
            yield data[at + 8 : at + 8 + size].decode(), number, kind
            at += length

    def walk(self) -> Iterator[tuple[str, Found]]:
        """Every path, the root as ".", and its file."""
        todo = [(".", 2, 2)]
        directories = {2}
        while todo:
            path, number, above = todo.pop()
            found = self.inode(number)
            yield path, found
            if found.kind == "dir":
                (dot, *first), (dots, *second), *rest = self.records(found)
                _require((dot, first, dots, second) == (".", [number, 4], "..", [above, 4]), f"{path}: wrong . or ..")
                for name, child, kind in rest:
                    below = name if path == "." else f"{path}/{name}"
                    _require(kind == ENTRY_TYPES[self.inode(child).kind], f"{below}: of another type than its inode")
                    if kind == 4:
                        _require(child not in directories, f"{below}: directory {child} has a second name")
                        directories.add(child)
                        todo.append((below, child, number))
                    else:
                        yield below, self.inode(child)


def complaints(image: Image) -> list[str]:
    """What is wrong with the books: links, blocks held, bitmaps, totals, copies of the superblock."""
    wrong: list[str] = []
    names: Counter[int] = Counter()
    files: dict[int, Found] = {}
    for path, found in image.walk():
        names[found.number] += 1
        files[found.number] = found
        if found.kind == "dir":
            children = sum(kind == 4 for _, _, kind in image.records(found)) - 2
            names[found.number] = 2 + children
        if len(found.times) != 1:
            wrong.append(f"{path}: times {set(found.times)}")
    taken = set(range(image.dblkno + image.cssize // image.fsize))
    for group in range(1, image.ncg):
        taken |= set(range(group * image.fpg + image.sblkno, group * image.fpg + image.dblkno))
    for found in files.values():
        if found.links != names[found.number]:
            wrong.append(f"inode {found.number}: {found.links} links, {names[found.number]} names")
        held = [*found.data, *((address, image.frag) for address in found.indirect)]
        for address, count in held:
            if address // image.frag != (address + count - 1) // image.frag:
                wrong.append(f"inode {found.number}: fragments of two blocks")
            wrong += [f"inode {found.number}: {at} is taken" for at in range(address, address + count) if at in taken]
            taken |= set(range(address, address + count))
        if found.held * 512 != sum(count for _, count in held) * image.fsize:
            wrong.append(f"inode {found.number}: says that it holds {found.held} sectors")
    if any(not 0 <= at < image.size for at in taken):
        wrong.append("blocks beyond the end")
    totals: Counter[str] = Counter()
    for group in range(image.ncg):
        totals += _group(image, group, files, taken, wrong)
    cstotal = dict(
        zip(("ndir", "nbfree", "nifree", "nffree"), struct.unpack_from("<4q", image.superblock, 1008), strict=True)
    )
    if any(totals[name] != value for name, value in cstotal.items()):
        wrong.append(f"superblock says {cstotal}, groups have {totals}")
    return wrong


def _group(image: Image, group: int, files: dict[int, Found], taken: set[int], wrong: list[str]) -> Counter[str]:
    base = group * image.fpg
    length = min(image.fpg, image.size - base)
    start = (base + image.cblkno) * image.fsize
    block = image.bytes[start : start + image.cgsize]
    header = struct.unpack_from("<4xi4xi4xi", block)
    if header != (0x090255, group, length):
        wrong.append(f"group {group}: header {header}")
    free = [base + n not in taken for n in range(length)]
    blocks = [free[n : n + image.frag] for n in range(0, length, image.frag)]
    used = [number - group * image.ipg for number in {0, 1, *files} if number // image.ipg == group]
    sizes: Counter[int] = Counter()
    for bits in blocks:
        if not all(bits):
            sizes.update(map(len, "".join("x" if bit else " " for bit in bits).split()))
    counted: dict[str, Any] = {
        "ndir": sum(found.kind == "dir" for found in files.values() if found.number // image.ipg == group),
        "nbfree": sum(map(all, blocks)),
        "nifree": image.ipg - len(used),
        "nffree": sum(size * count for size, count in sizes.items()),
    }
    says = dict(zip(counted, struct.unpack_from("<4i", block, 24), strict=True))
    at = image.csaddr * image.fsize + group * 16
    table = dict(zip(counted, struct.unpack("<4i", image.bytes[at : at + 16]), strict=True))
    if not says == table == counted:
        wrong.append(f"group {group}: says {says}, table says {table}, has {counted}")
    if struct.unpack_from("<8i", block, 52) != tuple(sizes[n] for n in range(8)):
        wrong.append(f"group {group}: cg_frsum")
    inode_map, free_map, end, sums, clusters, cluster_blocks = struct.unpack_from("<6i", block, 92)
    if end > image.cgsize or (sums and sums + 4 < free_map + image.fpg // 8):
        wrong.append(f"group {group}: maps overlap")
    wrong += [f"group {group}: {what} map" for what, at, bits in (
        ("inode", inode_map, [n in used for n in range(image.ipg)]),
        ("free", free_map, free + [False] * (image.fpg - length)),
        ("cluster", clusters, [all(bits) for bits in blocks] if clusters else []),
    ) if not _same(block[at:], bits)]  # fmt: skip
    (most,) = image.ints(1316, 1)
    runs = Counter(min(len(run), most) for run in "".join("x" if all(bits) else " " for bits in blocks).split())
    if clusters and (
        struct.unpack_from(f"<{most}i", block, sums + 4) != tuple(runs[n] for n in range(1, most + 1))
        or cluster_blocks != len(blocks)
    ):
        wrong.append(f"group {group}: runs of free blocks")
    start = (base + image.sblkno) * image.fsize
    if image.bytes[start : start + 8192] != image.superblock:
        wrong.append(f"group {group}: its copy of the superblock differs")
    return Counter(counted)


def _same(raw: bytes, bits: list[bool]) -> bool:
    return all(bool(raw[n // 8] >> n % 8 & 1) == bit for n, bit in enumerate(bits))
