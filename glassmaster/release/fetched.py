"""A release that is somewhere else, brought here to be verified: what its list names, and the signatures."""

from __future__ import annotations

from pathlib import Path

from glassmaster.atomic import write_bytes
from glassmaster.diff.latest import latest_url
from glassmaster.diff.published import Published
from glassmaster.doit_plugins.progress import progress
from glassmaster.inputs.mirror import read_small
from glassmaster.inputs.source import Fault, SourceError
from glassmaster.release.artefacts import DIGESTS
from glassmaster.release.digestlist import SIGNATURES, parse_list

SCHEMES = ("http://", "https://", "s3://", "file://")


def is_url(word: str) -> bool:
    """Whether a release is meant that is not a directory of this machine."""
    return word.startswith(SCHEMES)


def fetch_release(url: str, folder: Path) -> None:
    """Bring a release into an empty directory; a URL that ends in `latest` is that of the release that is named there.

    A file that is not what the list says is an error. What lies there besides is not seen: a web server lists nothing.
    """
    base = latest_url(url)
    text = read_small(f"{base}/{DIGESTS}")
    digests = parse_list(text.decode("utf-8", "replace"), f"{base}/{DIGESTS}")
    write_bytes(folder / DIGESTS, text)
    for name in SIGNATURES:
        try:
            write_bytes(folder / name, read_small(f"{base}/{name}"))
        except SourceError as error:
            if error.fault is not Fault.GONE:
                raise
    release = Published(base, digests)
    with progress("fetching", len(digests)) as advance:
        for name in digests:
            release.fetch(name, folder)
            advance()
