"""Files of a host's etc/ that hide the CD's.

A host's .hides records, for each file of its etc/, what it was made from; a line is

    SHA256-OF-THE-CD'S SHA256-OF-OURS PATH        (PATH as in etc/ntp.conf; - when the CD has no such file)

the form of the record that the server keeps for itself (docs/boot-chain.md). A file that is still the same, over
another file of the CD, is for a person to look at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from glassmaster.config.findings import Finding, error, warning
from glassmaster.config.tree import Item, Server
from glassmaster.config.view import Release

RECORD = ".hides"
NONE = "-"
_LINE = re.compile(r"([0-9a-f]{64}|-) ([0-9a-f]{64}) (etc/.+)")


def check_hidden(server: Server, release: Release) -> Iterator[Finding]:
    """Against the release: files where it has directories, and files whose origin has changed."""
    yield from _other_kinds(server, release)
    known: dict[str, tuple[str, str]] = {}
    for number, line in enumerate((server.file(RECORD) or b"").decode("utf-8", "replace").splitlines(), 1):
        match = _LINE.fullmatch(line)
        if not match:
            yield error(
                server.where(RECORD, number), "not of the form SHA256 SHA256 PATH", "config-check --seen makes it"
            )
        else:
            known[match[3]] = (match[1], match[2])
    for item in _files(server):
        now, ours = _of_release(item.path, release), server.content(item).sha256
        then, then_ours = known.get(item.path, (NONE, ""))
        if then_ours == ours and now not in (NONE, then):
            what = f"hides a file of the CD that is not the one it was made from (/{item.path} of {release.name})"
            yield warning(server.where(item.path), what, "compare them, then config-check --seen")


def record(server: Server, release: Release) -> str:
    """The text of .hides when everything has been looked at."""
    lines = [f"{_of_release(item.path, release)} {server.content(item).sha256} {item.path}" for item in _files(server)]
    return "".join(f"{line}\n" for line in sorted(lines, key=lambda line: line.split(" ", 2)[2]))


def _other_kinds(server: Server, release: Release) -> Iterator[Finding]:
    for path, item in server.items.items():
        below = release.entries.get(path)
        if path.startswith("etc/") and below and (item.kind == "dir") != (below.kind == "dir"):
            words = {"dir": "directory", "file": "file", "link": "link"}
            yield error(server.where(path), f"this {words[item.kind]} hides a {words[below.kind]} of the CD")


def _files(server: Server) -> Iterator[Item]:
    return (item for path, item in server.items.items() if path.startswith("etc/") and item.kind == "file")


def _of_release(path: str, release: Release) -> str:
    listed = release.entries.get(path)
    return listed.sha256 if listed and listed.kind == "file" and listed.sha256 else NONE
