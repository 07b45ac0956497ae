"""Symbolic links that would lead to nothing on the running server."""

from __future__ import annotations

from collections.abc import Iterator

from glassmaster.config.findings import Finding, error
from glassmaster.config.tree import Server
from glassmaster.config.view import View


def check_links(server: Server, view: View, top: str) -> Iterator[Finding]:
    """`top`: where the directory is on the running server, /config/local or /config/global."""
    for path, item in server.items.items():
        if item.kind == "link":
            # A link below etc is used by way of the union, where a relative one starts from /etc.
            place = f"/{path}" if top == "/config/local" and path.startswith("etc/") else f"{top}/{path}"
            if lost := view.lost_at(place):
                yield error(server.where(path), f"the link to {item.link} leads to nothing: there is no {lost}")
