"""Faults of every class, one for each variation: what a step that is not pure would let slip into a file.

Written into the builds of tests only: as a module of a toy project, and on PYTHONPATH of builds of the stand-in.
"""

from __future__ import annotations

import atexit
import ctypes
import locale
import mmap
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

# What is found at the start of a process, before any step has run.
STATE, MARK, RUNS = Path(".doit.db"), Path("interrupted.mark"), Path("runs.count")
DERIVED = Path(os.environ.get("GLASSMASTER_STORE", "/nonexistent")) / "derived" / "deb"
killed = MARK.exists()
warm = DERIVED.exists() and not STATE.exists() and not killed
runs = int(RUNS.read_text()) if RUNS.exists() else 0


def mark() -> None:
    """Leave a mark that only a run which ends takes away, and count those that end."""
    pid = os.getpid()

    def ended() -> None:
        if os.getpid() == pid:
            MARK.unlink(missing_ok=True)
            RUNS.write_text(str(runs + 1))

    MARK.touch()
    atexit.register(ended)


def mode_of_a_new_file() -> int:
    """The mode that a program gets which does not care."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "new"
        path.touch()
        return path.stat().st_mode & 0o777


def local_number() -> str:
    """A number as programs of the user print it."""
    locale.setlocale(locale.LC_ALL, "")
    text = locale.format_string("%.1f", 2.5)
    locale.setlocale(locale.LC_ALL, "C.UTF-8")
    return text


def address() -> str:
    """Of memory that the kernel chose, without the digits that libraries and what is in use already decide.

    Without randomisation memory is given out downwards from nearly 1 GiB above such a boundary: more than a build maps.
    Not by malloc(3), which after a while takes even this much from the heap, whose place moves little.
    """
    with mmap.mmap(-1, 1 << 22) as memory:
        first = ctypes.c_char.from_buffer(memory)
        place = ctypes.addressof(first)
        del first  # or the mapping could not be closed
    return hex(place >> 30 << 30)


LEAKS: dict[str, Callable[[], str]] = {
    "directory": lambda: str(Path.cwd()),
    "time zone": lambda: time.strftime("made at %H:%M", time.localtime(1767225600)),
    "locale": lambda: f"size {local_number()} MB",
    "umask": lambda: f"{mode_of_a_new_file():o}",
    "HOME": lambda: os.environ["HOME"],
    "host name": lambda: os.uname().nodename,
    "user": lambda: f"owner {os.getuid()}",
    "jobs": lambda: "a worker" if multiprocessing.current_process().name != "MainProcess" else "no worker",
    "hash seed": lambda: "\n".join({f"word-{number}" for number in range(20)}),
    "tmpfs": lambda: f"{Path('recipes').stat().st_size} bytes of directory",
    "listing": lambda: "\n".join(os.listdir("/usr/lib")),  # noqa: PTH208
    "clock": lambda: time.strftime("built in %Y", time.gmtime()),
    "addresses": address,
    "kernel": lambda: f"{os.uname().release} {os.uname().machine}",
    "Python": lambda: sys.version,
    "warm store": lambda: "taken from the store" if warm else "made",
    "resumed": lambda: "gone on with" if killed else "from the beginning",
    "incremental": lambda: f"after {runs} builds",
}
# What differs by itself.
RESTLESS: dict[str, Callable[[], str]] = {
    # A time of today, another one each millisecond: two builds of a toy may fall into one second.
    "seconds": lambda: f"at {int(time.time()) // 86_400 * 86_400 + time.time_ns() // 1_000_000 % 86_400}",
    "random": lambda: str(random.random()),
}
