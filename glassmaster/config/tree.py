"""Reading a configuration tree: a checkout with /pservers, /vservers, /global and /docs."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from glassmaster.errors import GlassmasterError
from glassmaster.tree.entry import Content, Kind
from glassmaster.tree.path import normalized, sort_key

HOSTS, GUESTS, SHARED = "pservers", "vservers", "global"
FOLDERS = (HOSTS, GUESTS, SHARED)
SUBVERSION = ".svn"
_SERVER = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,62}")


@dataclass(frozen=True)
class Item:
    """A file, directory or symbolic link of the tree. link: the target of a symbolic link, otherwise ""."""

    path: str
    kind: Kind
    host_path: Path
    executable: bool = False
    link: str = ""


@dataclass(frozen=True)
class Server:
    """The directory of one server, or the one that all share: what becomes /config/local or /config/global.

    place: where it is in the tree, such as pservers/dom0.example.org. items: by their paths below it, sorted.
    """

    name: str
    place: str
    items: Mapping[str, Item]

    def where(self, path: str, line: int | None = None) -> str:
        """A path of this directory as findings call it."""
        return f"{self.place}/{path}" + (f":{line}" if line else "")

    def file(self, path: str) -> bytes | None:
        """The content of a regular file; None when there is none."""
        item = self.items.get(path)
        return _read(item.host_path) if item and item.kind == "file" else None

    def content(self, item: Item) -> Content:
        """Where the bytes of a file are, with their digest."""
        data = _read(item.host_path)
        return Content(item.host_path, 0, len(data), hashlib.sha256(data).hexdigest())


@dataclass(frozen=True)
class ConfigTree:
    """A whole configuration tree. hosts, guests: the servers below pservers and vservers, by name."""

    root: Path
    hosts: Mapping[str, Server]
    guests: Mapping[str, Server]
    shared: Server

    def host(self, name: str) -> Server:
        """The host of that name; raises GlassmasterError when there is none."""
        if name not in self.hosts:
            hint = f"there are: {', '.join(self.hosts) or 'none'}"
            raise GlassmasterError(f"there is no {HOSTS}/{name}", hint=hint)
        return self.hosts[name]

    def servers(self) -> Iterator[Server]:
        """Every directory that becomes a /config/local."""
        yield from self.hosts.values()
        yield from self.guests.values()


def read_config_tree(root: Path) -> ConfigTree:
    """Read what is where; raises GlassmasterError when it is no configuration tree or holds what it cannot."""
    missing = [name for name in FOLDERS if not (root / name).is_dir()]
    if missing:
        raise GlassmasterError(
            f"{root}: not a configuration tree", why=f"it has no {', '.join(missing)}", hint=_way(root)
        )
    hosts, guests = _servers(root, HOSTS), _servers(root, GUESTS)
    return ConfigTree(root, hosts, guests, Server(SHARED, SHARED, _items(root / SHARED)))


def _way(root: Path) -> str:
    """What somebody should do who named a directory that is something else."""
    if (root / "db").is_dir() and (root / "format").is_file():
        return (
            f"this is a Subversion repository: check it out (svn checkout {root.absolute().as_uri()} DIR), and name DIR"
        )
    if all((root / "checkout" / name).is_dir() for name in FOLDERS):
        return f"name the checkout in it: {root / 'checkout'}"
    return "config-new makes one"


def _servers(root: Path, folder: str) -> dict[str, Server]:
    servers = {}
    for path in _listed(root / folder):
        place = f"{folder}/{path.name}"
        if path.is_symlink() or not path.is_dir():
            raise GlassmasterError(
                f"{root / place}: not a directory", why=f"{folder} holds one directory for each server"
            )
        if not _SERVER.fullmatch(path.name):
            why = "up to 63 letters, digits, dots and hyphens, a letter or digit first"
            raise GlassmasterError(f"{root / place}: not a name for a server", why=why)
        servers[path.name] = Server(path.name, place, _items(path))
    return servers


def _items(top: Path) -> dict[str, Item]:
    items = {item.path: item for item in _walk(top)}
    return dict(sorted(items.items(), key=lambda pair: sort_key(pair[0])))


def _walk(top: Path) -> Iterator[Item]:
    folders = [top]
    while folders:
        for path in _listed(folders.pop()):
            item = _item(top, path)
            yield item
            if item.kind == "dir":
                folders.append(path)


def _listed(folder: Path) -> list[Path]:
    """What is in a directory, sorted, but what belongs to Subversion."""
    try:
        return sorted(path for path in folder.iterdir() if path.name != SUBVERSION)
    except OSError as error:
        raise GlassmasterError(f"{folder}: cannot be read", why=str(error)) from error


def _item(top: Path, path: Path) -> Item:
    inside = normalized(os.fsencode(path.relative_to(top)).decode("utf-8", "surrogateescape"), str(top))
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        link = os.fsencode(path.readlink()).decode("utf-8", "surrogateescape")
        if not link.isprintable():
            raise GlassmasterError(f"{path}: the symbolic link's target {link!r} is no plain text")
        return Item(inside, "link", path, link=link)
    if stat.S_ISREG(mode):
        return Item(inside, "file", path, executable=bool(mode & stat.S_IXUSR))
    if stat.S_ISDIR(mode):
        return Item(inside, "dir", path)
    raise GlassmasterError(f"{path}: neither a file, a directory nor a symbolic link")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise GlassmasterError(f"{path}: cannot be read", why=str(error)) from error
