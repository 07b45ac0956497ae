"""What an SBOM is made of: the images' trees, the packages' own records in them, and the lock."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from glassmaster.inputs.lock import Lock, LockedPackage
from glassmaster.places import Places, packages_layer
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.recipe.parts import image_name, images_with_packages
from glassmaster.release.artefacts import DOMU, ISO, MTREE, Digest
from glassmaster.tree.entry import Entry
from glassmaster.tree.layer import read_layers
from glassmaster.tree.mtree import Listed, parse_mtree

BUILD_INFO, COMMENT = "+BUILD_INFO", "+COMMENT"


@dataclass(frozen=True)
class PackageFacts:
    """What a package's own record says. fields: of +BUILD_INFO, such as LICENSE, HOMEPAGE, PKGPATH."""

    comment: str
    fields: Mapping[str, str]


@dataclass(frozen=True)
class Share:
    """What an image has of one origin.

    sha256: of all paths with their contents. contents: the SHA-256 of each file.
    """

    entries: int
    files: int
    bytes: int
    sha256: str
    contents: frozenset[str]


@dataclass(frozen=True)
class Image:
    """An image of the release: its name (dom0 or domu:NAME), its file with digests, and what it holds by origin."""

    name: str
    file: str
    digest: Digest
    shares: Mapping[str, Share]
    packages: Sequence[LockedPackage]
    facts: Mapping[str, PackageFacts]


def images_of(loaded: LoadedRecipe, lock: Lock, folder: Path, digests: Mapping[str, Digest]) -> list[Image]:
    """The CD, then the domUs. folder: the release, in which the specifications are."""
    names = {"": (ISO, MTREE)}
    names |= {name: (f"{DOMU}/{name}.img", f"{DOMU}/{name}.mtree") for name in sorted(loaded.recipe.domus)}
    found = []
    for domu, (file, spec) in names.items():
        lines = parse_mtree((folder / spec).read_text(encoding="utf-8"), spec)
        name = image_name(domu)
        packages = lock.packages.get(name, ())
        facts = (
            _facts(Places(loaded.name).layer(packages_layer(domu)))
            if name in images_with_packages(loaded.recipe)
            else {}
        )
        found.append(Image(name, file, digests[file], shares(lines), packages, facts))
    return found


def shares(lines: Iterable[Listed]) -> dict[str, Share]:
    """The shares of a tree by origin, in the order of the names."""
    by_origin: dict[str, list[Listed]] = {}
    for line in lines:
        by_origin.setdefault(line.origin, []).append(line)
    return {origin: _share(by_origin[origin]) for origin in sorted(by_origin)}


def _share(lines: Sequence[Listed]) -> Share:
    digest, files = hashlib.sha256(), [line for line in lines if line.kind == "file"]
    for line in sorted(lines, key=lambda line: line.path):
        digest.update(f"{line.path}\0{line.kind}\0{line.sha256 or line.link}\n".encode("utf-8", "surrogateescape"))
    contents = frozenset(line.sha256 for line in files)
    return Share(len(lines), len(files), sum(line.size for line in files), digest.hexdigest(), contents)


def _facts(layer: Path) -> dict[str, PackageFacts]:
    """What the packages of a layer say of themselves, by the name with the version."""
    found: dict[str, dict[str, str]] = {}
    for entry in (entry for one in read_layers(layer) for entry in one.entries):
        folder, _, name = entry.path.rpartition("/")
        if name in (BUILD_INFO, COMMENT):
            found.setdefault(folder.rpartition("/")[2], {})[name] = _text(entry)
    return {
        name: PackageFacts(texts.get(COMMENT, "").strip(), _fields(texts.get(BUILD_INFO, "")))
        for name, texts in found.items()
    }


def _fields(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines())
    return {name: value.strip() for name, equals, value in pairs if equals}


def _text(entry: Entry) -> str:
    if entry.content is None:
        return ""
    with entry.content.blob.open("rb") as stream:
        stream.seek(entry.content.offset)
        return stream.read(entry.content.size).decode("utf-8", "replace")
