"""What a recipe can say. Each field is declared here and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from glassmaster.recipe.packages import Packages
from glassmaster.recipe.setting import setting
from glassmaster.recipe.values import (
    MEDIA,
    arguments,
    config_line,
    epoch,
    kernel_option,
    media_budget,
    mirror,
    one_line,
    pattern,
    plain_words,
    report_place,
    volume_id,
    whole,
)

# NetBSD/Xen PV kernels cut their command line here (sys/arch/xen/xen/xen_machdep.c).
KERNEL_ARGUMENTS_LIMIT = 255
# In the place of a file name: a hard disk with nothing on it.
EMPTY_DISK = "empty"
LEFT_DISK = re.compile(r"left:(?P<scenario>[^:]+)(?::(?P<number>[1-9]))?")


@dataclass(frozen=True)
class Standin:
    """The stand-in release: made locally, of the shape of a NetBSD release, from nothing but Debian packages."""

    files: int = setting(
        "How many extra files the comp set holds, to make the release larger for benchmarks.",
        default=0,
        convert=whole(0),
    )
    bytes: int = setting("How many bytes those extra files hold together.", default=0, convert=whole(0))


@dataclass(frozen=True)
class Release:
    """Which NetBSD release, and where it comes from."""

    version: str = setting("NetBSD's version, as in NetBSD-VERSION on the mirrors.", convert=plain_words)
    machine: str = setting("NetBSD's name of the machine (`uname -m`).", default="amd64", convert=plain_words)
    mirrors: tuple[str, ...] = setting(
        "Where the release lies: URLs (https:, http:, file:) of the directory that holds NetBSD-VERSION. "
        "Empty for the stand-in, which is made on this machine.",
        default=(),
        convert=mirror,
    )
    trust: Literal["signed", "first-use"] = setting(
        "Why the digests in the lock are believed. signed: they are in the mirror's NetBSD-VERSION_hashes.asc, with a "
        "valid signature by `key`. first-use: they are in its SHA512 files as `doit lock` found them.",
        default="signed",
    )
    key: str = setting(
        "File with the OpenPGP public key that NetBSD's signed digests must be signed by, seen from the repository.",
        default="",
        convert=one_line,
    )
    sets: tuple[str, ...] = setting(
        "The sets, in the order in which they are merged. `etc` must be among them: it holds the accounts.",
        convert=plain_words,
    )
    disagreeing: tuple[str, ...] = setting(
        "Paths, such as usr/bin/kpasswd, whose bytes in a set's archive are known not to be those that the set's own "
        "manifest lists. The archive's are taken; any other disagreement stops the build.",
        default=(),
    )


@dataclass(frozen=True)
class KernelBuild:
    """How a kernel is made from source: a configuration of its own on top of NetBSD's, and what the host needs."""

    name: str = setting(
        "What the kernel calls itself: the name of the configuration made here, which includes kernel.config.",
        default="DOM0CD",
        convert=plain_words,
    )
    config: tuple[str, ...] = setting(
        "The `config` lines, without that word; they take the place of NetBSD's own. Each makes a kernel, named by its "
        "first word; `netbsd` is the one that the menu starts, others, such as one for a USB stick, lie beside it.",
        default=("netbsd root on cd0a type cd9660 dumps on none",),
        convert=config_line,
        values="NAME root on DEVICE ...",
    )
    options: tuple[str, ...] = setting(
        "Options added, or set to another value.", default=(), convert=kernel_option, values="NAME or NAME=VALUE"
    )
    no_options: tuple[str, ...] = setting(
        "Options of NetBSD's configuration left out.", default=(), convert=plain_words
    )
    lines: tuple[str, ...] = setting(
        "Further lines of the configuration, such as `no xbdback*` or `pseudo-device agr`.",
        default=(),
        convert=arguments,
    )
    sets: tuple[str, ...] = setting(
        "The release's source sets that are unpacked for it.",
        default=("src", "syssrc", "gnusrc", "sharesrc"),
        convert=plain_words,
    )
    patches: tuple[str, ...] = setting(
        "Patches for the sources, in order: files in patches/VERSION/, beside the recipe or beside its directory.",
        default=(),
        convert=plain_words,
    )
    environment: Mapping[str, str] = setting(
        "Variables for build.sh, such as HOST_CFLAGS where this machine's compiler is newer than the sources expect.",
        default_factory=dict,
        convert=arguments,
    )
    make: Mapping[str, str] = setting(
        "Variables for make, such as MKLINT: no (build.sh -V).", default_factory=dict, convert=arguments
    )


