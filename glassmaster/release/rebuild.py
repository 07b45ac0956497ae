"""A release that somebody else made, built again from what it says it was made from, and compared."""

from __future__ import annotations

import contextlib
import os
import sys
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from glassmaster.atomic import explained
from glassmaster.checks.repro.rooms import take_downloads
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.lock import Lock, read_lock
from glassmaster.inputs.store import ENVIRONMENT, Store
from glassmaster.recipe.load import load
from glassmaster.recipe.values import plain_words
from glassmaster.release.artefacts import PROVENANCE, SOURCE, Digest, artefacts
from glassmaster.release.assemble import Staged, stage_artefacts
from glassmaster.release.provenance import EPOCH_VARIABLE, read_statement, subjects_of
from glassmaster.run import Command, run

LOG = "build.log"


@dataclass(frozen=True)
class Compared:
    """A file of the release, by its SHA-256, and the one that was built here; "" where there is none."""

    name: str
    published: str
    rebuilt: str

    @property
    def identical(self) -> bool:
        """Whether they are the same."""
        return self.published == self.rebuilt


@dataclass(frozen=True)
class Rebuilt:
    """What came of it. digests: of what was built here. lock: the one it was built from, for the versions it names."""

    recipe: str
    release_id: str
    files: tuple[Compared, ...]
    digests: Mapping[str, Digest]
    lock: Lock

    @property
    def identical(self) -> bool:
        """Whether every file is."""
        return all(item.identical for item in self.files)


@dataclass(frozen=True)
class Asked:
    """What a provenance says about how a release is built. recipe_file: seen from the repository.

    repository: where doit is started, below the top directory of the source. epoch: set if it was not the recipe's own.
    """

    recipe: str
    recipe_file: str
    repository: str
    release_id: str
    epoch: int | None
    subjects: Mapping[str, str]


def asked(path: Path) -> Asked:
    """Read a provenance; GlassmasterError for anything else."""
    statement = read_statement(path)
    try:
        definition: Mapping[str, Any] = statement["predicate"]["buildDefinition"]
        given = definition["externalParameters"]
        epoch = int(given["epoch"]) if "epoch" in given["overrides"] else None
        subjects = {name: digests["sha256"] for name, digests in subjects_of(statement, str(path)).items()}
        words = (
            given["recipe"],
            given["recipeFile"],
            given["repository"],
            definition["internalParameters"]["releaseId"],
        )
        recipe, recipe_file, repository, release_id = (str(word) for word in words)
        plain_words(recipe)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise GlassmasterError(f"{path}: does not say how to build it again", why=repr(error)) from error
    return Asked(recipe, recipe_file, repository, release_id, epoch, subjects)


def rebuild(release: Path, work: Path, store: Store) -> Rebuilt:
    """Build a release again in an empty directory. release: its directory, which was verified. store: for downloads.

    Everything is made again, with a store of its own that has nothing but downloads.
    """
    wanted = asked(release / PROVENANCE)
    top = unpack_source(release / SOURCE, work / "source")
    repository = _inside(top / wanted.repository, work)
    recipe_file = _inside(repository / wanted.recipe_file, work)
    lock = read_lock(recipe_file.with_name(f"{wanted.recipe}.lock"))
    own = Store(work / "store")
    take_downloads(own, store, (item.sha512 for item in lock.inputs))
    epoch = {} if wanted.epoch is None else {EPOCH_VARIABLE: str(wanted.epoch)}
    run(build_command(repository, wanted.recipe_file, own, epoch), log=work / LOG)
    with _standing_in(repository, epoch):
        loaded = load(Path(wanted.recipe_file))
        staged = Staged(work / "release", loaded, wanted.release_id, {})
        staged.folder.mkdir()
        stage_artefacts(staged, artefacts(loaded))
    names = sorted({*wanted.subjects, *staged.digests})
    made = {name: digest.sha256 for name, digest in staged.digests.items()}
    files = tuple(Compared(name, wanted.subjects.get(name, ""), made.get(name, "")) for name in names)
    return Rebuilt(wanted.recipe, wanted.release_id, files, staged.digests, read_lock(loaded_lock(repository, wanted)))


def loaded_lock(repository: Path, wanted: Asked) -> Path:
    """The lock in the directory in which it was built."""
    return (repository / wanted.recipe_file).with_name(f"{wanted.recipe}.lock")


def build_command(repository: Path, recipe_file: str, store: Store, variables: Mapping[str, str]) -> Command:
    """doit in the unpacked source: by its own code where it has it, else by the glassmaster that runs this."""
    argv = (sys.executable, "-m", "glassmaster", "run", "--reporter", "plain", "iso", "domu", f"recipe={recipe_file}")
    inherited = {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
    environment = {**inherited, **variables, ENVIRONMENT: str(store.root)}
    return Command((*argv, "locked=yes"), environment, repository)


def unpack_source(archive: Path, target: Path) -> Path:
    """Unpack a source.tar.gz; returns its top directory. Whatever is in it, nothing is written elsewhere.

    Files first, then symbolic links, which may lead anywhere: they are contents of overlays and nothing follows them.
    """
    links = []
    tops = set()
    with _readable(archive), tarfile.open(archive, "r:gz") as tar:
        for info in tar:
            path = _place(info.name, target, archive)
            tops.add(path.relative_to(target).parts[0])
            with explained(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                if info.issym():
                    links.append((path, info.linkname))
                elif info.isfile() and (stream := tar.extractfile(info)) is not None:
                    with path.open("xb") as out:
                        out.write(stream.read())
                    path.chmod(0o755 if info.mode & 0o100 else 0o644)
                elif not info.isdir():
                    raise GlassmasterError(f"{archive}: {info.name}: neither a file nor a symbolic link")
    for path, leads in links:
        with explained(path):
            path.symlink_to(leads)
    if len(tops) != 1:
        raise GlassmasterError(f"{archive}: has {len(tops)} top directories instead of one")
    return target / tops.pop()


def _place(name: str, target: Path, archive: Path) -> Path:
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts:
        raise GlassmasterError(f"{archive}: {name!r}: not a name below the archive's directory")
    return target.joinpath(*parts)


@contextlib.contextmanager
def _readable(archive: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, OSError) as error:
        raise GlassmasterError(f"{archive}: cannot be unpacked", why=str(error)) from error


def _inside(path: Path, work: Path) -> Path:
    """A path that a provenance names, if it is in the directory of the work and there."""
    if not path.resolve().is_relative_to(work.resolve()) or not path.exists():
        raise GlassmasterError(f"{PROVENANCE}: {path.name}: not in {SOURCE}", why=f"{path} is not there")
    return path


@contextlib.contextmanager
def _standing_in(folder: Path, variables: Mapping[str, str]) -> Iterator[None]:
    """The steps' places are seen from the current directory, and the epoch from the environment."""
    before = {name: os.environ.get(name) for name in (EPOCH_VARIABLE,)}
    os.environ.pop(EPOCH_VARIABLE, None)
    os.environ.update(variables)
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
