"""What a recipe has in more than one place: sets, kernels and packages, of the dom0 and of its domUs."""

from __future__ import annotations

from glassmaster.recipe.kernel import MAIN_KERNEL
from glassmaster.recipe.model import Kernel, Recipe
from glassmaster.recipe.packages import Packages


def all_sets(recipe: Recipe) -> tuple[str, ...]:
    """Every set that goes into one of the images, the dom0's first."""
    return tuple(dict.fromkeys([*recipe.release.sets, *(name for domu in recipe.domus.values() for name in domu.sets)]))


def domu_kernels(recipe: Recipe) -> tuple[Kernel, ...]:
    """The kernels of the domUs, each once."""
    found: list[Kernel] = []
    for _, domu in sorted(recipe.domus.items()):
        if domu.kernel is not None and domu.kernel not in found:
            found.append(domu.kernel)
    return tuple(found)


def all_kernels(recipe: Recipe) -> tuple[Kernel, ...]:
    """The kernel of the dom0, and those of the domUs."""
    return (recipe.kernel, *domu_kernels(recipe))


def kernel_name(kernel: Kernel) -> str:
    """What a kernel calls itself."""
    return kernel.build.name if kernel.source == "built" else kernel.config


def domu_kernel_files(recipe: Recipe) -> tuple[str, ...]:
    """The names of the domUs' kernels, at the top of the disc and beside the images."""
    found: list[str] = []
    for kernel in domu_kernels(recipe):
        lines = kernel.build.config if kernel.source == "built" else (MAIN_KERNEL,)
        found += [f"{line.split()[0]}-{kernel_name(kernel)}" for line in lines]
    return tuple(found)


def debian_xen(recipe: Recipe) -> str:
    """The Debian package that the hypervisor is taken from; "" where there is none."""
    return recipe.xen.package if recipe.xen and recipe.xen.source == "debian" else ""


def images_with_packages(recipe: Recipe) -> dict[str, Packages]:
    """What images get of packages, by image_name(); those without any are not there."""
    domus = {image_name(name): domu.packages for name, domu in sorted(recipe.domus.items())}
    return {image: packages for image, packages in {image_name(): recipe.packages, **domus}.items() if packages}


def image_name(domu: str = "") -> str:
    """What the lock calls the image of a domU, or the CD itself."""
    return f"domu:{domu}" if domu else "dom0"


def packages_section(image: str) -> tuple[str, ...]:
    """The keys by which a recipe says what an image gets of packages. image: see image_name()."""
    _, _, domu = image.partition(":")
    return ("domus", domu, "packages") if domu else ("packages",)
