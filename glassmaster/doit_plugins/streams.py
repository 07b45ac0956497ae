"""Where text goes, and what can be shown there."""

from __future__ import annotations

import io
import os
from typing import Any


class Output:
    """A text stream whose reader may go away; then nothing more is written, and the run goes on.

    must: whether any other failure, such as a full disk, is an error (results), or ends the showing as well (progress).
    """

    def __init__(self, stream: Any, *, must: bool = False) -> None:
        self.stream = stream
        self._must = must
        self._gone = False

    def write(self, text: str) -> None:
        """Write and flush: whoever reads along sees it now, and a forked worker inherits nothing to write again."""
        if self._gone:
            return
        try:
            self.stream.write(text.encode(_encoding(self.stream), "backslashreplace").decode(_encoding(self.stream)))
            self.stream.flush()
        except OSError as error:
            if self._must and not isinstance(error, BrokenPipeError):
                raise
            self._gone = True
            _to_nowhere(self.stream)

    def flush(self) -> None:
        """Everything is flushed when it is written; for rich, which takes this for a file."""


def _encoding(stream: Any) -> str:
    return getattr(stream, "encoding", None) or "utf-8"


def _to_nowhere(stream: Any) -> None:
    """Python flushes its standard streams when it ends, and would complain of a pipe that is closed."""
    try:
        descriptor = stream.fileno()
    except (AttributeError, io.UnsupportedOperation):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def is_terminal(stream: Any) -> bool:
    """Whether a stream is a terminal on which lines can be drawn anew."""
    return bool(stream.isatty()) and os.environ.get("TERM", "dumb") not in ("", "dumb", "unknown")


def columns(stream: Any) -> int:
    """How wide a terminal is; 80 if it does not say."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except OSError:
        return 80


def printable(text: str) -> str:
    """One line without anything that a terminal would act on: what steps print is often somebody else's."""
    text = text.expandtabs()
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
