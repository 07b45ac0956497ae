"""Boots an image and watches: milestones in order, or the reason why not."""

from __future__ import annotations

import os
import selectors
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from glassmaster.atomic import write_bytes, write_json, write_text
from glassmaster.checks.smoke import qemu
from glassmaster.checks.smoke.console import Console, Expected, Reached, serial_log
from glassmaster.errors import GlassmasterError
from glassmaster.run import started

POLL = 0.5
SOCKET_SECONDS = 20.0
PRESS_AGAIN = 1.0
POWER_OFF = "power off"
RESET = "reset"
# QMP's reasons of SHUTDOWN events (qapi/run-state.json, ShutdownCause).
_CAUSES = {"guest-shutdown": POWER_OFF, "guest-reset": RESET, "guest-panic": "panic"}


@dataclass(frozen=True)
class Plan:
    """What a boot must show. milestones: the first is the boot menu's, at which `hotkey` is pressed until the second.

    power_off: whether the machine must power itself off after the last milestone; otherwise it is stopped there.
    seconds:   how long it may take.
    """

    scenario: str
    machine: qemu.Machine
    milestones: tuple[Expected, ...]
    hotkey: str
    power_off: bool
    seconds: float


@dataclass(frozen=True)
class Boot:
    """What was seen. scenario: its name; failure: empty, or why the boot counts as failed, in one line."""

    scenario: str
    failure: str
    reached: tuple[Reached, ...]
    expected: tuple[str, ...]
    seconds: float
    last_lines: tuple[str, ...]


def boot(plan: Plan, folder: Path, tell: Callable[[Reached], None] | None = None) -> Boot:
    """Boot once; `tell` hears of milestones as they are reached.

    The serial log, the timeline, QEMU's own words and pictures of the screen go to `folder`: one at each milestone
    at which the screen has changed (screen-01.png …), and one at the end unless the machine is off (screen-end.png).
    """
    if shutil.which(qemu.PROGRAM) is None:
        raise GlassmasterError(f"{qemu.PROGRAM} is not installed", hint="./doit smoke installs it")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="glassmaster-") as name, (folder / "qemu.log").open("w+b") as log:
        work = Path(name)
        variables = work / "variables.fd"
        if plan.machine.firmware == "uefi":
            shutil.copyfile(_require(qemu.OVMF_VARIABLES), variables)
        command = qemu.machine_command(plan.machine, work / "qmp", variables)
        write_text(folder / "command.txt", command.line() + "\n")
        begin = time.monotonic()
        with started(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log) as process:
            watcher = _Watcher(plan, process, begin, tell, folder)
            failure = watcher.watch(work / "qmp")
            watcher.close()
            log.seek(0)
            said = log.read().decode("utf-8", "replace").strip()
    return _result(
        plan,
        watcher.console,
        f"{failure}; QEMU said: {said}" if failure and said else failure,
        time.monotonic() - begin,
        folder,
    )


def _result(plan: Plan, console: Console, failure: str, seconds: float, folder: Path) -> Boot:
    result = Boot(
        plan.scenario, failure, tuple(console.reached), tuple(item.name for item in plan.milestones),
        round(seconds, 2), tuple(line for _, line in console.lines if line)[-15:],
    )  # fmt: skip
    write_text(folder / "serial.log", serial_log(console.lines))
    write_json(folder / "timeline.json", [vars(item) for item in result.reached])
    return result


