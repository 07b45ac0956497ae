"""GRUB on the disc: core images by grub-mkimage, the menu from a template."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.boot_packages import GRUB_BIOS, GRUB_TOOLS, GRUB_UEFI
from glassmaster.inputs.template import render_file
from glassmaster.recipe.model import KERNEL_ARGUMENTS_LIMIT, Recipe
from glassmaster.run import Command

MENU_PATH = "boot/grub/grub.cfg"
MENU_TEMPLATE = Path(__file__).with_name("grub.cfg.j2")
PREFIX = "/boot/grub"
# The standard place from which UEFI starts removable media (UEFI specification 3.5.1.1).
EFI_BOOT_FILE = "EFI/BOOT/BOOTX64.EFI"
# In the menu's order: also the hot keys by which the serial console picks an entry.
HOTKEYS = {"normal": "n", "single": "u", "serial": "s"}
# GRUB puts a backslash before these in what it hands on to a kernel (grub-core/lib/cmdline.c).
ALTERED = frozenset("\\'\"")

_COMMON_MODULES = (
    "boot", "cat", "configfile", "echo", "gzio", "halt", "iso9660", "ls", "minicmd", "multiboot2", "normal",
    "part_msdos", "reboot", "search", "search_fs_file", "serial", "sleep", "terminal", "test",
)  # fmt: skip


@dataclass(frozen=True)
class Platform:
    """One of GRUB's platforms. package: the Debian package with its files, folder: where they are in it."""

    target: str
    package: str
    folder: str
    modules: tuple[str, ...]


# Modules start in this order. With bsd first, GRUB 2.06 on UEFI begins with "variable `prefix' isn't set".
# UEFI has no text mode: without a video driver multiboot2 ends in "no suitable video mode found".
BIOS = Platform("i386-pc-eltorito", GRUB_BIOS, "usr/lib/grub/i386-pc", ("biosdisk", *_COMMON_MODULES, "bsd"))
UEFI = Platform(
    "x86_64-efi",
    GRUB_UEFI,
    "usr/lib/grub/x86_64-efi",
    (*_COMMON_MODULES, "bsd", "efi_gop", "efi_uga", "fat"),
)
TOOLS_PACKAGE, TOOL = GRUB_TOOLS, "usr/bin/grub-mkimage"


def mkimage(tool: Path, platform: Platform, directory: Path, early_config: Path, output: Path) -> Command:
    """Build a core image (grub-mkimage(1)); `directory` holds the platform's modules."""
    return Command((
        str(tool), "-O", platform.target, "-d", str(directory), "-p", PREFIX, "-c", str(early_config),
        "-o", str(output), *platform.modules,
    ))  # fmt: skip


def early_config(marker: str) -> str:
    """What a core image does first: find the disc that holds this release's marker file, and nothing else's."""
    return f"search --no-floppy --file --set=root /{marker}\nset prefix=($root){PREFIX}\n"


def marker_path(release_id: str) -> str:
    """The file by which a core image knows its own disc among others."""
    return f"boot/grub/{release_id}.id"


def menu(recipe: Recipe, release_id: str, kernel: str, xen: str) -> bytes:
    """grub.cfg. kernel, xen: their paths on the disc; `xen` is empty when the kernel is started directly."""
    arguments = {name: _kernel_arguments(recipe, name) for name in HOTKEYS}
    xen_arguments = {name: _xen_arguments(recipe, name) for name in HOTKEYS}
    for name, words in arguments.items():
        size = len(words.encode())
        if size > KERNEL_ARGUMENTS_LIMIT:
            raise GlassmasterError(
                f"the kernel arguments of the menu entry `{name}` are {size} bytes long",
                why=f"NetBSD cuts them at {KERNEL_ARGUMENTS_LIMIT}: {words}",
                hint="shorten kernel.arguments in the recipe",
            )  # fmt: skip
        for altered in sorted(ALTERED & {*words, *xen_arguments[name]}):
            raise GlassmasterError(
                f"arguments of the menu entry `{name}` contain {altered}",
                why=f"GRUB would hand it on as \\{altered}: {words} {xen_arguments[name]}".rstrip(),
                hint="write kernel.arguments and xen.arguments without quotes and backslashes",
            )  # fmt: skip
    return render_file(MENU_TEMPLATE, {
        "recipe": recipe, "release_id": release_id, "kernel": kernel, "xen": xen, "arguments": arguments,
        "hotkeys": HOTKEYS, "xen_arguments": xen_arguments, "quoted": quoted,
        "words": lambda arguments: " ".join(map(quoted, arguments.split())),
    })  # fmt: skip


def quoted(text: str) -> str:
    """One word of GRUB's shell-like language (GRUB manual, 6.1: Writing full configuration files directly)."""
    if "\n" in text or "\r" in text:
        raise GlassmasterError(f"{text!r}: a line break cannot be part of the boot menu")
    return "'" + text.replace("'", "'\\''") + "'"


def _kernel_arguments(recipe: Recipe, entry: str) -> str:
    if recipe.xen is None:
        # knetbsd's own options, which become NetBSD's boot flags.
        words = ["-r", recipe.boot.root] if recipe.boot.root else []
        words += {"normal": [], "single": ["-s"], "serial": ["-h"]}[entry]
    else:
        words = [f"root={recipe.boot.root}"] if recipe.boot.root else []
        # xencons: through Xen, to its serial port; pc: the screen (sys/arch/xen/x86/consinit.c).
        words += {"normal": ["console=pc"], "single": ["console=pc", "-s"], "serial": ["console=xencons"]}[entry]
    return " ".join([*words, *recipe.kernel.arguments.split()])


def _xen_arguments(recipe: Recipe, entry: str) -> str:
    if recipe.xen is None:
        return ""
    port = recipe.boot.serial
    # Xen counts serial ports from com1, GRUB from unit 0.
    com = f"com{port.unit + 1}"
    console = ["console=vga"] if entry != "serial" else [f"console={com},vga", f"{com}={port.speed},8n1"]
    return " ".join([*console, *recipe.xen.arguments.split()])


def boot_package_files(platform: Platform) -> list[str]:
    """Patterns of the files that are taken out of a platform's package."""
    return [f"{platform.folder}/*"]
