"""iSCSI targets on this machine: Debian's tgt, taken out of its package, without root and without installing it."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from glassmaster.run import Command, run, started
from tests.domuboot import debian_dom0
from tests.launcher.debian import RELEASE, apt_network_settings, mirrors

LIBRARIES = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu")
LOADER = "lib64/ld-linux-x86-64.so.2"


def unpack_tgt(folder: Path) -> Path:
    """The package with the libraries that it needs, in a directory of its own; no script of it runs."""
    options, system = folder / "apt.conf", folder / "tgt"
    options.write_text(apt_network_settings())
    words = ("--quiet", "--variant=extract", "--include=tgt", f"--aptopt={options}")
    debian_dom0.run("mmdebstrap", *words, RELEASE, system, *mirrors())
    return system


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Target:
    """A target with one disk: a file. It can be killed, or paused, by itself."""

    system: Path
    folder: Path
    number: int
    size: int
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        """Its iSCSI name."""
        return f"iqn.2026-01.org.example:target{self.number}"

    @property
    def image(self) -> Path:
        """The file."""
        return self.folder / f"target{self.number}.img"

    def _command(self, program: str, *words: str) -> Command:
        libraries = ":".join(str(self.system / folder) for folder in LIBRARIES)
        loader = (str(self.system / LOADER), "--library-path", libraries)
        control = {"TGT_IPC_SOCKET": str(self.folder / "tgt")}
        return Command(
            (*loader, str(self.system / "usr/sbin" / program), "-C", str(self.number), *words), environment=control
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        """One run of its server."""
        server = self._command("tgtd", "-f", "--iscsi", f"portal=127.0.0.1:{self.port}")
        with started(server, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            said = b""
            while b"bs_init" not in said:  # by then it listens
                line = process.stderr.readline()
                said += line
                if not line:
                    pytest.fail(f"tgtd ended: {said.decode(errors='replace')}")
            threading.Thread(target=process.stderr.read, daemon=True).start()
            self.process = process
            target = ("--lld", "iscsi", "--mode", "target", "--tid", "1")
            disk = ("--lld", "iscsi", "--mode", "logicalunit", "--tid", "1", "--lun", "1")
            run(self._command("tgtadm", "--op", "new", *target, "-T", self.name))
            run(self._command("tgtadm", "--op", "new", *disk, "-b", str(self.image)))
            run(self._command("tgtadm", "--op", "bind", *target, "-I", "ALL"))
            yield

    def kill(self) -> None:
        """At once, with whatever is under way."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
