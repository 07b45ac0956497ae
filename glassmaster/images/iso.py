"""The hybrid ISO, straight from a tree: pycdlib lays it out, file bytes stream from where they are.

pycdlib was chosen because it takes contents from any file object, so nothing is ever unpacked, and because it lays
a disc out deterministically once its clock is set by hand. Its gaps are filled here: owners, links, the hybrid parts.
"""

from __future__ import annotations

import io
import os
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pycdlib
from pycdlib.pycdlibexception import PyCdlibException

from glassmaster.errors import GlassmasterError
from glassmaster.images import hybrid
from glassmaster.images.budget import MEDIA, check_budget
from glassmaster.images.isonames import identifiers
from glassmaster.images.pycdlib_clock import SetClock, set_clock
from glassmaster.images.rockridge import close_continuations, readable_links
from glassmaster.tree.entry import Content, Entry
from glassmaster.tree.merge import Node, Tree
from glassmaster.tree.path import ROOT, parent, sort_key

# Interchange level 4: no limit of eight directory levels, so nothing is relocated. Rock Ridge 1.09: with 1.12 pycdlib
# gives every file the serial number 0, and libarchive takes them all for names of one file.
INTERCHANGE_LEVEL, ROCK_RIDGE = 4, "1.09"
TYPE_BITS = {"file": 0o100000, "dir": 0o040000, "link": 0o120000}
COPY_BYTES = 1 << 20
ONE_EXTENT = 0xFFFFF800  # bytes; pycdlib cannot give a second name to a file of several extents
CORE_SECTORS = 4  # El Torito loads cdboot.img, which loads the rest


@dataclass(frozen=True)
class BootImages:
    """What firmware starts: GRUB's core image (i386-pc-eltorito), the FAT image for UEFI, boot_hybrid.img."""

    core: bytes
    efi: bytes
    boot_hybrid: bytes

    def size(self) -> int:
        """Bytes on the disc."""
        return len(self.core) + len(self.efi) + hybrid.PADDING


@dataclass(frozen=True)
class Layout:
    """Where the boot images lie on the finished disc, in blocks of 2048 bytes."""

    core_block: int
    efi_block: int


def write_iso(
    tree: Tree,
    boot: BootImages | None,
    path: Path,
    *,
    volume_id: str,
    epoch: int,
    budget: int | None = None,
    setting: str = MEDIA,
    progress: Callable[[int, int], None] | None = None,
) -> Layout | None:
    """Write the image to `path` (which must not be in use for anything else) and fsync it.

    Dates of the volume are `epoch` (seconds since 1970); each entry keeps its own time. An image of more than
    `budget` bytes (the recipe's `setting`) is an error before anything is written. Without boot images it is a file
    system and nothing else, such as a virtual machine's root; the layout says where boot images lie.
    """
    with ExitStack() as stack, set_clock(epoch) as clock, readable_links():
        disc = pycdlib.PyCdlib()
        disc.new(
            interchange_level=INTERCHANGE_LEVEL,
            rock_ridge=ROCK_RIDGE,
            vol_ident=volume_id,
            app_ident_str="GLASSMASTER",
        )
        try:
            writer = _Writer(disc, clock, stack, _iso_paths(tree))
            if boot is not None:
                writer.add_boot_images(boot)
            for node in sorted(tree, key=_by_directory):
                writer.add(node.entry)
            disc.force_consistency()
            layout = None if boot is None else _layout(disc)
            size = disc.pvd.space_size * hybrid.BLOCK + hybrid.PADDING
            boot_bytes = 0 if boot is None else boot.size()
            if budget is not None:
                check_budget(tree, boot_bytes=boot_bytes, size=size, budget=budget, setting=setting)
            _set_owners(disc, tree)
            with path.open("w+b", buffering=COPY_BYTES) as stream:
                disc.write_fp(
                    stream,
                    COPY_BYTES,
                    None if progress is None else lambda done, total, _: progress(done, total),
                )
                if boot is not None and layout is not None:
                    _make_hybrid(stream, boot, layout, volume_id)
                stream.seek(0, os.SEEK_END)
                stream.write(b"\0" * hybrid.PADDING)
                stream.flush()
                os.fsync(stream.fileno())
        except PyCdlibException as error:
            raise GlassmasterError("this tree cannot be written as an ISO", why=str(error)) from error
        finally:
            disc.close()
    return layout


