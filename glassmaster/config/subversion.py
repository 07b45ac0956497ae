"""Where a configuration tree comes from in Subversion, so that a disk made of it can be updated from there.

A working copy's own data (.svn) holds times and the order of somebody's commands; a disk gets the URL and the revision
instead, in .glassmaster/subversion, and glassmaster-update makes the working copy of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from glassmaster.config.tree import SUBVERSION, ConfigTree
from glassmaster.errors import GlassmasterError
from glassmaster.run import Command, run

FILE = "subversion"  # in the machine's own directory
_GIVEN = re.compile(r"(?P<url>[a-z][a-z+]*://[!-~]+?)/*(?:@(?P<revision>[0-9]+))?")
_URL = re.compile(r"[a-z][a-z+]*://[!-~]+")
# What svnversion says of a directory of one revision; M: with changes that are not committed.
_VERSION = re.compile(r"(?P<revision>[0-9]+)(?P<changed>M?)")


@dataclass(frozen=True)
class Origin:
    """A directory in Subversion. changed: what is here differs from that revision."""

    url: str
    revision: int
    changed: bool = False


def version_command(folder: Path) -> Command:
    """Ask which revision a directory is of."""
    return Command(("svnversion", "-n", str(folder)))


def url_command(folder: Path) -> Command:
    """Ask where a directory comes from."""
    return Command(("svn", "info", "--non-interactive", "--no-newline", "--show-item", "url", str(folder)))


def is_working_copy(folder: Path) -> bool:
    """Whether the directory, or one above it, has Subversion's data."""
    return any((above / SUBVERSION).is_dir() for above in (folder.absolute(), *folder.absolute().parents))


def origins(tree: ConfigTree, places: Iterable[str], given: str = "") -> dict[str, Origin]:
    """Where directories of a tree come from, by place; empty when servers could not know it.

    given: URL[@REVISION] of the whole tree as the servers reach it. Without one it is that of the working copy, unless
    its URL is of this machine alone (file:). Raises GlassmasterError when `given` is no URL, and when a directory is
    not of one revision.
    """
    match = _GIVEN.fullmatch(given)
    if given and match is None:
        raise GlassmasterError(f"svn={given}: not a URL", hint="such as https://svn.example.org/conf, or …/conf@7")
    base = match["url"] if match else ""
    if match and match["revision"]:
        return {place: Origin(f"{base}/{place}", int(match["revision"])) for place in places}
    if not is_working_copy(tree.root):
        if given:
            why, hint = "nothing says which revision it is of", f"name it: svn={base}@REVISION"
            raise GlassmasterError(f"{tree.root}: no Subversion checkout", why=why, hint=hint)
        return {}
    found = {place: _of_working_copy(tree.root / place, f"{base}/{place}" if base else "") for place in places}
    return {} if any(origin.url.startswith("file:") for origin in found.values()) and not base else found


def as_record(local: Origin, shared: Origin) -> str:
    """What a disk has in its .glassmaster/subversion: TREE REVISION URL, a line each."""
    return "".join(
        f"{name} {origin.revision} {origin.url}\n" for name, origin in (("local", local), ("global", shared))
    )


def _of_working_copy(folder: Path, url: str) -> Origin:
    said = run(version_command(folder)).decode("utf-8", "replace").strip()
    match = _VERSION.fullmatch(said)
    if match is None:
        raise GlassmasterError(
            f"{folder}: not of one revision",
            why=f"svnversion says {said!r}",
            hint=f"svn commit, then svn update {folder}",
        )
    url = url or run(url_command(folder)).decode("utf-8", "replace").strip()
    if not _URL.fullmatch(url):
        raise GlassmasterError(f"{folder}: its URL {url!r} is not understood")
    return Origin(url, int(match["revision"]), bool(match["changed"]))
