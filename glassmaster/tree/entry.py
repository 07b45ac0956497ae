"""One path of an image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

# mtree(5)'s names of the types that an image can hold. There are no devices: NetBSD's init makes them in memory.
Kind = Literal["file", "dir", "link"]

PERMISSIONS = 0o7777


@dataclass(frozen=True, slots=True)
class Content:
    """Where the bytes of a file are: `size` bytes at `offset` of `blob`; sha256 is theirs, in hex."""

    blob: Path
    offset: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, directory or symbolic link of an image.

    mode:  permission bits with setuid, setgid and sticky (0o7777 at most).
    mtime: seconds since 1970.
    link:  the target of a symbolic link, otherwise "".
    inode: equal for the names of one file (hard links) in one layer, otherwise "".
    """

    path: str
    kind: Kind
    mode: int
    uid: int
    gid: int
    mtime: int
    link: str = ""
    content: Content | None = None
    inode: str = ""

    @property
    def size(self) -> int:
        """Bytes of a file's content; 0 for anything else."""
        return self.content.size if self.content else 0
