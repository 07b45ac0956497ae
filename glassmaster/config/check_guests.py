"""The virtual machines of all hosts: their files, their network addresses, their memory."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from glassmaster.config.domuconf import DomU, is_name, read_domuconf
from glassmaster.config.findings import Finding, error, warning
from glassmaster.config.host import FILE as HOST_FILE
from glassmaster.config.host import HostFacts
from glassmaster.config.tree import ConfigTree, Server
from glassmaster.config.view import View
from glassmaster.errors import GlassmasterError

FOLDER, FILE = "domUs", "domu.conf"


@dataclass(frozen=True)
class Guest:
    """A virtual machine on one host. file: its domu.conf, as findings call it."""

    host: str
    name: str
    domu: DomU
    file: str

    def where(self, key: str) -> str:
        """Where a key stands, or the file when it has its default."""
        return f"{self.file}:{self.domu.lines[key]}" if key in self.domu.lines else self.file


def read_guests(tree: ConfigTree) -> tuple[list[Guest], list[Finding]]:
    """Every virtual machine of every host, and what could not be read."""
    guests: list[Guest] = []
    findings: list[Finding] = []
    for host in tree.hosts.values():
        for path, item in host.items.items():
            top, _, name = path.partition("/")
            if top != FOLDER or not name or "/" in name:
                continue
            found = _read(host, path, name) if item.kind == "dir" else warning(host.where(path), "not a directory")
            if isinstance(found, Guest):
                guests.append(found)
            else:
                findings.append(found)
    return guests, findings


def _read(host: Server, path: str, name: str) -> Guest | Finding:
    label = host.where(f"{path}/{FILE}")
    data = host.file(f"{path}/{FILE}")
    if not is_name(name):
        return error(host.where(path), f"{name}: not a name for a virtual machine", "a to z, 0 to 9 and -, at most 63")
    if data is None:
        return warning(host.where(path), f"has no {FILE}: no virtual machine is started")
    try:
        return Guest(host.name, name, read_domuconf(data, label), label)
    except GlassmasterError as mistake:
        match = re.fullmatch(r"(:\d+)?: (.*)", mistake.what.removeprefix(label), re.DOTALL)
        return error(f"{label}{match[1] or ''}", match[2]) if match else error(label, mistake.what)


def check_files(guests: Sequence[Guest], tree: ConfigTree, views: Mapping[str, View]) -> Iterator[Finding]:
    """Images and kernels are there, and each /config that is to be filled has something to be filled with."""
    for guest in guests:
        named = [("kernel", guest.domu.kernel), *guest.domu.disks()]
        for key, path in named:
            if not path.startswith("/dev/") and (lost := views[guest.host].lost_at(path)):
                yield error(guest.where(key), f"{key}: {path}: there is no {lost}", "name one that the release has")
        if guest.domu.config and guest.name not in tree.guests:
            yield error(guest.where("config"), f"config: there is no vservers/{guest.name} to fill it with")


def check_macs(guests: Sequence[Guest]) -> Iterator[Finding]:
    """One address, one machine. The same machine may stand ready on several hosts and start by itself on one."""
    users: dict[str, list[Guest]] = defaultdict(list)
    for guest in guests:
        if guest.domu.mac:
            users[guest.domu.mac].append(guest)
    for mac, sharing in users.items():
        for guest in sharing[1:]:
            first = sharing[0]
            if guest.name != first.name:
                yield error(guest.where("mac"), f"mac: {mac} is {first.name}'s already ({first.where('mac')})")
            elif sum(other.domu.autostart for other in sharing) > 1:
                what = (
                    f"mac: {guest.name} starts by itself here and on another host, with one mac ({first.where('mac')})"
                )
                yield error(guest.where("mac"), what, "say autostart = no on all but one")


def check_memory(guests: Sequence[Guest], hosts: Mapping[str, HostFacts]) -> Iterator[Finding]:
    """What starts by itself must fit into the host; so should everything."""
    for name, facts in hosts.items():
        here = [guest.domu for guest in guests if guest.host == name]
        where = f"pservers/{name}/{HOST_FILE}"
        at_start = facts.dom0_memory + sum(domu.memory for domu in here if domu.autostart)
        all_together = facts.dom0_memory + sum(domu.memory for domu in here)
        if at_start > facts.memory:
            what = f"memory: dom0 and what starts by itself take {at_start:,} MiB, the host has {facts.memory:,}"
            yield error(where, what)
        elif all_together > facts.memory:
            what = f"memory: dom0 and all virtual machines take {all_together:,} MiB, the host has {facts.memory:,}"
            yield warning(where, what)
