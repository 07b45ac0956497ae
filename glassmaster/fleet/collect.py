"""The lines of all machines, from where they left them, or from the machines themselves. One that fails keeps no other
from being seen.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from glassmaster.errors import GlassmasterError
from glassmaster.fleet.line import LIMIT, Line, read_line
from glassmaster.inputs.source import SourceError, opened
from glassmaster.release.signing import AGENT
from glassmaster.run import Command, run

AT_ONCE = 8
HOST = "{host}"
TIMEOUT = (10.0, 20.0)
REPORT = "/usr/sbin/glassmaster-release -l"
_SSH = re.compile(r"ssh://((?P<user>[A-Za-z0-9._-]+)@)?\{host\}(:(?P<port>[0-9]{1,5}))?/?")
# As glassmaster-report names its file; a name that begins with a dot is one that is being written.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,254}")


@dataclass(frozen=True)
class Collected:
    """What one machine left: its line, or what is wrong with it. name: of the file, or of whom was asked."""

    name: str
    line: Line | None
    trouble: str = ""


def collect(sources: Iterable[str], names: Sequence[str]) -> list[Collected]:
    """All lines. sources: a directory of them, or a URL (http:, https:, ssh:) with {host}, for which names are put.

    Whoever has no line at a URL (404) has not reported: there is no entry for them. Sorted by name.
    """
    found: list[Collected] = []
    for source in sources:
        if urlsplit(source).scheme in ("http", "https", "ssh"):
            ask = _asking(source)
            with ThreadPoolExecutor(AT_ONCE) as pool:
                found += [item for item in pool.map(ask, names) if item]
        else:
            found += _left_in(source)
    return sorted(found, key=lambda item: item.name)


def ssh_command(host: str, user: str = "", port: str = "") -> Command:
    """Ask a machine by ssh, which asks nobody for anything, and gives up when nothing comes."""
    patience = ("ConnectTimeout=10", "ServerAliveInterval=5", "ServerAliveCountMax=2")
    options = [word for option in ("BatchMode=yes", *patience) for word in ("-o", option)]
    where = [*(["-p", port] if port else []), f"{user}@{host}" if user else host]
    return Command(("ssh", *options, *where, REPORT), inherited=(AGENT,))


def _asking(source: str) -> Callable[[str], Collected | None]:
    if not source.startswith("ssh:"):
        url = source if HOST in source else f"{source.rstrip('/')}/{HOST}"
        return lambda name: _by_http(name, url.replace(HOST, quote(name)))
    match = _SSH.fullmatch(source)
    if match is None:
        raise GlassmasterError(f"{source}: not understood", hint="ssh://{host}, or ssh://USER@{host}:PORT")
    user, port = match["user"] or "", match["port"] or ""
    return lambda name: _read(name, f"ssh {name}", lambda: run(ssh_command(name, user, port)))


def _by_http(name: str, url: str) -> Collected | None:
    missing = False

    def get() -> bytes:
        nonlocal missing
        data = b""
        try:
            with opened(url, timeout=TIMEOUT) as body:
                for piece in body.pieces:
                    data += piece
                    if len(data) > LIMIT:
                        break
        except SourceError as error:
            missing = error.why.startswith("404")
            raise
        return data

    item = _read(name, url, get)
    return None if missing else item


def _left_in(source: str) -> list[Collected]:
    folder = Path(unquote(urlsplit(source).path)) if source.startswith("file:") else Path(source)
    try:
        paths = sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
    except OSError as error:
        raise GlassmasterError(f"{folder}: cannot be read", why=str(error.strerror)) from error
    return [_read(path.name, str(path), lambda path=path: _content(path)) for path in paths]  # type: ignore[misc]


def _content(path: Path) -> bytes:
    """No more of a file than a line can have; a link or a pipe is not waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            return stream.read(LIMIT + 1) or b""
    except OSError as error:
        raise GlassmasterError(f"{path}: cannot be read", why=str(error.strerror)) from error


def _read(name: str, where: str, get: Callable[[], bytes]) -> Collected:
    try:
        line = read_line(get().decode("ascii", "backslashreplace"), where)
    except GlassmasterError as error:
        return Collected(name, None, " ".join(filter(None, [f"{error.what}:", *error.why.splitlines()[-1:]])))
    return Collected(name, line)
