"""What the release depends on besides files that tasks make: results that may not be there, and the repository."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glassmaster.doit_plugins.digests import DIGESTS, NotAFile
from glassmaster.doit_plugins.keys import SHORT
from glassmaster.errors import GlassmasterError
from glassmaster.places import Places
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.release.artefacts import DIGESTS as LIST
from glassmaster.release.artefacts import ISO, MTREE, evidence
from glassmaster.release.kept import statements
from glassmaster.release.options import Options
from glassmaster.release.signing import KEY
from glassmaster.release.source import commit_of, source_of

# What a damaged list of inputs can lead to; fetch will make it anew.
UNREADABLE = (OSError, NotAFile, ValueError, LookupError, TypeError, AttributeError)


@dataclass(frozen=True)
class Results:
    """A Part: the digests of results that go into the release, by name, None for one that is not there."""

    loaded: LoadedRecipe

    def key_value(self) -> dict[str, str | None]:
        """Those of a comparison by `previous=` are not among them: they are made anew."""
        places = Places(self.loaded.name)
        found = {name: _digest(path) for path, name, _ in evidence(self.loaded, places.out)}
        return {places.readback.name: _digest(places.readback), **found}


@dataclass(frozen=True)
class Previous:
    """A Part: the release to compare with, by what it holds. At a URL it has only its name: what is published stays."""

    word: str
    caller: Path

    def key_value(self) -> dict[str, str | None]:
        """Digests by name in it; nothing where there is none yet."""
        path = self.caller / self.word
        if not self.word or "://" in self.word:
            return {}
        if path.is_dir():
            return {name: _digest(path / name) for name in (LIST, ISO, MTREE)}
        if path.is_file() and path.suffix not in (".yaml", ".yml"):
            return {path.name: _digest(path)}
        # A recipe: of what is built of it the tree is compared.
        mtree = Places(path.stem).mtree
        return {str(mtree): _digest(mtree)}


@dataclass(frozen=True)
class Statements:
    """A Part: what others said of this release, where the release counts it."""

    loaded: LoadedRecipe

    def key_value(self) -> dict[str, str | None]:
        """Digests by name."""
        places = Places(self.loaded.name)
        try:
            release_id = str(DIGESTS.derived(str(places.inputs), "inputs-1", json.loads)["release_id"])
        except UNREADABLE:
            return {}
        return {path.name: _digest(path) for path in statements(places.release, release_id)}


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


@dataclass(frozen=True)
class Told:
    """A Part: what a function says when it is asked."""

    tell: Callable[[], Any]

    def key_value(self) -> Any:
        """That."""
        return self.tell()


def release_key(loaded: LoadedRecipe, options: Options) -> dict[str, Any]:
    """What a release depends on besides files that tasks make, and the recipe."""
    key = os.environ.get(KEY, "")
    signers = options.allowed
    return {
        "without": list(options.without),
        "previous": options.previous, "previous holds": Previous(options.previous, Path(options.caller)),
        "rebuilds": options.rebuilds, "signers": Told(lambda: _digest(signers) if signers else ""),
        **({"statements": Statements(loaded)} if signers else {}),
        "results": Results(loaded), "sources": Sources(loaded), "commit": Told(lambda: commit_of(Path.cwd())),
        # The public half tells one from another as well, and nothing of a secret is written down.
        "signing key": key, "signing key holds": Told(lambda: _public(Path(key).expanduser()) if key else ""),
    }  # fmt: skip


def _public(key: Path) -> str | None:
    return _digest(key.with_name(f"{key.name}.pub")) or _digest(key)


def _digest(path: Path) -> str | None:
    try:
        return DIGESTS.digest(str(path))[:SHORT]
    except (OSError, NotAFile):
        return None
