"""One doit at a time: a lock on a file beside the state file, held by whoever runs tasks or changes the state."""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from pathlib import Path

from doit.exceptions import InvalidCommand

SUFFIX = ".lock"
# For the processes that tasks start: a doit among them that waited for its own parent would wait for ever.
HELD = "DOIT_STATE_HELD"
NO_WAIT = "DOIT_NO_WAIT"


class StateLock:
    """A lock (flock(2)) for a state file. The kernel frees it when its process and the children it forked are gone."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._path = state.with_name(state.name + SUFFIX)
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this process has it."""
        return self._descriptor is not None

    def try_acquire(self) -> bool:
        """Take the lock if nobody has it; whether this process has it now."""
        if self._descriptor is not None:
            return True
        descriptor = self._open()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._taken(descriptor)
        return True

    def acquire(self, *, wait: bool) -> bool:
        """Take the lock; whether somebody else had it before. Without `wait` that is InvalidCommand (exit code 3)."""
        if self.try_acquire():
            return False
        holder = self._holder()
        if os.environ.get(HELD) == str(self._state.absolute()):
            raise InvalidCommand(
                f"{self._state} is in use by {holder}, which started this one.\n"
                "  A task cannot run tasks of its own project; name them in its task_dep."
            )
        if not wait:
            raise InvalidCommand(
                f"{self._state} is in use by {holder}.\n  Wait for it to end, or leave out --no-wait ({NO_WAIT})."
            )
        message = f"doit: waiting for {holder}, which uses {self._state} (Ctrl-C: do not wait)"
        print(message, file=sys.stderr, flush=True)
        descriptor = self._open()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except BaseException:
            os.close(descriptor)
            raise
        self._taken(descriptor)
        return True

    def release(self) -> None:
        """Give it back. The file stays: removing it would let two processes lock two files of that name."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None
            os.environ.pop(HELD, None)

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise InvalidCommand(
                f"{self._path} cannot be opened: {error.strerror}.\n"
                "  doit keeps its state there; make the folder writable, or name another file with --db-file."
            ) from error

    def _taken(self, descriptor: int) -> None:
        self._descriptor = descriptor
        os.environ[HELD] = str(self._state.absolute())
        since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
        note = json.dumps({"pid": os.getpid(), "since": since}).encode()
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, note, 0)
        except OSError:
            pass  # a full disk: the lock holds all the same, only the message will know less

    def _holder(self) -> str:
        try:
            note = json.loads(self._path.read_bytes())
            return f"another doit (process {int(note['pid'])}, since {note['since']})"
        except (OSError, ValueError, KeyError, TypeError):
            return "another doit"  # it has only just begun
