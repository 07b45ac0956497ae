"""What the release depends on besides files that tasks make: results that may not be there, and the repository."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glassmaster.doit_plugins.digests import DIGESTS, NotAFile
from glassmaster.doit_plugins.keys import SHORT
from glassmaster.errors import GlassmasterError
from glassmaster.places import Places
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.release.artefacts import DIFF, REPRO
from glassmaster.release.options import Options
from glassmaster.release.signing import KEY
from glassmaster.release.source import source_of


@dataclass(frozen=True)
class Results:
    """A Part: the digests of results, None for one that is not there."""

    paths: Sequence[Path]

    def key_value(self) -> dict[str, str | None]:
        """By path."""
        return {path.name: _digest(path) for path in self.paths}


@dataclass(frozen=True)
class Sources:
    """A Part: one digest of all that source.tar.gz would hold."""

    loaded: LoadedRecipe

    def key_value(self) -> str | None:
        """None where it cannot be told, such as while there is no lock."""
        try:
            files = source_of(self.loaded).files
        except (GlassmasterError, OSError):
            return None
        lines = (f"{name} {os.path.islink(path)} {_digest(path)}" for name, path in sorted(files.items()))  # noqa: PTH114
        return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()[:SHORT]


def release_key(loaded: LoadedRecipe, options: Options) -> dict[str, Any]:
    """What a release depends on besides files that tasks make, and the recipe. The key to sign with is named."""
    places = Places(loaded.name)
    results = (places.readback, places.smoke / "smoke.json", places.out / REPRO, places.out / f"{DIFF}.json")
    return {
        "without": list(options.without), "previous": options.previous, "rebuilds": options.rebuilds,
        "results": Results(results), "sources": Sources(loaded),
        "signing key": os.environ.get(KEY, ""),
    }  # fmt: skip


def _digest(path: Path) -> str | None:
    try:
        return DIGESTS.digest(str(path))[:SHORT]
    except (OSError, NotAFile):
        return None
