"""Whether a file that a task depends on has changed: by its content.

    DOIT_CONFIG = {"check_file_uptodate": ContentChecker}

doit's own checkers believe a file whose mtime is the one they remember, whatever it holds; with times that are clamped
or restored from an archive that is wrong. A state is JSON: [SHA-256, size in bytes, signature or null]; see digests.py.
"""

from __future__ import annotations

import os
from typing import Any

from doit.dependency import FileChangedChecker

from glassmaster.doit_plugins.digests import DIGESTS, Seen, Signature, signature, stat_file

State = list[Any]


def as_state(seen: Seen) -> State:
    """What is recorded of a file."""
    return [seen.digest, seen.size, list(seen.signature) if seen.signature else None]


def same_content(path: str, info: os.stat_result, state: Any) -> bool:
    """Whether a file still holds what was recorded. Reads it only when its signature is another. OSError as stat(2)."""
    match state:
        case [str() as digest, int() as size, None | [int(), int(), int(), int()] as known]:
            found = signature(info)
            if known is not None and found == tuple(known):
                DIGESTS.note(path, Signature(*known), digest)
                return True
            return bool(size == info.st_size) and DIGESTS.digest(path) == digest
    return False  # no state of ours


class ContentChecker(FileChangedChecker):  # type: ignore[misc]  # doit has no type hints
    """Compares contents; believes inode, size, mtime and ctime together."""

    def info(self, file_path: str) -> os.stat_result:
        """stat(2). A directory is an error of its own: OSError would be reported as "does not exist"."""
        return stat_file(file_path)

    def check_modified(self, file_path: str, file_stat: os.stat_result, state: Any) -> bool:
        """Whether the file holds something else than when `state` was recorded."""
        return not same_content(file_path, file_stat, state)

    def get_state(self, dep: str, current_state: Any) -> State | None:
        """What the file holds now; None when that is recorded already."""
        state = as_state(DIGESTS.look(dep))
        return None if state == current_state else state
