"""QEMU's command line and its control socket (QMP)."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from glassmaster.errors import GlassmasterError
from glassmaster.run import Command

Firmware = Literal["bios", "uefi"]
Medium = Literal["cd", "usb", "disk"]
Model = Literal["q35", "pc"]
PROGRAM = "qemu-system-x86_64"
# How long QEMU may take to answer a command.
ANSWER_SECONDS = 20.0
# Debian's ovmf package; the 4 MiB build is the one that started Xen.
OVMF_CODE, OVMF_VARIABLES = Path("/usr/share/OVMF/OVMF_CODE_4M.fd"), Path("/usr/share/OVMF/OVMF_VARS_4M.fd")


@dataclass(frozen=True)
class Machine:
    """A virtual machine that boots an image.

    memory: MiB; disks: images of hard disks; writes: whether it changes them, or what it writes is forgotten.
    counted: its time goes by instructions, on one processor: a busy host does not make what it waits for late.
    """

    image: Path
    firmware: Firmware
    memory: int
    cpu: str
    model: Model = "q35"
    medium: Medium = "cd"
    disks: tuple[Path, ...] = ()
    writes: bool = False
    counted: bool = False


# Four nanoseconds for each instruction; waiting takes no time.
_COUNTED = ("-accel", "tcg,thread=single", "-icount", "shift=2,sleep=off")


def machine_command(machine: Machine, qmp: Path, variables: Path) -> Command:
    """Start the machine: first serial port on standard input and output, QMP on a socket.

    A guest that powers off or resets leaves QEMU paused, so that its screen can still be read. `variables` is a
    copy of OVMF's variable store that this machine may change.
    """
    firmware = (
        "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={_escaped(OVMF_CODE)}",
        "-drive", f"if=pflash,format=raw,unit=1,file={_escaped(variables)}",
    ) if machine.firmware == "uefi" else ()  # fmt: skip
    return Command((
        PROGRAM, "-nodefaults", "-no-user-config", "-machine", machine.model,
        *(_COUNTED if machine.counted else ("-accel", "tcg,thread=multi")), "-cpu", machine.cpu,
        "-smp", "1" if machine.counted else "2", "-m", str(machine.memory), *firmware,
        *_drives(machine), "-vga", "std", "-display", "none", "-nic", "none",
        "-chardev", "stdio,id=serial0,signal=off", "-serial", "chardev:serial0",
        "-chardev", f"socket,id=qmp0,server=on,wait=off,path={_escaped(qmp)}", "-mon", "chardev=qmp0,mode=control",
        "-action", "reboot=shutdown,shutdown=pause,panic=pause",
    ))  # fmt: skip


# Where drives are put: q35 has six AHCI ports, pc two IDE channels of two.
_PLACES = {
    "q35": tuple(f"bus=ide.{port}" for port in range(6)),
    "pc": tuple(f"bus=ide.{channel},unit={unit}" for channel in range(2) for unit in range(2)),
}
# Of the CD drive, as PCs have it: on pc the first of the second channel.
_CD_PLACE = {"q35": 0, "pc": 2}


def _drives(machine: Machine) -> tuple[str, ...]:
    """The image, where the firmware looks first, and hard disks."""
    places = list(_PLACES[machine.model])
    words: list[str] = []
    file = _escaped(machine.image)
    stick = f"if=none,id=stick,format=raw,snapshot=on,file={file}"
    if machine.medium == "cd":
        place = places.pop(_CD_PLACE[machine.model])
        words += ["-drive", f"if=none,id=cd,media=cdrom,format=raw,readonly=on,file={file}"]
        words += ["-device", f"ide-cd,drive=cd,{place},bootindex=0"]
    elif machine.medium == "disk":
        words += ["-drive", stick, "-device", f"ide-hd,drive=stick,{places.pop(0)},bootindex=0"]
    else:
        device = "usb-storage,bus=usb.0,drive=stick,removable=on,bootindex=0"
        words += ["-device", "usb-ehci,id=usb", "-drive", stick, "-device", device]
    if len(machine.disks) > len(places):
        raise GlassmasterError(
            f"QEMU's {machine.model} has room for {len(places)} hard disks, not {len(machine.disks)}"
        )
    for number, (path, place) in enumerate(zip(machine.disks, places, strict=False)):
        # Nobody needs what was written after the machine of this very process crashes: no waiting for the host's disk.
        mode = "cache=unsafe" if machine.writes else "snapshot=on"
        words += ["-drive", f"if=none,id=disk{number},format=raw,{mode},file={_escaped(path)}"]
        words += ["-device", f"ide-hd,drive=disk{number},{place}"]
    return tuple(words)


def _escaped(path: Path) -> str:
    """A path inside one of QEMU's comma-separated options."""
    return str(path).replace(",", ",,")


class Monitor:
    """A connection to QEMU's QMP socket: commands out; answers and events in, as they come."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(ANSWER_SECONDS)
        self._rest = b""
        self._sent = 0
        try:
            self._socket.connect(str(path))
            self.call("qmp_capabilities")
        except BaseException:
            self.close()
            raise

    def fileno(self) -> int:
        """For select()."""
        return self._socket.fileno()

    def messages(self) -> list[dict[str, Any]]:
        """Wait for something to come and return it. Raises ConnectionError when QEMU has closed the socket."""
        data = self._socket.recv(1 << 16)
        if not data:
            raise ConnectionResetError("QEMU closed its control socket")
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def call(self, command: str, **arguments: Any) -> list[dict[str, Any]]:
        """Send a command and wait until it is done; return the events that came meanwhile."""
        self._sent += 1
        request = {"execute": command, "arguments": arguments, "id": self._sent}
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        events: list[dict[str, Any]] = []
        answered = False
        while True:
            for message in self.messages():
                if message.get("id") != self._sent:
                    events.append(message)
                elif "error" in message:
                    raise GlassmasterError(f"QEMU: {command} failed", why=str(message["error"].get("desc", "")))
                else:
                    answered = True
            if answered:
                return events

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()
