"""Descendants of this process: who they are, and how all of them are ended. Linux only (prctl, /proc)."""

# Every start of doit pays for this module: system calls, not pathlib.
# ruff: noqa: PTH115, PTH123, PTH208

from __future__ import annotations

import ctypes
import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36  # <linux/prctl.h>
_prctl = ctypes.CDLL(None, use_errno=True).prctl
# Between two looks at /proc while waiting, seconds; a process that nobody but a stranger can reap sends no signal.
_LOOK_AGAIN = 0.02
# How long SIGKILL may take, seconds: a process in a system call that cannot be interrupted, or one of another user.
_KILLED_SECONDS = 5.0


def adopt_orphans() -> None:
    """Make this process the parent of its descendants whose own parents die, in place of init."""
    _prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent(number: int) -> None:
    """Let the kernel send this process a signal when its parent ends, however that ends."""
    _prctl(_SET_PDEATHSIG, number, 0, 0, 0)


def reap() -> bool:
    """Collect children that have ended; whether there are any others.

    Of a process that adopts orphans: no child left means no descendant left.
    """
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return True


def descendants(of: int | None = None) -> list[int]:
    """The processes below `of` (this process), from the top down, whatever their groups and sessions; no zombies."""
    children: dict[int, list[int]] = {}
    zombies = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError):
                state, parent = _state_and_parent(int(name))
                children.setdefault(parent, []).append(int(name))
                if state in "ZX":
                    zombies.add(int(name))
    found, todo = [], [of if of is not None else os.getpid()]
    while todo:
        below = children.get(todo.pop(0), [])
        found += [pid for pid in below if pid not in zombies]
        todo += below
    return found


def end_marked(marker: str, held: str) -> None:
    """Kill the user's processes that have `marker` (NAME=VALUE) in the environment that they were started with, or a
    descriptor whose link in /proc is `held`. Returns when they are gone, or after some seconds."""
    until = time.monotonic() + _KILLED_SECONDS
    while (pids := _marked(marker, held)) and time.monotonic() < until:
        send(signal.SIGKILL, pids)
        time.sleep(_LOOK_AGAIN)


def send(number: int, pids: list[int]) -> None:
    """Send a signal to processes, and wake those that are stopped, so that they can act on it."""
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
            if number != signal.SIGSTOP:
                os.kill(pid, signal.SIGCONT)


def end_descendants(grace: float, is_urgent: Callable[[], bool] = lambda: False) -> None:
    """End everything below this process: SIGTERM, and SIGKILL for what is left after `grace` seconds or when urgent.

    Returns when nothing is left; at the latest some seconds after SIGKILL, if the kernel or another user's rights
    keep something alive. Needs `adopt_orphans`.
    """
    if not reap():
        return
    send(signal.SIGTERM, descendants())
    until = time.monotonic() + grace
    while reap() and time.monotonic() < until and not is_urgent():
        time.sleep(_LOOK_AGAIN)
    # Again and again: what forks while we read /proc was not on the list.
    until = time.monotonic() + _KILLED_SECONDS
    while reap() and time.monotonic() < until:
        send(signal.SIGKILL, descendants())
        time.sleep(_LOOK_AGAIN)


def _state_and_parent(pid: int) -> tuple[str, int]:
    with open(f"/proc/{pid}/stat", "rb") as stream:
        # The second field is the name in parentheses; it may itself hold spaces and parentheses.
        state, parent, _ = stream.read().rpartition(b") ")[2].split(b" ", 2)
    return state.decode(), int(parent)


def _marked(marker: str, held: str) -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        with suppress(OSError):  # it has ended, or is somebody else's
            if name.isdigit() and int(name) != os.getpid() and _is_marked(int(name), marker, held):
                found.append(int(name))
    return found


def _is_marked(pid: int, marker: str, held: str) -> bool:
    with open(f"/proc/{pid}/environ", "rb") as stream:
        if os.fsencode(marker) in stream.read().split(b"\0"):
            return True
    descriptors = f"/proc/{pid}/fd"
    return any(_link(f"{descriptors}/{name}") == held for name in os.listdir(descriptors))


def _link(path: str) -> str:
    with suppress(OSError):
        return os.readlink(path)
    return ""
