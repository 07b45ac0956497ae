"""Paths of an image: relative, `/` between names, no `.` or `..` among them; the root itself is ``.``.

They are never turned into paths of the host.
"""

from __future__ import annotations

import re

from glassmaster.errors import GlassmasterError

ROOT = "."
# NUL, and the surrogate escapes of bytes that are not UTF-8.
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


def normalized(raw: str, where: str) -> str:
    """The one spelling of an archive member's or specification's path.

    ``./bin//cat`` and ``bin/cat/`` are ``bin/cat``. Absolute paths, ``..``, NUL and names that are not UTF-8
    (given as surrogate escapes) raise GlassmasterError, which names `where` they were found.
    """
    if raw.startswith("/"):
        raise GlassmasterError(f"{where}: {raw!r}: an absolute path", why="members must lie below the image's root")
    parts = [part for part in raw.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise GlassmasterError(f"{where}: {raw!r}: `..` in a path", why="it could lead out of the image's root")
    if _NO_TEXT.search(raw):
        raise GlassmasterError(f"{where}: {raw!r}: this name is not UTF-8 text")
    return "/".join(parts) or ROOT


def parent(path: str) -> str:
    """The directory that holds the path; the root's is the root."""
    return path.rpartition("/")[0] or ROOT


def ancestors(path: str) -> list[str]:
    """All directories above the path, nearest last, without the root."""
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]


def sort_key(path: str) -> tuple[str, ...]:
    """Orders the root first and each directory right before what it holds."""
    return () if path == ROOT else tuple(path.split("/"))
