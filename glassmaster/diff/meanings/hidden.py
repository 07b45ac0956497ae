"""Which of your servers' own files hide something that the new release changed (docs/config-trees.md)."""

from __future__ import annotations

from collections.abc import Iterator

from glassmaster.config.check_guests import read_guests
from glassmaster.config.tree import ConfigTree, Server
from glassmaster.diff.model import IN_WORDS, Change, Item, Section
from glassmaster.diff.pair import Pair

_BELOW = "etc/"


def hidden(pair: Pair, config: ConfigTree, image: str = "") -> Section:
    """The section. image: the domU image whose tree this is, "" for the CD's.

    Hosts hide files of the CD; a virtual machine those of the image that its domu.conf names.
    """
    servers = list(config.hosts.values())
    if image:
        names = {guest.name for guest in read_guests(config)[0] if guest.domu.root == f"/{image}"}
        servers = [server for server in config.guests.values() if server.name in names]
    return Section("hidden", tuple(item for server in servers for item in _of(server, pair)))


def _of(server: Server, pair: Pair) -> Iterator[Item]:
    """A file or link below a server's etc lies over the release's; a directory lies beside it."""
    for change in pair.changes:
        paths = (path for path in (change.moved_from, change.path) if path.startswith(_BELOW))
        for path in paths:
            item = server.items.get(path)
            if item is not None and item.kind != "dir" and not change.only_time:
                yield Item(
                    server.where(path), IN_WORDS[change.change], rule="hidden", paths=(path,), detail=_says(change)
                )


def _says(change: Change) -> str:
    if change.change == "metadata":
        return f"the release's file has another {', '.join(change.fields)}"
    return {
        "added": "the release has such a file now",
        "removed": "the release has no such file any more",
        "moved": f"the release's file moved from /{change.moved_from} to /{change.path}",
    }.get(change.change, "the release's file has other contents")
