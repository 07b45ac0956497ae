"""Where a recipe's files are on the host, below the directory in which doit runs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glassmaster.recipe.model import Domu, Recipe

# ./doit sets it: the directory that the user stands in, from which the paths of a command line are seen.
CALLER_DIRECTORY = "GLASSMASTER_CWD"
BUILD, OUT = Path("build"), Path("out")
# Directories of a release, below NetBSD-VERSION/MACHINE (release(7)).
SETS_FOLDER, KERNEL_FOLDER = "binary/sets", "binary/kernel"
STANDIN_NOTICE = "This is glassmaster's stand-in release: not NetBSD, and no server runs on it."
BOOT_IMAGES = ("core.img", "efi.img", "boot_hybrid.img")


def near(path: Path) -> Path:
    """Relative to the repository if it lies in it, so that moving the repository changes nothing."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def caller_directory() -> Path:
    """Where the user stands."""
    return Path(os.environ.get(CALLER_DIRECTORY) or ".")


def layer_names(recipe: Recipe) -> list[str]:
    """The layers of the CD, in the order in which they are merged."""
    names = [f"set-{name}" for name in recipe.release.sets] + ["kernel"]
    names += ["xen"] if recipe.xen else []
    names += [packages_layer()] if recipe.packages else []
    names += ["domu-kernels"] if any(domu.kernel for domu in recipe.domus.values()) else []
    names += [f"domu-{name}" for name in sorted(recipe.domus)]
    return [*names, "grub", *(f"overlay-{name}" for name in recipe.overlays)]


def domu_layer_names(domu: Domu, name: str) -> list[str]:
    """The layers of a domU's root image, in the order in which they are merged."""
    packages = [packages_layer(name)] if domu.packages else []
    return [*(f"set-{item}" for item in domu.sets), *packages, *(domu_overlay(name, item) for item in domu.overlays)]


def packages_layer(domu: str = "") -> str:
    """The file with the layers of the dom0's packages, or of a domU's."""
    return f"packages-of-{domu}" if domu else "packages"


def domu_overlay(domu: str, overlay: str) -> str:
    """The layer of an overlay of a domU: its templates make it another one than the dom0's of the same name."""
    return f"overlay-{overlay}-of-{domu}"


@dataclass(frozen=True)
class Places:
    """The files of one recipe: what is handed on from step to step in build/, what people take in out/."""

    recipe: str

    @property
    def build(self) -> Path:
        """Working files; may be deleted at any time."""
        return BUILD / self.recipe

    @property
    def out(self) -> Path:
        """The release."""
        return OUT / self.recipe

    @property
    def mirror(self) -> Path:
        """The stand-in's mirror."""
        return self.build / "mirror"

    @property
    def inputs(self) -> Path:
        """The exact inputs of this build."""
        return self.build / "inputs.json"

    @property
    def accounts(self) -> Path:
        """Users and groups of the release."""
        return self.build / "accounts.json"

    def packages(self, domu: str = "") -> Path:
        """What the packages of the dom0 or of a domU leave for later steps: accounts, rc.d scripts."""
        return self.build / f"{packages_layer(domu)}.json"

    def layer(self, name: str) -> Path:
        """A layer; names are like set-base, kernel, overlay-dom0."""
        return self.build / "layers" / f"{name}.json"

    def blob(self, name: str) -> Path:
        """Contents that a layer made itself."""
        return self.build / "layers" / f"{name}.blob"

    def grub(self, name: str) -> Path:
        """A boot image: core.img, efi.img, boot_hybrid.img."""
        return self.build / "grub" / name

    @property
    def toolchain(self) -> Path:
        """Where NetBSD's tools are, for a kernel that is built."""
        return self.build / "toolchain.json"

    def log(self, name: str) -> Path:
        """What a long program says: toolchain, kernel."""
        return self.build / "logs" / f"{name}.log"

    @property
    def kernel_config(self) -> Path:
        """The configuration inside the dom0 kernel, as text."""
        return self.out / "kernel.config"

    def domu(self, name: str) -> Path:
        """A file of the domUs' root images: NAME.img, NAME.mtree, NAME.json, SHA512."""
        return self.out / "domu" / name

    @property
    def mtree(self) -> Path:
        """The tree of the CD as text."""
        return self.out / "dom0.mtree"

    @property
    def iso(self) -> Path:
        """The CD."""
        return self.out / "dom0.iso"

    @property
    def facts(self) -> Path:
        """What is known of the CD: size, digests, counts."""
        return self.out / "dom0.json"

    @property
    def readback(self) -> Path:
        """The result of reading the CD back."""
        return self.out / "readback.json"

    @property
    def repro_result(self) -> Path:
        """Whether it is the same when it is built again."""
        return self.out / "repro.json"

    @property
    def repro(self) -> Path:
        """What explains why it is not."""
        return self.out / "repro"

    @property
    def smoke(self) -> Path:
        """The smoke test's folder."""
        return self.out / "smoke"

    @property
    def release(self) -> Path:
        """What is handed over."""
        return self.out / "release"

    @property
    def published(self) -> Path:
        """Which releases were published, and where."""
        return self.out / "published.json"

    @property
    def kept(self) -> Path:
        """What others had put into releases that were replaced, by release id."""
        return self.out / "kept"
