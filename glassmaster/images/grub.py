"""GRUB on the disc: core images by grub-mkimage, the menu from a template."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.boot_packages import GRUB_BIOS, GRUB_TOOLS, GRUB_UEFI
from glassmaster.inputs.template import render_file
from glassmaster.recipe.kernel import MAIN_KERNEL
from glassmaster.recipe.model import KERNEL_ARGUMENTS_LIMIT, Recipe
from glassmaster.run import Command

MENU_PATH = "boot/grub/grub.cfg"
MENU_TEMPLATE = Path(__file__).with_name("grub.cfg.j2")
PREFIX = "/boot/grub"
# The standard place from which UEFI starts removable media (UEFI specification 3.5.1.1).
EFI_BOOT_FILE = "EFI/BOOT/BOOTX64.EFI"
# In the menu's order: also the hot keys by which the serial console picks an entry.
HOTKEYS = {"normal": "n", "single": "u", "serial": "s"}
# Of the serial-console entries for other roots.
OTHER_HOTKEYS = "123456789"
# What GRUB calls CD drives.
CD_DRIVES = ("cd", "cd0", "cd1", "cd2", "cd3")
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


@dataclass(frozen=True)
class MenuEntry:
    """An entry of the menu. hotkey: "" for none. xen_arguments: not looked at without Xen."""

    id: str
    label: str
    hotkey: str
    kernel: str
    arguments: str
    xen_arguments: str


@dataclass(frozen=True)
class Root:
    """Where a root file system is looked for. name: "" for the CD; device: "" when the kernel has it built in."""

    name: str
    kernel: str
    device: str


def other_roots(recipe: Recipe, kernel: str) -> tuple[Root, ...]:
    """Roots for a disc that is not in a CD drive: the recipe's devices, and built kernels beside the main one."""
    named = [Root(name, kernel, device) for name, device in recipe.boot.others.items()]
    built = recipe.kernel.build.config if recipe.kernel.source == "built" else ()
    names = [line.split()[0] for line in built]
    return (*named, *(Root(name, name, "") for name in names if name != MAIN_KERNEL))


def serial_hotkey(recipe: Recipe, medium: str) -> str:
    """The key of the serial-console entry for a medium: its own entry where one is called so, else the CD's."""
    names = [root.name for root in other_roots(recipe, "")]
    wanted = [name for name in names if name == medium or name.endswith(f"-{medium}")]
    return OTHER_HOTKEYS[names.index(wanted[0])] if wanted else HOTKEYS["serial"]


def menu_entries(recipe: Recipe, kernel: str) -> list[MenuEntry]:
    """The entries, in order; GlassmasterError for arguments that would not reach the kernel as they are."""
    labels = {"normal": "", "single": ", single user", "serial": ", serial console"}
    main = Root("", kernel, recipe.boot.root)
    entries = [_entry(recipe, main, kind, kind, HOTKEYS[kind], label) for kind, label in labels.items()]
    others = other_roots(recipe, kernel)
    if len(others) > len(OTHER_HOTKEYS):
        raise GlassmasterError(f"the menu has room for {len(OTHER_HOTKEYS)} other roots, not {len(others)}")
    for root, hotkey in zip(others, OTHER_HOTKEYS, strict=False):
        entries.append(_entry(recipe, root, "normal", root.name, "", f", {root.name}"))
        entries.append(_entry(recipe, root, "serial", f"{root.name}-serial", hotkey, f", {root.name}, serial console"))
    return entries


def _entry(recipe: Recipe, root: Root, kind: str, name: str, hotkey: str, label: str) -> MenuEntry:
    arguments, xen_arguments = _kernel_arguments(recipe, root.device, kind), _xen_arguments(recipe, kind)
    size = len(arguments.encode())
    if size > KERNEL_ARGUMENTS_LIMIT:
        raise GlassmasterError(
            f"the kernel arguments of the menu entry `{name}` are {size} bytes long",
            why=f"NetBSD cuts them at {KERNEL_ARGUMENTS_LIMIT}: {arguments}",
            hint="shorten kernel.arguments in the recipe",
        )  # fmt: skip
    for altered in sorted(ALTERED & {*arguments, *xen_arguments}):
        raise GlassmasterError(
            f"arguments of the menu entry `{name}` contain {altered}",
            why=f"GRUB would hand it on as \\{altered}: {arguments} {xen_arguments}".rstrip(),
            hint="write kernel.arguments and xen.arguments without quotes and backslashes",
        )  # fmt: skip
    return MenuEntry(name, label, hotkey, root.kernel, arguments, xen_arguments)


def menu(recipe: Recipe, release_id: str, kernel: str, xen: str) -> bytes:
    """grub.cfg. kernel, xen: their paths on the disc; `xen` is empty when the kernel is started directly."""
    entries = menu_entries(recipe, kernel)
    others = other_roots(recipe, kernel)
    return render_file(MENU_TEMPLATE, {
        "recipe": recipe, "release_id": release_id, "xen": xen, "entries": entries, "quoted": quoted,
        "elsewhere": others[0].name if others else "", "cd_drives": CD_DRIVES,
        "words": lambda arguments: " ".join(map(quoted, arguments.split())),
    })  # fmt: skip


def quoted(text: str) -> str:
    """One word of GRUB's shell-like language (GRUB manual, 6.1: Writing full configuration files directly)."""
    if "\n" in text or "\r" in text:
        raise GlassmasterError(f"{text!r}: a line break cannot be part of the boot menu")
    return "'" + text.replace("'", "'\\''") + "'"


def _kernel_arguments(recipe: Recipe, root: str, entry: str) -> str:
    if recipe.xen is None:
        # knetbsd's own options, which become NetBSD's boot flags.
        words = ["-r", root] if root else []
        words += {"normal": [], "single": ["-s"], "serial": ["-h"]}[entry]
    else:
        words = [f"root={root}"] if root else []
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
