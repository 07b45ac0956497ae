"""`latest`: beside the releases of a recipe, the file that holds the id of the one to use."""

from __future__ import annotations

import re
from pathlib import Path

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.mirror import read_small

LATEST = "latest"
_ID = re.compile(rb"([0-9a-f]{12})\n?")
# More than this is no id and a newline.
LENGTH = 64


def latest_url(url: str) -> str:
    """The URL of a release: that which `latest` names, or the one that was given; without a slash at its end."""
    base = url.removesuffix("index.html").rstrip("/")
    above, _, last = base.rpartition("/")
    return f"{above}/{_named(read_small(base), base)}" if last == LATEST else base


def latest_path(path: Path) -> Path:
    """The same for a path. A directory of this name, or a larger file, is something else."""
    if path.name != LATEST or not path.is_file() or path.stat().st_size > LENGTH:
        return path
    with path.open("rb") as stream:
        return path.with_name(_named(stream.read(LENGTH), str(path)))


def _named(data: bytes, where: str) -> str:
    match = _ID.fullmatch(data)
    if match is None:
        raise GlassmasterError(
            f"{where}: does not name a release", why=f"expected twelve digits 0-9 a-f, found {data[:LENGTH]!r}",
            hint="it is the file `latest` that `doit publish` writes; or name the release itself",
        )  # fmt: skip
    return match[1].decode()
