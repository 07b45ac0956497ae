"""The files of a release: their names in its directory, and the digests by which all else speaks of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.boot_files import KERNEL_PATH
from glassmaster.places import Places
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.recipe.parts import domu_kernel_files, domu_kernels
from glassmaster.release.signing import SUFFIX as SIGNATURE
from glassmaster.tree.entry import Content
from glassmaster.tree.layer import read_layer

CHUNK = 1 << 20
ISO, MTREE, KERNEL, KERNEL_CONFIG = "dom0.iso", "dom0.mtree", "kernel", "kernel.config"
SOURCE = "source.tar.gz"
DOMU, KERNELS = "domu", "kernels"
SBOM, PROVENANCE, DIGESTS, FACTS, NOTES, PAGE = (
    "sbom.cdx.json", "provenance.json", "SHA512", "release.json", "notes.md", "index.html",
)  # fmt: skip
REPRO, DIFF, SMOKE, REBUILDS = "repro.json", "diff", "smoke", "rebuilds"
LOCK_SUFFIX = ".lock"
# Of a boot: what a person wants to see later. What else lies there names paths of this machine, or is empty.
SMOKE_FILES = ("serial.log", "timeline.json", "screen-*.png")
DIFF_FILES = tuple(f"{DIFF}.{suffix}" for suffix in ("json", "html", "md"))
_BUILT = (ISO, MTREE, KERNEL, KERNEL_CONFIG, SOURCE)
_LAST = (PROVENANCE, NOTES, FACTS, PAGE, DIGESTS)


@dataclass(frozen=True)
class Digest:
    """A file by its bytes; hex."""

    size: int
    sha256: str
    sha512: str


@dataclass(frozen=True)
class Artefact:
    """A file that is built, as it goes into a release.

    name: in the release's directory. what: in a few words, for people. path: where the build left it; content: where
    the bytes are, if they are a part of that file.
    """

    name: str
    what: str
    path: Path
    content: Content | None = None

    def chunks(self) -> Iterator[bytes]:
        """The bytes."""
        offset, left = (self.content.offset, self.content.size) if self.content else (0, self.path.stat().st_size)
        with self.path.open("rb") as stream:
            stream.seek(offset)
            while left and (chunk := stream.read(min(CHUNK, left))):
                left -= len(chunk)
                yield chunk
        if left:
            raise GlassmasterError(f"{self.path}: too short", why=f"{left:,} bytes of {self.name} are missing")


def artefacts(loaded: LoadedRecipe) -> list[Artefact]:
    """What the build left for a release; images of domUs are compressed beside it, and source.tar.gz is made."""
    recipe, places = loaded.recipe, Places(loaded.name)
    found = [
        Artefact(ISO, "the CD image", places.iso),
        Artefact(MTREE, "every file of the CD", places.mtree),
        Artefact(KERNEL_CONFIG, "the dom0 kernel's configuration", places.kernel_config),
        Artefact(f"{loaded.name}.lock", "the exact inputs", loaded.lock),
        *_kernels(places.layer("kernel"), "the dom0 kernel, as on the CD"),
    ]
    if domu_kernels(recipe):
        found += _kernels(places.layer("domu-kernels"), "a kernel for virtual machines, as on the CD")
    for name in sorted(recipe.domus):
        found += [
            Artefact(f"{DOMU}/{name}.img", f"the root image of the virtual machine {name}", places.domu(f"{name}.img")),
            Artefact(f"{DOMU}/{name}.mtree", "every file of it", places.domu(f"{name}.mtree")),
            Artefact(f"{DOMU}/{name}.json", "what is known of it", places.domu(f"{name}.json")),
        ]
    found += [
        Artefact(f"{DOMU}/{name}", "the same kernel, for glassmaster-rollout", places.domu(name))
        for name in domu_kernel_files(recipe)
    ]
    if recipe.domus:
        found.append(Artefact(f"{DOMU}/{DIGESTS}", "what glassmaster-rollout verifies", places.domu(DIGESTS)))
    return found


def evidence(loaded: LoadedRecipe, comparison: Path) -> Iterator[tuple[Path, str, str]]:
    """Results of checks as they go into a release: where they would be, name, what. comparison: where diff.json is."""
    places, smoke = Places(loaded.name), loaded.recipe.smoke
    yield places.smoke / "smoke.json", f"{SMOKE}/smoke.json", "what the boots showed"
    yield places.smoke / "junit.xml", f"{SMOKE}/junit.xml", "the same for CI"
    for scenario in (*smoke.firmware, *(item.name for item in smoke.scenarios)):
        for pattern in SMOKE_FILES:
            for path in sorted((places.smoke / scenario).glob(pattern)):
                yield path, f"{SMOKE}/{scenario}/{path.name}", f"the boot {scenario}"
    yield places.repro_result, REPRO, "whether it is the same when built again"
    for name in DIFF_FILES:
        yield comparison / name, name, "what changed since the release before"


def _kernels(layer: Path, what: str) -> list[Artefact]:
    return [
        Artefact(KERNEL if entry.path == KERNEL_PATH else f"{KERNELS}/{entry.path}", what, content.blob, content)
        for entry in read_layer(layer).entries if (content := entry.content)
    ]  # fmt: skip


def is_built(name: str) -> bool:
    """Whether a file of a release is built, and so a subject of the provenance."""
    if name.endswith((SIGNATURE, f"/{DIGESTS}")):
        return name == f"{DOMU}/{DIGESTS}"
    below = name.startswith((f"{DOMU}/", f"{KERNELS}/"))
    return name in _BUILT or below or ("/" not in name and name.endswith(LOCK_SUFFIX))


def is_said(name: str) -> bool:
    """Whether a file says something of what is built, and was there when the provenance was written."""
    later = name in _LAST or name.endswith(SIGNATURE) or name.startswith(f"{REBUILDS}/")
    return not later and not is_built(name)


def digest_of(path: Path) -> Digest:
    """The digests of a file."""
    with path.open("rb") as stream:
        return digest_chunks(iter(lambda: stream.read(CHUNK), b""))


def digest_chunks(chunks: Iterator[bytes]) -> Digest:
    """The digests of a stream of bytes."""
    sha256, sha512, size = hashlib.sha256(), hashlib.sha512(), 0
    for chunk in chunks:
        sha256.update(chunk)
        sha512.update(chunk)
        size += len(chunk)
    return Digest(size, sha256.hexdigest(), sha512.hexdigest())


def files_below(folder: Path) -> list[str]:
    """Names of all files below a directory, sorted; symbolic links and the like are files here, for others to judge."""
    paths = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(path.relative_to(folder).as_posix() for path in paths)
