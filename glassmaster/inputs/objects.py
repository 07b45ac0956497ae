"""Object stores, by fsspec: reading from some byte on, and putting files there whole or not at all.

What a library says in its own way is an OSError here, so that it is explained like everything else that comes by a URL.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from glassmaster.atomic import writing
from glassmaster.errors import GlassmasterError

# Of each: what fsspec's implementation is given. Each is asked once; whoever calls tries again if that is of use.
SCHEMES = ("s3",)
WRITABLE = ("file", *SCHEMES)
# So many bytes are asked for at a time: each is a request of its own.
PIECE = 8 << 20
TIMEOUT = (15.0, 60.0)


def size_of(url: str, timeout: tuple[float, float] = TIMEOUT) -> int | None:
    """How many bytes an object, or a file of this machine, has; None if it is not there. OSError."""
    if urlsplit(url).scheme == "file":
        with suppress(FileNotFoundError, NotADirectoryError):
            return _local(url).stat().st_size
        return None
    with plain_errors(), suppress(FileNotFoundError):
        files, path = filesystem(url, timeout)
        return int(files.info(path)["size"])
    return None


def pieces_of(url: str, start: int, size: int, timeout: tuple[float, float] = TIMEOUT) -> Iterator[bytes]:
    """The bytes of an object from `start` on. OSError."""
    with plain_errors():
        files, path = filesystem(url, timeout)
    for first in range(start, size, PIECE):
        with plain_errors():
            piece = files.cat_file(path, start=first, end=min(first + PIECE, size))
        yield piece


def put(url: str, pieces: Iterable[bytes], timeout: tuple[float, float] = TIMEOUT) -> None:
    """Make an object, or a file of this machine, of pieces; nothing is there before all of them came. OSError."""
    if urlsplit(url).scheme == "file":
        with writing(_local(url)) as stream:
            stream.writelines(pieces)
        return
    with plain_errors():
        files, path = filesystem(url, timeout)
        stream = files.open(path, "wb", autocommit=False, **_content_type(url))
    try:
        for piece in pieces:
            with plain_errors():
                stream.write(piece)
        with plain_errors():
            stream.close()
            stream.commit()
    except BaseException:
        stream.closed = True  # or it would be flushed when it is forgotten
        with suppress(Exception):
            stream.discard()
        raise


def names_below(url: str, timeout: tuple[float, float] = TIMEOUT) -> list[str]:
    """Names of all objects below a URL, seen from there; none where there is nothing. OSError."""
    with plain_errors():
        files, path = filesystem(url, timeout)
        return sorted(found.removeprefix(f"{path}/") for found in files.find(path))


def remove(url: str, timeout: tuple[float, float] = TIMEOUT) -> None:
    """Remove an object. OSError."""
    with plain_errors():
        files, path = filesystem(url, timeout)
        files.rm_file(path)


def filesystem(url: str, timeout: tuple[float, float] = TIMEOUT) -> tuple[Any, str]:
    """The file system (fsspec's) that a URL is in, and the path there. timeout: as for `opened`, in source.py."""
    import fsspec  # here, not above: it takes a while, and most builds need none

    scheme = urlsplit(url).scheme
    if scheme not in WRITABLE:
        kinds = ", ".join(f"{kind}:" for kind in WRITABLE)
        raise GlassmasterError(f"{url}: not a place that can be written", why=f"known are {kinds}")
    try:
        files, path = fsspec.url_to_fs(url, **(_s3_options(timeout) if scheme == "s3" else {}))
    except ImportError as error:
        hint = "./doit installs requirements/s3.txt when GLASSMASTER_REMOTE or an argument begins with s3:"
        raise GlassmasterError(
            f"{url}: the library for {scheme}: is not installed", why=str(error), hint=hint
        ) from error
    if scheme == "s3":
        files.retries = 1
    return files, path


def _content_type(url: str) -> dict[str, str]:
    """What a browser is told that an object of S3 is, where its name says it."""
    import mimetypes

    kind, encoding = mimetypes.guess_type(urlsplit(url).path)
    return {"ContentType": kind} if kind and not encoding else {}


def _s3_options(timeout: tuple[float, float]) -> dict[str, Any]:
    """Who asks, and where another server than Amazon's is, botocore takes from its own variables and files."""
    connect, silence = timeout
    limits = {"connect_timeout": connect, "read_timeout": silence, "retries": {"total_max_attempts": 1}}
    return {"config_kwargs": limits, "use_listings_cache": False}


@contextmanager
def plain_errors() -> Iterator[None]:
    """Whatever a library raises as an OSError with one line of text; what is missing as FileNotFoundError."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, "there is no such object") from error
    except (OSError, GlassmasterError):
        raise
    except Exception as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise OSError(errno.EIO, text) from error


def _local(url: str) -> Path:
    return Path(unquote(urlsplit(url).path))
