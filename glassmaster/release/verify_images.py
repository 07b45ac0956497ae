"""Are the images of a release what their mtree specifications say? Read by what did not write them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from glassmaster.checks import readback
from glassmaster.inputs.boot_files import KERNEL_PATH
from glassmaster.inputs.kernel.embedded import embedded_config
from glassmaster.release.artefacts import DIGESTS, DOMU, FACTS, ISO, KERNEL, KERNEL_CONFIG, KERNELS, MTREE
from glassmaster.release.gzipped import SUFFIX as GZ
from glassmaster.release.gzipped import digest_inside
from glassmaster.release.manifest import manifest
from glassmaster.release.results import Checked, check, read_document, told
from glassmaster.release.verify_files import Handed
from glassmaster.tree.mtree import Listed, parse_mtree

IMAGES = "images"
SHOWN = 5
_RELEASE = re.compile(r"# glassmaster recipe (?P<recipe>\S+)(?:, domU \S+)?, release (?P<release_id>[0-9a-f]+)\n")


@dataclass(frozen=True)
class Spec:
    """An mtree specification, and the release that its comment names."""

    lines: list[Listed]
    release_id: str


def read_spec(path: Path) -> Spec:
    """Read a specification; GlassmasterError where it is none."""
    text = path.read_text(encoding="utf-8")
    match = _RELEASE.search(text)
    return Spec(parse_mtree(text, path.name), match["release_id"] if match else "")


def check_iso(release: Handed) -> Checked:
    """The CD, entry by entry and byte by byte, and what it has in common with the other files."""
    return check("readback", f"{ISO} is what {MTREE} says, read by libarchive", _iso, release)


def check_domus(release: Handed) -> Checked:
    """The domUs' images, the same way; each is on the CD, and inside its compressed copy."""
    what = (
        f"the domUs' images are what their .mtree say, the same as on the CD, as in .gz and as {DOMU}/{DIGESTS} lists"
    )
    return check("domu", what, _domus, release)


def check_kernels(release: Handed) -> Checked:
    """The kernels are those of the CD, and their configurations those inside them."""
    return check("kernels", "the kernels are those on the CD, with the configurations inside", _kernels, release)


def _iso(release: Handed) -> list[str]:
    lines = read_spec(release.path(MTREE)).lines
    return _compared(ISO, lines, readback.read_iso(release.image(ISO)))


def _compared(name: str, lines: list[Listed], found: Iterator[readback.Found]) -> list[str]:
    result = readback.compared(lines, found)
    more = len(result.differences) - SHOWN
    shown = [f"{name}: {line}" for line in result.differences[:SHOWN]]
    return [*shown, *([f"{name}: and {more} more"] if more > 0 else [])]


def _domus(release: Handed) -> Iterator[str]:
    on_disc = _on_disc(release)
    images = {path.removeprefix(f"{IMAGES}/"): digest for path, digest in on_disc.items() if path.startswith(IMAGES)}
    below = [name.removeprefix(f"{DOMU}/") for name in release.digests if name.startswith(f"{DOMU}/")]
    there = {name for name in below if name.endswith(".img")}
    yield from (f"{name}: on the CD, but not in {DOMU}/" for name in sorted(images.keys() - there))
    for name in sorted(there):
        problems: list[str] = []
        with told(problems, name):
            problems += _domu(release, name, images)
        yield from problems
    kernels = {name: release.digests[f"{KERNELS}/{name}"] for name in below if f"{KERNELS}/{name}" in release.digests}
    for name, digest in sorted(kernels.items()):
        if release.digests[f"{DOMU}/{name}"] != digest:
            yield f"{DOMU}/{name}: not the kernel in {KERNELS}/"
    yield from _manifest(release, there, kernels)


def _manifest(release: Handed, images: Collection[str], kernels: Collection[str]) -> list[str]:
    """The list that servers follow, which has a signature of its own."""
    name = f"{DOMU}/{DIGESTS}"
    if not images:
        return [f"{name}: there are no images"] if release.has(name) else []
    facts = read_document(release.path(FACTS))
    digests = {name: release.digests[f"{DOMU}/{name}"].sha512 for name in (*images, *kernels)}
    wanted = manifest(facts["recipe"], facts["release_id"], facts["epoch"], digests)
    if release.path(name).read_bytes() == wanted.encode():
        return []
    return [f"{name}: not the recipe, release, epoch and digests of what is there"]


def _domu(release: Handed, name: str, on_disc: Mapping[str, str]) -> list[str]:
    image = f"{DOMU}/{name}"
    stem = image.removesuffix(".img")
    facts = read_document(release.path(f"{stem}.json"))
    lines = read_spec(release.path(f"{stem}.mtree")).lines
    path = release.image(image)
    problems = _compared(
        image, lines, readback.read_iso(path) if facts["filesystem"] == "cd9660" else readback.read_ffs(path)
    )
    digest = release.digests[image]
    if (facts["sha256"], facts["sha512"], facts["size"]) != (digest.sha256, digest.sha512, digest.size):
        problems.append(f"{stem}.json: tells of another image")
    if on_disc.get(name) != digest.sha256:
        problems.append(f"{image}: not the image on the CD")
    if digest_inside(release.image(f"{image}{GZ}"), most=digest.size) != digest.sha256:
        problems.append(f"{image}{GZ}: another image is inside")
    return problems


def _kernels(release: Handed) -> list[str]:
    on_disc = _on_disc(release)
    problems = []
    names = [
        KERNEL,
        *(name for name in release.digests if name.startswith(f"{KERNELS}/") and not name.endswith(".config")),
    ]
    for name in names:
        path, config = (
            (KERNEL_PATH, KERNEL_CONFIG) if name == KERNEL else (name.removeprefix(f"{KERNELS}/"), f"{name}.config")
        )
        if on_disc.get(path) != release.digests[name].sha256:
            problems.append(f"{name}: not the kernel on the CD, /{path}")
        with told(problems, config):
            if embedded_config(release.path(name).read_bytes(), name).encoded() != release.path(config).read_bytes():
                problems.append(f"{config}: not the configuration inside {name}")
    return problems


def _on_disc(release: Handed) -> dict[str, str]:
    """SHA-256 by path, of the CD's files."""
    return {line.path: line.sha256 for line in read_spec(release.path(MTREE)).lines if line.kind == "file"}
