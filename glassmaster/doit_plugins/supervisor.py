"""Runs a program (doit) so that everything it starts has ended when it has, however it ends.

Three processes, each forked from the one before, none of them executing anything new:

    caller     what the user started, and waits for. It passes SIGINT, SIGTERM and SIGHUP on, through a pipe.
      guardian   in a process group of its own, so that nothing sent to the caller's group reaches it. Adopts
                 orphans: all descendants stay below it, whatever sessions they make. Ends them all when the worker
                 has ended, or when the pipe does, which means that the caller was killed.
        worker     doit, in the caller's process group: the terminal, its Ctrl-C and Ctrl-Z are the worker's own.

Why three: two are not enough to survive SIGKILL. If doit were the caller, its orphans would be init's and could not be
found any more; if the guardian were the caller, nobody would be left to act when it is killed. So the caller adopts
orphans too and does the guardian's work if that is killed, and the worker is told by the kernel (PR_SET_PDEATHSIG).
What is left if all are killed at the same instant, the next run ends and removes (see rundir.py).

The first signal reaches the worker as the exception Interrupted; it has GRACE seconds to tidy up. A second SIGINT kills
everything at once. Then what is left gets SIGTERM, and SIGKILL after LEFT_OVER seconds.

The status is the worker's own. If it was interrupted, the caller ends by the same signal, which is 128 + number in $?
(130, 143, 129) and stops a shell's loop as Ctrl-C should; 128 + number also for a worker that was killed otherwise.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from glassmaster.doit_plugins import processes
from glassmaster.doit_plugins.rundir import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Callable

GRACE = 10.0
LEFT_OVER = 2.0
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_HANDLED = (*INTERRUPTS, signal.SIGCHLD)


class Interrupted(KeyboardInterrupt):
    """A signal asks this process to end; its argument is the signal's name."""


def supervised(name: str, main: Callable[[], int]) -> NoReturn:
    """Run `main` in a supervised process and end this one with its status; `name` is what messages call it."""
    heeded = [number for number in INTERRUPTS if signal.getsignal(number) != signal.SIG_IGN]  # as nohup wants it
    try:
        directory = RunDirectory()
    except OSError as error:
        sys.stderr.write(f"{name}: no directory for temporary files: {error}; TMPDIR can name another place\n")
        raise SystemExit(3) from None
    # Nothing may arrive while it is not yet clear who is who.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
    group = os.getpgrp()
    pipe, caller_end = os.pipe()
    guardian = os.fork()
    if guardian == 0:
        os.close(caller_end)
        with suppress(PermissionError):  # a session leader need not, and cannot
            os.setpgid(0, 0)
        worker = os.fork()
        if worker == 0:
            os.close(pipe)
            _join(group)
            processes.die_with_parent(signal.SIGTERM)
            directory.enter()
            _work(main, heeded, mask)
        _Guardian(worker, pipe, directory).guard()
    os.close(pipe)
    _Caller(name, guardian, caller_end, directory, heeded).wait()


def _join(group: int) -> None:
    """Back into the caller's process group, the terminal's."""
    try:
        os.setpgid(0, group)
    except OSError:
        os._exit(128 + signal.SIGKILL)  # the caller is already gone


# ---- the worker


def _work(main: Callable[[], int], heeded: list[signal.Signals], mask: set[int | signal.Signals]) -> NoReturn:
    for number in heeded:
        signal.signal(number, _interrupt)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    try:
        status = main()
    except Interrupted as interrupted:
        status = 128 + signal.Signals[str(interrupted)]
        # No waiting for threads and pools that wait for programs: the guardian ends those.
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)
    raise SystemExit(status)


def _interrupt(number: int, _frame: object) -> None:
    """Once for each process: the second exception would cut short what the first one made it tidy up."""
    for each in INTERRUPTS:
        if signal.getsignal(each) is _interrupt:
            signal.signal(each, signal.SIG_IGN)
    raise Interrupted(signal.Signals(number).name)


# ---- those who wait


class _Bell:
    """Makes signals readable: a descriptor for select(), and which signals have come."""

    def __init__(self, signals: list[signal.Signals]) -> None:
        self._out, self._in = os.pipe()
        os.set_blocking(self._out, False)
        os.set_blocking(self._in, False)
        signal.set_wakeup_fd(self._in, warn_on_full_buffer=False)
        for number in signals:
            signal.signal(number, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)

    def fileno(self) -> int:
        return self._out

    def rung(self) -> list[int]:
        """The signals that have come since the last call."""
        try:
            return list(os.read(self._out, 512))
        except BlockingIOError:
            return []


