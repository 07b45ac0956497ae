"""The database of installed packages, as pkg_add would have written it: pkg_info, pkg_delete and pkg_admin read it.

    DIRECTORY/NAME-VERSION/+CONTENTS …     what the package says of itself, +REQUIRED_BY, +INSTALLED_INFO
    DIRECTORY/NAME-VERSION/+FILES …        the helpers that +INSTALL unpacks, for +DEINSTALL
    DIRECTORY/pkgdb.byfile.db              which package has a file, or knows a directory (Berkeley DB 1.85, btree)
    DIRECTORY.refcount/files/…/NAME-VERSION  which packages need a configuration file, directory, user, group

DIRECTORY is /var/db/pkg up to NetBSD 9, /usr/pkg/pkgdb from NetBSD 10 on, or the recipe's `packages.database`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from glassmaster.inputs.pkgsrc.archive import META, Archive
from glassmaster.inputs.pkgsrc.btree import btree
from glassmaster.inputs.pkgsrc.contents import Contents
from glassmaster.inputs.pkgsrc.placing import Place, tree_path
from glassmaster.inputs.pkgsrc.scripts import Install, unpacked_helpers
from glassmaster.recipe.packages import Packages
from glassmaster.tree.entry import Content, Entry

BYFILE = "pkgdb.byfile.db"
REQUIRED_BY, INSTALLED_INFO = "+REQUIRED_BY", "+INSTALLED_INFO"
AUTOMATIC = b"automatic=yes\n"
HELPER_MODE, PKGDIR = 0o755, "@pkgdir"
OLD_DIRECTORY, DIRECTORY = "/var/db/pkg", "/usr/pkg/pkgdb"
_OLD_RELEASE = re.compile(r"[1-9](\.|_|$)")


def default_directory(version: str) -> str:
    """Where the pkg_install of a NetBSD release has its database."""
    return OLD_DIRECTORY if _OLD_RELEASE.match(version) else DIRECTORY


def directory_of(packages: Packages | None, version: str) -> str:
    """Where an image has its database: where its recipe says, otherwise where its release does."""
    return (packages.database if packages else "") or default_directory(version)


def place_database(
    package: Archive, directory: str, place: Place, required_by: Sequence[str], *, automatic: bool
) -> None:
    """The package's own directory in the database.

    directory:   the database's, absolute. required_by: the packages that depend on this one, as they were installed.
    automatic:   nobody asked for it; it came as a dependency of another.
    """
    top = tree_path(f"{directory}/{place.package}")
    for name, member in package.meta().items():
        content = Content(package.index.tar, member.offset, member.size, member.sha256)
        place.put(Entry(f"{top}/{name}", "file", META[name], 0, 0, place.image.epoch, content=content))
    if required_by:
        own = package.read(REQUIRED_BY)
        place.file(
            f"{top}/{REQUIRED_BY}", own + "".join(f"{name}\n" for name in required_by).encode(), META[REQUIRED_BY]
        )
    if automatic:
        place.file(f"{top}/{INSTALLED_INFO}", _with_automatic(package.read(INSTALLED_INFO)), META[INSTALLED_INFO])
    for name, body in unpacked_helpers(package.read("+INSTALL"), place.package).items():
        place.file(f"{top}/{name}", body, HELPER_MODE)


def _with_automatic(info: bytes) -> bytes:
    lines = [line for line in info.splitlines(keepends=True) if not line.startswith(b"automatic=")]
    return b"".join(lines) + AUTOMATIC


@dataclass(frozen=True)
class _Token:
    """A reference: its directory below DIRECTORY.refcount, what +PERMISSIONS says, if the thing was there before."""

    path: str
    permissions: str
    existed: bool


def place_references(
    install: Install, directory: str, place: Place, existed: Iterable[str], known: Iterable[str]
) -> None:
    """The reference counts that +DEINSTALL looks at before it removes a file, directory, user or group.

    existed: files and directories that were there before this package (absolute paths).
    known:   users and groups that the release has itself, as ``users/NAME`` and ``groups/NAME``.
    """
    top = tree_path(f"{directory}.refcount")
    for token in _tokens(install, set(existed), set(known)):
        folder = f"{top}/{token.path}"
        if token.existed and folder not in place.image.referenced:
            place.file(f"{folder}/+PREEXISTING", f"{place.package}\n".encode())
        place.image.referenced.add(folder)
        place.file(f"{folder}/{place.package}", f"{directory}/{place.package}\n".encode())
        if token.permissions.strip():
            place.file(f"{folder}/+PERMISSIONS", f"{token.permissions}\n".encode())


def _tokens(install: Install, existed: set[str], known: set[str]) -> Iterator[_Token]:
    for group in install.groups:
        yield _Token(f"groups/{group.name}", "", f"groups/{group.name}" in known)
    for user in install.users:
        yield _Token(f"users/{user.name}", "", f"users/{user.name}" in known)
    for folder in install.directories:
        words = f"{folder.user} {folder.group} {folder.mode}"
        yield _Token(f"dirs{folder.path}", words, folder.path in existed)
    for file in install.files:
        yield _Token(f"files{file.path}", f"{file.mode} {file.user} {file.group}", file.path in existed)


class ByFile:
    """pkgdb.byfile.db while packages are installed, one after another (lib/pkgdb.c; add_pkgdir in lib/plist.c)."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def add(self, contents: Contents) -> None:
        """Note a package's files and the directories of its @pkgdir lines."""
        for directory in contents.directories:
            path = f"{contents.prefix}/{directory}"
            self._values[path] = f"{self._values.get(path, PKGDIR)} {contents.name}"
        for file in contents.files:
            # R_NOOVERWRITE: the first one stays.
            self._values.setdefault(f"{contents.prefix}/{file.path}", contents.name)

    def records(self) -> Mapping[bytes, bytes]:
        """Paths and what has them, both with a NUL at the end, as C strings are stored."""
        return {_c_string(path): _c_string(value) for path, value in self._values.items()}

    def data(self) -> bytes:
        """The file."""
        return btree(self.records())


def _c_string(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape") + b"\0"
