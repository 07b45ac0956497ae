"""The Debian packages whose files land on the disc, or make what does. None of them is installed."""

from __future__ import annotations

from glassmaster.recipe.model import Recipe

GRUB_TOOLS, GRUB_BIOS, GRUB_UEFI = "grub-common", "grub-pc-bin", "grub-efi-amd64-bin"


def debian_packages(recipe: Recipe) -> tuple[str, ...]:
    """The packages that a recipe needs."""
    xen = (recipe.xen.package,) if recipe.xen else ()
    return (GRUB_TOOLS, GRUB_BIOS, GRUB_UEFI, *xen)
