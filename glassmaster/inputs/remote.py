"""A store elsewhere, in a directory, behind a web server or on S3: looked at before the mirrors, and filled on request.

It has a store's own names (sha512/HH/DIGEST), so a store that is served is one. Nothing of it is trusted: its files
enter the store like a mirror's, by the digests of the lock.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from glassmaster.errors import GlassmasterError, indented
from glassmaster.inputs.download import attempt
from glassmaster.inputs.incoming import Wanted
from glassmaster.inputs.objects import WRITABLE, put, size_of
from glassmaster.inputs.source import SourceError, explained
from glassmaster.inputs.store import Store
from glassmaster.inputs.transfer import Patience

ENVIRONMENT = "GLASSMASTER_REMOTE"
FILL = "GLASSMASTER_REMOTE_FILL"
READABLE = ("http", "https", *WRITABLE)
# It is asked once for a file, and mirrors are there: less patience than with them.
PATIENCE = Patience(connect=10, silence=30, rounds=1, wrong=1)
# So many files that break off, and it is not asked for the others.
MOST_BROKEN = 4
Say = Callable[[str], None]


@dataclass(frozen=True)
class Remote:
    """A remote store. url: of the directory that holds sha512/. filled: whether it gets what it lacks."""

    url: str
    filled: bool = False

    def file(self, sha512: str) -> str:
        """The URL of the file with this digest."""
        return f"{self.url}/sha512/{sha512[:2]}/{sha512}"


def configured() -> Remote | None:
    """The remote store that the environment names, if it names one."""
    url, fill = os.environ.get(ENVIRONMENT, "").rstrip("/"), os.environ.get(FILL, "")
    if fill not in ("", "yes", "no"):
        raise GlassmasterError(f"{FILL}={fill}: not understood", hint=f"{FILL}=yes, or leave it out")
    if not url:
        return None
    if url.startswith("/"):
        url = Path(url).as_uri()
    scheme = urlsplit(url).scheme
    if scheme not in READABLE:
        kinds = ", ".join(f"{kind}:" for kind in READABLE)
        raise GlassmasterError(f"{ENVIRONMENT}={url}: not a place that is known here", why=f"known are {kinds}")
    if fill == "yes" and scheme not in WRITABLE:
        raise GlassmasterError(
            f"{ENVIRONMENT}={url} cannot be filled", why=f"{scheme}: is only read", hint=f"leave out {FILL}"
        )
    return Remote(url, fill == "yes")


def take_from(remote: Remote, wanted: Sequence[Wanted], store: Store, *, say: Say = print) -> None:
    """Bring what the remote store has of these files. What it has not, or not rightly, is left for the mirrors."""
    there = [replace(item, urls=(remote.file(item.sha512),)) for item in wanted]
    _, failed = attempt(there, store, patience=PATIENCE, say=say, most_broken=MOST_BROKEN)
    broken = [error for error in failed if not error.absent]
    for error in broken:
        say(f"{error.what.partition(': did not')[0]}: not from the remote store\n{indented(error.why)}")
    if len(broken) >= MOST_BROKEN:
        say(f"{remote.url}: not asked for anything else now")


def fill(remote: Remote, wanted: Sequence[Wanted], store: Store, *, say: Say = print) -> None:
    """Give the remote store what it lacks of these files, each read through and compared with its digest on the way.

    What is there already is left alone, whatever it is. A remote store that refuses is said, and is no error.
    """
    count = size = 0
    try:
        for item in {item.sha512: item for item in wanted}.values():
            url = remote.file(item.sha512)
            with explained(url):
                found = size_of(url)
            if found is None:
                with explained(url):
                    put(url, store.read(item.sha512, item.name))
                count, size = count + 1, size + item.size
            elif found != item.size:
                say(f"{url}: left as it is, but it has {found:,} bytes and {item.name} has {item.size:,}")
    except SourceError as error:
        say(f"{remote.url}: cannot be filled\n{indented(error.why)}")
    if count:
        say(f"{remote.url}: {count} {'file' if count == 1 else 'files'} put there, {size:,} bytes")
