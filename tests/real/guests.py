"""Virtual machines that are worked with by their consoles, several at a time."""

from __future__ import annotations

import codecs
import io
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest

from glassmaster.checks.smoke.console import ALARMS, cleaned
from glassmaster.checks.smoke.qemu import Machine, machine_command
from glassmaster.run import Command, started
from tests.real.scenarios import PASSWORD

SECONDS = "GLASSMASTER_REAL_BOOT_SECONDS"
SHOWN = 40
PRESS_AGAIN = 1.0


def network_command(machine: Machine, folder: Path, network: str = "") -> Command:
    """The machine, with QEMU's own network: 10.0.2.2 leads to this machine's 127.0.0.1. network: options of it."""
    command = machine_command(machine, folder / "qmp", folder / "variables.fd")
    words = list(command.argv)
    words[words.index("-nic") + 1] = ",".join(["user,model=e1000", *([network] if network else [])])
    return replace(command, argv=tuple(words))


@contextmanager
def guest(name: str, machine: Machine, folder: Path, hotkey: str, network: str = "") -> Iterator[Guest]:
    """A machine that runs until the block ends, or until it is cut. What it said stays in `folder`.

    network: options of QEMU's own network around it.
    """
    folder.mkdir(parents=True)
    with (folder / "qemu.log").open("wb") as log:
        command = network_command(machine, folder, network)
        with started(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log) as process:
            made = Guest(name, process)
            try:
                made.wait("GNU GRUB")
                made.press(hotkey, "Loading")
                yield made
            finally:
                (folder / "console.log").write_text(made.said())


class Guest:
    """A running machine. What its console shows is read all the time, and looked at when somebody waits for it."""

    def __init__(self, name: str, process: subprocess.Popen[bytes]) -> None:
        self.name = name
        self._process = process
        self._lines: list[str] = []
        self._partial = ""
        self._looked = 0
        self._asked = 0
        self._ended = False
        self._news = threading.Condition()
        assert process.stdout is not None
        threading.Thread(target=self._read, args=(process.stdout,), daemon=True).start()

    def _read(self, stream: IO[bytes]) -> None:
        decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")("replace"), True)
        while data := os.read(stream.fileno(), 1 << 16):
            *finished, partial = (self._partial + decoder.decode(data)).split("\n")
            with self._news:
                self._lines += [cleaned(line) for line in finished]
                self._partial = partial
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def said(self) -> str:
        """All that the console showed."""
        return "".join(f"{line}\n" for line in self._lines) + cleaned(self._partial)

    def wait(self, pattern: str) -> re.Match[str]:
        """Until the console shows something behind what was waited for last; a line that has not ended counts too."""
        seconds = int(os.environ.get(SECONDS, "900"))
        latest = time.monotonic() + seconds
        with self._news:
            while (found := re.compile(pattern, re.M).search(text := self.said(), self._looked)) is None:
                alarm = ALARMS.search(text, self._looked)
                left = latest - time.monotonic()
                if alarm or self._ended or left <= 0:
                    why = f"shows {alarm[0]!r}" if alarm else "has ended" if self._ended else f"took {seconds} s"
                    pytest.fail(f"{self.name} {why}, waiting for {pattern!r}:\n{self.tail()}", pytrace=False)
                self._news.wait(left)
            self._looked = found.end()
        return found

    def tail(self) -> str:
        """The end of what it said."""
        return "\n".join(self.said().splitlines()[-SHOWN:])

    def type(self, text: str, end: str = "\r") -> None:
        """Type on the console."""
        assert self._process.stdin is not None
        self._process.stdin.write((text + end).encode())
        self._process.stdin.flush()

    def press(self, key: str, pattern: str) -> None:
        """Press a key until the console shows something: the boot menu takes none before it is complete."""
        with self._news:
            while not (self._ended or self._news.wait_for(lambda: pattern in self.said(), PRESS_AGAIN)):
                self.type(key, end="")

    def login(self) -> None:
        """As root, at the console."""
        self.wait(r"login: *$")
        self.type("root")
        self.wait(r"Password: *$")
        self.type(PASSWORD)
        self.wait(r"# *$")
        self.do("set +E")  # what is typed comes back as it is

    def ask(self, command: str) -> tuple[int, str]:
        """Run a command of the shell; its status, and what it said."""
        self._asked += 1
        self.type(f'{command}; echo "ASKED""-{self._asked}:$?"')
        before = self._looked
        found = self.wait(rf"ASKED-{self._asked}:(\d+)")
        output = found.string[before : found.start()]
        return int(found[1]), output.partition(f'-{self._asked}:$?"\n')[2].strip()

    def do(self, command: str) -> str:
        """Run a command of the shell that must succeed; what it said."""
        status, output = self.ask(command)
        assert status == 0, f"{self.name}: {command}: status {status}\n{output}"
        return output

    def stage(self, name: str, words: str) -> str:
        """Wait for a line of the boot chain; words is a pattern. The line."""
        return self.wait(rf"^glassmaster: stage={name} {words}.*$")[0]

    def stages(self) -> list[str]:
        """The lines for programs so far."""
        return [line for line in self.said().splitlines() if line.startswith("glassmaster: stage=")]

    def send(self, number: signal.Signals) -> None:
        """A signal for QEMU: SIGKILL cuts the power, SIGSTOP and SIGCONT pause the machine."""
        self._process.send_signal(number)
        if number == signal.SIGKILL:
            self._process.wait()
