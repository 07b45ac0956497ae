"""Both sides at once: the old one in a process of its own, since libarchive and Python share one lock."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from glassmaster.errors import GlassmasterError

T = TypeVar("T")
U = TypeVar("U")


def both(function: Callable[[T], U], old: T, new: T) -> tuple[U, U]:
    """The function of both; it, what it is given and what it returns must be what pickle takes."""
    try:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
            waiting = pool.submit(function, old)
            result = function(new)
            return waiting.result(), result
    except BrokenProcessPool as error:
        raise GlassmasterError(
            "the process that reads the old release was ended", why=str(error), hint="is there enough memory?"
        ) from error
