"""A Debian dom0 that starts virtual machines by xl: Linux and an initrd that is all of the system.

The initrd holds Xen's own tools and hotplug scripts as Debian has them; the one process that was written for this is
init.sh. Our GRUB boots it with our Xen, from a copy of our CD to which it was added. That is less than a way of its own
would be (QEMU's -kernel takes no xen.gz), and Linux reads the CD: xl finds the kernel and the images at the paths that
a domu.conf has.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from glassmaster.config.disk import DiskFacts
from glassmaster.config.domuconf import read_domuconf
from glassmaster.config.xl import xl_configuration
from tests.launcher.debian import RELEASE, apt_network_settings, mirrors

HERE = Path(__file__).parent
SECONDS = 30 * 60
PACKAGES = ("linux-image-amd64", "xen-utils-4.17", "busybox-static", "bash", "dash", "iproute2", "kmod", "util-linux")
# What takes room and is not used; the modules that are used were copied elsewhere.
LEFT_OUT = (
    "./boot", "./lib/modules", "./lib/systemd", "./lib/udev", "./usr/bin/perl*", "./usr/bin/python*", "./usr/include",
    "./usr/lib/python*", "./usr/lib/x86_64-linux-gnu/gconv", "./usr/lib/x86_64-linux-gnu/perl*",
    "./usr/lib/xen-4.17/boot", "./usr/share", "./var/cache", "./var/lib/apt", "./var/lib/dpkg",
)  # fmt: skip
GRUB_CFG = """\
serial --unit=0 --speed=115200
terminal_output serial
multiboot2 /boot/xen.gz console=com1 com1=115200,8n1 dom0_mem=512M,max:512M
module2 /domuboot/vmlinuz console=hvc0 quiet panic=-1
module2 /domuboot/initrd
boot
"""


@dataclass(frozen=True)
class DebianDom0:
    """The kernel and the initrd."""

    vmlinuz: Path
    initrd: Path


def make_debian_dom0(folder: Path) -> DebianDom0:
    """Make both in `folder`, of packages from the Debian mirror."""
    for program in ("mmdebstrap", "bsdtar"):
        if shutil.which(program) is None:
            pytest.fail(f"{program} is not installed; ./doit test-all installs it")
    made = DebianDom0(folder / "vmlinuz", folder / "initrd")
    options, system = folder / "apt.conf", folder / "debian.tar"
    options.write_text(apt_network_settings())
    # Nothing is configured: no script of a package runs, and no init system comes along.
    run(
        "mmdebstrap", "--quiet", "--variant=extract", f"--include={','.join(PACKAGES)}", f"--aptopt={options}",
        f"--extract-hook={HERE / 'prepare.sh'}", RELEASE, system, *mirrors(),
    )  # fmt: skip
    made.vmlinuz.write_bytes(run("bsdtar", "-xOf", system, "./boot/vmlinuz-*"))
    excluded = [f"--exclude={pattern}" for pattern in LEFT_OUT]
    run("bsdtar", "-czf", made.initrd, "--format=newc", "--options=gzip:compression-level=1", *excluded, f"@{system}")
    system.unlink()
    return made


def cd_files(facts: DiskFacts, described: Mapping[str, str], machines: Mapping[str, str]) -> dict[str, str]:
    """What init.sh reads: the xl configurations of these domu.conf, and which devices they want.

    machines: the virtual machines in the order in which they are started; each ends by itself, or is shut down when its
    console shows a text ("" for none).
    """
    attached: list[tuple[str, str, str]] = []

    def attach(path: str, access: str) -> str:
        attached.append((f"/dev/vnd{len(attached) + 1}d", access, path))
        return attached[-1][0]

    files = {
        f"{name}.xl": xl_configuration(name, read_domuconf(described[name].encode(), name), attach)
        for name in machines
    }  # fmt: skip
    files["attach"] = "".join(" ".join(words) + "\n" for words in attached)
    files["slots"] = "".join(f"/dev/wd0{place.partition.letter} {place.start}\n" for place in facts.places)
    files["machines"] = "".join(f"{name} {shows}".rstrip() + "\n" for name, shows in machines.items())
    return files


def add_to_cd(cd: Path, dom0: DebianDom0, files: Mapping[str, str], target: Path) -> None:
    """Write a copy of the CD that boots this dom0, with `files` in its directory /domuboot."""
    folder = target.with_suffix(".files")
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    shutil.copyfile(dom0.vmlinuz, folder / "vmlinuz")
    shutil.copyfile(dom0.initrd, folder / "initrd")
    menu = target.with_suffix(".grub.cfg")
    menu.write_text(GRUB_CFG)
    # The files come behind what is there, so that GRUB's core image stays where the boot records say.
    shutil.copyfile(cd, target)
    run(
        "xorriso", "-dev", target, "-boot_image", "any", "keep", "-map", folder, "/domuboot",
        "-rm", "/boot/grub/grub.cfg", "--", "-map", menu, "/boot/grub/grub.cfg",
    )  # fmt: skip


def run(*argv: str | Path) -> bytes:
    """What a program prints; the test fails with what it says when it fails."""
    finished = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False)
    assert finished.returncode == 0, f"{argv[0]}: {finished.stderr.decode(errors='replace')}"
    return finished.stdout
