"""An image's paths while packages are installed into it, one after another; nothing is written but entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.accounts import Accounts
from glassmaster.inputs.pkgsrc.modes import SETGID, SETUID, UMASK, changed_mode
from glassmaster.tree.blob import Blob
from glassmaster.tree.entry import Entry
from glassmaster.tree.path import normalized

ROOT_USER = WHEEL = 0
DIRECTORY_MODE, FILE_MODE, LINK_MODE = 0o755, 0o644, 0o755


def tree_path(absolute: str, where: str = "") -> str:
    """The image's spelling of an absolute path."""
    return normalized(absolute.lstrip("/"), where)


@dataclass
class Image:
    """What packages are installed into.

    below:     finds what the layers below have at a path (the release's sets).
    accounts:  all users and groups, those that the packages add among them.
    epoch:     the time of what is made here; blob takes its bytes.
    installed: entries of the packages so far. owners: the package that lists a path in its packing list.
    referenced: directories of reference counts that a package has made.
    """

    below: Callable[[str], Entry | None]
    accounts: Accounts
    epoch: int
    blob: Blob
    installed: dict[str, Entry] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    referenced: set[str] = field(default_factory=set)


class Place:
    """One package's part of an image: the entries of its layer."""

    def __init__(self, image: Image, package: str) -> None:
        self.image = image
        self.package = package
        self._own: dict[str, Entry] = {}

    def entries(self) -> Iterator[Entry]:
        """The entries of the layer, in the order they were made."""
        return iter(self._own.values())

    def find(self, path: str) -> Entry | None:
        """What is at a path now, whoever put it there."""
        return self._own.get(path) or self.image.installed.get(path) or self.image.below(path)

    def claim(self, path: str) -> None:
        """Note that the packing list has this path; two packages with one path are pkg_add's implicit conflict."""
        other = self.image.owners.setdefault(path, self.package)
        if other != self.package:
            raise GlassmasterError(
                f"{self.package}: {path}: is a file of {other}, too", why="pkg_add refuses the second of them"
            )

    def put(self, entry: Entry) -> None:
        """Put an entry into the layer, over whatever is there."""
        self._own[entry.path] = entry
        self.image.installed[entry.path] = entry

    def file(self, path: str, data: bytes, mode: int = FILE_MODE) -> None:
        """A file of root's with these bytes."""
        content = self.image.blob.add(data)
        self.put(Entry(path, "file", mode, ROOT_USER, WHEEL, self.image.epoch, content=content))

    def directory(self, path: str, where: str, mode: str = "", user: str = "", group: str = "") -> None:
        """Make a directory unless it is there, as mkdir -p; then its owner and mode, where given."""
        found = self.find(path)
        if found is None:
            self.put(Entry(path, "dir", DIRECTORY_MODE, ROOT_USER, WHEEL, self.image.epoch))
        elif found.kind == "file":
            raise GlassmasterError(f"{where}: a directory {path} where a file is")
        self.permit(path, where, mode, user, group)

    def copy(self, source: str, path: str, where: str, mode: str = "", user: str = "", group: str = "") -> None:
        """Copy a file as root's cp(1) does; then its owner and mode, where given."""
        found = self._source(source, where)
        bits, epoch = found.mode & 0o777 & ~UMASK, self.image.epoch
        self.put(replace(found, path=path, mode=bits, uid=ROOT_USER, gid=WHEEL, mtime=epoch, inode=""))
        self.permit(path, where, mode, user, group)

    def copy_as_is(self, source: str, path: str, where: str) -> None:
        """Copy a file with its owner, mode and time, as root's cp -p."""
        self.put(replace(self._source(source, where), path=path, inode=""))

    def _source(self, path: str, where: str) -> Entry:
        found = self.find(path)
        if found is None or found.kind != "file":
            raise GlassmasterError(f"{where}: there is no file {path} to copy")
        return found

    def permit(self, path: str, where: str, mode: str = "", user: str = "", group: str = "") -> None:
        """chown, chgrp and chmod, each where given, of all names of a file. A link's own are never changed."""
        found = self.find(path)
        if found is None:
            raise GlassmasterError(f"{where}: there is no {path}")
        if found.kind == "link" or not (mode or user or group):
            return
        accounts = self.image.accounts
        uid = accounts.uid(user, where) if user else found.uid
        gid = accounts.gid(group, where) if group else found.gid
        # NetBSD's chown(2) takes away the setuid bit with a new owner, the setgid bit with a new group.
        base = found.mode & ~(SETUID if user else 0) & ~(SETGID if group else 0)
        bits = changed_mode(mode, base, where, directory=found.kind == "dir") if mode else base
        for entry in self._names(found):
            self.put(replace(entry, mode=bits, uid=uid, gid=gid))

    def link(self, path: str, target: str) -> None:
        """A symbolic link."""
        self.put(Entry(path, "link", LINK_MODE, ROOT_USER, WHEEL, self.image.epoch, target))

    def _names(self, entry: Entry) -> list[Entry]:
        if not entry.inode or entry.path not in self._own:
            # Another layer's file: here it becomes a file of its own.
            return [replace(entry, inode=entry.inode if entry.path in self._own else "")]
        return [own for own in self._own.values() if own.inode == entry.inode]