class _Caller:
    """Passes signals on and waits for the guardian, whose place it takes if that is killed."""

    def __init__(
        self, name: str, guardian: int, pipe: int, directory: RunDirectory, heeded: list[signal.Signals]
    ) -> None:
        self._name = name
        self._guardian = guardian
        self._pipe = pipe
        self._directory = directory
        self._signal = 0
        processes.adopt_orphans()
        self._bell = _Bell([*heeded, signal.SIGCHLD])

    def wait(self) -> NoReturn:
        status = None
        while status is None:
            select.select([self._bell], [], [])
            for number in self._bell.rung():
                if number != signal.SIGCHLD:
                    self._signal = self._signal or number
                    with suppress(BrokenPipeError):
                        os.write(self._pipe, bytes([number]))
            pid, ended = os.waitpid(self._guardian, os.WNOHANG)
            status = _status(ended) if pid else None
        processes.end_descendants(GRACE)  # none, unless the guardian was killed
        self._directory.remove()
        self._leave(status)

    def _leave(self, status: int) -> NoReturn:
        if self._signal and status:
            name = signal.Signals(self._signal).name
            self._say(f"ended by {name}; what was finished is kept, and the same command goes on from there")
            signal.signal(self._signal, signal.SIG_DFL)
            os.kill(os.getpid(), self._signal)
        elif status > 128:
            with suppress(ValueError):
                self._say(f"was killed ({signal.Signals(status - 128).name}); the same command goes on from there")
        os._exit(status)

    def _say(self, text: str) -> None:
        with suppress(OSError):
            os.write(2, f"{self._name}: {text}\n".encode())


class _Guardian:
    """Sees to it that nothing outlives the worker, nor the worker the caller."""

    def __init__(self, worker: int, pipe: int, directory: RunDirectory) -> None:
        self._worker = worker
        self._pipe = pipe
        self._directory = directory
        self._until: float | None = None  # when the worker's grace ends; None: nobody wants it to end
        self._at_once = False
        self._paused: list[int] = []
        processes.adopt_orphans()
        for number in INTERRUPTS:
            signal.signal(number, signal.SIG_IGN)  # the caller's to pass on
        self._bell = _Bell([signal.SIGCHLD])

    def guard(self) -> NoReturn:
        sources: list[_Bell | int] = [self._bell, self._pipe]
        status = None
        while status is None:
            left = None if self._until is None else max(0.0, self._until - time.monotonic())
            ready, _, _ = select.select(sources, [], [], left)
            self._bell.rung()
            if self._pipe in ready and not self._listen():
                sources.remove(self._pipe)
            if self._at_once or not ready:
                processes.send(signal.SIGKILL, processes.descendants())
                self._until = float("inf")  # what is killed ends, and that rings the bell
            status = self._reap()
        processes.end_descendants(LEFT_OVER, self._is_urgent)
        self._directory.remove()
        os._exit(status)

    def _listen(self) -> bool:
        """Read the pipe and act on it; whether the caller is still there."""
        numbers = os.read(self._pipe, 512)
        for number in numbers or [signal.SIGTERM]:
            if self._until is not None:
                self._at_once |= number == signal.SIGINT
            else:
                self._until = time.monotonic() + GRACE
                processes.send(number, [self._worker])
        return bool(numbers)

    def _is_urgent(self) -> bool:
        """Whether there was a second Ctrl-C, asked when the worker has ended."""
        os.set_blocking(self._pipe, False)
        with suppress(BlockingIOError):
            self._listen()
        return self._at_once

    def _reap(self) -> int | None:
        """Collect what has ended; the worker's status if that is among it."""
        found = None
        while True:
            try:
                pid, ended = os.waitpid(-1, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
            except ChildProcessError:
                return found
            if pid == 0:
                return found
            if pid == self._worker:
                if os.WIFSTOPPED(ended):
                    self._pause()
                elif os.WIFCONTINUED(ended):
                    processes.send(signal.SIGCONT, self._paused)
                    self._paused = []
                else:
                    found = _status(ended)

    def _pause(self) -> None:
        """Ctrl-Z has stopped the terminal's process group: stop what the worker has put into other ones, too."""
        group = os.getpgid(self._worker)
        for pid in processes.descendants(self._worker):
            with suppress(ProcessLookupError):
                if os.getpgid(pid) != group:
                    self._paused.append(pid)
        processes.send(signal.SIGSTOP, self._paused)


def _status(ended: int) -> int:
    """A shell's $? for what waitpid says."""
    code = os.waitstatus_to_exitcode(ended)
    return code if code >= 0 else 128 - code
