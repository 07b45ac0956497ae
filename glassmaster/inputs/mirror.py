"""Files of a release's mirror: URLs, reading them, and taking them into the store."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

import requests

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.checksums import parse_sha512
from glassmaster.inputs.store import Store, Stored

T = TypeVar("T")

CHUNK = 1 << 20
# Seconds to connect, and between two pieces of an answer.
TIMEOUT = (15, 60)
CHECKSUMS_LIMIT = 16 << 20
# Tried in this order; NetBSD 9 and later have binary sets as .tar.xz, source sets and older ones as .tgz.
SET_SUFFIXES = (".tar.xz", ".tgz")


@dataclass(frozen=True)
class Fetched:
    """A file of a release in the store, and where it came from."""

    name: str
    url: str
    stored: Stored


@dataclass(frozen=True)
class ReleaseMirror:
    """One release on its mirrors (layout: release(7)). mirrors: URLs of the directory that holds NetBSD-VERSION."""

    mirrors: Sequence[str]
    version: str
    machine: str

    def urls(self, path: str) -> list[str]:
        """Where a file of the release may be found, by its path below NetBSD-VERSION/MACHINE."""
        return [f"{mirror.rstrip('/')}/NetBSD-{self.version}/{self.machine}/{path}" for mirror in self.mirrors]

    def digests(self, folder: str) -> dict[str, str]:
        """The SHA512 file of a directory: file names to digests."""
        url, data = _first(self.urls(f"{folder}/SHA512"), lambda url: _read_whole(url, CHECKSUMS_LIMIT))
        return parse_sha512(data.decode("utf-8", "replace"), url)

    def fetch(self, folder: str, name: str, digests: dict[str, str], store: Store) -> Fetched:
        """One file of a directory whose digests are known, verified, in the store."""
        expected = digests[name]
        urls = self.urls(f"{folder}/{name}")
        if expected in store:
            return Fetched(name, urls[0], Stored(expected, store.path(expected).stat().st_size))
        url, stored = _first(urls, lambda url: _take(url, expected, store))
        return Fetched(name, url, stored)


def set_file(name: str, digests: dict[str, str], where: str) -> str:
    """The file name of a set, looked up in the directory's digests rather than guessed."""
    for suffix in SET_SUFFIXES:
        if name + suffix in digests:
            return name + suffix
    known = sorted({file.removesuffix(suffix) for file in digests for suffix in SET_SUFFIXES if file.endswith(suffix)})
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(known)}"
    raise GlassmasterError(f"the release has no set {name!r}", why=f"{where} does not list it", hint=hint)


def _take(url: str, expected: str, store: Store) -> Stored:
    with _open(url) as chunks:
        return store.add(chunks, what=url, expected=expected)


def _read_whole(url: str, limit: int) -> bytes:
    data = b""
    with _open(url) as chunks:
        for chunk in chunks:
            data += chunk
            if len(data) > limit:
                raise GlassmasterError(f"{url}: larger than {limit:,} bytes", why="no checksum file is")
    return data


def _first(urls: list[str], get: Callable[[str], T]) -> tuple[str, T]:
    """The first URL that works and what it gave; when none does, one error that names them all."""
    errors = []
    for url in urls:
        try:
            return url, get(url)
        except GlassmasterError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    raise GlassmasterError("no mirror has what is needed", why="\n".join(map(str, errors)))


@contextmanager
def _open(url: str) -> Iterator[Iterator[bytes]]:
    """The bytes of a URL, in pieces; whatever goes wrong is a GlassmasterError that names the URL."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        try:
            with Path(unquote(parts.path)).open("rb") as stream:
                yield iter(lambda: stream.read(CHUNK), b"")
        except OSError as error:
            raise GlassmasterError(f"{url}: cannot be read", why=error.strerror or str(error)) from error
    elif parts.scheme in ("http", "https"):
        try:
            with requests.get(url, stream=True, timeout=TIMEOUT, headers={"Accept-Encoding": "identity"}) as answer:
                answer.raise_for_status()
                yield _complete(answer, url)
        except requests.RequestException as error:
            raise GlassmasterError(f"{url}: cannot be fetched", why=str(error)) from error
    else:
        raise GlassmasterError(f"{url}: not a URL of a kind that is known here", hint="use https:, http: or file:")


def _complete(answer: requests.Response, url: str) -> Iterator[bytes]:
    """The body; one that is shorter than its announced length is an error, never a shorter file."""
    announced = answer.headers.get("Content-Length")
    size = 0
    for chunk in answer.iter_content(CHUNK):
        size += len(chunk)
        yield chunk
    if announced is not None and announced.isdigit() and size != int(announced):
        raise GlassmasterError(f"{url}: broke off", why=f"{size:,} of {int(announced):,} bytes came")
