"""NetBSD's build.sh: its argument lists, and running it with a log and a word now and then (BUILDING, build.sh -h)."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from glassmaster.doit_plugins.progress import progress
from glassmaster.errors import GlassmasterError
from glassmaster.recipe.model import KernelBuild
from glassmaster.run import Command, failure, started

# How often the log is looked at for what is being done, in seconds.
LOOK = 0.5
TAIL_BYTES = 1 << 16
READ_LIMIT = 1 << 20
# build.sh's own words; make's way into a directory of the tools; and the last step of a kernel.
_STEP = re.compile(
    rb"===> (?P<said>.+)|dependall ===> (?:\./|tools/)?(?P<folder>[^/\n]+)|#\s+link\s+(?P<link>\S+/netbsd\S*)"
)
# Said of every start, and nothing that a person waits for.
_DULL = re.compile(
    rb"build\.sh command|MACHINE|HOST_SH|MAKECONF|TOOLDIR|DESTDIR|RELEASEDIR|Updated|Build directory|\.$"
)


@dataclass(frozen=True)
class BuildSh:
    """How build.sh is called on a source tree. All paths are absolute, and outside of the tree."""

    source: Path
    machine: str
    tools: Path
    environment: Mapping[str, str]
    make: Mapping[str, str]

    @classmethod
    def of(cls, source: Path, machine: str, tools: Path, build: KernelBuild) -> BuildSh:
        """With what a recipe says."""
        return cls(source, machine, tools, build.environment, build.make)

    def command(self, work: Path, jobs: int, make: Mapping[str, str], operation: str) -> Command:
        """build.sh as a mere user (-U), going on with what is there (-u); make: further variables."""
        variables = [
            word for name, value in sorted({**self.make, **make}.items()) for word in ("-V", f"{name}={value}")
        ]
        argv = (
            "/bin/sh", "./build.sh", "-U", "-u", "-m", self.machine, "-j", str(jobs), "-O", str(work / "obj"),
            "-T", str(self.tools), "-D", str(work / "destdir"), "-R", str(work / "releasedir"),
            # Of its own: the one among the tools is everybody's.
            "-w", str(work / "nbmake"), *variables, operation,
        )  # fmt: skip
        # Whoever builds may have an /etc/mk.conf of their own.
        return Command(argv, {"HOST_SH": "/bin/sh", "MAKECONF": "/dev/null", **self.environment}, self.source)


def jobs() -> int:
    """How many things make may do at once: as many as this process may use processors."""
    return len(os.sched_getaffinity(0))


def run_logged(command: Command, log: Path, label: str) -> None:
    """Run a long program: all it says goes to `log`; its steps are printed with the seconds since the start.

    Raises GlassmasterError with the log's tail. Also after an interrupt everything that it started has ended.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("wb") as output,
        log.open("rb") as reader,
        _Teller(label) as teller,
        started(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT) as process,
    ):
        while True:
            with suppress(subprocess.TimeoutExpired):
                process.wait(LOOK)
            teller.tell(reader.read(READ_LIMIT))
            if process.returncode is not None and not reader.peek(1):
                break
    if process.returncode != 0:
        raise failure(command, process.returncode, _tail(log), log)


class _Teller(ExitStack):
    """Tells people what the pieces of a log say: a line for each step when it begins, and how much has been logged."""

    def __init__(self, label: str) -> None:
        super().__init__()
        self._begin = time.monotonic()
        self._seen: set[str] = set()
        self._lines, self._rest = 0, b""
        self._advance = self.enter_context(progress(f"{label}, lines of log"))

    def tell(self, piece: bytes) -> None:
        """The next piece of the log."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        self._lines += len(lines)
        for line in lines:
            step = _step(line)
            if step and step not in self._seen:
                self._seen.add(step)
                print(f"  {time.monotonic() - self._begin:7.1f} s  {step}", flush=True)
                self.close()
                self._advance = self.enter_context(progress(f"{step}, lines of log"))
        self._advance.to(self._lines)


def _step(line: bytes) -> str:
    """The step that a line of the log begins, or ""."""
    match = _STEP.fullmatch(line.strip())
    word = match and (match["said"] or match["folder"] or match["link"])
    return "" if not word or _DULL.match(word) else " ".join(word.decode("utf-8", "replace").split())


def _tail(log: Path) -> bytes:
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - TAIL_BYTES))
            return stream.read()
    except OSError as error:
        raise GlassmasterError(f"{log}: cannot be read", why=str(error)) from error
