"""Images of hard disks: the MBR, NetBSD's label, and what the file systems in it hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from glassmaster.checks.ffs_reader import Image
from glassmaster.checks.readback import explained_ffs, found_in_ffs
from glassmaster.diff.states import of_found
from glassmaster.errors import GlassmasterError
from glassmaster.inspection.discs import ffs_facts, mbr_table
from glassmaster.inspection.model import Cell, Report, table
from glassmaster.inspection.partitions import NETBSD, SECTOR, Label, LabelPartition, boot_code, read_disklabel, read_mbr
from glassmaster.inspection.trees import sizes

FFS = "4.2BSD"


def disk(path: Path, label: str) -> Report:
    """A hard disk's image."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        first = stream.read(SECTOR)
        parts = read_mbr(first) or ()
        starts = [part.start for part in parts if part.type == NETBSD]
        labels = [found for start in starts if (found := _label(stream, start))]
    inside = [one for found in labels for one in _file_systems(path, found)]
    rows: list[tuple[Cell, ...]] = [
        (part.letter, part.kind, part.start, part.sectors) for found in labels for part in found.partitions
    ]
    names = [(f"{found.type} {found.name}").strip() for found in labels]
    facts = [("size", f"{size:,} bytes"), ("boot code", boot_code(first))]
    facts += [("disklabel", ", ".join(names))] if labels else []
    tables = (*mbr_table(first), *table("Disklabel", ("partition", "type", "#start", "#sectors"), rows))
    return Report(label, "hard disk", tuple(facts), tables, tuple(inside), tuple(_wrong(size, starts, labels)))


def _label(stream: BinaryIO, start: int) -> Label | None:
    """The label in the second sector of NetBSD's part of the disk."""
    stream.seek((start + 1) * SECTOR)
    return read_disklabel(stream.read(SECTOR))


def _file_systems(path: Path, label: Label) -> Iterator[Report]:
    for part in label.partitions:
        if part.kind == FFS:
            name = f"partition {part.letter}"
            try:
                yield _file_system(path, part, name)
            except GlassmasterError as error:
                remark = f"cannot be looked into: {error.why or error.what}"
                yield Report(name, "file system", remarks=(remark,))


def _file_system(path: Path, part: LabelPartition, name: str) -> Report:
    start = part.start * SECTOR
    facts = ffs_facts(path, start)
    with explained_ffs(path):
        image = Image(path, start)
        states = of_found(found_in_ffs(image, inner, item) for inner, item in image.walk())
    files = sum(1 for state in states.values() if state.kind == "file")
    room = sum(state.size for state in states.values())
    facts.append(("entries", f"{len(states):,}: {files:,} files of {room:,} bytes together"))
    return Report(name, "file system", tuple(facts), sizes(states, origins=False))


def _wrong(size: int, starts: list[int], labels: list[Label]) -> Iterator[str]:
    if starts and not labels:
        yield "NetBSD's part of it has no disklabel"
    for label in labels:
        if label.problem:
            yield f"the disklabel: {label.problem}"
        for part in label.partitions:
            if (part.start + part.sectors) * SECTOR > size:
                yield f"partition {part.letter} ends behind the end of the file"
