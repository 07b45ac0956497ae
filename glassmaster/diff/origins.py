"""Whose is a file of a disc that nobody described? What NetBSD and pkgsrc leave on it says so.

    etc/mtree/set.NAME       the manifest of a set: its paths, and what their bytes were when it was made
    PKGDB/NAME-VERSION/+CONTENTS  a package's files

A file that is not what its set's manifest says is of `altered:NAME`: somebody changed it after the set was unpacked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from glassmaster.diff.contents import Contents
from glassmaster.diff.model import State
from glassmaster.diff.states import with_origins
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc.contents import parse_contents
from glassmaster.tree.mtreespec import parse

_MANIFEST = re.compile(r"etc/mtree/set\.([^/]+)")
# Both places of the package database, and its files' own package.
PACKAGE_DIRECTORY = re.compile(r"(?:var/db/pkg|usr/pkg/pkgdb)/([^/]+-[^/-]+)(?:/.*)?")
_PACKING_LIST = "+CONTENTS"
_IMAGE = re.compile(r"images/([^/]+)\.img")
# What a disc has beside sets and packages, by where it is.
_PLACES = (
    (re.compile(r"boot/grub(/.*)?"), "grub"),
    (re.compile(r"(boot/)?xen[^/]*(\.gz)?"), "xen"),
    (re.compile(r"netbsd[^/]*"), "kernel"),
)


def told_origins(states: Mapping[str, State], contents: Contents) -> dict[str, State]:
    """The states with origins as far as the disc itself tells them."""
    manifests = [path for path in states if _MANIFEST.fullmatch(path)]
    lists = [path for path in states if path.endswith(f"/{_PACKING_LIST}") and PACKAGE_DIRECTORY.fullmatch(path)]
    sets: dict[str, tuple[str, str]] = {}
    packages: dict[str, str] = {}
    for path, data in contents.each([*manifests, *lists]):
        if match := _MANIFEST.fullmatch(path):
            sets.update(_of_set(match[1], data, path))
        else:
            packages.update(_of_package(data, path))

    def origin(path: str, state: State) -> str:
        if path in packages:
            return packages[path]
        if match := PACKAGE_DIRECTORY.fullmatch(path):
            return f"package:{match[1]}"
        name, sha256 = sets.get(path, ("", ""))
        if name:
            return f"altered:{name}" if sha256 and state.sha256 not in ("", sha256) else f"set:{name}"
        return _by_place(path)

    return with_origins(states, origin)


def _by_place(path: str) -> str:
    if match := _IMAGE.fullmatch(path):
        return f"domu:{match[1]}"
    return next((name for pattern, name in _PLACES if pattern.fullmatch(path)), "")


def _of_set(name: str, data: bytes, path: str) -> dict[str, tuple[str, str]]:
    """Paths of a manifest with the set's name and the digest; what is no manifest tells nothing."""
    try:
        lines = list(parse(data.decode("utf-8", "surrogateescape"), path))
    except GlassmasterError:
        return {}
    return {line.path: (name, line.keywords.get("sha256", "")) for line in lines}


def _of_package(data: bytes, path: str) -> dict[str, str]:
    try:
        contents = parse_contents(data, path)
    except GlassmasterError:
        return {}
    top = contents.prefix.strip("/")
    return {f"{top}/{file.path}".strip("/"): f"package:{contents.name}" for file in contents.files}


def adopted(states: Mapping[str, State], described: Mapping[str, State]) -> dict[str, State]:
    """The states with the origins that the other side, which somebody described, has for the same things."""
    found = {}
    for path, state in states.items():
        other = described.get(path)
        is_same = other is not None and (state.kind, state.sha256, state.link) == (other.kind, other.sha256, other.link)
        found[path] = replace(state, origin=other.origin) if other is not None and is_same else state
    return found


def installed_packages(states: Iterable[str], origins: Iterable[str]) -> set[str]:
    """Names with versions of the packages of a tree: those of its database, or of its origins where there is none."""
    lists = (path for path in states if path.endswith(f"/{_PACKING_LIST}"))
    found = {match[1] for path in lists if (match := PACKAGE_DIRECTORY.fullmatch(path))}
    return found or {origin.removeprefix("package:") for origin in origins if origin.startswith("package:")}
