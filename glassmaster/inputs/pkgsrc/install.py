"""Packages to layers, in the order of their installation: what a series of pkg_add(1) runs would leave on a system."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from glassmaster.doit_plugins.progress import progress
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.accounts import Accounts
from glassmaster.inputs.pkgsrc.accounts import AccountFiles, with_packages
from glassmaster.inputs.pkgsrc.archive import opened
from glassmaster.inputs.pkgsrc.layer import place_package
from glassmaster.inputs.pkgsrc.owncode import OwnCode, own_code, require_known
from glassmaster.inputs.pkgsrc.patterns import base_of
from glassmaster.inputs.pkgsrc.pkgdb import BYFILE, ByFile, place_database, place_references
from glassmaster.inputs.pkgsrc.placing import Image, Place, tree_path
from glassmaster.inputs.pkgsrc.scripts import Install, parse_install, script_text
from glassmaster.inputs.pkgsrc.signature import require_signature
from glassmaster.inputs.pkgsrc.uids import Uids
from glassmaster.inputs.store import Store
from glassmaster.tree.blob import Blob
from glassmaster.tree.entry import Entry
from glassmaster.tree.layer import Layer

MASTER_PASSWD, GROUP, SHELLS = "etc/master.passwd", "etc/group", "etc/shells"
COMMON_ORIGIN = "packages"
PASSWD_MODE, COMMON_MODE = 0o600, 0o644


@dataclass(frozen=True)
class Selected:
    """A package to install, as the resolver chose it.

    name: NAME-VERSION. file: what errors call its file. requires: the names of the packages that fulfil its @pkgdep
    lines, in the order of those lines. automatic: it is there only because another one needs it.
    """

    name: str
    file: str
    sha512: str
    requires: tuple[str, ...] = ()
    automatic: bool = False


@dataclass(frozen=True)
class Target:
    """What packages are installed into.

    below:    finds what the layers below have at a path. accounts: their master.passwd and group.
    shells:   their /etc/shells, None where there is none (then none is made, as with pkg_add).
    uids:     recorded numbers. database: absolute path of the package database, see pkgdb.py.
    epoch:    the time of what is made here. harmless: @exec commands that may be left out, as they stand.
    own_code: packages (without versions) whose own code in +INSTALL may be left out, and the digits of that code.
    key:      who must have signed the packages; None: signatures are not asked for.
    """

    below: Callable[[str], Entry | None]
    accounts: AccountFiles
    shells: str | None
    uids: Uids
    database: str
    epoch: int
    harmless: Collection[str] = ()
    own_code: Mapping[str, str] = field(default_factory=dict)
    key: Path | None = None


@dataclass
class Installed:
    """What all packages together changed: the accounts' and shells' files, rc.d scripts (absolute paths), notes."""

    accounts: AccountFiles
    shells: str | None
    rc_scripts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def install(
    selected: Sequence[Selected], target: Target, store: Store, blob: Blob, emit: Callable[[Layer], None]
) -> Installed:
    """Make a layer of each package (origin ``package:NAME-VERSION``), and one of what they have in common.

    `emit` is given the layers one by one, in their order: what must be kept of them, it keeps. Packages must come after
    those that they require. Anything that pkg_add would refuse, or that cannot be done as it does it, is an error.
    """
    required_by = _required_by(selected)
    scripts = _scripts(selected, target, store)
    wanted = [(one.name, script.users, script.groups) for one, script in zip(selected, scripts, strict=True)]
    installed = Installed(with_packages(target.accounts, wanted, target.uids), target.shells)
    before = target.accounts.accounts()
    image = Image(target.below, installed.accounts.accounts(), target.epoch, blob)
    by_file = ByFile()
    with progress("packages", len(selected)) as advance:
        for one, script in zip(selected, scripts, strict=True):
            emit(_layer(one, script, target, store, image, by_file, required_by[one.name], installed, before))
            advance()
    common = _common(target, installed, image, by_file)
    if common.entries:
        emit(common)
    return installed


def _required_by(selected: Sequence[Selected]) -> dict[str, list[str]]:
    """For each package those that require it, in the order of their installation."""
    found: dict[str, list[str]] = {}
    for one in selected:
        if one.name in found:
            raise GlassmasterError(f"{one.name}: chosen twice")
        for name in dict.fromkeys(one.requires):
            if name not in found:
                raise GlassmasterError(f"{one.name}: requires {name}, which is not installed before it")
            found[name].append(one.name)
        found[one.name] = []
    return found


def _scripts(selected: Sequence[Selected], target: Target, store: Store) -> list[Install]:
    """What each package's +INSTALL asks for. Several at a time: new packages are unpacked here."""
    bases = {base_of(one.name) for one in selected}

    def has_program(path: str) -> bool:
        return path.rpartition("/")[2] in bases or target.below(tree_path(path)) is not None

    def read(one: Selected) -> tuple[Install, OwnCode]:
        package = opened(one.sha512, one.file, store)
        if package.contents.name != one.name:
            raise GlassmasterError(f"{one.file}: it calls itself {package.contents.name}", why=f"expected {one.name}")
        data = package.read("+INSTALL")
        files = [file.path for file in package.contents.files]
        own = own_code(script_text(data, one.name), files, has_program)
        install = parse_install(data, one.name, package.contents.prefix)
        return replace(install, caches=(*install.caches, *own.indexes)), own

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        read_scripts = list(pool.map(read, selected))
    require_known({one.name: own for one, (_, own) in zip(selected, read_scripts, strict=True)}, target.own_code)
    return [install for install, _ in read_scripts]


