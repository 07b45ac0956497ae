"""Files of a release's mirror: URLs, reading them, and taking them into the store."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.checksums import parse_sha512
from glassmaster.inputs.source import TIMEOUT, explained, opened
from glassmaster.inputs.store import Store, Stored
from glassmaster.inputs.wants import SET_SUFFIXES

T = TypeVar("T")

CHECKSUMS_LIMIT = 16 << 20


@dataclass(frozen=True)
class ReleaseMirror:
    """One release on its mirrors (layout: release(7)). mirrors: URLs of the directory that holds NetBSD-VERSION."""

    mirrors: Sequence[str]
    version: str

    def urls(self, path: str) -> tuple[str, ...]:
        """Where a file of the release may be found, by its path below NetBSD-VERSION."""
        return self._everywhere(f"NetBSD-{self.version}/{path}")

    def digests(self, folder: str) -> dict[str, str]:
        """The SHA512 file of a directory: file names to digests."""
        path = f"{folder}/SHA512"
        return first(self.urls(path), _read_digests, path)[1]

    def signed_digests(self) -> tuple[str, bytes]:
        """The release's signed digests, and where they came from; nothing is verified here."""
        path = f"security/hashes/NetBSD-{self.version}_hashes.asc"
        return first(self._everywhere(path), read_small, path)

    def size(self, path: str) -> int | None:
        """How many bytes a file has, as the first mirror that has it says; None if it does not say."""
        return first(self.urls(path), _told_size, path)[1]

    def _everywhere(self, path: str) -> tuple[str, ...]:
        return tuple(f"{mirror.rstrip('/')}/{path}" for mirror in self.mirrors)


def set_file(name: str, digests: dict[str, str], where: str) -> str:
    """The file name of a set, looked up in the directory's digests rather than guessed."""
    for suffix in SET_SUFFIXES:
        if name + suffix in digests:
            return name + suffix
    known = sorted({file.removesuffix(suffix) for file in digests for suffix in SET_SUFFIXES if file.endswith(suffix)})
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(known) or 'none'}"
    raise GlassmasterError(f"the release has no set {name!r}", why=f"{where} does not list it", hint=hint)


def take(urls: Sequence[str], expected: str, store: Store, what: str) -> str:
    """A file of which the SHA-512 is known, verified, into the store; the URL that it came from."""

    def one(url: str) -> Stored:
        with opened(url) as body:
            return store.add(body.pieces, what=url, expected=expected)

    return first(urls, one, what)[0]


def _read_digests(url: str) -> dict[str, str]:
    data = read_small(url)
    digests = parse_sha512(data.decode("utf-8", "replace"), url)
    if not digests:
        raise GlassmasterError(f"{url}: has no SHA-512 digests", why=f"{len(data)} bytes came")
    return digests


def read_small(url: str) -> bytes:
    """A file of no more than CHECKSUMS_LIMIT bytes."""
    data = b""
    with opened(url) as body:
        for chunk in body.pieces:
            data += chunk
            if len(data) > CHECKSUMS_LIMIT:
                raise GlassmasterError(f"{url}: larger than {CHECKSUMS_LIMIT:,} bytes", why="no checksum file is")
    return data


def _told_size(url: str) -> int | None:
    with explained(url):
        parts = urlsplit(url)
        if parts.scheme == "file":
            return Path(unquote(parts.path)).stat().st_size
        import requests  # here, not above: see `opened`

        headers = {"Accept-Encoding": "identity"}
        with requests.head(url, timeout=TIMEOUT, headers=headers, allow_redirects=True) as answer:
            answer.raise_for_status()
            length = answer.headers.get("Content-Length", "")
            return int(length) if length.isdecimal() else None


def first(urls: Sequence[str], get: Callable[[str], T], path: str) -> tuple[str, T]:
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
