"""`doit clean` for recipes: the generic one, and what the steps make besides their targets."""

from __future__ import annotations

import bz2
from collections.abc import Iterable, Iterator
from pathlib import Path

from doit.task import Task

from glassmaster.doit_plugins import clean
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.kernel.wanted import SOURCE_FOLDER
from glassmaster.places import KERNEL_FOLDER, SETS_FOLDER, Places
from glassmaster.release.artefacts import DIGESTS
from glassmaster.release.digestlist import SIGNATURES, read_list

SMOKE_FILES = ("serial.log", "timeline.json", "command.txt", "qemu.log", "screen-end.png")
GRUB_FILES = ("early.cfg", "bootx64.efi")
CHECKSUMS = ("SHA512", "MD5")
# Of a repository of packages: beside the directory of the packages themselves.
PACKAGE_CHECKSUMS, PACKAGE_FOLDER = "SHA512.bz2", "All"


class Clean(clean.Clean):
    """doit's command."""

    doc_usage = "[TASK ...] [recipe=NAME,...]"
    doc_description = (
        f"{clean.Clean.doc_description} The store of downloads is left alone: `doit store prune` is for that."
    )
    examples = ("clean -n", "clean", "clean smoke recipe=racks")

    def made_besides(self, task: Task) -> Iterable[Path]:
        """By the task's name, STEP:RECIPE."""
        step, _, recipe = task.name.partition(":")
        return made_besides(step, Places(recipe)) if recipe else ()


def made_besides(step: str, places: Places) -> Iterator[Path]:
    """The files of a step that doit is not told of, each by its name; what else lies there is somebody's own."""
    if step == "standin":
        yield from _mirror_files(places.mirror)
    elif step == "grub":
        yield from map(places.grub, GRUB_FILES)
    elif step == "repro":
        # Both are emptied before anything is put into them: nobody else's files are there.
        for folder in (places.repro, places.build / "repro"):
            yield from sorted(path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    elif step == "smoke":
        # A folder for each scenario, also those that the recipe no longer has.
        for folder in sorted(path for path in places.smoke.glob("*") if path.is_dir()):
            yield from (folder / name for name in SMOKE_FILES)
            yield from sorted(folder.glob("screen-[0-9][0-9]*.png"))
            yield from sorted(folder.glob("disk-[0-9].img"))
    elif step == "release":
        yield from _release_files(places.release)


def _release_files(folder: Path) -> Iterator[Path]:
    """What a release's own list names, and the signatures; not what others said of it later."""
    try:
        names = read_list(folder / DIGESTS)
    except GlassmasterError:
        return
    yield from (folder / name for name in (*names, *SIGNATURES))


def _mirror_files(mirror: Path) -> Iterator[Path]:
    """What the checksum files of the stand-in's mirror list, and those files themselves."""
    for release in sorted(mirror.glob("NetBSD-*")):
        yield release / "README.files"
        for place in (f"*/{SETS_FOLDER}", f"*/{KERNEL_FOLDER}", SOURCE_FOLDER):
            for checksums in sorted(release.glob(f"{place}/{CHECKSUMS[0]}")):
                text = checksums.read_text(encoding="utf-8", errors="replace")
                yield from (checksums.parent / name for name in (*_listed(text), *CHECKSUMS))
    for checksums in sorted(mirror.glob(f"packages/*/*/{PACKAGE_CHECKSUMS}")):
        text = bz2.decompress(checksums.read_bytes()).decode("utf-8", "replace")
        yield from (checksums.parent / PACKAGE_FOLDER / name for name in _listed(text))
        yield checksums


def _listed(text: str) -> Iterator[str]:
    """The last parts of the names in a checksum file."""
    for line in text.splitlines():
        name = line.partition("(")[2].partition(")")[0].rpartition("/")[2]
        if name:
            yield name
