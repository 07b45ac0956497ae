"""A package to a layer: its files, and what its packing list and its +INSTALL would do to them (pkg_add(1)).

In pkg_add's order: directories of +INSTALL, the packing list from top to bottom, then configuration files and
permissions of +INSTALL.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from glassmaster.inputs.pkgsrc.archive import Archive
from glassmaster.inputs.pkgsrc.contents import Exec, PackedFile
from glassmaster.inputs.pkgsrc.execs import run_exec
from glassmaster.inputs.pkgsrc.modes import changed_mode
from glassmaster.inputs.pkgsrc.placing import Place, tree_path
from glassmaster.inputs.pkgsrc.scripts import NULL_DEVICE, ConfigFile, Install
from glassmaster.tree.entry import Content, Entry

RC_MODE = "0755"


@dataclass
class Placed:
    """What became of a package beside its entries.

    rc_scripts: absolute paths of rc.d scripts. shells: absolute paths to register in /etc/shells.
    existed:    files and directories of +INSTALL (absolute paths) that were there before it.
    notes:      lines for people: what pkg_add would have said, and what is left out.
    """

    rc_scripts: list[str] = field(default_factory=list)
    shells: list[str] = field(default_factory=list)
    existed: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


def place_package(package: Archive, install: Install, place: Place, harmless: Collection[str]) -> Placed:
    """Put all entries of a package into `place`. What cannot be done exactly as pkg_add does it is an error."""
    placed = Placed(notes=[f"{place.package}: not made: {cache}" for cache in install.caches])
    where = f"{place.package}: +INSTALL"
    for directory in install.directories:
        path = tree_path(directory.path, where)
        if (found := place.find(path)) is not None and found.kind == "dir":
            placed.existed.add(directory.path)
        place.directory(path, where, directory.mode, directory.user, directory.group)
    _walk(package, place, harmless)
    for file in install.files:
        _configure(file, place, placed, where)
    for line in install.permissions:
        path = tree_path(line.path, where)
        # As the script: what is not there, or is a link or directory, is passed over.
        if (found := place.find(path)) is not None and found.kind == "file":
            place.permit(path, where, line.mode, line.user, line.group)
    for shell in install.shells:
        if place.find(tree_path(shell, where)) is not None:
            placed.shells.append(shell)
    _note_new_sources(place, placed)
    return placed


def _walk(package: Archive, place: Place, harmless: Collection[str]) -> None:
    """The packing list from top to bottom."""
    prefix = package.contents.prefix
    inodes = _inodes(package, prefix)
    for step in package.contents.steps:
        if isinstance(step, PackedFile):
            entry = _entry(step, package, place, inodes)
            place.claim(entry.path)
            place.put(entry)
        elif isinstance(step, Exec):
            run_exec(step, prefix, place, harmless)
        else:
            place.directory(tree_path(f"{prefix}/{step}"), f"{place.package}: +CONTENTS: @pkgdir {step}")


def _entry(file: PackedFile, package: Archive, place: Place, inodes: dict[str, str]) -> Entry:
    member, accounts = package.index.members[file.path], place.image.accounts
    where = f"{place.package}: +CONTENTS:{file.line}: {file.path}"
    path = tree_path(f"{package.contents.prefix}/{file.path}", where)
    uid, gid = accounts.uid(file.owner or member.uname, where), accounts.gid(file.group or member.gname, where)
    mode = changed_mode(file.mode, member.mode, where) if file.mode and member.kind == "file" else member.mode
    content = None
    if member.kind == "file":
        content = Content(package.index.tar, member.offset, member.size, member.sha256)
    return Entry(path, member.kind, mode, uid, gid, member.mtime, member.link, content, inodes.get(file.path, ""))


def _inodes(package: Archive, prefix: str) -> dict[str, str]:
    """For every name of a file that has several: the first of them."""
    members = package.index.members
    first = {member.hardlink for member in members.values() if member.hardlink}
    return {
        path: tree_path(f"{prefix}/{member.hardlink or path}")
        for path, member in members.items()
        if member.hardlink or path in first
    }


def _configure(file: ConfigFile, place: Place, placed: Placed, where: str) -> None:
    """Copy an example to its place, unless something is there."""
    path = tree_path(file.path, where)
    found = place.find(path)
    if found is not None:
        placed.existed.add(file.path)
        placed.notes.append(f"{place.package}: {file.path} is there already and stays as it is")
    elif file.example == NULL_DEVICE:
        place.file(path, b"")
        place.permit(path, where, file.mode, file.user, file.group)
    elif place.find(source := tree_path(file.example, where)) is None:
        placed.notes.append(f"{place.package}: {file.path} is not made: its example {file.example} is missing")
        return
    else:
        mode = file.mode or (RC_MODE if file.rc else "")
        place.copy(source, path, where, mode, file.user, file.group)
    if file.rc:
        placed.rc_scripts.append(file.path)


def _note_new_sources(place: Place, placed: Placed) -> None:
    """Python takes a byte-compiled file only if its source has the very time it remembers; a clamped one has not."""
    entries = [entry for entry in place.entries() if entry.path.endswith((".py", ".pyc", ".pyo"))]
    newer = [entry.path for entry in entries if entry.path.endswith(".py") and entry.mtime > place.image.epoch]
    if newer and len(newer) < len(entries):
        placed.notes.append(
            f"{place.package}: {len(newer)} Python sources are newer than the recipe's epoch, such as /{newer[0]}: "
            "their byte-compiled files will not be used; a later epoch keeps them valid"
        )
