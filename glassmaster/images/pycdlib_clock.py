"""pycdlib without the host's clock.

pycdlib takes the dates of everything from time.time() and time.localtime(). Its modules are given a clock whose time
is set by hand, entry by entry, and whose local time is UTC; nothing else in the process notices.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from pycdlib import dates, dr, headervd, pycdlib, rockridge, utils

_MODULES = (pycdlib, dates, headervd, utils, dr, rockridge)


class SetClock:
    """Stands in for the `time` module inside pycdlib. now: seconds since 1970."""

    struct_time = time.struct_time
    strftime = staticmethod(time.strftime)
    strptime = staticmethod(time.strptime)
    gmtime = staticmethod(time.gmtime)
    localtime = staticmethod(time.gmtime)

    def __init__(self, now: int) -> None:
        self.now = now

    def time(self) -> float:
        """What pycdlib takes for the present."""
        return float(self.now)


@contextmanager
def set_clock(now: int) -> Iterator[SetClock]:
    """Let pycdlib see the returned clock until the block is left."""
    clock = SetClock(now)
    modules = [module for module in _MODULES if hasattr(module, "time")]
    for module in modules:
        setattr(module, "time", clock)  # noqa: B010  # mypy knows no such attribute of a module
    try:
        yield clock
    finally:
        for module in modules:
            setattr(module, "time", time)  # noqa: B010
