"""Progress of a step, for whoever is watching: `with progress("writing", size, "bytes") as advance: ... advance(n)`.

It only shows; nothing that a step makes may depend on it. When nobody listens (a function called outside of a doit
task, or doit with another reporter) it costs a function call that does nothing.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Literal, Protocol

Unit = Literal["steps", "bytes"]
Send = Callable[[dict[str, Any]], None]
# No more messages than eyes can follow.
SECONDS_BETWEEN = 0.1

_listener: contextvars.ContextVar[Send | None] = contextvars.ContextVar("progress_listener", default=None)


class Advance(Protocol):
    """Tells that something is done; from any thread."""

    def __call__(self, step: float = 1) -> None:
        """`step` more units are done."""

    def to(self, done: float, total: float | None = None) -> None:
        """`done` units are done in all; `total` when it is only known now."""


@contextlib.contextmanager
def progress(label: str, total: float | None = None, unit: Unit = "steps") -> Iterator[Advance]:
    """Tell how far the running task is with something.

    label: what is being done, in a word or two. total: how much there is in all, None if that is not known.
    """
    send = _listener.get()
    if send is None:
        yield _Silent()
        return
    advance = _Telling(send, label, total, unit)
    advance.tell()
    try:
        yield advance
    finally:
        advance.tell()


@contextlib.contextmanager
def listening(send: Send) -> Iterator[None]:
    """Within the block, what this thread's steps tell goes to `send` (which may be called from other threads too)."""
    token = _listener.set(send)
    try:
        yield
    finally:
        _listener.reset(token)


class _Silent:
    def __call__(self, step: float = 1) -> None:
        pass

    def to(self, done: float, total: float | None = None) -> None:
        pass


class _Telling:
    def __init__(self, send: Send, label: str, total: float | None, unit: Unit) -> None:
        self._send = send
        self._event: dict[str, Any] = {"event": "progress", "label": label, "done": 0, "total": total, "unit": unit}
        self._lock = threading.Lock()
        self._next = time.monotonic() + SECONDS_BETWEEN

    def __call__(self, step: float = 1) -> None:
        with self._lock:
            self._event["done"] += step
        self._tell_sometimes()

    def to(self, done: float, total: float | None = None) -> None:
        with self._lock:
            self._event["done"] = done
            if total is not None:
                self._event["total"] = total
        self._tell_sometimes()

    def tell(self) -> None:
        with self._lock:
            event = dict(self._event)
        self._send(event)

    def _tell_sometimes(self) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + SECONDS_BETWEEN
            self.tell()
