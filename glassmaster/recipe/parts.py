"""What a recipe has in more than one place: sets and kernels, of the dom0 and of its domUs."""

from __future__ import annotations

from glassmaster.recipe.model import Kernel, Recipe


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
