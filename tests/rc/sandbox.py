"""A root directory in which the sh of the images runs unchanged, under Debian's shells, with stand-ins for NetBSD's
programs.

A stand-in writes down how it was called, and does as much as the scripts can see: a mounted disk is a link to a
directory below /disks, a union is a copy. An answer of a test's own, a piece of sh in /answers/NAME, is run after the
call was written down.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from glassmaster.inputs.template import TEMPLATE_SUFFIX, render_file

REPOSITORY = Path(__file__).parents[2]
STANDINS = Path(__file__).parent / "standins"
SHELLS = ("dash", "busybox")
# What NetBSD has in /bin, /sbin and /usr/bin and the scripts use as it is.
PROGRAMS = (
    "[", "awk", "cat", "chmod", "cmp", "cp", "cut", "dd", "dirname", "find", "grep", "head", "ls", "ln", "mkdir", "mv",
    "od", "readlink", "rm", "rmdir", "sed", "sha256sum", "sha512sum", "sort", "stat", "tail", "touch", "tr", "tty",
    "wc",
)  # fmt: skip
# Recorded, and nothing else unless there is an answer.
RECORDED = (
    "chown", "curl", "date", "disklabel", "dkctl", "fdisk", "fsck", "fsck_ffs", "ftp", "hostname", "newfs", "pwd_mkdb",
    "raidctl", "sleep", "svn", "svnversion", "swapctl", "sync", "sysctl", "tar", "vnconfig", "xl",
)  # fmt: skip
MASTER_PASSWD = "root:*ROOT:0:0::0:0:Charlie &:/root:/bin/sh\ndaemon:*:1:1::0:0:The devil:/:/sbin/nologin\n"
PASSWD = "root:*:0:0:Charlie &:/root:/bin/sh\ndaemon:*:1:1:The devil:/:/sbin/nologin\n"


@dataclass(frozen=True)
class Finished:
    """How a script ended."""

    status: int
    output: str

    def stages(self) -> list[str]:
        """The lines for programs, without what each begins with."""
        start = "glassmaster: stage="
        return [line.removeprefix(start) for line in self.output.splitlines() if line.startswith(start)]


class Sandbox:
    """A root directory under `root`, with these overlays; a virtual machine is called `domu`. report: the recipe's."""

    def __init__(
        self, root: Path, shell: str, overlays: Sequence[str] = ("machine", "dom0"), domu: str = "", report: str = ""
    ) -> None:
        self.root = root
        for name in ("bin", "sbin", "dev", "tmp", "var/run", "etc", "config", "answers", "disks", "usr/pkg", "root"):
            (root / name).mkdir(parents=True)
        self._programs(shell)
        self._fleet = SimpleNamespace(report=report) if report else None
        for overlay in overlays:
            self._overlay(overlay, domu)
        (root / "memory").mkdir()
        self.write("etc/master.passwd", MASTER_PASSWD)
        self.write("etc/passwd", PASSWD)
        self.write("etc/group", "wheel:*:0:root\ndaemon:*:1:daemon\n")
        self.write("etc/defaults/rc.conf.netbsd", "random_seed=YES\n")
        self.write("etc/rc.netbsd", 'echo "rc.netbsd $*" >>/calls\n')
        self.write("dev/null", "")
        self.write("dev/zero", "")
        self.write("mounts", "/dev/cd0a on / type cd9660 (read-only, local)\n")
        self.write("calls", "")
        self.answer(
            "sysctl",
            'case $2 in kern.root_device) echo cd0 ;; kern.root_partition) echo 0 ;; *) cat "/answers/$2" ;; esac',
        )
        self.answer("kern.rawpartition", "3\n")
        self.answer("hostname", "echo alpha.example.org")
        self.answer("date", "echo 2026-11-27T10:00:00Z")
        for name in ("fsck", "fsck_ffs"):
            self.answer(name, 'echo "$name: file system is clean; not checking"\n')
        self.disks()

    def _programs(self, shell: str) -> None:
        for program in {"busybox", shell}:
            self.real(program)
        (self.root / "bin/sh").symlink_to(shell)
        for name in PROGRAMS:
            (self.root / "bin" / name).symlink_to("busybox")
        for name in RECORDED:
            self._copy(STANDINS / "recorded", self.root / "sbin" / name)
        for name in ("mount", "umount", "pax", "cksum"):
            self._copy(STANDINS / name, self.root / "sbin" / name)

    def _copy(self, source: Path, to: Path) -> None:
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, to)

    def _overlay(self, name: str, domu: str) -> None:
        overlay = REPOSITORY / "overlays" / name
        context = {
            "name": "test", "release_id": "0123456789ab", "vars": {},
            "packages_rc": {"mailer": "NO", "xencommons": "NO"}, "pkgdb": "/var/db/pkg",
            "recipe": SimpleNamespace(
                description="A test", epoch=1, xen=None, fleet=self._fleet,
                release=SimpleNamespace(version="6.99.16", machine="amd64"),
            ),
            "domu": domu,
        }  # fmt: skip
        for path in sorted(overlay.rglob("*")):
            to = self.root / path.relative_to(overlay)
            if path.suffix == TEMPLATE_SUFFIX:
                to.parent.mkdir(parents=True, exist_ok=True)
                to.with_suffix("").write_bytes(render_file(path, context))
            elif path.is_file():
                self._copy(path, to)

    def real(self, program: str) -> None:
        """This machine's own program, with its libraries, in /bin."""
        found = shutil.which(program)
        assert found is not None, f"{program} is missing: requirements/debian.txt, group test"
        self._copy(Path(found).resolve(), self.root / "bin" / program)
        listed = subprocess.run(["ldd", found], capture_output=True, text=True, check=True).stdout
        for word in listed.split():
            if word.startswith("/") and not (self.root / word[1:]).exists():
                self._copy(Path(word).resolve(), self.root / word[1:])

    def instead(self, program: str, script: str) -> None:
        """A script in the place of one of busybox's programs, which it can go on with: exec busybox NAME "$@"."""
        (self.root / "bin" / program).unlink()
        self.write(f"bin/{program}", f"#!/bin/sh\n{script}\n", mode=0o755)

    def busybox(self, program: str) -> None:
        """The program that `instead` has replaced."""
        (self.root / "bin" / program).unlink()
        (self.root / "bin" / program).symlink_to("busybox")

    def write(self, path: str, text: str, mode: int = 0o644) -> Path:
        """A file at a path below the root."""
        made = self.root / path
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_text(text)
        made.chmod(mode)
        return made

    def answer(self, name: str, text: str) -> None:
        """What a stand-in does, as sh; or, for sysctl, what a variable holds."""
        self.write(f"answers/{name}", text)

    def disks(self, **labels: Sequence[str]) -> None:
        """The machine's disks in the kernel's order, each with the lines of its label."""
        self.answer("hw.disknames", " ".join(["cd0", *labels]) + "\n")
        for name, lines in labels.items():
            self.write(f"answers/label.{name}", "".join(f"{line}\n" for line in lines))
        self.answer("disklabel", 'cat "/answers/label.$1" 2>/dev/null')

    def config(self, partition: str, **files: str) -> Path:
        """A file system with a configuration, not yet mounted."""
        self.write(f"disks/{partition}/.glassmaster-config", "")
        return self.root / "disks" / partition

    def text(self, path: str) -> str:
        """A file's content."""
        return (self.root / path).read_text()

    def calls(self, *programs: str) -> list[str]:
        """What was called so far, in order; of these programs alone, if any are named."""
        lines = self.text("calls").splitlines()
        return [line for line in lines if not programs or line.split(" ")[0] in programs]

    def forget(self) -> None:
        """Begin a new list of calls."""
        self.write("calls", "")

    def run(self, *argv: str, stdin: str = "", env: dict[str, str] | None = None) -> Finished:
        """Run a command in the root. Standard input is what a person types at the console."""
        user = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
        enter = 'mount --bind /dev/null "$1/dev/null" && mount --bind /dev/zero "$1/dev/zero" && exec chroot "$@"'
        ran = subprocess.run(
            ["unshare", *user, "--mount", "--", "/bin/sh", "-c", enter, "enter", str(self.root), *argv],
            input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
            env={"PATH": "/sbin:/bin:/usr/sbin:/usr/bin", **(env or {})},
        )  # fmt: skip
        return Finished(ran.returncode, ran.stdout)

    def boot(self, stdin: str = "") -> Finished:
        """Run /etc/rc as init does."""
        return self.run("/bin/sh", "/etc/rc", "autoboot", stdin=stdin)
