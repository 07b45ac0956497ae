"""A release that is somewhere else, brought here to be verified: what its list names, and the signatures."""

from __future__ import annotations

from pathlib import Path

from glassmaster.atomic import write_bytes
from glassmaster.diff.latest import latest_url
from glassmaster.diff.published import Published
from glassmaster.doit_plugins.progress import progress
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.mirror import read_small
from glassmaster.inputs.source import Fault, SourceError
from glassmaster.release.artefacts import DIGESTS
from glassmaster.release.digestlist import SIGNATURES, parse_list
from glassmaster.release.verify_files import check_voucher

# A release of a CD or a DVD, with its images once more and compressed, has a tenth of that.
MOST_FILES, MOST_BYTES = 10_000, 64 << 30
SCHEMES = ("http://", "https://", "s3://", "file://")


def is_url(word: str) -> bool:
    """Whether a release is meant that is not a directory of this machine."""
    return word.startswith(SCHEMES)


def fetch_release(url: str, folder: Path, signers: Path | None = None) -> None:
    """Bring a release into an empty directory; a URL that ends in `latest` is that of the release that is named there.

    A file that is not what the list says is an error. What lies there besides is not seen: a web server lists nothing.
    With signers, the list is verified first; if it is not by one of them nothing else is fetched.
    """
    base = latest_url(url)
    text = read_small(f"{base}/{DIGESTS}")
    write_bytes(folder / DIGESTS, text)
    for name in SIGNATURES:
        try:
            write_bytes(folder / name, read_small(f"{base}/{name}"))
        except SourceError as error:
            if error.fault is not Fault.GONE:
                raise
    if signers is not None and check_voucher(folder, signers).problems:
        return
    digests = parse_list(text.decode("utf-8", "replace"), f"{base}/{DIGESTS}")
    if len(digests) > MOST_FILES:
        raise GlassmasterError(
            f"{base}/{DIGESTS}: lists {len(digests):,} files", why=f"no release has more than {MOST_FILES:,}"
        )
    left = MOST_BYTES
    with progress("fetching", len(digests)) as advance:
        for name in digests:
            left -= Published(base, digests, left).fetch(name, folder).stat().st_size
            advance()
