"""What goes into a release's directory, in the order in which one thing needs the other."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glassmaster.atomic import write_bytes, write_json, write_text
from glassmaster.doit_plugins.progress import progress
from glassmaster.inputs.kernel.embedded import embedded_config
from glassmaster.inputs.lock import Lock
from glassmaster.places import Places
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.release.artefacts import (
    DIFF,
    DIGESTS,
    DOMU,
    FACTS,
    KERNELS,
    PROVENANCE,
    REBUILDS,
    REPRO,
    SBOM,
    SMOKE,
    SOURCE,
    Artefact,
    Digest,
    digest_of,
    files_below,
    is_built,
    is_said,
)
from glassmaster.release.digestlist import format_list, is_listed, is_statement
from glassmaster.release.gzipped import SUFFIX as GZ
from glassmaster.release.gzipped import compress
from glassmaster.release.provenance import Made, provenance
from glassmaster.release.results import read_document
from glassmaster.release.sbom import sbom
from glassmaster.release.sbom_components import Subject
from glassmaster.release.sbom_inputs import Image, images_of
from glassmaster.release.source import source_of, write_source

# Of a boot: what a person wants to see later. What else lies there names paths of this machine, or is empty.
SMOKE_FILES = ("serial.log", "timeline.json", "screen-*.png")
DIFF_FILES = tuple(f"{DIFF}.{suffix}" for suffix in ("json", "html", "md"))


@dataclass
class Staged:
    """A release that is being put together. what: each file in a few words. without: see provenance.Made."""

    folder: Path
    loaded: LoadedRecipe
    release_id: str
    without: Mapping[str, str]
    what: dict[str, str] = field(default_factory=dict)
    digests: dict[str, Digest] = field(default_factory=dict)

    def note(self, name: str, what: str) -> None:
        """A file is there."""
        self.what[name] = what
        self.digests[name] = digest_of(self.folder / name)


def stage_artefacts(staged: Staged, found: list[Artefact]) -> None:
    """Copy what was built, compress the domUs' images, write source.tar.gz."""
    with progress("copying", sum(_size(item) for item in found), "bytes") as advance:
        for item in found:
            target = staged.folder / item.name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as out:
                for chunk in item.chunks():
                    out.write(chunk)
                    advance(len(chunk))
            staged.note(item.name, item.what)
    for item in found:
        if item.name.startswith(f"{DOMU}/") and item.name.endswith(".img"):
            compress(staged.folder / item.name, staged.folder / f"{item.name}{GZ}")
            staged.note(f"{item.name}{GZ}", f"{item.what}, compressed")
        elif item.name.startswith(f"{KERNELS}/"):
            config = embedded_config((staged.folder / item.name).read_bytes(), item.name)
            write_bytes(staged.folder / f"{item.name}.config", config.encoded())
            staged.note(f"{item.name}.config", "its configuration")
    loaded = staged.loaded
    top = f"{loaded.name}-{staged.release_id}"
    write_source(source_of(loaded), top, loaded.recipe.epoch, staged.folder / SOURCE)
    staged.note(SOURCE, "what it is rebuilt from")


def stage_evidence(staged: Staged, comparison: Path) -> None:
    """Copy the results of the checks that are there, and good enough not to have been left out.

    comparison: the directory with diff.json and its like.
    """
    for path, name, what in _evidence(staged.loaded, comparison):
        if path.is_file() and name.partition("/")[0].partition(".")[0] not in staged.without:
            target = staged.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            staged.note(name, what)


def _evidence(loaded: LoadedRecipe, comparison: Path) -> Iterator[tuple[Path, str, str]]:
    places, smoke = Places(loaded.name), loaded.recipe.smoke
    yield places.smoke / "smoke.json", f"{SMOKE}/smoke.json", "what the boots showed"
    yield places.smoke / "junit.xml", f"{SMOKE}/junit.xml", "the same for CI"
    for scenario in (*smoke.firmware, *(item.name for item in smoke.scenarios)):
        for pattern in SMOKE_FILES:
            for path in sorted((places.smoke / scenario).glob(pattern)):
                yield path, f"{SMOKE}/{scenario}/{path.name}", f"the boot {scenario}"
    yield places.out / REPRO, REPRO, "whether it is the same when built again"
    for name in DIFF_FILES:
        yield comparison / name, name, "what changed since the release before"


def stage_rebuilds(staged: Staged, before: Path) -> None:
    """Keep what others said of this release when it was put together before. They are signed on their own."""
    if (before / FACTS).is_file() and read_document(before / FACTS).get("release_id") == staged.release_id:
        for path in sorted((before / REBUILDS).glob("*.json*")):
            if is_statement(f"{REBUILDS}/{path.name}"):
                (staged.folder / REBUILDS).mkdir(exist_ok=True)
                shutil.copyfile(path, staged.folder / REBUILDS / path.name)


def stage_statements(staged: Staged, lock: Lock) -> list[Image]:
    """The SBOM, then the provenance, which names it. Returned are the images that the SBOM describes."""
    images = images_of(staged.loaded, lock, staged.folder, staged.digests)
    subject = Subject(staged.loaded, staged.release_id, lock, staged.digests)
    write_text(staged.folder / SBOM, sbom(subject, images))
    staged.note(SBOM, "what is on the images: a bill of materials (CycloneDX)")
    made = Made(
        staged.release_id, {name: digest for name, digest in staged.digests.items() if is_built(name)},
        {name: digest for name, digest in staged.digests.items() if is_said(name)}, staged.without,
    )  # fmt: skip
    write_json(staged.folder / PROVENANCE, provenance(staged.loaded, lock, source_of(staged.loaded), made))
    staged.note(PROVENANCE, "what it was made from, by what, and how (in-toto, SLSA)")
    return images


def facts(staged: Staged) -> dict[str, Any]:
    """What release.json holds: all that is there now."""
    recipe, compared = staged.loaded.recipe, staged.folder / f"{DIFF}.json"
    previous = read_document(compared)["old"] if compared.is_file() else None
    files = [
        {"name": name, "what": staged.what[name], "size": item.size, "sha256": item.sha256, "sha512": item.sha512}
        for name, item in sorted(staged.digests.items())
    ]
    return {
        "format": 1, "recipe": staged.loaded.name, "release_id": staged.release_id, "description": recipe.description,
        "version": recipe.release.version, "machine": recipe.release.machine, "epoch": recipe.epoch,
        "standin": recipe.standin is not None, "volume_id": recipe.media.volume_id, "budget": recipe.media.budget,
        "without": dict(staged.without), "files": files,
        "previous": {name: previous[name] for name in ("recipe", "release_id")} if previous else None,
    }  # fmt: skip


def write_list(folder: Path) -> None:
    """SHA512, over everything that is there."""
    digests = {name: digest_of(folder / name).sha512 for name in files_below(folder) if is_listed(name)}
    write_text(folder / DIGESTS, format_list(digests))


def _size(item: Artefact) -> int:
    return item.content.size if item.content else item.path.stat().st_size
