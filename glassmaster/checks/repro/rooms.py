"""Rooms for builds: always at the same place but for what is varied, filled anew for each build."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from glassmaster.atomic import PARTIAL
from glassmaster.checks.repro.surroundings import DAY, NOBODY, Builder, Room, Surroundings
from glassmaster.doit_plugins.rundir import unfinished
from glassmaster.inputs.store import Store
from glassmaster.places import BUILD, OUT

TMPFS = Path("/dev/shm")
# What a clone of the project has not: results, caches, and whatever is hidden.
NOT_COPIED = (str(BUILD), str(OUT), "dist")
DEEPER = Path("much", "deeper than it was", "ünder another name")
# make(1) does not take every character in the paths of the store.
DEEPER_STORE = Path("somewhere", "else", "and.deeper")
TOOLCHAIN, KERNEL = "toolchain", "kernel"
# In another HOME, a setting that would change what mtools write.
HOME_FILES = {".mtoolsrc": "mtools_no_vfat=1\n"}


@dataclass(frozen=True)
class Project:
    """What is built: the directory in which doit runs, and a recipe of it.

    recipe: its name; file, lock: seen from the directory. inputs: SHA-512 of the files that the lock names.
    """

    top: Path
    recipe: str
    file: Path
    lock: Path
    inputs: tuple[str, ...]


def room_for(around: Surroundings, run: Path, real: Path, tools: Path) -> Room:
    """The places of a build. tools: the directory with what was made for the matrix."""
    below, store = (run / DEEPER, run / DEEPER_STORE) if around.deep else (run, run)
    return Room(
        run, real, clone=below / "clone", store=store / "store", home=run / around.home, temporary=store / "tmp",
        etc=tools / "etc", locales=tools / "locales",
    )  # fmt: skip


@contextmanager
def real_place(around: Surroundings, run: Path) -> Iterator[Path]:
    """Where the files of a room are: its own directory, or one on tmpfs that is gone when the block ends."""
    run.mkdir(parents=True, exist_ok=True)
    if not around.tmpfs:
        yield run
        return
    real = Path(tempfile.mkdtemp(prefix="glassmaster-repro-", suffix=PARTIAL, dir=TMPFS))
    with unfinished(real):
        try:
            real.chmod(0o755)
            yield real
        finally:
            shutil.rmtree(real, ignore_errors=True)


def outside(room: Room, path: Path) -> Path:
    """A path of the room as it is called outside of its name spaces."""
    return room.real / path.relative_to(room.run)


def empty(room: Room, *, but: Iterable[Path] = ()) -> None:
    """Remove what a build left in a room, all but some directories directly in it."""
    kept = {path.name for path in but}
    for path in room.real.iterdir():
        if path.name not in kept:
            shutil.rmtree(path)


def furnish(room: Room, around: Surroundings, project: Project) -> None:
    """Everything but the store, as a new clone of a project has it."""
    for folder in (room.home, room.temporary):
        outside(room, folder).mkdir(parents=True, exist_ok=True)
    if around.home != Surroundings.home:
        for name, text in HOME_FILES.items():
            (outside(room, room.home) / name).write_text(text, encoding="utf-8")
    copy_project(project.top, outside(room, room.clone), umask=around.umask, later=around.days * DAY)


def copy_project(top: Path, target: Path, *, umask: int, later: int) -> None:
    """Copy what somebody wrote. Times stay, so that compiled Python is found to fit; others get `later` by seconds."""
    for folder, folders, files in os.walk(top):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if not _left_out(here / name, top))
        copy = target / here.relative_to(top)
        copy.mkdir(parents=True, exist_ok=True)
        for name in sorted(files):
            source = here / name
            if source.is_symlink():
                (copy / name).symlink_to(source.readlink())
            elif source.is_file() and not (here == top and name.startswith(".")):
                shutil.copyfile(source, copy / name)
                status = source.stat()
                (copy / name).chmod((0o777 if status.st_mode & 0o100 else 0o666) & ~umask)
                added = 0 if source.suffix in (".py", ".pyc") else later
                os.utime(copy / name, (status.st_atime + added, status.st_mtime + added))


def _left_out(folder: Path, top: Path) -> bool:
    if folder.parent == top:
        return folder.name.startswith(".") or folder.name in NOT_COPIED or folder.name.endswith(".egg-info")
    return folder.is_symlink()


def stock(room: Room, project: Project, source: Store, *, toolchain: bool) -> None:
    """A store with the downloads of the lock and nothing else; toolchain: also with NetBSD's tools, if they are there.

    The tools know their own path, so they are not copied: the store leads to them.
    """
    store = Store(outside(room, room.store))
    take_downloads(store, source, project.inputs)
    finished = source.root.resolve() / "derived" / TOOLCHAIN
    if toolchain and finished.is_dir():
        for folder in sorted(path for path in finished.iterdir() if not path.name.startswith(".")):
            link = store.derived(TOOLCHAIN, folder.name)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(folder)


def take_downloads(store: Store, source: Store, inputs: Iterable[str]) -> None:
    """Into a new store, those files of another one that are wanted and there. inputs: SHA-512."""
    store.root.mkdir(parents=True, exist_ok=True)
    for sha512 in inputs:
        if sha512 in source:
            store.path(sha512).parent.mkdir(parents=True, exist_ok=True)
            _link_or_copy(source.path(sha512), store.path(sha512))


def _link_or_copy(source: Path, target: Path) -> None:
    """Nothing writes into a file of a store, so that two names of one are as good as two files."""
    try:
        target.hardlink_to(source)
    except OSError:  # another file system, or somebody else's file
        shutil.copyfile(source, target)


def forget_kernels(room: Room, recipe: str) -> None:
    """Let the kernels be made again, whatever else is still there."""
    shutil.rmtree(Store(outside(room, room.store)).root / "derived" / KERNEL, ignore_errors=True)
    layers = outside(room, room.clone) / BUILD / recipe / "layers"
    for name in ("kernel.json", "domu-kernels.json"):
        (layers / name).unlink(missing_ok=True)


def hand_over(room: Room, around: Surroundings, builder: Builder) -> None:
    """Give the room to the user who is to build in it."""
    if around.other_user and builder.is_root:
        for folder, folders, files in os.walk(room.real):
            for path in (Path(folder), *(Path(folder) / name for name in (*folders, *files))):
                # What is linked into the store is the builder's own; it need only be read.
                if path.is_symlink() or path.is_dir() or path.stat().st_nlink == 1:
                    os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
