"""Sets of packages: pkgsets/NAME.yaml, read like recipes."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc import patterns
from glassmaster.inputs.pkgsrc.choice import Wanted
from glassmaster.inputs.pkgsrc.uids import UIDS_FILE
from glassmaster.recipe.convert import build
from glassmaster.recipe.load import SUFFIX, read_extended
from glassmaster.recipe.nodes import Mapped
from glassmaster.recipe.setting import setting
from glassmaster.recipe.values import one_line, plain_words

FOLDER = Path("pkgsets")


@dataclass(frozen=True)
class Fields:
    """What a pkgset can say."""

    description: str = setting("One line for people: what these packages are for.", convert=one_line)
    extends: str = setting("Another pkgset, beside this one, whose packages come before these.", default="")
    packages: Mapping[str, str] = setting(
        "Names or pkgsrc patterns of packages, each with the reason for it, which may be empty. They are chosen in "
        "this order.",
        convert=one_line,
    )


@dataclass(frozen=True)
class Pkgset:
    """A set of packages. files: its own file first, then those that it extends."""

    name: str
    description: str
    wanted: tuple[Wanted, ...]
    files: tuple[Path, ...]


def load_pkgset(name: str) -> Pkgset:
    """Read pkgsets/NAME.yaml and what it extends; raises GlassmasterError with ``file:line`` for whatever is wrong."""
    path = FOLDER / f"{name}{SUFFIX}"
    try:
        plain_words(name)
    except ValueError as error:
        raise GlassmasterError(f"{name!r} cannot be a pkgset's name", why=str(error)) from error
    if not path.is_file():
        known = sorted(file.stem for file in FOLDER.glob(f"*{SUFFIX}") if file != Path(UIDS_FILE))
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(known) or 'none'}"
        raise GlassmasterError(f"no pkgset {name!r}", why=f"{path} does not exist", hint=hint)
    node, files = read_extended(path)
    fields = build(Fields, node)
    packages = node.items["packages"]
    assert isinstance(packages, Mapped)
    wanted = tuple(
        Wanted(pattern, packages.places[pattern], name, reason) for pattern, reason in fields.packages.items()
    )
    for item in wanted:
        _check(item)
    return Pkgset(name, fields.description, wanted, files)


def wanted_by(names: Iterable[str]) -> tuple[Wanted, ...]:
    """What these pkgsets want together, in their order."""
    return tuple(wanted for name in names for wanted in load_pkgset(name).wanted)


def _check(wanted: Wanted) -> None:
    try:
        patterns.check(wanted.pattern)
    except GlassmasterError as error:
        hint = "packages are listed as `sudo: why`, or `sudo>=1.9: why`"
        raise GlassmasterError(f"{wanted.where}: packages: {error.what}", why=error.why, hint=hint) from error
