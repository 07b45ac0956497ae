"""Events as lines of JSON; docs/events.md describes them."""

from __future__ import annotations

import json
import os
import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from glassmaster.doit_plugins.observed import Event
    from glassmaster.doit_plugins.streams import Output


def line(event: Event) -> str:
    """One event, ASCII only."""
    return json.dumps({name: value for name, value in event.items() if name != "takes_terminal"}) + "\n"


class StreamEvents:
    """Events on a text stream."""

    tick: Callable[[], None] | None = None

    def __init__(self, output: Output) -> None:
        self._output = output

    def show(self, event: Event) -> None:
        """Write a line."""
        self._output.write(line(event))


class FdEvents:
    """Events on a file descriptor, each line as soon as it happens. A reader that goes away misses the rest."""

    tick: Callable[[], None] | None = None

    def __init__(self, descriptor: int) -> None:
        """Raises OSError if it is not open."""
        self._descriptor = os.dup(descriptor)  # not inherited by the programs that steps start
        self._gone = False

    def show(self, event: Event) -> None:
        """Write a line."""
        data = line(event).encode("ascii")
        try:
            while data and not self._gone:
                try:
                    data = data[os.write(self._descriptor, data) :]
                except BlockingIOError:  # it is the caller's descriptor, and may be set so
                    select.select([], [self._descriptor], [])
        except OSError:
            self._gone = True
