"""Modes and owners, which Subversion does not keep: a rule, and what a directory's .mtree says besides.

The servers' own reader, which this follows, is overlays/machine/libexec/glassmaster/modes.sh.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from glassmaster.config.findings import Finding, error
from glassmaster.config.tree import Item, Server

FILE = ".mtree"
PRIVATE_DIRECTORIES = (".svn", ".glassmaster", "accounts")
PRIVATE_FILES = re.compile(r"accounts/[^/.][^/]*|etc/ssh/ssh_host_([^/]*_)?key|etc/skeykeys")

_PATH = re.compile(r"[A-Za-z0-9._/@+,~-]+")
_VALUE = re.compile(r"[A-Za-z0-9._-]+")
_MODE = re.compile(r"[0-7]{3,4}")


@dataclass(frozen=True)
class Attributes:
    """What a path gets. owner, group: names or numbers, as written; line: of the .mtree, 0 when it has none."""

    mode: int
    owner: str = "0"
    group: str = "0"
    line: int = 0
    mode_is_stated: bool = False


def attributes(server: Server) -> tuple[dict[str, Attributes], list[Finding]]:
    """Mode and owner of every path, and the mistakes of the .mtree."""
    found = {path: by_rule(item) for path, item in server.items.items()}
    mistakes = []
    data = server.file(FILE) or b""
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
        path, *words = line.strip(" \t").split() or [""]
        if not path or path.startswith("#"):
            continue
        inside, problem = _inside(path, server.items)
        problem = problem or next((f"{word} is not understood" for word in words if not _is_word(word)), "")
        if problem:
            mistakes.append(error(server.where(FILE, number), f"{path}: {problem}"))
        else:
            found[inside] = _changed(found[inside], words, number)
    return found, mistakes


def by_rule(item: Item) -> Attributes:
    """What a path gets when no .mtree names it."""
    if item.kind == "dir":
        return Attributes(0o700 if item.path in PRIVATE_DIRECTORIES else 0o755)
    if item.kind == "file" and PRIVATE_FILES.fullmatch(item.path):
        return Attributes(0o600)
    return Attributes(0o755 if item.executable or item.kind == "link" else 0o644)


def _inside(path: str, items: Mapping[str, Item]) -> tuple[str, str]:
    """The path as the tree has it, and what is wrong with it, or ""."""
    if not _PATH.fullmatch(path) or "/../" in f"{path}/":
        return "", "not a plain path"
    if not path.startswith("./"):
        return "", "must begin with ./"
    inside = "/".join(part for part in path.split("/") if part not in ("", "."))
    if inside not in items or items[inside].kind == "link":
        return "", "there is no such file or directory"
    return inside, ""


def _is_word(word: str) -> bool:
    key, _, value = word.partition("=")
    form = _MODE if key == "mode" else _VALUE
    return key in ("uname", "uid", "gname", "gid", "type", "mode") and form.fullmatch(value) is not None


def _changed(before: Attributes, words: list[str], line: int) -> Attributes:
    """The attributes after a line of the .mtree; of several words for one thing the last counts."""
    now = replace(before, line=line)
    for word in words:
        key, _, value = word.partition("=")
        if key in ("uname", "uid"):
            now = replace(now, owner=value)
        elif key in ("gname", "gid"):
            now = replace(now, group=value)
        elif key == "mode":
            now = replace(now, mode=int(value, 8), mode_is_stated=True)
    return now


# Files that hold secrets by their name; others by a private key in PEM form in them.
SECRET_NAMES = (
    "master.passwd", "spwd.db", "ssh_host_*_key", "ssh_host_key", "skeykeys", "id_rsa", "id_dsa", "id_ecdsa",
    "id_ed25519", "*.key", "*.psk",
    "psk.txt", "*.keytab", "ipsec.conf", "wpa_supplicant.conf", "hostapd.conf", "chap-secrets", "pap-secrets",
    ".htpasswd", ".netrc",
)  # fmt: skip
_PRIVATE_KEY = re.compile(rb"^-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----", re.MULTILINE)
OTHERS = 0o007


def secrets(server: Server) -> Iterator[str]:
    """The paths of files that hold secrets."""
    for path, item in server.items.items():
        if item.kind == "file":
            name = path.rpartition("/")[2]
            by_name = any(fnmatchcase(name, pattern) for pattern in SECRET_NAMES)
            if by_name or _PRIVATE_KEY.search(server.file(path) or b""):
                yield path


def check_modes(server: Server) -> Iterator[Finding]:
    """Mistakes of the .mtree, and secrets that it leaves readable."""
    found, mistakes = attributes(server)
    yield from mistakes
    for path in secrets(server):
        has = found[path]
        line = f"./{path}  mode=0600 uname=root gname=wheel"
        if not has.mode_is_stated and not PRIVATE_FILES.fullmatch(path):
            yield error(
                server.where(path), f"a secret without a mode in {FILE}", f"add to {server.where(FILE)}: {line}"
            )
        elif has.mode & OTHERS:
            place = server.where(FILE, has.line) if has.line else server.where(path)
            yield error(place, f"{path} is a secret, and mode {has.mode:04o} lets everybody at it", "make it 0600")
