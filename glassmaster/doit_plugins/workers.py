"""doit's process runner (`-n`), which by itself waits for ever for a worker that was killed, as for want of memory."""

from __future__ import annotations

import os
import queue
from multiprocessing import Queue
from typing import Any

from doit.exceptions import InvalidTask
from doit.runner import MRunner

# How long nothing may come from the workers before it is looked whether they still live, in seconds.
LOOK_EVERY = 1.0


class WatchedQueue:
    """A queue between the master and its workers; in the master, reading fails when a worker has died."""

    def __init__(self, messages: Any, workers: list[Any], master: int) -> None:
        self._messages = messages
        self._workers = workers
        self._master = master

    def get(self) -> Any:
        """Wait for the next message; raises InvalidTask, which ends the run with an error, for a worker that died."""
        while os.getpid() == self._master:
            dead = [worker for worker in self._workers if worker.exitcode not in (None, 0)]
            try:
                # What a worker has sent before it died still counts.
                return self._messages.get(timeout=LOOK_EVERY)
            except queue.Empty:
                if dead:
                    status = dead[0].exitcode
                    how = f"by signal {-status}" if status < 0 else f"with status {status}"
                    raise InvalidTask(
                        f"a worker process of -n ended {how} in the middle of a task.\n"
                        "  If the kernel killed it for want of memory, use a smaller -n; run the same command again."
                    ) from None
        return self._messages.get()

    def put(self, message: Any) -> None:
        """Send a message."""
        self._messages.put(message)

    def empty(self) -> bool:
        """Whether nothing is left to read."""
        return bool(self._messages.empty())

    def __reduce__(self) -> tuple[Any, ...]:
        return WatchedQueue, (self._messages, [], self._master)


class WatchfulRunner(MRunner):  # type: ignore[misc]  # doit has no type hints
    """doit's process runner; a worker that dies ends the run."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._workers: list[Any] = []

    def Queue(self) -> WatchedQueue:  # noqa: N802  # the name that doit's runner looks up
        """A queue between the master and its workers."""
        return WatchedQueue(Queue(), self._workers, os.getpid())

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        return {**state, "_workers": []}

    def _run_start_processes(self, job_q: Any, result_q: Any) -> list[Any]:
        self._workers += super()._run_start_processes(job_q, result_q)
        return list(self._workers)
