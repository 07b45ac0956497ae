"""What a store holds, who uses it, whether it is still right, and what may go."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.checksums import SHA512_HEX
from glassmaster.inputs.incoming import SUFFIX, remove_unclaimed
from glassmaster.inputs.register import Use, exclusive, forget_dead, registered, uses
from glassmaster.inputs.store import Store

# In a directory of derived data whose name does not begin with a digest: the digests that it was made of, a line each.
MADE_OF = "sha512"


@dataclass(frozen=True)
class Held:
    """A file of the store. used: by which locks, under which names."""

    sha512: str
    size: int
    used: tuple[Use, ...]

    @property
    def names(self) -> list[str]:
        """What locks call it, sorted."""
        return sorted({use.name for use in self.used})


@dataclass(frozen=True)
class Beside:
    """Derived data (a directory) or an unfinished download. kept: it belongs to files that locks name."""

    path: Path
    size: int
    kept: bool


@dataclass(frozen=True)
class Holdings:
    """All that a store holds, each sorted by path. missing: what locks name and the store has not."""

    files: tuple[Held, ...]
    derived: tuple[Beside, ...]
    parts: tuple[Beside, ...]
    missing: tuple[Use, ...]


@dataclass(frozen=True)
class Pruned:
    """What was removed, or would be. busy: unfinished downloads that no lock names, but somebody is fetching them."""

    files: tuple[Held, ...]
    derived: tuple[Beside, ...]
    parts: tuple[Beside, ...]
    busy: tuple[Beside, ...]

    @property
    def size(self) -> int:
        """Bytes that this frees."""
        return sum(item.size for group in (self.files, self.derived, self.parts) for item in group)


def holdings(store: Store, used: Sequence[Use]) -> Holdings:
    """Look through a store. used: what locks name (`uses`)."""
    by_digest: dict[str, list[Use]] = defaultdict(list)
    for use in used:
        by_digest[use.sha512].append(use)
    files = tuple(Held(path.name, _size(path), tuple(by_digest.get(path.name, ()))) for path in _files(store))
    derived = tuple(Beside(path, _size(path), _is_kept(path, by_digest)) for path in _derived(store))
    parts = tuple(Beside(path, _size(path), path.name.removesuffix(SUFFIX) in by_digest) for path in _parts(store))
    here = {item.sha512 for item in files}
    return Holdings(files, derived, parts, tuple(use for use in used if use.sha512 not in here))


def damaged(store: Store, held: Iterable[Held]) -> Iterator[tuple[Held, bool]]:
    """Each file, read through, and whether it is not what its name says."""
    for item in held:
        try:
            store.verified(item.sha512, item.sha512)
            yield item, False
        except GlassmasterError:
            yield item, True


def remove(store: Store, held: Iterable[Held]) -> None:
    """Remove files and what was derived from them."""
    gone = {item.sha512 for item in held}
    for sha512 in gone:
        store.path(sha512).unlink(missing_ok=True)
    for path in _derived(store):
        if _made_of(path) & gone:
            shutil.rmtree(path, ignore_errors=True)


def prune(store: Store, locks: Iterable[Path], *, dry: bool) -> Pruned:
    """Remove what none of the locks, nor any that is registered, names. Nobody registers a lock meanwhile.

    GlassmasterError, and nothing is removed, if a lock cannot be read or there is none at all.
    """
    with exclusive(store):
        known = {path.absolute() for path in (*locks, *registered(store))}
        if not known:
            raise GlassmasterError(
                "no lock is known, so everything in the store would go", why=f"the store: {store.root}",
                hint=f"if that is meant: rm -r {store.root}",
            )  # fmt: skip
        found = holdings(store, uses(known))
        files = tuple(item for item in found.files if not item.used)
        derived = tuple(item for item in found.derived if not item.kept)
        parts: list[Beside] = []
        busy: list[Beside] = []
        for part in found.parts:
            if not part.kept:
                (parts if dry or remove_unclaimed(part.path) else busy).append(part)
        if not dry:
            forget_dead(store)
            for item in derived:
                shutil.rmtree(item.path)
            for held in files:
                store.path(held.sha512).unlink(missing_ok=True)
    return Pruned(files, derived, tuple(parts), tuple(busy))


def _files(store: Store) -> list[Path]:
    return sorted(path for path in store.root.glob("sha512/*/*") if SHA512_HEX.fullmatch(path.name))


def _derived(store: Store) -> list[Path]:
    """Finished ones: a name that begins with a dot is somebody's work."""
    return sorted(path for path in store.root.glob("derived/*/*") if not path.name.startswith("."))


def _parts(store: Store) -> list[Path]:
    return sorted(store.root.glob(f"incoming/*{SUFFIX}"))


def _is_kept(path: Path, used: dict[str, list[Use]]) -> bool:
    made_of = _made_of(path)
    return bool(made_of) and made_of <= used.keys()


def _made_of(path: Path) -> set[str]:
    """The digests that a directory's name begins with, or that are listed in it; none if neither says so."""
    digest = path.name[:128]
    if SHA512_HEX.fullmatch(digest):
        return {digest}
    try:
        words = set((path / MADE_OF).read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return set()
    return words if all(map(SHA512_HEX.fullmatch, words)) else set()


def _size(path: Path) -> int:
    """Bytes of a file, or of all files of a directory; 0 for what is gone by now."""
    try:
        if path.is_dir():
            return sum(_size(inner) for inner in path.iterdir())
        return path.lstat().st_size
    except FileNotFoundError:
        return 0
