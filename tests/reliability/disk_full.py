"""Builds on file systems that are too small, one size after the other, and what is left when there is no room.

    python tests/reliability/disk_full.py --points 50 --build standin

For each size a tmpfs of just that size holds the project, doit's state and the temporary directory; the synthetic
project's store too. It is mounted in a mount namespace of our own, so nobody else sees it; as a user other than root
that takes a user namespace as well. A real file system that is full, and not a limit on the size of files
(RLIMIT_FSIZE): with that only large files fail, and with another error.

The build must fail with an error for people that names the reason, without a traceback; what has its final name must
be what an undisturbed build makes; no other file may be left. When the file system has been made larger, the same
command must make everything. Ends with status 1 if that was not so at some size.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]

from tests.reliability.kills import MISSING, different  # noqa: E402  # the program is started by its path
from tests.reliability.project import Project, kill_left, repository, standin, synthetic  # noqa: E402

ENOUGH = 1 << 30
MS_REMOUNT = 32
REASONS = ("room left", "No space left on device", "disk is full")
Make = Callable[[Path, Path], Project]


@dataclass(frozen=True)
class Build:
    """What is built, what an undisturbed build makes, and what it occupies before and after, in bytes."""

    make: Make
    digests: dict[str, str]
    before: int
    after: int


def namespace_command(argv: list[str]) -> list[str]:
    """The command that runs a program where it may mount file systems that only it sees."""
    user = [] if os.getuid() == 0 else ["--user", "--map-current-user", "--keep-caps"]
    return ["unshare", *user, "--mount", "--", *argv]


def mount(folder: Path, size: int, flags: int = 0) -> None:
    """Mount a tmpfs of so many bytes, or give the one that is there this size. Not by mount(8), which wants root."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", flags, f"size={size}".encode()) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), str(folder))


def unmount(folder: Path) -> None:
    """Take it away, with all that is in it."""
    ctypes.CDLL(None, use_errno=True).umount2(os.fsencode(folder), 2)  # MNT_DETACH


def occupied(folder: Path) -> int:
    """Bytes in use on a file system."""
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def undisturbed(folder: Path, make: Make) -> Build:
    """Build once where there is room."""
    place, notes = _folders(folder)
    mount(place, ENOUGH)
    project = make(place, notes)
    before = occupied(place)
    status = project.start().finish()
    assert status == 0, project.log()
    build = Build(make, project.digests(), before, occupied(place))
    unmount(place)
    return build


def squeeze(folder: Path, build: Build, size: int) -> list[str]:
    """Build with so many bytes, then with enough; what is wrong, one line each."""
    place, notes = _folders(folder)
    # First there is room for what is not to be tested: the sources.
    mount(place, ENOUGH)
    try:
        project = build.make(place, notes)
        mount(place, size, MS_REMOUNT)
        status = project.start().finish()
        wrong = judged(status, project.log())
        wrong += [line for line in different(project.digests(), build.digests) if not line.startswith(MISSING)]
        wrong += [f"left behind: {path}" for path in project.partial()]
        mount(place, ENOUGH, MS_REMOUNT)
        again = project.start().finish()
        if again != 0:
            wrong.append(f"with enough room: status {again}")
        wrong += [f"with enough room: {line}" for line in different(project.digests(), build.digests)]
        wrong += [f"left behind: {path}" for path in project.partial()]
        wrong += [f"left behind: process {line}" for line in kill_left(project.marker)]
        return wrong + [f"| {line}" for line in project.log().splitlines()[-40:]] if wrong else []
    finally:
        unmount(place)


def judged(status: int, log: str) -> list[str]:
    """What is wrong with how a build without room has ended."""
    wrong = []
    if status not in (1, 2, 3):
        wrong.append(f"status {status} for a build without room")
    if not any(reason in log for reason in REASONS):
        wrong.append("the reason is not named")
    if "Traceback" in log:
        wrong.append("a traceback")
    return wrong


def _folders(folder: Path) -> tuple[Path, Path]:
    place, notes = folder / "place", folder / "notes"
    place.mkdir(parents=True)
    notes.mkdir()
    return place, notes


def makers(folder: Path, name: str) -> Make:
    """How to make the project `synthetic` or `standin`; for the latter a first build fills a store."""
    if name == "synthetic":
        return lambda place, notes: synthetic(place, notes=notes)
    template, store = repository(folder / "template"), folder / "full-store"
    first = standin(folder / "fill", template, store)
    assert first.start().finish() == 0, first.log()
    return lambda place, notes: standin(place, template, store, notes)


def inside(points: int, name: str) -> int:
    """The program, in its namespace."""
    begin = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="disk-full-"))
    build = undisturbed(folder / "undisturbed", makers(folder, name))
    step = (build.after - build.before) / points
    failed = 0
    for point in range(points):
        size = build.before + int(step * point)
        wrong = squeeze(folder / f"point-{point}", build, size)
        if wrong:
            failed += 1
            print("\n  ".join([f"{size - build.before:,} bytes of room:", *wrong]), flush=True)
    needed = build.after - build.before
    span = f"0 to {int(needed - step):,} bytes of room where {needed:,} are needed"
    print(f"{name}: {points} points, {span}; {failed} failed, {time.monotonic() - begin:.0f} s")
    shutil.rmtree(folder)
    return 1 if failed else 0


def main() -> int:
    """The program."""
    parser = argparse.ArgumentParser(description="build on file systems that are too small")
    parser.add_argument("--points", type=int, default=50)
    parser.add_argument("--build", choices=("standin", "synthetic"), default="standin")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        return inside(options.points, options.build)
    return os.execvp("unshare", namespace_command([sys.executable, *sys.argv, "--inside"]))


if __name__ == "__main__":
    sys.exit(main())
