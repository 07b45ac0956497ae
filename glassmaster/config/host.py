"""host.yaml, beside a host's etc/: its memory, and how its disk is divided.

The division is glassmaster-prepare's: a for /config, b for swap, then /var where wanted, then configuration and swap
of each virtual machine, in the order in which they stand there. c and d are NetBSD's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from glassmaster.config.domuconf import is_name
from glassmaster.config.tree import Server
from glassmaster.errors import GlassmasterError
from glassmaster.images.disk import LETTERS
from glassmaster.recipe.convert import build
from glassmaster.recipe.nodes import place_of, read_yaml
from glassmaster.recipe.setting import setting
from glassmaster.recipe.values import whole

FILE = "host.yaml"
MIB = 1 << 20
Use = Literal["config", "swap", "var"]
_DISK = re.compile(r"[a-z]{1,8}[0-9]{1,3}")


def _disk_name(text: str) -> str:
    if not _DISK.fullmatch(text):
        raise ValueError("expected a disk as NetBSD calls it, such as wd0")
    return text


@dataclass(frozen=True)
class GuestRoom:
    """Room on the host's disk for one virtual machine."""

    config: int = setting("MiB of its /config.", default=64, convert=whole(1))
    swap: int = setting("MiB of its swap.", default=256, convert=whole(1))


@dataclass(frozen=True)
class HostDisk:
    """The disk that holds /config."""

    name: str = setting("The disk as NetBSD calls it.", default="wd0", convert=_disk_name)
    size: int | None = setting(
        "MiB of the whole disk; without it an image is as large as its partitions.", default=None, convert=whole(1)
    )
    config: int = setting("MiB of /config.", default=256, convert=whole(1))
    swap: int = setting("MiB of swap.", default=1024, convert=whole(1))
    var: int = setting("MiB of /var; 0 for none: it is in memory then.", default=0, convert=whole(0))
    domus: Mapping[str, GuestRoom] = setting("Room for virtual machines, by name.", default_factory=dict)


@dataclass(frozen=True)
class HostFacts:
    """A host, as far as glassmaster must know it."""

    memory: int = setting("MiB that Xen can give away: the machine's, without what Xen keeps.", convert=whole(1))
    dom0_memory: int = setting("MiB of them that dom0 gets (dom0_mem= of the recipe's Xen).", convert=whole(1))
    disk: HostDisk = setting("The disk.", default_factory=HostDisk)


@dataclass(frozen=True)
class Slot:
    """A partition of the host's disk. owner: the virtual machine that it is for, or "" for the host itself."""

    letter: str
    use: Use
    mib: int
    owner: str = ""


def read_host(server: Server) -> HostFacts | None:
    """The host's facts; None when it has no host.yaml. Raises GlassmasterError with ``file:line``."""
    item = server.items.get(FILE)
    if item and item.kind != "file":
        raise GlassmasterError(f"{item.host_path}: not a file")
    if item is None:
        return None
    node = read_yaml(item.host_path)
    facts = build(HostFacts, node)
    for name in facts.disk.domus:
        if not is_name(name):
            raise GlassmasterError(
                f"{place_of(node, 'disk', 'domus', name)}: disk.domus.{name}: not a name for a virtual machine",
                hint="a to z, 0 to 9 and -, at most 63",
            )
    return facts


def slots(disk: HostDisk) -> tuple[Slot, ...]:
    """The partitions of the disk in their order; raises GlassmasterError when there are not enough letters."""
    wanted = list(_wanted(disk))
    if len(wanted) > len(LETTERS):
        raise GlassmasterError(
            f"{disk.name}: {len(wanted)} partitions are asked for", why=f"a disklabel has {len(LETTERS)} to give away"
        )
    return tuple(
        Slot(letter, use, mib, owner) for letter, (use, mib, owner) in zip(LETTERS, wanted, strict=False)
    )  # fmt: skip


def _wanted(disk: HostDisk) -> Iterator[tuple[Use, int, str]]:
    yield "config", disk.config, ""
    yield "swap", disk.swap, ""
    if disk.var:
        yield "var", disk.var, ""
    for name, room in disk.domus.items():
        yield "config", room.config, name
        yield "swap", room.swap, name


def prepare_words(name: str, disk: HostDisk) -> tuple[str, ...]:
    """The command that divides a disk so on the machine itself."""
    words = ["glassmaster-prepare", "-n", name, "-c", str(disk.config), "-s", str(disk.swap)]
    words += ["-v", str(disk.var)] if disk.var else []
    for guest, room in disk.domus.items():
        words += ["-d", f"{guest}:{room.config}:{room.swap}"]
    return (*words, disk.name)
