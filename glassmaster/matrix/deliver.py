"""On a worker, what was made goes where the one who asked finds it: python -m glassmaster.matrix.deliver RECIPE URL

The last line that is printed is JSON: the path below out/RECIPE, size and SHA-512 of each file.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.objects import put
from glassmaster.inputs.source import explained
from glassmaster.inputs.store import CHUNK
from glassmaster.places import Places


def deliver(recipe: str, results: str) -> list[tuple[str, int, str]]:
    """Put every file of out/RECIPE below results/RECIPE, and say what they are."""
    out = Places(recipe).out
    delivered = []
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        name = path.relative_to(out).as_posix()
        url, digest = f"{results}/{quote(recipe)}/{quote(name)}", hashlib.sha512()
        with explained(url):
            put(url, _read(path, digest))
        delivered.append((name, path.stat().st_size, digest.hexdigest()))
    return delivered


def _read(path: Path, digest: hashlib._Hash) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while piece := stream.read(CHUNK):
            digest.update(piece)
            yield piece


if __name__ == "__main__":
    try:
        print(json.dumps(deliver(*sys.argv[1:])))
    except GlassmasterError as error:
        sys.exit(str(error))
