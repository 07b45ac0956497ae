"""Whether /dev/kvm works, by running a few instructions on it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from glassmaster.checks.smoke.qemu import PROGRAM
from glassmaster.commands.finding import Finding, ok
from glassmaster.errors import GlassmasterError
from glassmaster.run import Command, started

DEVICE = Path("/dev/kvm")
SECONDS = 15.0
# The last 16 bytes of the firmware are where an x86 processor begins. This writes ANSWER to a port and halts.
ANSWER, PORT = 0x31, 0xF4
PAYLOAD = bytes([0xB0, ANSWER, 0xE6, PORT, 0xF4])  # mov al, ANSWER; out PORT, al; hlt
FIRMWARE_BYTES, RESET_VECTOR = 1 << 16, 16
# isa-debug-exit ends QEMU with this status when ANSWER is written.
STATUS = ANSWER << 1 | 1
SLOWER = "without it smoke emulates the processor, and takes longer"


def firmware() -> bytes:
    """A firmware image of nothing but the payload."""
    image = bytearray(b"\xf4" * FIRMWARE_BYTES)
    start = FIRMWARE_BYTES - RESET_VECTOR
    image[start : start + len(PAYLOAD)] = PAYLOAD
    return bytes(image)


def machine(image: Path) -> Command:
    """A virtual machine on KVM with this firmware, a way to end, and nothing else."""
    return Command((
        PROGRAM, "-nodefaults", "-no-user-config", "-machine", "pc", "-accel", "kvm", "-m", "16", "-display", "none",
        "-no-reboot", "-bios", str(image), "-device", f"isa-debug-exit,iobase={PORT:#x},iosize=1",
    ))  # fmt: skip


def kvm(device: Path = DEVICE, seconds: float = SECONDS) -> Finding:
    """One finding; KVM is never necessary, so nothing here is an error."""
    if not device.exists():
        return Finding("warning", str(device), f"not there; {SLOWER}", "switch on VT-x or AMD-V (nested, in a VM)")
    if not os.access(device, os.R_OK | os.W_OK):
        return Finding("warning", str(device), f"no permission; {SLOWER}", f"usermod -aG kvm {_user()}, log in again")
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "firmware.bin"
        image.write_bytes(firmware())
        return _run(machine(image), device, seconds)


def _run(command: Command, device: Path, seconds: float) -> Finding:
    """Start it; the group of processes is ended when the time is up."""
    with tempfile.TemporaryFile() as said:
        try:
            with started(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said) as process:
                status: int | None = process.wait(seconds)
        except subprocess.TimeoutExpired:
            status = None
        except GlassmasterError as error:
            return Finding("warning", str(device), f"not tried: {error.what}", "apt-get install qemu-system-x86")
        said.seek(0)
        text = said.read().decode("utf-8", "replace").strip()
    if status == STATUS:
        return ok(str(device), "works: a virtual machine ran on it")
    how = f"no end after {seconds:g} s" if status is None else f"QEMU ended with status {status}"
    last = f": {text.splitlines()[-1]}" if text else ""
    return Finding(
        "warning", str(device), f"there, but nothing runs on it: {how}{last}; {SLOWER}",
        "in a VM, have its host allow nested virtualisation",
    )  # fmt: skip


def _user() -> str:
    return os.environ.get("USER") or str(os.getuid())
