"""Discs, domU images, mtree specifications: what has a tree that `doit diff` can read, too."""

from __future__ import annotations

import tempfile
from pathlib import Path

from glassmaster.checks.ffs_reader import Image
from glassmaster.checks.readback import explained_ffs, file_digest
from glassmaster.diff.contents import FfsContents
from glassmaster.diff.source import IMAGE, Source, open_image, open_path
from glassmaster.errors import GlassmasterError
from glassmaster.inspection.model import Cell, Report, Table, table
from glassmaster.inspection.partitions import GPT_GUARD, SECTOR, boot_code, read_mbr
from glassmaster.inspection.trees import kernels, tree_facts, tree_tables
from glassmaster.inspection.volume import BLOCK, Volume, read_volume

EL_TORITO = ("platform", "bootable", "media", "#block", "#sectors")


def disc(path: Path, label: str) -> Report:
    """An ISO 9660 disc, of ours or not."""
    with path.open("rb") as stream:
        first = stream.read(SECTOR)
        volume = read_volume(stream, label)
    source = open_path(path, label)
    facts = [("size", f"{path.stat().st_size:,} bytes"), ("SHA-256", file_digest(path))]
    facts += [(f"{word} id", text) for word, text in volume.names.items()]
    facts += [("created", volume.created)] if volume.created else []
    facts += [("extensions", _extensions(volume, source))] if _extensions(volume, source) else []
    facts += [("descriptors", ", ".join(volume.descriptors)), *tree_facts(source)]
    return Report(
        label, "ISO 9660 disc", tuple(facts), (*_boots(volume), *mbr_table(first), *tree_tables(source.states)),
        (*kernels(source), *_domus(source)), tuple(_wrong(path, volume, first)),
    )  # fmt: skip


def _extensions(volume: Volume, source: Source) -> str:
    # Without Rock Ridge there are no owners: everything is root's, and of the volume's mode.
    rock_ridge = any(state.uid or state.gid or state.kind == "link" for state in source.states.values())
    names = any(path != path.upper() for path in source.states)
    return ", ".join([*(["Rock Ridge"] if rock_ridge or names else []), *(["Joliet"] if volume.joliet else [])])


def _boots(volume: Volume) -> tuple[Table, ...]:
    rows: list[tuple[Cell, ...]] = [
        (boot.platform, "yes" if boot.bootable else "no", boot.media, boot.block, boot.sectors)
        for boot in volume.boots or ()
    ]
    return table("El Torito", EL_TORITO, rows)


def mbr_table(sector: bytes) -> tuple[Table, ...]:
    """The rows of an MBR, if there is one."""
    rows: list[tuple[Cell, ...]] = [
        (part.number, "active" if part.active else "", part.name, part.type, part.start, part.sectors)
        for part in read_mbr(sector) or ()
    ]
    return table(f"MBR (boot code: {boot_code(sector)})", ("#", "", "type", "#id", "#start", "#sectors"), rows)


def _wrong(path: Path, volume: Volume, first: bytes) -> list[str]:
    said = [volume.problem] if volume.problem else []
    parts = read_mbr(first)
    if volume.boots is None and not parts:
        said.append("nothing starts from it: it has no El Torito boot record and no MBR")
    elif volume.boots is None:
        said.append("no El Torito boot record: nothing starts it as a CD")
    elif not parts:
        said.append("no MBR: nothing starts it as a stick")
    if any(part.type == GPT_GUARD for part in parts or ()):
        said.append("it has a GPT: NetBSD makes wedges of it, and cannot take its root from the disk")
    if path.stat().st_size < volume.blocks * BLOCK:
        said.append(f"it breaks off: the volume has {volume.blocks * BLOCK:,} bytes")
    return said


def _domus(source: Source) -> tuple[Report, ...]:
    """The domUs' images on a disc, shortly."""
    found = []
    with tempfile.TemporaryDirectory(prefix="glassmaster-") as work:
        for path in sorted(path for path in source.states if IMAGE.fullmatch(path)):
            try:
                inner = open_image(source, path, Path(work))
            except GlassmasterError as error:
                found.append(Report(path, "domU image", remarks=(f"cannot be looked into: {error.what}",)))
                continue
            if inner is not None:
                what = "domU image, FFS" if isinstance(inner.contents, FfsContents) else "domU image, ISO 9660"
                found.append(Report(path, what, tree_facts(inner), tree_tables(inner.states)))
    return tuple(found)


def ffs(path: Path, label: str) -> Report:
    """A file system of NetBSD's in a file of its own."""
    source = open_path(path, label)
    facts = [("size", f"{path.stat().st_size:,} bytes"), ("SHA-256", file_digest(path)), *ffs_facts(path, 0)]
    return Report(
        label, "FFS image", (*facts, *tree_facts(source)), tree_tables(source.states), kernels(source)
    )  # fmt: skip


def ffs_facts(path: Path, start: int) -> list[tuple[str, str]]:
    """What the superblock says."""
    with explained_ffs(path):
        image = Image(path, start)
        label = image.superblock[680:712].split(b"\0", 1)[0].decode("utf-8", "backslashreplace")
    facts = [
        ("file system", f"FFS, UFS{image.version}, blocks of {image.bsize:,} bytes, fragments of {image.fsize:,}"),
        ("groups", f"{image.ncg:,}, each with {image.ipg:,} inodes"),
    ]
    return [*facts, *([("label", label)] if label else [])]


def specification(path: Path, label: str) -> Report:
    """An mtree specification of a tree."""
    source = open_path(path, label)
    facts = (("size", f"{path.stat().st_size:,} bytes"), *tree_facts(source))
    return Report(label, "mtree specification", facts, tree_tables(source.states))
