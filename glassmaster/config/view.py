"""What a running server sees: the release's files, its configuration on /config, and that again over /etc."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from glassmaster.config.rcconf import Assignment, parse_rc_conf
from glassmaster.config.tree import Item, Server
from glassmaster.errors import GlassmasterError
from glassmaster.places import Places
from glassmaster.tree.entry import Entry
from glassmaster.tree.links import lost_at
from glassmaster.tree.merge import Node, Tree
from glassmaster.tree.mtree import Listed, parse_mtree
from glassmaster.tree.path import ROOT, ancestors

# What is there on the running system only.
RUNTIME = ("/dev", "/var", "/tmp", "/kern", "/proc", "/memory", "/usr/pkg", "/config/.glassmaster")
# What the machine itself puts on /config, or where these variables of its rc.conf say: no part of the tree, so nothing
# can be known of it (docs/rollout.md, docs/packages-machine.md).
OWN_PLACES = {"glassmaster_images": "/config/images", "glassmaster_packages": "/config/packages"}
FSTAB, RC_CONF = "etc/fstab", "etc/rc.conf"


@dataclass(frozen=True)
class Release:
    """What is on the CD of a recipe, by path."""

    name: str
    entries: Mapping[str, Listed]


def read_release(name: str) -> Release:
    """The release that was built of a recipe; raises GlassmasterError when there is none."""
    path = Places(name).mtree
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        hint = f"build it: ./doit mtree:{name} recipe={name}"
        raise GlassmasterError(f"{path}: the release cannot be read", why=str(error), hint=hint) from error
    return Release(name, {item.path: item for item in parse_mtree(text, str(path))})


class View:
    """The paths of one server while it runs."""

    def __init__(self, server: Server, shared: Server, release: Release | None) -> None:
        nodes = {ROOT: _node(Entry(ROOT, "dir", 0, 0, 0, 0))}
        for listed in release.entries.values() if release else ():
            nodes[listed.path] = _node(Entry(listed.path, listed.kind, 0, 0, 0, 0, listed.link))
        for top, items in (
            ("config/local", server.items),
            ("config/global", shared.items),
            ("etc", _below_etc(server)),
        ):
            _add(nodes, top, items)
        self._tree = Tree(nodes)
        self._runtime = (*RUNTIME, *own_places(server), *mount_points(server))
        self._release = release

    def lost_at(self, path: str) -> str:
        """Where an absolute path, followed through all links, ends at nothing; "" when it leads to something.

        Without a release all that is not on /config is taken to be there.
        """
        lost = lost_at(self._tree, path, self._runtime) or ""
        return f"/{lost}" if lost and (self._release or f"{lost}/".startswith("config/")) else ""


def mount_points(server: Server) -> tuple[str, ...]:
    """Where the server's own fstab mounts something: what is below cannot be known."""
    return tuple(
        fields[1] for _, fields in fstab(server) if len(fields) > 1 and fields[1].startswith("/") and fields[1] != "/"
    )


def rc_values(server: Server) -> dict[str, Assignment]:
    """The variables of a server's rc.conf that can be known."""
    text = (server.file(RC_CONF) or b"").decode("utf-8", "replace")
    return {said.name: said for said in parse_rc_conf(text) if isinstance(said, Assignment)}


def own_places(server: Server) -> tuple[str, ...]:
    """Directories that the machine fills by itself: images of virtual machines, packages."""
    values = rc_values(server)
    said = (values[name].value or "" for name in OWN_PLACES if name in values)
    return (*OWN_PLACES.values(), *(place for place in said if place.startswith("/") and place.strip("/")))


def fstab(server: Server) -> Iterator[tuple[int, list[str]]]:
    """The lines of a server's fstab(5) that say something: number and words."""
    text = (server.file(FSTAB) or b"").decode("utf-8", "replace")
    for number, line in enumerate(text.split("\n"), 1):
        words = line.strip(" \t").split()
        if words and not words[0].startswith("#"):
            yield number, words


def _below_etc(server: Server) -> dict[str, Item]:
    return {path.removeprefix("etc/"): item for path, item in server.items.items() if path.startswith("etc/")}


def _add(nodes: dict[str, Node], top: str, items: Mapping[str, Item]) -> None:
    for path in (*ancestors(top), top):
        nodes.setdefault(path, _node(Entry(path, "dir", 0, 0, 0, 0)))
    for path, item in items.items():
        nodes[f"{top}/{path}"] = _node(Entry(f"{top}/{path}", item.kind, 0, 0, 0, 0, item.link))


def _node(entry: Entry) -> Node:
    return Node(entry, "view")
