"""Looking at doit's state without touching it: no lock, no file made, nothing written, whatever the backend."""

from __future__ import annotations

import contextlib
import io
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from doit.exceptions import InvalidCommand

from glassmaster.doit_plugins.command import TasksCommand

# What backends put behind the name of their file: SQLite, and the kinds of dbm. A lock is not among them.
SUFFIXES = ("", "-wal", "-journal", ".db", ".dat", ".dir", ".bak", ".pag")
# How often a copy is begun again because another process wrote meanwhile; each of its tasks writes once.
TRIES = 100


class LookingCommand(TasksCommand):
    """A command that reads the state from a copy, so that even a backend that writes when it opens does no harm."""

    _backends: Any

    def execute(self, params: Any, args: list[str]) -> Any:
        """Load the tasks and look at them; what was copied is removed at the end."""
        with tempfile.TemporaryDirectory(prefix="doit-look-") as folder:
            self._backends = _Copying(self._backends, Path(folder))
            try:
                return super().execute(params, args)
            finally:
                if self.dep_manager is not None:
                    self.dep_manager.close()


class _Copying:
    """doit's backends by name, each of which opens a copy of the file that it is given."""

    def __init__(self, backends: Mapping[str, Any], folder: Path) -> None:
        self._backends = backends
        self._folder = folder

    def get(self, name: str) -> Callable[..., Any]:
        """The backend; raises InvalidCommand when there is none of this name."""
        backend = self._backends.get(name)
        if backend is None:
            raise InvalidCommand(f"there is no backend {name!r}")

        def opened(path: str, **keywords: Any) -> Any:
            target = copy(Path(path), self._folder)
            with contextlib.redirect_stderr(io.StringIO()) as said:
                state = backend(str(target), **keywords)
            if said.getvalue():
                # A backend that mends its file has mended the copy, and says so by the copy's name.
                print(f"doit: {path} is damaged or of another kind: nothing is known of earlier runs", file=sys.stderr)
            return state

        return opened


def copy(state: Path, folder: Path) -> Path:
    """Copy a state file, and what belongs to it, as they were at one moment; raises InvalidCommand if that fails.

    A file that is not there has no copy: for the backend nothing was ever run.
    """
    target = folder / state.name
    parts = [(Path(f"{state}{suffix}"), Path(f"{target}{suffix}")) for suffix in SUFFIXES]
    for _ in range(TRIES):
        before = [_signature(path) for path, _ in parts]
        try:
            for path, part in parts:
                part.unlink(missing_ok=True)
                if path.is_file():
                    shutil.copyfile(path, part)
        except FileNotFoundError:
            continue  # SQLite has just removed its -wal
        except OSError as error:
            raise InvalidCommand(f"{state}: cannot be read: {error.strerror}") from error
        if before == [_signature(path) for path, _ in parts]:
            return target
    raise InvalidCommand(f"{state}: another process writes it all the time; try again")


def _signature(path: Path) -> tuple[int, int, int] | None:
    try:
        info = path.stat()
    except FileNotFoundError:
        return None
    return info.st_ino, info.st_size, info.st_mtime_ns
