"""A virtual machine for a person: a host's disk and the CD in QEMU, console on the terminal, ssh by a local port."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

from glassmaster.checks.smoke.qemu import PROGRAM, Model
from glassmaster.config.tree import Server
from glassmaster.config.view import rc_values
from glassmaster.run import Command

AUTHORIZED_KEYS = "accounts/ssh/root/authorized_keys"
INTERFACE = "wm0"  # NetBSD's name of QEMU's e1000
_STATIC = re.compile(r"inet\s+([0-9.]+)(?:\s+netmask\s+(\S+)|/([0-9]+))?")
_HEX_MASK = re.compile(r"0[xX][0-9a-fA-F]{1,8}")


@dataclass(frozen=True)
class Network:
    """QEMU's own network around the guest. address: the guest's; router: what QEMU answers as, or "" for any."""

    net: str
    address: str
    router: str = ""


@dataclass(frozen=True)
class Interactive:
    """A machine to work with. memory: MiB; disk: written to; ssh_port: leads to the guest's port 22."""

    iso: Path
    disk: Path
    memory: int
    cpu: str
    model: Model
    network: Network
    ssh_port: int


# What QEMU gives a guest by DHCP.
DEFAULT = Network("10.0.2.0/24", "10.0.2.15")


def network_of(server: Server) -> Network:
    """The network in which the host's rc.conf puts its first interface; QEMU's own where it gives no address."""
    values = {name: said.value or "" for name, said in rc_values(server).items()}
    found = _STATIC.match(values.get(f"ifconfig_{INTERFACE}", ""))
    try:
        address = ipaddress.IPv4Address(found[1] if found else "")
        mask = (found and (found[2] or found[3])) or "24"
        if _HEX_MASK.fullmatch(mask):
            # As ifconfig(8) takes and prints it.
            mask = str(ipaddress.IPv4Address(int(mask, 16)))
        net = ipaddress.IPv4Network(f"{address}/{mask}", strict=False)
        router = ipaddress.IPv4Address(values["defaultroute"]) if values.get("defaultroute") else None
    except ValueError:
        return DEFAULT
    return Network(str(net), str(address), str(router) if router and router in net else "")


def lets_root_in(server: Server) -> bool:
    """Whether anybody's key is among root's: without one nobody gets in by ssh."""
    lines = (server.file(AUTHORIZED_KEYS) or b"").splitlines()
    return any(line.strip() and not line.lstrip().startswith(b"#") for line in lines)


def interactive_command(machine: Interactive) -> Command:
    """Start it: first serial port and QEMU's monitor on the terminal (Ctrl-A C changes between them, Ctrl-A X ends)."""
    place = "bus=ide.1" if machine.model == "q35" else "bus=ide.0,unit=1"
    router = f",host={machine.network.router}" if machine.network.router else ""
    forward = f"hostfwd=tcp:127.0.0.1:{machine.ssh_port}-{machine.network.address}:22"
    return Command((
        PROGRAM, "-nodefaults", "-no-user-config", "-machine", machine.model, "-accel", "tcg,thread=multi",
        "-cpu", machine.cpu, "-smp", "2", "-m", str(machine.memory),
        "-drive", f"if=none,id=cd,media=cdrom,format=raw,readonly=on,file={_escaped(machine.iso)}",
        "-device", "ide-cd,drive=cd,bootindex=0",
        "-drive", f"if=none,id=disk0,format=raw,file={_escaped(machine.disk)}",
        "-device", f"ide-hd,drive=disk0,{place}",
        "-netdev", f"user,id=net0,net={machine.network.net}{router},{forward}", "-device", "e1000,netdev=net0",
        "-vga", "std", "-display", "none",
        "-chardev", "stdio,id=serial0,mux=on,signal=off", "-serial", "chardev:serial0",
        "-mon", "chardev=serial0,mode=readline", "-no-reboot",
    ))  # fmt: skip


def _escaped(path: Path) -> str:
    """A path inside one of QEMU's comma-separated options."""
    return str(path).replace(",", ",,")
