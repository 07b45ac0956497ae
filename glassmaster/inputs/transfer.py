"""One wanted file: attempt after attempt, mirror after mirror, until it is right or patience is at its end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.incoming import Partial, Wanted, is_html
from glassmaster.inputs.source import Body, Fault, SourceError, opened

if TYPE_CHECKING:
    import requests

HTML = "it looks like an HTML page"
HTML_HINT = "something on the way answers in the mirror's place, such as a network that wants you to log in first"
OTHER_HINT = "the mirror may be in the middle of an update, or something on the way changes files"


@dataclass(frozen=True)
class Patience:
    """When to go on and when to give up. Times are in seconds.

    connect: to be connected. silence: between two pieces of an answer.
    pause:   before the next round over the mirrors, doubled after each round without progress up to `longest_pause`.
    rounds:  how many in a row may bring nothing.
    wrong:   how many other files in its place a mirror may send; two that are the same are always too many.
    """

    connect: float = 15.0
    silence: float = 60.0
    pause: float = 0.5
    longest_pause: float = 30.0
    rounds: int = 6
    wrong: int = 6


class StoppedError(Exception):
    """The other side of `stop`: whoever waited for the file has gone away."""


class NotArrivedError(GlassmasterError):
    """No mirror gave the file. absent: all of them say that they have none of that name."""

    def __init__(self, what: str, *, why: str, absent: bool) -> None:
        super().__init__(what, why=why)
        self.absent = absent


class WrongFileError(GlassmasterError):
    """A mirror sent something else in the place of the file. mark: the same for the same thing."""

    def __init__(self, what: str, *, why: str, hint: str, mark: str) -> None:
        super().__init__(what, why=why, hint=hint)
        self.mark = mark


@dataclass
class Mirror:
    """What is known of a URL.

    whole_only: it cannot begin in the middle. given_up: it is not asked again. wrong: marks of what it sent instead.
    """

    url: str
    whole_only: bool = False
    given_up: bool = False
    wrong: list[str] = field(default_factory=list)


@dataclass
class Transfer:
    """The fetching of one file.

    grown:    called with how many bytes more of it are here (fewer, when it has to begin again).
    pausing:  called before a pause, with its seconds and why.
    received: how many bytes came over the wire, whatever they were.
    failures: how many attempts failed. last: why, by URL.
    """

    part: Partial
    session: requests.Session
    patience: Patience
    stop: threading.Event
    grown: Callable[[int], None]
    pausing: Callable[[float, str], None]
    received: int = 0
    failures: int = 0
    last: dict[str, str] = field(default_factory=dict)
    _from: list[str] = field(default_factory=list)
    _absent: set[str] = field(default_factory=set)

    @property
    def wanted(self) -> Wanted:
        """The file."""
        return self.part.wanted

    def run(self) -> str:
        """Fetch it; the URL that sent its end, "" if all was there already. NotArrivedError when no mirror gives it."""
        if self.part.size:
            self._from.append("an earlier run")
            if self.part.size > self.wanted.size or (self.part.whole and self.part.sha512 != self.wanted.sha512):
                self._begin_again()
        if self.part.whole:
            self.part.take_in()
            return ""
        mirrors = [Mirror(url) for url in dict.fromkeys(self.wanted.urls)]
        idle = 0
        while mirrors and idle < self.patience.rounds:
            if self.failures:
                self._pause(idle)
            before = self.part.size
            for mirror in mirrors:
                if self._tried(mirror):
                    return mirror.url
            mirrors = [mirror for mirror in mirrors if not mirror.given_up]
            idle = 0 if self.part.size > before else idle + 1
        why = "\n".join(self.last.values()) or "there is no URL for it"
        raise NotArrivedError(f"{self.wanted.name}: did not arrive", why=why, absent=self.last.keys() == self._absent)

    def _tried(self, mirror: Mirror) -> bool:
        """One attempt; whether the file is in the store now."""
        try:
            self._append(mirror)
            self._check(mirror)
        except SourceError as error:
            self._failed(mirror, error)
            if error.fault is Fault.GONE:
                self._absent.add(mirror.url)
            mirror.given_up = error.fault is Fault.GONE or (error.fault is Fault.RANGE and mirror.whole_only)
            mirror.whole_only = mirror.whole_only or error.fault is Fault.RANGE
            return False
        except WrongFileError as error:
            self._failed(mirror, error)
            # Random damage differs from time to time; what comes twice is what the mirror has.
            mirror.given_up = error.mark in mirror.wrong or len(mirror.wrong) + 1 >= self.patience.wrong
            mirror.wrong.append(error.mark)
            return False
        self.part.take_in()
        return True

    def _append(self, mirror: Mirror) -> None:
        """Add what the mirror has beyond what is here already. SourceError, WrongFileError."""
        part, start = self.part, 0 if mirror.whole_only else self.part.size
        timeout = (self.patience.connect, self.patience.silence)
        with opened(mirror.url, start=start, session=self.session, timeout=timeout) as body:
            if body.size is not None and body.size != self.wanted.size:
                raise self._wrong(mirror, "", body.size, html=self._begins_like_html(body))
            if body.start > part.size:
                raise SourceError(mirror.url, f"it began at byte {body.start:,} instead of {start:,}", Fault.RANGE)
            position = body.start
            for piece in body.pieces:
                self._count(len(piece))
                position += len(piece)
                fresh = position - part.size
                if fresh > 0:
                    if part.size == 0:
                        self._from.clear()
                    if mirror.url not in self._from:
                        self._from.append(mirror.url)
                    self._grow(piece[-fresh:])
                if part.size >= self.wanted.size:
                    break
        if part.size < self.wanted.size:
            raise SourceError(mirror.url, f"incomplete: it ended at byte {position:,} of {self.wanted.size:,}")

    def _grow(self, piece: bytes) -> None:
        before = self.part.size
        self.part.append(piece)
        self.part.mend()
        self.grown(self.part.size - before)

    def _check(self, mirror: Mirror) -> None:
        """WrongFileError, and nothing is kept, if what is here is not the file."""
        if self.part.sha512 != self.wanted.sha512:
            error = self._wrong(mirror, self.part.sha512, self.part.size, html=self.part.looks_like_html)
            self._begin_again()
            raise error

    def _wrong(self, mirror: Mirror, got: str, size: int, *, html: bool) -> WrongFileError:
        more = size > self.wanted.size and got
        lines = [
            f"expected {self.wanted.sha512}",
            f"got      {got or 'not looked at'}",
            f"size     {size:,} bytes{' or more' if more else ''}, expected {self.wanted.size:,}",
            HTML if html else "",
            f"in parts from {', '.join(self._from)}" if got and self._from != [mirror.url] else "",
        ]
        return WrongFileError(
            f"{mirror.url}: not the file {self.wanted.name}",
            why="\n".join(filter(None, lines)), hint=HTML_HINT if html else OTHER_HINT, mark=got or str(size),
        )  # fmt: skip

    def _begins_like_html(self, body: Body) -> bool:
        try:
            head = next(body.pieces, b"") if body.start == 0 else b""
        except SourceError:
            head = b""
        self._count(len(head))
        return is_html(head)

    def _begin_again(self) -> None:
        self.grown(-self.part.size)
        self.part.begin_again()
        self._from.clear()

    def _failed(self, mirror: Mirror, error: GlassmasterError) -> None:
        self.failures += 1
        self.last[mirror.url] = str(error)

    def _count(self, size: int) -> None:
        self.received += size
        if self.stop.is_set():
            raise StoppedError

    def _pause(self, idle: int) -> None:
        seconds = min(self.patience.pause * 2**idle, self.patience.longest_pause)
        self.pausing(seconds, next(reversed(self.last.values())))
        if self.stop.wait(seconds):
            raise StoppedError