@dataclass(frozen=True)
class Kernel:
    """The dom0 kernel (or, without Xen, the kernel)."""

    source: Literal["prebuilt", "built"] = setting(
        "prebuilt: the release's own kernel, which is told its root device by boot.root. built: made here from the "
        "release's source sets, with its root device in it (docs/kernel.md says when which).",
        default="prebuilt",
    )
    config: str = setting(
        "Name of the kernel configuration, as in binary/kernel/netbsd-CONFIG.gz and sys/arch/MACHINE/conf/CONFIG.",
        convert=plain_words,
    )
    build: KernelBuild = setting("How it is made, where it is built.", default_factory=KernelBuild)
    arguments: str = setting("Arguments of every menu entry.", default="", convert=arguments)


@dataclass(frozen=True)
class Domu:
    """A kind of virtual machine: a read-only root image, from which any number of domUs start."""

    sets: tuple[str, ...] = setting(
        "Its sets, in the order in which they are merged. `etc` must be among them.", convert=plain_words
    )
    overlays: tuple[str, ...] = setting(
        "Its overlays, in the order in which they are merged. Their templates see its name as `domu`.",
        default=(),
        convert=plain_words,
    )
    variables: Mapping[str, str] = setting(
        "Values for the overlays' templates, over the recipe's own.", default_factory=dict
    )
    packages: Packages | None = setting("Its packages from pkgsrc; without it there are none.", default=None)
    filesystem: Literal["cd9660", "ffs1", "ffs2"] = setting(
        "The image's file system: as on the CD, or UFS1 or UFS2. All are read-only for the domU.", default="cd9660"
    )
    size: int = setting(
        "Bytes of the image, so that the next release's has room where this one lies: an FFS gets this size, a cd9660 "
        "image is no larger. 0: as large as its contents.",
        default=0,
        convert=whole(0),
    )
    kernel: Kernel | None = setting(
        "The kernel that the dom0 starts it with, beside the dom0's own on the disc: /netbsd-CONFIG, or "
        "/netbsd-NAME where it is built. Several kinds may name the same one.",
        default=None,
    )


@dataclass(frozen=True)
class Xen:
    """The hypervisor, taken out of a package (docs/packages.md says which belongs to which xentools)."""

    source: Literal["debian", "pkgsrc"] = setting(
        "Whose package it is. debian: Debian's, which is not installed. pkgsrc: one of those that packages.sets list, "
        "such as xenkernel420, which belongs to xentools420.",
        default="debian",
    )
    package: str = setting("The package that holds the hypervisor, without a version.", convert=plain_words)
    member: str = setting(
        "Path of the (gzip'd) hypervisor in the package: boot/xen-4.17-amd64.gz of Debian's, xen420-kernel/xen.gz of "
        "pkgsrc's xenkernel420.",
        convert=one_line,
    )
    arguments: str = setting("Arguments of every menu entry, such as dom0_mem=512M.", default="", convert=arguments)


@dataclass(frozen=True)
class SerialPort:
    """The serial port of the boot menu and of the serial-console entry."""

    unit: int = setting("Which port: 0 is the first (COM1).", default=0, convert=whole(0))
    speed: int = setting("Bits per second.", default=115200, convert=whole(1))


@dataclass(frozen=True)
class Boot:
    """The boot menu."""

    title: str = setting("What the menu calls the system.", default="NetBSD/Xen", convert=one_line)
    timeout: int = setting("Seconds until the first entry starts by itself.", default=5, convert=whole(0))
    serial: SerialPort = setting("The serial port.", default_factory=SerialPort)
    root: str = setting(
        "Root device for kernels that take one on their command line: NetBSD 10 and later, and GENERIC. "
        "Empty when the kernel has it built in.",
        default="cd0a",
        convert=arguments,
    )
    others: Mapping[str, str] = setting(
        "Root devices when the disc is not in a CD drive, by name, such as `usb: sd0a` or `disk: wd0a`; for kernels "
        "that take one. Each has menu entries of its own, and the first starts by itself when GRUB came from no CD.",
        default_factory=dict,
        convert=arguments,
    )


@dataclass(frozen=True)
class Media:
    """The disc."""

    budget: int = setting(
        "How large the image may be.",
        default=MEDIA["dvd"],
        convert=media_budget,
        values="cd74, cd80, dvd or a number of bytes",
    )
    volume_id: str = setting("Volume identifier of the disc.", convert=volume_id, values="1 to 32 of A-Z, 0-9 and _")


@dataclass(frozen=True)
class Milestone:
    """Something the console must show, in its turn, when the image boots."""

    name: str = setting("What was reached.", convert=one_line)
    pattern: str = setting("Regular expression, searched for in each line of the serial console.", convert=pattern)
    answer: str = setting(
        "A line that is typed on the console when this is reached, such as a name at `login:`.",
        default="",
        convert=one_line,
    )


