"""The files that make an overlay, as they lie in the repository."""

from __future__ import annotations

import os
import stat
from pathlib import Path

FOLDER = Path("overlays")


def overlay_files(name: str) -> list[Path]:
    """All files that make an overlay, sorted: what a step that uses it depends on."""
    tree = FOLDER / name
    beside = [path for path in (FOLDER / f"{name}.mtree", FOLDER / f"{name}.yaml") if path.is_file()]
    return sorted([*(path for path in tree.rglob("*") if path.is_file() and not path.is_symlink()), *beside])


def overlay_state(name: str) -> list[str]:
    """What the files' contents do not tell: names, x bits and link targets, one line each."""
    tree = FOLDER / name
    lines = []
    for path in sorted(tree.rglob("*")):
        link = f" -> {link_target(path)}" if path.is_symlink() else ""
        lines.append(f"{path.relative_to(tree)} {oct(file_mode(path))}{link}")
    return lines


def link_target(path: Path) -> str:
    """The target of a symbolic link as it is; Path.readlink() would tidy it up."""
    return os.readlink(path)  # noqa: PTH115


def file_mode(path: Path) -> int:
    """The file's type, and its x bit only: other permission bits depend on the umask of the checkout."""
    mode = path.lstat().st_mode
    return stat.S_IFMT(mode) | (mode & stat.S_IXUSR if stat.S_ISREG(mode) else 0)
