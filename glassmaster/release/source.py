"""source.tar.gz: what a release is rebuilt from, the repository's files with the recipe and its lock.

Which files: those that git tracks, as they are now, and whatever else the recipe names (a lock that is not tracked,
an overlay that is new). Without git, as in an unpacked source.tar.gz, all files but those that tasks make.
"""

from __future__ import annotations

import io
import os
import stat
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glassmaster.atomic import writing
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.kernel.wanted import patch_files
from glassmaster.inputs.overlay_sources import FOLDER as OVERLAYS
from glassmaster.inputs.overlay_sources import file_mode, link_target
from glassmaster.inputs.pkgsrc.pkgsets import load_pkgset
from glassmaster.inputs.pkgsrc.uids import UIDS_FILE
from glassmaster.places import BUILD, OUT
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.recipe.parts import all_kernels, images_with_packages
from glassmaster.release.gzipped import compressed
from glassmaster.run import Command, run

MADE_HERE = {str(BUILD), str(OUT), "dist", ".git", ".venv", "__pycache__"}
MADE_HERE_ENDS = ("_cache", ".egg-info", ".pyc", ".partial")
STATE = ".doit.db"


@dataclass(frozen=True)
class Source:
    """What source.tar.gz holds.

    files: name in the archive (below its top directory) to file. repository: the directory in which doit is started.
    recipe: the recipe's file, seen from there.
    """

    files: Mapping[str, Path]
    repository: str
    recipe: str


def source_of(loaded: LoadedRecipe) -> Source:
    """The source of a recipe's release.

    Files that lie outside of the repository keep their place beside it, so that what names them still finds them.
    """
    here = Path.cwd()
    files = {_absolute(path, here) for path in (*_repository_files(here), *_named_files(loaded))}
    top = Path(os.path.commonpath([here, *(path.parent for path in files)]))
    names = {str(path.relative_to(top)): path for path in sorted(files)}
    recipe = os.path.relpath(_absolute(loaded.files[0], here), here)
    return Source(names, str(here.relative_to(top)), recipe)


def commit_of(here: Path) -> dict[str, Any]:
    """Which commit is checked out, and whether tracked files differ from it; nothing without git or a commit."""
    if not (here / ".git").exists():
        return {}
    try:
        commit = run(_git(here, "rev-parse", "--verify", "HEAD")).decode().strip()
    except GlassmasterError:
        return {}
    return {"commit": commit, "modified": bool(run(_git(here, "status", "--porcelain", "--untracked-files=no")))}


def write_source(source: Source, top: str, epoch: int, path: Path) -> None:
    """Write the archive: names sorted, all owned by root, the epoch for every time. top: its top directory."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, file in sorted(source.files.items()):
            _add(tar, f"{top}/{name}", file, epoch)
    with writing(path) as stream:
        stream.write(compressed(archive.getvalue()))


def _add(tar: tarfile.TarFile, name: str, file: Path, epoch: int) -> None:
    info = tarfile.TarInfo(name)
    info.mtime, info.uname, info.gname = epoch, "root", "wheel"
    mode = file_mode(file)
    if stat.S_ISLNK(mode):
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, link_target(file), 0o777
        tar.addfile(info)
        return
    data = file.read_bytes()
    info.size, info.mode = len(data), 0o755 if mode & stat.S_IXUSR else 0o644
    tar.addfile(info, io.BytesIO(data))


def _absolute(path: Path, here: Path) -> Path:
    """By its own name: a symbolic link is a file of the repository like any other."""
    return Path(os.path.normpath(here / path))


def _repository_files(here: Path) -> Iterator[Path]:
    if not (here / ".git").exists():
        return _walked(here)
    names = run(_git(here, "ls-files", "--cached", "-z")).decode("utf-8", "surrogateescape").split("\0")
    return (here / name for name in names if name and _is_file(here / name))


def _git(here: Path, *words: str) -> Command:
    """The user has chosen to build in this directory: whose it is makes no difference."""
    return Command(("git", "-c", f"safe.directory={here}", *words), directory=here)


def _walked(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        name = path.name
        if name in MADE_HERE or name.endswith(MADE_HERE_ENDS) or name.startswith(STATE):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _walked(path)
        elif _is_file(path):
            yield path


def _is_file(path: Path) -> bool:
    """A file or a symbolic link: a file that is tracked may have been deleted, a submodule is a directory."""
    try:
        return stat.S_IFMT(path.lstat().st_mode) in (stat.S_IFREG, stat.S_IFLNK)
    except FileNotFoundError:
        return False


def _named_files(loaded: LoadedRecipe) -> Iterable[Path]:
    """What the recipe names, tracked or not."""
    recipe = loaded.recipe
    yield from loaded.files
    if not loaded.lock.is_file():
        raise GlassmasterError(f"{loaded.lock}: there is no lock", hint="`doit lock` makes it")
    yield loaded.lock
    overlays = {*recipe.overlays, *(name for domu in recipe.domus.values() for name in domu.overlays)}
    for name in sorted(overlays):
        yield from (path for path in (OVERLAYS / name).rglob("*") if _is_file(path))
        yield from (path for path in (OVERLAYS / f"{name}{end}" for end in (".mtree", ".yaml")) if path.is_file())
    packages = images_with_packages(recipe).values()
    for name in sorted({name for item in packages for name in item.sets}):
        yield from load_pkgset(name).files
    keys = [recipe.release.key, *(item.key for item in packages), UIDS_FILE]
    yield from (Path(key) for key in keys if key and Path(key).is_file())
    for kernel in all_kernels(recipe):
        if kernel.source == "built":
            yield from patch_files(loaded, recipe.release.version, kernel.build.patches)