@dataclass(frozen=True)
class Scenario:
    """Another machine that the image is booted in, besides one that has nothing but the disc in its drive."""

    name: str = setting("What it is called; its results are in smoke/NAME/.", convert=plain_words)
    medium: Literal["cd", "usb", "disk"] = setting(
        "How the machine gets the image: in a CD drive, on a USB stick, as a hard disk.", default="cd"
    )
    firmware: Literal["bios", "uefi"] = setting("What it is booted by.", default="bios")
    disks: tuple[str, ...] = setting(
        "Its hard disks, in order: files with images, seen from the repository, which are not changed; `empty`; or "
        "`left:SCENARIO`, the first disk of an earlier scenario as that one left it (`left:SCENARIO:2`: its second).",
        default=(),
        convert=one_line,
    )
    milestones: tuple[Milestone, ...] = setting(
        "What the kernel must show after GRUB and Xen, in order; without any, those of smoke.milestones.", default=()
    )
    power_off: bool | None = setting("As smoke.power_off, which holds where this is silent.", default=None)


@dataclass(frozen=True)
class Smoke:
    """The boot test in QEMU."""

    memory: int = setting("Memory of the virtual machine, in MiB.", default=1024, convert=whole(1))
    seconds: int = setting("How long one boot may take, in seconds of wall-clock time.", default=180, convert=whole(1))
    firmware: tuple[Literal["bios", "uefi"], ...] = setting("What it is booted by.", default=("bios", "uefi"))
    machine: Literal["q35", "pc"] = setting(
        "QEMU's machine: q35 has AHCI, pc the older IDE (NetBSD 6 without Xen cannot read a CD behind QEMU's AHCI).",
        default="q35",
    )
    cpu: str = setting(
        "QEMU's processor model. With svm an old NetBSD dom0 traps.", default="qemu64,-svm", convert=one_line
    )
    milestones: tuple[Milestone, ...] = setting("What the kernel must show after GRUB and Xen, in order.", default=())
    power_off: bool = setting(
        "Whether the machine must power itself off after the last milestone; otherwise the test ends there.",
        default=False,
    )
    scenarios: tuple[Scenario, ...] = setting("Further machines, each booted once.", default=())


Rule = Literal[
    "setuid", "world-writable", "listener", "keys", "accounts", "kernel-root", "xen", "boot", "package-down", "budget",
    "hidden", "unknown",
]  # fmt: skip


@dataclass(frozen=True)
class Diff:
    """What `doit diff` makes of a new release (docs/diff.md says what each rule catches)."""

    rules: tuple[Rule, ...] = setting(
        "Changes that need a decision: `doit diff` ends with 2 until each is accepted by name.",
        default=("setuid", "world-writable", "listener", "keys", "accounts", "kernel-root", "budget", "unknown"),
    )


@dataclass(frozen=True)
class Fleet:
    """How machines say what they run (docs/fleet.md)."""

    report: str = setting(
        "Where each machine puts its line when it has come up, and after glassmaster-update: a directory that is "
        "mounted there, or a URL (https:, http:) that takes PUT. Its rc.conf may say otherwise: glassmaster_report.",
        convert=report_place,
    )


@dataclass(frozen=True)
class Recipe:
    """One release, whole."""

    description: str = setting("One line for people: what this image is for.", convert=one_line)
    extends: str = setting("Another recipe, beside this one, whose values hold where this one is silent.", default="")
    epoch: int = setting(
        "The time that everything made carries, and that no file is later than. SOURCE_DATE_EPOCH overrides it.",
        convert=epoch, values="seconds since 1970, or a date such as 2026-11-22",
    )  # fmt: skip
    release: Release = setting("The NetBSD release.")
    kernel: Kernel = setting("The kernel.")
    xen: Xen | None = setting("The hypervisor; without it the kernel is started directly.", default=None)
    packages: Packages | None = setting("Packages from pkgsrc; without it there are none.", default=None)
    overlays: tuple[str, ...] = setting(
        "Overlays from overlays/, in the order in which they are merged.", default=(), convert=plain_words
    )
    variables: Mapping[str, str] = setting("Values for the overlays' templates, as vars.NAME.", default_factory=dict)
    boot: Boot = setting("The boot menu.", default_factory=Boot)
    domus: Mapping[str, Domu] = setting(
        "Kinds of virtual machines whose root images are made and lie on the disc, as /images/NAME.img.",
        default_factory=dict,
    )
    media: Media = setting("The disc.")
    smoke: Smoke = setting("The boot test.", default_factory=Smoke)
    fleet: Fleet | None = setting("What machines report of themselves; without it they are asked.", default=None)
    diff: Diff = setting("The comparison with another release.", default_factory=Diff)
    standin: Standin | None = setting("Present when the release is the stand-in.", default=None)
