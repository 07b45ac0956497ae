"""Recorded numbers of the users and groups that packages ask for: `pkgsets/uids.yaml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from glassmaster.errors import GlassmasterError
from glassmaster.recipe.nodes import Mapped, Scalar, read_yaml

UIDS_FILE = "pkgsets/uids.yaml"
KINDS = ("users", "groups")
LAST = 32766  # 32767 is nobody's
ACCOUNT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_NUMBER = re.compile(r"[1-9][0-9]{0,4}")


@dataclass(frozen=True)
class Uids:
    """Numbers by name, as recorded; file is what errors call it."""

    users: Mapping[str, int] = field(default_factory=dict)
    groups: Mapping[str, int] = field(default_factory=dict)
    file: str = UIDS_FILE

    def of(self, kind: str) -> Mapping[str, int]:
        """The numbers of `users` or of `groups`."""
        return self.users if kind == "users" else self.groups


def read_uids(path: Path) -> Uids:
    """Read the file: `users:` and `groups:`, each with lines of ``name: number``. Without the file nothing is recorded.

    A name that stands twice, two names with one number, and anything else than such lines is an error with its line.
    """
    if not path.exists():
        return Uids(file=str(path))
    document = read_yaml(path)
    numbers: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
    for kind, node in document.items.items():
        if kind not in KINDS:
            raise GlassmasterError(f"{document.places[kind]}: unknown key {kind!r}", why="expected users or groups")
        if not isinstance(node, Mapped):
            raise GlassmasterError(f"{node.where}: expected lines of name: number")
        numbers[kind] = _numbers(node)
    return Uids(numbers["users"], numbers["groups"], str(path))


def _numbers(node: Mapped) -> dict[str, int]:
    names: dict[int, str] = {}
    for name, value in node.items.items():
        where = node.places[name]
        if not ACCOUNT_NAME.fullmatch(name):
            raise GlassmasterError(f"{where}: {name!r} is not the name of an account")
        if not isinstance(value, Scalar) or not _NUMBER.fullmatch(value.text) or int(value.text) > LAST:
            raise GlassmasterError(f"{where}: {name}: expected a number from 1 to {LAST}")
        other = names.setdefault(int(value.text), name)
        if other != name:
            raise GlassmasterError(f"{where}: {name}: {value.text} is {other}'s number already")
    return {name: number for number, name in names.items()}
