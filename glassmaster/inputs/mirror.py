"""Files of a release's mirror: URLs, reading them, and taking them into the store."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

import requests
import urllib3

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
    """A file of a release in the store. url: where it came from; the first mirror's if the store had it before."""

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
        path = f"{folder}/SHA512"
        return _first(self.urls(path), _read_digests, path)[1]

    def fetch(self, folder: str, name: str, digests: dict[str, str], store: Store) -> Fetched:
        """One file of a directory whose digests are known, verified, in the store."""
        expected = digests[name]
        path = f"{folder}/{name}"
        urls = self.urls(path)
        if expected in store:
            return Fetched(name, urls[0], Stored(expected, store.path(expected).stat().st_size))
        url, stored = _first(urls, lambda url: _take(url, expected, store), path)
        return Fetched(name, url, stored)


def set_file(name: str, digests: dict[str, str], where: str) -> str:
    """The file name of a set, looked up in the directory's digests rather than guessed."""
    for suffix in SET_SUFFIXES:
        if name + suffix in digests:
            return name + suffix
    known = sorted({file.removesuffix(suffix) for file in digests for suffix in SET_SUFFIXES if file.endswith(suffix)})
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(known) or 'none'}"
    raise GlassmasterError(f"the release has no set {name!r}", why=f"{where} does not list it", hint=hint)


def _take(url: str, expected: str, store: Store) -> Stored:
    with closing(_chunks(url)) as chunks:
        return store.add(chunks, what=url, expected=expected)


def _read_digests(url: str) -> dict[str, str]:
    data = b""
    with closing(_chunks(url)) as chunks:
        for chunk in chunks:
            data += chunk
            if len(data) > CHECKSUMS_LIMIT:
                raise GlassmasterError(f"{url}: larger than {CHECKSUMS_LIMIT:,} bytes", why="no checksum file is")
    digests = parse_sha512(data.decode("utf-8", "replace"), url)
    if not digests:
        raise GlassmasterError(f"{url}: has no SHA-512 digests", why=f"{len(data)} bytes came")
    return digests


def _first(urls: list[str], get: Callable[[str], T], path: str) -> tuple[str, T]:
    """The first URL that works and what it gave; when none does, one error that names them all."""
    errors = []
    for url in urls:
        try:
            return url, get(url)
        except GlassmasterError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    raise GlassmasterError(f"no mirror gives {path}", why="\n".join(map(str, errors)))


def _chunks(url: str) -> Generator[bytes, None, None]:
    """The bytes of a URL, in pieces; whatever goes wrong is a GlassmasterError that names the URL.

    A body shorter than its announced length is one of urllib3's errors, and never a shorter file.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme == "file":
            with Path(unquote(parts.path)).open("rb") as stream:
                while chunk := stream.read(CHUNK):
                    yield chunk
        elif parts.scheme in ("http", "https"):
            with requests.get(url, stream=True, timeout=TIMEOUT, headers={"Accept-Encoding": "identity"}) as answer:
                answer.raise_for_status()
                # Not decoded: some servers call a .tgz a tar with `Content-Encoding: gzip`.
                yield from answer.raw.stream(CHUNK, decode_content=False)
        else:
            raise GlassmasterError(f"{url}: not a URL of a kind that is known here", hint="use https:, http: or file:")
    except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
        # requests' own errors are OSErrors; ValueErrors are about the URL.
        raise GlassmasterError(f"{url}: cannot be read", why=getattr(error, "strerror", None) or str(error)) from error
