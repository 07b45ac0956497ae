"""The digests of the stand-in's artefacts, as they are kept in the repository: read, compared, and written anew.

    python -m tests.build.standin_digests      # build the stand-in in a copy of the repository, write what came out

A change that alters bits of the stand-in changes the file in the same commit, and says why. It has a set of digests for
each key: what Debian may replace by a newer version is in the key, so that such a version is no change of ours.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from glassmaster.atomic import write_json
from glassmaster.checks.repro.artefacts import release_below
from glassmaster.inputs.lock import read_lock
from glassmaster.run import Command, run
from tests.build.conftest import Clone, copy_repository

FILE = Path(__file__).with_name("standin-digests.json")
RECIPE, LOCK = "standin", Path("recipes/standin.lock")
# Programs whose version shapes bytes, and the line on which they say it.
PROGRAMS = {"gcc": ("gcc", "--version"), "as": ("as", "--version"), "ld": ("ld", "--version"),
            "mformat": ("mformat", "--version"), "liblzma": ("xz", "--version")}  # fmt: skip
LINES = {"liblzma": 1}
DIGITS = 12


@dataclass(frozen=True)
class Digests:
    """What a build of the stand-in made. key: what it depends on beside our own files, by name.

    artefacts: SHA-256 by name. entries: of each image, a few digits for each path.
    """

    key: Mapping[str, str]
    artefacts: Mapping[str, str]
    entries: Mapping[str, Mapping[str, str]]

    def short_key(self) -> str:
        """The name of the key."""
        return hashlib.sha256(json.dumps(dict(self.key), sort_keys=True).encode()).hexdigest()[:DIGITS]


def digests_of(clone: Path) -> Digests:
    """The digests of what was built in a copy of the repository."""
    release = release_below(clone, RECIPE, LOCK)
    specs = {name: path for name, path in release.files() if name.endswith(".mtree")}
    entries = {name: _entries(path.read_text(encoding="utf-8")) for name, path in specs.items()}
    return Digests(key_of(clone), release.digests(), entries)


def key_of(clone: Path) -> dict[str, str]:
    """Debian's packages as the lock has them, and the programs and libraries of the host."""
    rows = (row for row in read_lock(clone / LOCK).inputs if row.kind == "debian")
    packages = {row.name: f"{row.version} {row.sha512[:DIGITS]}" for row in rows}
    programs = {name: run(Command(argv)).decode().splitlines()[LINES.get(name, 0)] for name, argv in PROGRAMS.items()}
    return {**packages, **programs, "zlib": zlib.ZLIB_RUNTIME_VERSION}


def kept() -> dict[str, Digests]:
    """What the repository has, by the names of the keys."""
    document = json.loads(FILE.read_bytes()) if FILE.exists() else {}
    return {name: Digests(**item) for name, item in document.items()}


def moved(old: Digests, new: Digests) -> list[str]:
    """Artefacts, and entries of images, that are not as they were: a line for each."""
    lines = [*_changes("", old.artefacts, new.artefacts)]
    for image in sorted(old.entries.keys() | new.entries.keys()):
        lines += _changes(f"  {image}: ", old.entries.get(image, {}), new.entries.get(image, {}))
    return lines


def write(new: Digests) -> list[str]:
    """Keep these digests, and say what moved. Those of other keys stay only while ours did not change."""
    all_kept = kept()
    old = all_kept.get(new.short_key())
    if old == new:
        return ["nothing moved"]
    chosen = {**({} if old else all_kept), new.short_key(): new}
    write_json(FILE, {
        name: {"key": dict(item.key), "artefacts": dict(item.artefacts), "entries": dict(item.entries)}
        for name, item in chosen.items()
    })  # fmt: skip
    return moved(old, new) if old else [f"a new key: {json.dumps(dict(new.key), indent=1)}"]


def _entries(spec: str) -> dict[str, str]:
    lines = (line for line in spec.splitlines() if line and not line.startswith("#"))
    return {line.partition(" ")[0]: hashlib.sha256(line.encode()).hexdigest()[:DIGITS] for line in lines}


def _changes(prefix: str, old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    how = {(True, False): "gone", (False, True): "new", (True, True): "moved"}
    return [f"{prefix}{name}: {how[name in old, name in new]}" for name in names]


def main() -> int:
    """Build and write."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Clone(Path(folder) / "clone", Path(folder) / "store")
        copy_repository(clone.path)
        result = clone.doit("iso", "domu")
        if result.returncode:
            sys.stderr.write(result.stdout)
            return result.returncode
        print("\n".join(write(digests_of(clone.path))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