def _layer(
    one: Selected, script: Install, target: Target, store: Store, image: Image, by_file: ByFile,
    required_by: Sequence[str], installed: Installed, before: Accounts,
) -> Layer:  # fmt: skip
    package = opened(one.sha512, one.file, store)
    if target.key is not None:
        require_signature(package.signed, target.key, one.name, one.file)
    place = Place(image, one.name)
    placed = place_package(package, script, place, target.harmless)
    place_database(package, target.database, place, required_by, automatic=one.automatic)
    known = [*(f"users/{name}" for name in before.users), *(f"groups/{name}" for name in before.groups)]
    place_references(script, target.database, place, placed.existed, known)
    by_file.add(package.contents)
    installed.shells = _with_shells(installed.shells, placed.shells)
    installed.rc_scripts += placed.rc_scripts
    installed.notes += placed.notes
    return Layer(f"package:{one.name}", tuple(place.entries()))


def _with_shells(text: str | None, shells: Iterable[str]) -> str | None:
    if text is None:
        return None
    for shell in shells:
        # As the helper's grep: a line that only begins so counts, too.
        if not any(line.startswith(shell) for line in text.split("\n")):
            text += f"{shell}\n" if not text or text.endswith("\n") else f"\n{shell}\n"
    return text


def _common(target: Target, installed: Installed, image: Image, by_file: ByFile) -> Layer:
    """What belongs to all packages: changed files of the release, and the database's index."""
    place = Place(image, COMMON_ORIGIN)
    old, new = target.accounts, installed.accounts
    changed = (
        (MASTER_PASSWD, old.master_passwd, new.master_passwd, PASSWD_MODE),
        (GROUP, old.group, new.group, COMMON_MODE),
        (SHELLS, target.shells, installed.shells, COMMON_MODE),
    )
    for path, was, text, mode in changed:
        if text is not None and text != was:
            found = image.below(path)
            place.file(path, text.encode("utf-8", "surrogateescape"), mode)
            if found is not None:
                own = place.find(path)
                assert own is not None
                place.put(replace(own, mode=found.mode, uid=found.uid, gid=found.gid))
    if image.owners:
        place.file(tree_path(f"{target.database}/{BYFILE}"), by_file.data())
    return Layer(COMMON_ORIGIN, tuple(place.entries()))
