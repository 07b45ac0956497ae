"""Writes a tree as an FFS image: plan, choose a shape that has room, stream the contents to their places."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from glassmaster.atomic import writing
from glassmaster.errors import GlassmasterError
from glassmaster.images.ffs import inode as inodes
from glassmaster.images.ffs.blocks import BlockMap, block_map
from glassmaster.images.ffs.fit import Room, fitted
from glassmaster.images.ffs.group import Totals, Used, group_blocks, tails_by_group
from glassmaster.images.ffs.layout import SUPERBLOCK_AT, Layout, Version
from glassmaster.images.ffs.plan import LATEST_TIME, Inode, Plan, planned
from glassmaster.images.ffs.superblock import LONGEST_LABEL, Identity, superblock
from glassmaster.tree.entry import Content
from glassmaster.tree.merge import Tree

COPY_BYTES = 1 << 20
_ZEROS = bytes(COPY_BYTES)


@dataclass(frozen=True)
class FfsFacts:
    """What was written. size: bytes of the image; free_bytes: for anyone, without the reserve."""

    version: Version
    size: int
    block_size: int
    fragment_size: int
    groups: int
    inodes: int
    free_inodes: int
    free_bytes: int


def write_ffs(
    tree: Tree,
    target: Path,
    *,
    version: Version,
    epoch: int,
    label: str = "",
    size: int | None = None,
    free_space: int = 0,
    free_inodes: int | None = None,
    block_size: int = 16384,
    fragment_size: int = 2048,
    minfree: int = 5,
) -> FfsFacts:
    """Write `tree` as a clean UFS1 or UFS2 image, little endian, to `target`: whole or not at all.

    size:        bytes of the image; None for as many as the tree takes with `free_space` bytes to spare.
    free_inodes: files that can be added; None for one to each four fragments of free space, as newfs(8) does.
    minfree:     per cent of the data that only root may fill.
    label:       at most 31 bytes; with `epoch` it makes the file system's id and its generation numbers.

    Equal arguments give equal bytes. Blocks of zeros are left out of the file where the host can do so. Raises
    GlassmasterError where the tree has no room in `size`, or holds what an FFS cannot.
    """
    _check(version, epoch, label, block_size, fragment_size, minfree)
    plan = planned(tree, version, block_size, fragment_size)
    room = Room(version, block_size, fragment_size, minfree, len(plan.inodes), plan.blocks)
    layout = fitted(room, size=size, free_space=free_space, free_inodes=free_inodes)
    identity = Identity(label, epoch, minfree)
    with writing(target) as stream, ExitStack() as opened:
        image = _Image(stream, layout, identity, opened)
        stream.truncate(layout.fragments * fragment_size if size is None else size)
        for inode in plan.inodes:
            image.add(inode)
        totals = image.finish(plan)
        written = os.fstat(stream.fileno()).st_size
    free = totals.blocks * layout.per_block + totals.fragments - layout.data_fragments * minfree // 100
    return FfsFacts(
        version, written, block_size, fragment_size, layout.groups, layout.inodes, totals.inodes,
        max(free, 0) * fragment_size,
    )  # fmt: skip


class _Image:
    """An image that is being written; keeps the blobs open that its contents come from."""

    def __init__(self, stream: BinaryIO, layout: Layout, identity: Identity, opened: ExitStack) -> None:
        self._image = stream.fileno()
        self._layout = layout
        self._identity = identity
        self._opened = opened
        self._blobs: dict[Path, int] = {}

    def add(self, inode: Inode) -> None:
        """Write an inode, its indirect blocks and its data."""
        layout = self._layout
        if inode.inline:
            assert isinstance(inode.source, bytes)
            where = inode.source
        else:
            found = self._places(inode)
            for address, listed in found.tables:
                self._write(inodes.table(layout.version, listed), address * layout.fragment_bytes)
            for position, start, length in _stretches(found.data, layout, inode.size):
                self._fill(inode, position, start, length)
            where = inodes.addresses(layout.version, found.direct, found.indirect)
        tail = inode.tail.fragments if inode.tail else 0
        packed = inodes.packed(
            layout.version, inode.entry, links=inode.links, size=inode.size, where=where,
            held=inode.blocks * layout.block_bytes + tail * layout.fragment_bytes,
            generation=inodes.generation(inode.number, self._identity.seed),
        )  # fmt: skip
        self._write(packed, layout.inode_at(inode.number))

    def finish(self, plan: Plan) -> Totals:
        """Write the groups, the table of their totals and all superblocks."""
        layout, unit = self._layout, self._layout.fragment_bytes
        used = Used(
            len(plan.inodes),
            plan.blocks,
            tails_by_group(layout, plan.free_tails),
            Counter(number // layout.group_inodes for number in plan.directories),
        )
        all_totals = []
        for number, (block, totals) in enumerate(group_blocks(layout, used, self._identity.epoch)):
            self._write(block, (number * layout.group_fragments + layout.group_block) * unit)
            all_totals.append(totals)
        self._write(b"".join(totals.packed() for totals in all_totals), layout.data * unit)
        total = Totals(
            sum(totals.directories for totals in all_totals),
            sum(totals.blocks for totals in all_totals),
            sum(totals.inodes for totals in all_totals),
            sum(totals.fragments for totals in all_totals),
        )
        block = superblock(layout, self._identity, total)
        self._write(block, SUPERBLOCK_AT[layout.version])
        for number in range(layout.groups):
            self._write(block, (number * layout.group_fragments + layout.superblock_copy) * unit)
        return total

    def _places(self, inode: Inode) -> BlockMap:
        layout = self._layout
        addresses = layout.addresses(inode.whole, inode.blocks)
        found = block_map(addresses, inode.data_blocks, layout.pointers_per_block)
        if inode.tail:
            address = layout.address(inode.tail.block) + inode.tail.first
            found.direct.append(address)
            found.data.append(address)
        return found

    def _fill(self, inode: Inode, position: int, start: int, length: int) -> None:
        """Put `length` bytes of a file, from `start` on, at a position of the image."""
        if isinstance(inode.source, bytes):
            self._write(inode.source[start : start + length], position)
            return
        content = inode.source
        blob = self._blob(content)
        for done in range(0, length, COPY_BYTES):
            piece = os.pread(blob, min(COPY_BYTES, length - done), content.offset + start + done)
            if len(piece) < min(COPY_BYTES, length - done):
                raise GlassmasterError(
                    f"{content.blob}: ends before the content of {inode.entry.path} does",
                    hint="it was changed while the image was written, or it is damaged: make it again",
                )
            self._write(piece, position + done)

    def _write(self, data: bytes, position: int) -> None:
        if data == (_ZEROS if len(data) == COPY_BYTES else _ZEROS[: len(data)]):
            return
        view = memoryview(data)
        while view:
            written = os.pwrite(self._image, view, position)
            view, position = view[written:], position + written

    def _blob(self, content: Content) -> int:
        if content.blob not in self._blobs:
            try:
                stream = self._opened.enter_context(content.blob.open("rb"))
            except OSError as error:
                raise GlassmasterError(f"{content.blob}: cannot be read", why=str(error)) from error
            self._blobs[content.blob] = stream.fileno()
        return self._blobs[content.blob]


def _stretches(data: list[int], layout: Layout, size: int) -> Iterator[tuple[int, int, int]]:
    """The blocks of a file as stretches side by side: the position in the image, from which byte on, how many."""
    first = 0
    for index in range(1, len(data) + 1):
        if index == len(data) or data[index] != data[index - 1] + layout.per_block:
            start = first * layout.block_bytes
            yield data[first] * layout.fragment_bytes, start, min(index * layout.block_bytes, size) - start
            first = index


def _check(version: Version, epoch: int, label: str, block_size: int, fragment_size: int, minfree: int) -> None:
    if not (
        all(size.bit_count() == 1 for size in (block_size, fragment_size))
        and 4096 <= block_size <= 65536
        and max(512, block_size // 8) <= fragment_size <= block_size
    ):
        raise GlassmasterError(
            f"an FFS cannot have blocks of {block_size} and fragments of {fragment_size} bytes",
            why="blocks have 4096 to 65536 bytes, fragments a whole, half, quarter or eighth of that, but at least 512",
        )
    if not 0 <= minfree <= 99:
        raise GlassmasterError(f"an FFS cannot reserve {minfree} per cent for root; 0 to 99 can be reserved")
    if epoch > LATEST_TIME[version]:
        raise GlassmasterError("UFS1 holds no time after 2038", hint="choose version 2")
    if len(label.encode()) > LONGEST_LABEL:
        raise GlassmasterError(f"{label}: longer than the {LONGEST_LABEL} bytes that a label of an FFS can have")
