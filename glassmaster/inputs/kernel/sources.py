"""The source tree: source sets unpacked and patched, once for all recipes that want the same."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from glassmaster.doit_plugins.progress import progress
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.kernel.unpack import unpack_sources
from glassmaster.inputs.kernel.workdir import finish, key_of
from glassmaster.inputs.store import Store
from glassmaster.run import Command, run

KIND = "kernel-source"
FORMAT = 1
# Directories of a work directory: the sources, and what includes them (see built.py).
SOURCE, CONF = "src", "conf"


@dataclass(frozen=True)
class SourceSet:
    """A source set in the store, by the name of its file and its SHA-512 (hex)."""

    name: str
    sha512: str


@dataclass(frozen=True)
class SourceTree:
    """An unpacked, patched tree. folder: the work directory that it is in, under `SOURCE`; key: what it was made of.

    made_of: the SHA-512 of its sets.
    """

    folder: Path
    key: str
    made_of: tuple[str, ...]

    @property
    def top(self) -> Path:
        """What is /usr/src on NetBSD."""
        return self.folder / SOURCE


def source_key(sets: Sequence[SourceSet], patches: Sequence[Path]) -> str:
    """What a tree is made of: the sets by content, the patches by content and order."""
    return key_of({
        "format": FORMAT, "sets": sorted(item.sha512 for item in sets), "patches": [_digest(path) for path in patches],
    })  # fmt: skip


def source_tree(sets: Sequence[SourceSet], patches: Sequence[Path], store: Store) -> SourceTree:
    """The tree of these sets with these patches, made unless the store has it."""
    key = source_key(sets, patches)

    def make(folder: Path) -> None:
        # What an interrupted one left has no value: a file of it may be half there.
        shutil.rmtree(folder / SOURCE, ignore_errors=True)
        (folder / SOURCE).mkdir()
        with progress("unpacking sources", len(sets)) as advance:
            for item in sets:
                unpack_sources(store.read(item.sha512, item.name), item.name, folder / SOURCE)
                advance()
        for path in patches:
            apply_patch(path, folder / SOURCE)

    made_of = tuple(sorted(item.sha512 for item in sets))
    return SourceTree(finish(store, KIND, key, "kernel sources", make, made_of), key, made_of)


def patch_command(patch: Path, tree: Path, *, dry_run: bool) -> Command:
    """patch(1): exactly where the patch says but for line numbers, never reversed, never asking, no copies left."""
    argv = ("patch", "-p1", "--batch", "--forward", "--fuzz=0", "--no-backup-if-mismatch", "--reject-file=-")
    dry = ("--dry-run",) if dry_run else ()
    return Command((*argv, *dry, "-d", str(tree), "-i", str(patch.absolute())))


def apply_patch(patch: Path, tree: Path) -> None:
    """Apply a patch, all of it or nothing; raises GlassmasterError with what patch(1) says."""
    for dry_run in (True, False):
        command = patch_command(patch, tree, dry_run=dry_run)
        # patch(1) says on standard output why it fails.
        merged = Command(("/bin/sh", "-c", 'exec "$@" >&2', "patch", *command.argv))
        try:
            run(merged)
        except GlassmasterError as error:
            raise GlassmasterError(
                f"{patch}: does not fit these sources", why=error.why, hint=f"to repeat it: {command.line()}"
            ) from error


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise GlassmasterError(f"{path}: cannot be read", why=error.strerror or str(error)) from error
