"""Removing what tasks made, and only that: files by name, directories only once they are empty."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Removal:
    """What was removed, or would be when `dry`.

    removed: bytes by path (directories: 0). kept: directories, with the name of something in them that stays.
    failed:  what the system refused, by path.
    """

    top: Path
    dry: bool
    removed: dict[Path, int] = field(default_factory=dict)
    kept: dict[Path, str] = field(default_factory=dict)
    failed: dict[Path, str] = field(default_factory=dict)
    _folders: set[Path] = field(default_factory=set)

    @property
    def bytes(self) -> int:
        """How much room that makes."""
        return sum(self.removed.values())

    def files(self, paths: Iterable[Path]) -> None:
        """Remove files and links; a path that is not there is passed over, a directory is left for later."""
        for path in paths:
            try:
                info = path.lstat()
                if stat.S_ISDIR(info.st_mode):
                    self._folders.add(path)
                elif path not in self.removed:
                    if not self.dry:
                        path.unlink()
                    self.removed[path] = info.st_size
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                self.failed[path] = error.strerror or str(error)
                continue
            self._folders.update(self._above(path))

    def directories(self) -> None:
        """Then the directories that held the files, and those that were given, if they hold nothing else."""
        # The deepest first: an empty one may have been all that its parent held.
        for folder in sorted(self._folders, key=lambda folder: (-len(folder.parts), folder)):
            try:
                left = sorted(entry.name for entry in os.scandir(folder) if folder / entry.name not in self.removed)
                if left:
                    self.kept[folder] = left[0]
                    continue
                if not self.dry:
                    folder.rmdir()
                self.removed[folder] = 0
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                self.failed[folder] = error.strerror or str(error)

    def _above(self, path: Path) -> list[Path]:
        """The directories between `top` and a path; none when a symbolic link leads there, or out of `top`."""
        if not path.is_relative_to(self.top) or path.parent.resolve() != path.parent:
            return []
        return [self.top / folder for folder in path.relative_to(self.top).parents if folder != Path()]