class _Writer:
    """Adds entries to a disc; keeps the blobs open that their contents come from."""

    def __init__(self, disc: Any, clock: SetClock, stack: ExitStack, iso_paths: dict[str, str]) -> None:
        self._disc = disc
        self._clock = clock
        self._stack = stack
        self._blobs: dict[Path, BinaryIO] = {}
        self._first_path: dict[str, str] = {}
        self._iso_paths = iso_paths
        self._directory = ROOT

    def add_boot_images(self, boot: BootImages) -> None:
        """The El Torito images and catalog, which no directory shows: their bytes depend on where they lie."""
        for name, data in (("/CORE.IMG", boot.core), ("/EFI.IMG", boot.efi)):
            self._disc.add_fp(io.BytesIO(data), len(data), name, rr_name=name[1:].lower(), file_mode=0o100444)
        self._disc.add_eltorito("/CORE.IMG", "/BOOT.CAT", "boot.cat", boot_load_size=CORE_SECTORS, boot_info_table=True)
        self._disc.add_eltorito("/EFI.IMG", efi=True, platform_id=0xEF)
        for name in ("/CORE.IMG", "/EFI.IMG", "/BOOT.CAT"):
            self._disc.rm_hard_link(iso_path=name)

    def add(self, entry: Entry) -> None:
        """Add one entry. Its directory must have been added, and the entries of a directory come together."""
        if entry.path == ROOT:
            return
        if parent(entry.path) != self._directory:
            self._directory = parent(entry.path)
            close_continuations(self._disc)
        self._clock.now = entry.mtime
        iso_path, name = self._iso_paths[entry.path], entry.path.rpartition("/")[2]
        mode = TYPE_BITS[entry.kind] | entry.mode
        if entry.kind == "dir":
            self._disc.add_directory(iso_path, rr_name=name, file_mode=mode)
        elif entry.kind == "link":
            self._disc.add_symlink(iso_path, rr_symlink_name=name, rr_path=entry.link)
        else:
            assert entry.content is not None
            self._add_file(entry.content, iso_path, name, mode)

    def _add_file(self, content: Content, iso_path: str, name: str, mode: int) -> None:
        first = self._first_path.setdefault(content.sha256, iso_path)
        if first != iso_path and 0 < content.size <= ONE_EXTENT:
            self._disc.add_hard_link(iso_old_path=first, iso_new_path=iso_path, rr_name=name)
        else:
            self._disc.add_fp(self._slice(content), content.size, iso_path, rr_name=name, file_mode=mode)

    def _slice(self, content: Content) -> Slice:
        if content.blob not in self._blobs:
            self._blobs[content.blob] = self._stack.enter_context(content.blob.open("rb"))
        return Slice(self._blobs[content.blob], content.offset)


class Slice:
    """A part of an open file as a file of its own, as far as pycdlib reads one: from the start, piece by piece."""

    mode = "rb"  # how pycdlib tells a binary file

    def __init__(self, stream: BinaryIO, offset: int) -> None:
        self._stream = stream
        self._offset = offset

    def seek(self, position: int) -> None:
        """Go to a position of the part."""
        self._stream.seek(self._offset + position)

    def read(self, size: int) -> bytes:
        """Read on; pycdlib never asks for more than the part holds."""
        return self._stream.read(size)


def _by_directory(node: Node) -> tuple[tuple[str, ...], str]:
    """Orders entries by directory, each directory before what it holds."""
    return sort_key(parent(node.entry.path)), node.entry.path


def _iso_paths(tree: Tree) -> dict[str, str]:
    """Paths of the tree to paths of ISO 9660 identifiers."""
    children: dict[str, list[tuple[str, bool]]] = {}
    for node in tree:
        if node.entry.path != ROOT:
            name = node.entry.path.rpartition("/")[2]
            children.setdefault(parent(node.entry.path), []).append((name, node.entry.kind == "dir"))
    paths = {ROOT: ""}
    for node in tree:
        directory = node.entry.path
        for name, identifier in identifiers(children.get(directory, ())).items():
            paths[name if directory == ROOT else f"{directory}/{name}"] = f"{paths[directory]}/{identifier}"
    return paths


def _layout(disc: Any) -> Layout:
    catalog = disc.eltorito_boot_catalog
    efi = catalog.sections[0].section_entries[0]
    return Layout(catalog.initial_entry.inode.extent_location(), efi.inode.extent_location())


def _set_owners(disc: Any, tree: Tree) -> None:
    """Put mode, owner, group and link count on the Rock Ridge PX records; pycdlib has no public way for owners.

    Every directory's attributes stand three times on a disc: in its parent, in its own `.`, in its children's `..`.
    """
    names = Counter((node.origin, node.entry.inode) for node in tree if node.entry.inode)
    todo: list[tuple[Any, str]] = [(disc.pvd.root_directory_record(), ROOT)]
    while todo:
        directory, path = todo.pop()
        for record in directory.children:
            if record.is_dot() or record.is_dotdot():
                _set_px(record, tree[path if record.is_dot() else parent(path)].entry, None)
                continue
            name = record.rock_ridge.name().decode("utf-8")
            child = name if path == ROOT else f"{path}/{name}"
            node = tree[child]
            links = None if node.entry.kind == "dir" else names.get((node.origin, node.entry.inode), 1)
            _set_px(record, node.entry, links)
            if node.entry.kind == "dir":
                todo.append((record, child))


def _set_px(record: Any, entry: Entry, links: int | None) -> None:
    rock_ridge = record.rock_ridge
    px = rock_ridge.dr_entries.px_record or rock_ridge.ce_entries.px_record
    px.posix_file_mode = TYPE_BITS[entry.kind] | entry.mode
    px.posix_user_id, px.posix_group_id = entry.uid, entry.gid
    if links is not None:
        px.posix_file_links = links


def _make_hybrid(stream: BinaryIO, boot: BootImages, layout: Layout, volume_id: str) -> None:
    stream.seek(0)
    stream.write(
        hybrid.master_boot_record(
            boot.boot_hybrid, core_block=layout.core_block, efi_block=layout.efi_block, efi_bytes=len(boot.efi),
            disk_id=zlib.crc32(volume_id.encode()),
        )
    )  # fmt: skip
    stream.seek(layout.core_block * hybrid.BLOCK)
    stream.write(hybrid.located_core(boot.core, layout.core_block))
