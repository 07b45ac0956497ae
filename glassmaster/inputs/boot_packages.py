"""The Debian packages whose files land on the disc, or make what does. None of them is installed."""

from __future__ import annotations

from glassmaster.recipe.model import Recipe
from glassmaster.recipe.parts import debian_xen

GRUB_TOOLS, GRUB_BIOS, GRUB_UEFI = "grub-common", "grub-pc-bin", "grub-efi-amd64-bin"


def debian_packages(recipe: Recipe) -> tuple[str, ...]:
    """The packages that a recipe needs."""
    xen = debian_xen(recipe)
    return (GRUB_TOOLS, GRUB_BIOS, GRUB_UEFI, *([xen] if xen else []))
