"""A repository of binary packages on its mirrors: what it has, and the digests of its files.

DIRECTORY/All/ holds the packages and their summary, DIRECTORY/SHA512.bz2 the digests of what is in All, by `All/FILE`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.checksums import parse_sha512
from glassmaster.inputs.decompress import unpacked
from glassmaster.inputs.mirror import CHECKSUMS_LIMIT, read_small
from glassmaster.inputs.pkgsrc.summary import Summary, read_summary
from glassmaster.inputs.source import Fault, SourceError, opened

# In the order in which pkgin tries them.
SUMMARIES = ("pkg_summary.zst", "pkg_summary.xz", "pkg_summary.bz2", "pkg_summary.gz")
DIGESTS = ("SHA512.bz2", "SHA512")
# …/amd64/10.0 leads to 10.0_2026Q1 today and to 10.0_2026Q2 tomorrow; `current` is built anew all the time.
_MOVING = re.compile(r"[0-9]+(\.[0-9]+)*(_current)?")


@dataclass(frozen=True)
class Repository:
    """A repository as it is now. urls: of its mirrors, the one that the summary came from first."""

    urls: tuple[str, ...]
    summary: Summary

    def file_urls(self, file: str) -> tuple[str, ...]:
        """Where a package's file may be found."""
        return tuple(f"{url}/All/{quote(file, safe='+~')}" for url in self.urls)

    def digests(self) -> dict[str, str]:
        """SHA-512 by name of a file in All, as the mirror of the summary lists them; none where it has no list."""
        for name in DIGESTS:
            url = f"{self.urls[0]}/{name}"
            try:
                packed = read_small(url)
            except SourceError as error:
                if error.fault is Fault.GONE:
                    continue
                raise
            text = b"".join(unpacked(iter([packed]), url, CHECKSUMS_LIMIT)).decode("utf-8", "replace")
            return {path.removeprefix("All/"): digest for path, digest in parse_sha512(text, url).items()}
        return {}


def read_repository(urls: Sequence[str]) -> Repository:
    """Look at a repository: the first mirror that gives a summary, in whichever form. urls: see Packages.repository.

    A mirror that cannot be reached is passed over. Raises GlassmasterError if none gives a summary, or if what it gives
    is damaged.
    """
    mirrors = [url.rstrip("/") for url in urls]
    errors = []
    for mirror in mirrors:
        for name in SUMMARIES:
            try:
                summary = _summary(f"{mirror}/All/{name}")
            except SourceError as error:
                errors.append(error)
                if error.fault is not Fault.GONE:
                    break
            else:
                others = (other for other in mirrors if other != mirror)
                return Repository((mirror, *others), summary)
    raise GlassmasterError(
        f"no summary of packages at {' or '.join(f'{mirror}/All' for mirror in mirrors)}",
        why="\n".join(map(str, errors)), hint="packages.repository names the directory that holds All",
    )  # fmt: skip


def is_moving(url: str) -> bool:
    """Whether a repository's URL is of the kind that leads to other packages every few months."""
    return _MOVING.fullmatch(urlsplit(url).path.rstrip("/").rpartition("/")[2]) is not None


def _summary(url: str) -> Summary:
    with opened(url) as body:
        return read_summary(body.pieces, url)
