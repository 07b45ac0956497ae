"""Reading a URL from some byte on: http:, https:, file: and s3:, and everything that a server can say instead."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from glassmaster.errors import GlassmasterError
from glassmaster.inputs import objects

if TYPE_CHECKING:
    import requests

CHUNK = 1 << 20
# Seconds to connect, and between two pieces of an answer.
TIMEOUT = (15.0, 60.0)
HINT = "use https:, http:, file: or s3:"
# RFC 9110, 14.4: `bytes FIRST-LAST/SIZE`, the size perhaps `*`.
_CONTENT_RANGE = re.compile(r"bytes (?P<first>[0-9]{1,18})-(?P<last>[0-9]{1,18})/(?P<size>[0-9]{1,18}|\*)")
_LENGTH = re.compile(r"[0-9]{1,18}")
_CONNECTION = re.compile(r"^\w+\(host=[^)]*\): ")
# Client errors (RFC 9110, 15.5; RFC 6585) that speak of this moment and not of the file.
_PASSING = (408, 421, 425, 429)
_NO_SUCH_RANGE = 416


class Fault(Enum):
    """What a failed reading says of the URL. GONE: asking again is of no use. RANGE: ask for the whole file only."""

    BROKEN = "broken"
    GONE = "gone"
    RANGE = "range"


class SourceError(GlassmasterError):
    """A URL that could not be read, or not to its end."""

    def __init__(self, url: str, why: str, fault: Fault = Fault.BROKEN, *, hint: str = "") -> None:
        super().__init__(f"{url}: cannot be read", why=why, hint=hint)
        self.fault = fault


@dataclass(frozen=True)
class Body:
    """An answer. start: which byte of the file comes first. size: of the whole file, None if that was not said.

    pieces: the bytes as they arrive; SourceError when they end early. Their number may still be another than was
    asked for: it is the caller who knows how long the file is.
    """

    start: int
    size: int | None
    pieces: Iterator[bytes]


@contextmanager
def opened(
    url: str, *, start: int = 0, session: requests.Session | None = None, timeout: tuple[float, float] = TIMEOUT
) -> Iterator[Body]:
    """Begin to read a URL, at its byte `start` if the server can do that; see Body.start for what it did.

    timeout: seconds to connect, and between two pieces. Raises SourceError, here and while the pieces are read.
    Nothing is decoded: some servers call a .tgz a tar with `Content-Encoding: gzip`.
    """
    with explained(url):
        scheme = urlsplit(url).scheme
    if scheme == "file":
        with explained(url):
            stream = Path(unquote(urlsplit(url).path)).open("rb")  # noqa: SIM115  # closed by the next block
        with stream:
            with explained(url):
                size = stream.seek(0, 2)
                first = stream.seek(min(start, size))
            yield Body(first, size, _pieces(url, lambda: stream.read(CHUNK)))
    elif scheme in ("http", "https"):
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
        with explained(url):
            # Here, not above: urllib3 opens a socket when it is imported, to see whether there is IPv6.
            import requests

            get = session.get if session else requests.get
            answer = get(url, stream=True, timeout=timeout, headers=headers)
        with answer:
            yield _body(url, answer)
    elif scheme in objects.SCHEMES:
        with explained(url):
            there = objects.size_of(url, timeout)
            if there is None:
                raise FileNotFoundError(errno.ENOENT, "there is no such object")
        begin = min(start, there)
        rest = objects.pieces_of(url, begin, there, timeout)
        yield Body(begin, there, _pieces(url, lambda: next(rest, b"")))
    else:
        raise SourceError(url, "not a URL of a kind that is known here", Fault.GONE, hint=HINT)


def _body(url: str, answer: requests.Response) -> Body:
    """What the head of an answer says."""
    status = answer.status_code
    if status == _NO_SUCH_RANGE:
        raise SourceError(url, "416: the server's file is shorter than what is here already", Fault.RANGE)
    if status not in (200, 206):
        lasting = 400 <= status < 500 and status not in _PASSING
        raise SourceError(url, f"{status} {answer.reason or ''}".strip(), Fault.GONE if lasting else Fault.BROKEN)
    told = answer.headers.get("Content-Length", "")
    length = int(told) if _LENGTH.fullmatch(told) and "Transfer-Encoding" not in answer.headers else None
    start, size = 0, length
    if status == 206:
        said = answer.headers.get("Content-Range", "")
        match = _CONTENT_RANGE.fullmatch(said)
        if match is None:
            raise SourceError(url, f"206 with Content-Range: {said[:100]!r}", Fault.RANGE)
        start, size = int(match["first"]), None if match["size"] == "*" else int(match["size"])
    # read1: what has come is taken even if the next read fails.
    pieces = _pieces(url, lambda: answer.raw.read1(CHUNK, decode_content=False))
    return Body(start, size, _whole(url, pieces, length))


def _pieces(url: str, read: Callable[[], bytes]) -> Iterator[bytes]:
    while True:
        with explained(url):
            piece = read()
        if not piece:
            return
        yield piece


def _whole(url: str, pieces: Iterator[bytes], length: int | None) -> Iterator[bytes]:
    """The pieces; an error after the last one if there were fewer bytes than the head of the answer announced."""
    got = 0
    for piece in pieces:
        got += len(piece)
        yield piece
    if length is not None and got < length:
        raise SourceError(url, f"incomplete: {got:,} of {length:,} bytes came")


@contextmanager
def explained(url: str) -> Iterator[None]:
    """What goes wrong as an error for people. requests' own errors are OSErrors; ValueErrors are about the URL."""
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError, ValueError) as error:
        raise SourceError(url, getattr(error, "strerror", None) or str(error), Fault.GONE) from error
    except Exception as error:
        if not isinstance(error, OSError) and not _is_urllib3s(error):
            raise
        raise SourceError(url, getattr(error, "strerror", None) or _innermost(error)) from error


def _is_urllib3s(error: Exception) -> bool:
    from urllib3.exceptions import HTTPError

    return isinstance(error, HTTPError)


def _innermost(error: BaseException) -> str:
    """The words of an error that urllib3 has wrapped: it puts the whole chain, with addresses of objects, into one."""
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return _innermost(reason)
    inner = next((item for item in error.args if isinstance(item, BaseException)), None)
    return _innermost(inner) if inner else _CONNECTION.sub("", str(error))
