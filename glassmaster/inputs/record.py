"""build/RECIPE/inputs.json: the inputs of this build, all in the store, and the release id that they make."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glassmaster.atomic import write_json
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.debian import DebianPackage
from glassmaster.inputs.lock import Images, LockedInput, LockedPackage, package_rows, read_packages
from glassmaster.inputs.store import Stored

FORMAT = 1
RELEASE_ID_DIGITS = 12
OTHER = "it was written for another recipe"


@dataclass(frozen=True)
class Record:
    """The inputs of a build, as they are in the record: `inputs` (rows as LockedInput has them) and `release_id`."""

    document: Mapping[str, Any]
    path: Path

    @property
    def release_id(self) -> str:
        """The release id."""
        return str(self.document["release_id"])

    def row(self, *names: str) -> dict[str, Any]:
        """The input of one of these names; an error when there is none."""
        for row in self.document["inputs"]:
            if row["name"] in names:
                return dict(row)
        raise GlassmasterError(
            f"{self.path}: no input is called {' or '.join(names)}", why=OTHER, hint=self._again(),
        )  # fmt: skip

    def package(self, name: str) -> DebianPackage:
        """A Debian package."""
        row = self.row(f"debian/{name}")
        return DebianPackage(name, row["version"], row["urls"][0], Stored(row["sha512"], row["size"]))

    def packages(self, image: str) -> tuple[LockedPackage, ...]:
        """The packages of an image, in the order of their installation."""
        try:
            names = {row["name"] for row in self.document["inputs"]}
            return read_packages(self.document.get("packages", {}), names)[image]
        except KeyError:
            raise GlassmasterError(f"{self.path}: no packages for {image}", why=OTHER, hint=self._again()) from None
        except ValueError as error:
            raise GlassmasterError(f"{self.path}: damaged", why=str(error), hint=self._again()) from error

    def _again(self) -> str:
        return f"delete it (rm {self.path}); the same command, run again, makes it anew"


def release_id(recipe_digest: str, inputs: Sequence[LockedInput], packages: Images | None = None) -> str:
    """Twelve digits of a digest of a recipe's values, of its inputs' digests, and of how packages are installed."""
    digests = "".join(f"{item.name} {item.sha512}\n" for item in sorted(inputs, key=lambda item: item.name))
    installed = json.dumps(package_rows(packages), sort_keys=True) if packages else ""
    return hashlib.sha256(f"{recipe_digest}\n{digests}{installed}".encode()).hexdigest()[:RELEASE_ID_DIGITS]


def write_record(path: Path, identity: str, inputs: Sequence[LockedInput], packages: Images | None = None) -> None:
    """Write the record of inputs that are in the store. packages: the lock's."""
    rows = [dataclasses.asdict(item) for item in inputs]
    document = {"format": FORMAT, "release_id": identity, "inputs": rows, "packages": package_rows(packages or {})}
    write_json(path, document)


def read_record(path: Path) -> Record:
    """Read it; `fetch` has written it."""
    return Record(json.loads(path.read_bytes()), path)