class _Watcher:
    """Watches one running machine."""

    def __init__(
        self,
        plan: Plan,
        process: subprocess.Popen[bytes],
        begin: float,
        tell: Callable[[Reached], None] | None,
        folder: Path,
    ) -> None:
        self.console = Console(plan.milestones)
        self._folder = folder
        self._last_picture = b""
        self._plan = plan
        self._process = process
        self._begin = begin
        self._tell = tell
        self._told = 0
        self._pressed = 0.0
        self._ended = ""
        self._monitor: qemu.Monitor | None = None

    def watch(self, socket: Path) -> str:
        """Watch until the boot has succeeded (returns "") or failed (returns why)."""
        assert self._process.stdout is not None
        self._monitor = self._connected(socket)
        if self._monitor is None:
            return "QEMU did not start"
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ, self._read_console)
            selector.register(self._monitor, selectors.EVENT_READ, self._read_monitor)
            while True:
                ready = selector.select(POLL)
                open_ends = [key.data() for key, _ in ready]
                if not ready:
                    self.console.quiet(self._seconds())
                    self._tell_reached()
                verdict = self._verdict(drained=not ready)
                if verdict is not None:
                    self.console.finish(self._seconds())
                    return verdict
                if not all(open_ends):
                    self._ended = self._ended or self._exit()
                    selector.unregister(self._process.stdout)
                    selector.unregister(self._monitor)

    def picture(self, name: str) -> None:
        """Save the screen as PNG, if QEMU is still there to show it."""
        if self._monitor is None:
            return
        with tempfile.TemporaryDirectory(prefix="glassmaster-") as work:
            temporary = Path(work) / name
            try:
                self._note_events(self._monitor.call("screendump", filename=str(temporary), format="png"))
                if temporary.read_bytes() != self._last_picture:
                    self._last_picture = temporary.read_bytes()
                    write_bytes(self._folder / name, self._last_picture)
            except (OSError, GlassmasterError):
                pass  # the machine is gone: the serial log tells the rest

    def close(self) -> None:
        """Take the last picture, unless the machine is off and shows nothing; let go of the control socket."""
        if not self._ended:
            self.picture("screen-end.png")
        if self._monitor is not None:
            self._monitor.close()

    def _verdict(self, *, drained: bool) -> str | None:
        """None while it is not decided; "" for success; else the reason of the failure."""
        console, waiting = self.console, self.console.waiting_for
        if console.alarm:
            return f"the console shows: {console.alarm}"
        if self._ended and drained:
            if waiting is not None:
                return f"the machine ended ({self._ended}) before: {waiting.name}"
            return (
                "" if self._ended == POWER_OFF or not self._plan.power_off else f"expected power off, saw {self._ended}"
            )
        if waiting is None and not self._plan.power_off:
            return ""
        if self._seconds() > self._plan.seconds:
            missing = waiting.name if waiting else POWER_OFF
            return f"not reached within {self._plan.seconds:g} s: {missing}"
        self._press_hotkey()
        return None

    def _press_hotkey(self) -> None:
        """At the boot menu, until it has reacted."""
        if len(self.console.reached) == 1 and self._seconds() - self._pressed > PRESS_AGAIN:
            if not self._pressed:
                self.picture("screen-01.png")  # by now the menu is complete
            self._pressed = self._seconds()
            assert self._process.stdin is not None
            _write(self._process.stdin, self._plan.hotkey.encode())

    def _read_console(self) -> bool:
        assert self._process.stdout is not None
        data = os.read(self._process.stdout.fileno(), 1 << 16)
        self.console.feed(data, self._seconds())
        self._tell_reached()
        return bool(data)

    def _tell_reached(self) -> None:
        new = self.console.reached[self._told :]
        self._told = len(self.console.reached)
        for reached in new:
            if self._tell is not None:
                self._tell(reached)
        for expected in self._plan.milestones[self._told - len(new) : self._told]:
            if expected.answer:
                assert self._process.stdin is not None
                _write(self._process.stdin, expected.answer.encode() + b"\r")
        if new:
            self.picture(f"screen-{self._told:02d}.png")

    def _read_monitor(self) -> bool:
        assert self._monitor is not None
        try:
            self._note_events(self._monitor.messages())
        except ConnectionError:
            return False
        return True

    def _note_events(self, messages: list[dict[str, Any]]) -> None:
        for message in messages:
            if message.get("event") == "SHUTDOWN":
                reason = message["data"]["reason"]
                self._ended = _CAUSES.get(reason, reason)

    def _exit(self) -> str:
        try:
            return f"QEMU ended with status {self._process.wait(SOCKET_SECONDS)}"
        except subprocess.TimeoutExpired:
            return "QEMU closed its console, but does not end"

    def _connected(self, socket: Path) -> qemu.Monitor | None:
        """Wait for QEMU to open its socket; None if it ended instead."""
        while self._seconds() < SOCKET_SECONDS and self._process.poll() is None:
            try:
                return qemu.Monitor(socket)
            except (FileNotFoundError, ConnectionError):
                time.sleep(0.02)
        return None

    def _seconds(self) -> float:
        return time.monotonic() - self._begin


def _write(stream: IO[bytes], data: bytes) -> None:
    try:
        stream.write(data)
        stream.flush()
    except BrokenPipeError:
        pass  # QEMU has ended; the watcher sees that by itself


def _require(path: Path) -> Path:
    if not path.exists():
        raise GlassmasterError(
            f"{path} is missing",
            why="UEFI boots need the Debian package ovmf",
            hint="./doit smoke installs it",
        )
    return path
