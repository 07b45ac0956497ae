"""What a package's +INSTALL would do, read from its data lines; the script itself is never run.

pkgsrc's mk/pkginstall puts lines such as ``# PERMS: bin/sudo 4511 root wheel`` at the script's end, and shell code into
it that reads them. owncode.py finds what else is in a script.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from glassmaster.errors import GlassmasterError
from glassmaster.tree.path import normalized

# Who reads which lines: the helper that +INSTALL unpacks, and the words of its lines in the order it appends them.
HELPERS = {
    "+DIRS": ("DIR",), "+FILES": ("FILE",), "+FONTS": ("FONTS",), "+ICON_THEMES": ("ICON_THEME",),
    "+INFO_FILES": ("INFO",), "+PERMS": ("PERMS",), "+SHELL": ("SHELL",), "+SHLIBS": (),
    "+USERGROUP": ("GROUP", "USER"),
}  # fmt: skip
# These make indexes and caches that programs do without; nothing is made of them here.
CACHES = {"FONTS": "the index of a font directory", "ICON_THEME": "an icon cache", "INFO": "info's directory page"}
WORDS = ("FILE", "DIR", "PERMS", "USER", "GROUP", "SHELL", *CACHES)
NULL_DEVICE = "/dev/null"

_DATA = re.compile(rf"# ({'|'.join(WORDS)}): (.*)")
_UNPACKED = re.compile(r"\t?(?:\$\{CAT\}|/bin/cat|cat) > \./(\+[A-Z_0-9]+) << \'([A-Z_a-z0-9]+)\'")
_WORD = re.compile(r"(?:\\.|[^\s\\])+")


@dataclass(frozen=True)
class ConfigFile:
    """A file to copy where none is. path and example are absolute; rc: it is an rc.d script."""

    path: str
    example: str
    rc: bool
    mode: str = ""
    user: str = ""
    group: str = ""


@dataclass(frozen=True)
class Directory:
    """A directory to make."""

    path: str
    mode: str = ""
    user: str = ""
    group: str = ""


@dataclass(frozen=True)
class Permissions:
    """A file's owner and mode: setuid bits come so."""

    path: str
    mode: str = ""
    user: str = ""
    group: str = ""


@dataclass(frozen=True)
class User:
    """A user that must exist; uid "" where the package leaves it open, the other texts likewise."""

    name: str
    group: str
    uid: str = ""
    gecos: str = ""
    home: str = ""
    shell: str = ""


@dataclass(frozen=True)
class Group:
    """A group that must exist; gid "" where the package leaves it open."""

    name: str
    gid: str = ""


@dataclass(frozen=True)
class Install:
    """All that a +INSTALL asks for, each kind sorted as the script sorts it. caches: what of it is left out."""

    files: Sequence[ConfigFile] = ()
    directories: Sequence[Directory] = ()
    permissions: Sequence[Permissions] = ()
    users: Sequence[User] = ()
    groups: Sequence[Group] = ()
    shells: Sequence[str] = ()
    caches: Sequence[str] = ()


def parse_install(data: bytes, package: str, prefix: str) -> Install:
    """Read the data lines of a script; without any (or without a script) there is nothing to do.

    Errors name `package` and the line. Relative paths are below `prefix`.
    """
    lines: dict[str, set[str]] = {word: set() for word in WORDS}
    where = f"{package}: +INSTALL"
    for line in script_text(data, package).split("\n"):
        match = _DATA.fullmatch(line)
        # The scripts' own comments give examples of such lines, set in by a tab.
        if match is not None and match[2].strip():
            lines[match[1]].add(match[2])
    in_order = {word: [(f"{where}: # {word}: {line}", line) for line in sorted(lines[word])] for word in WORDS}
    return Install(
        [file for at, line in in_order["FILE"] for file in _file(_words(line), at, prefix)],
        [directory for at, line in in_order["DIR"] for directory in _directory(_words(line), at, prefix)],
        [_permissions(_words(line), at, prefix) for at, line in in_order["PERMS"]],
        [_user(line, at) for at, line in in_order["USER"]],
        [_group(line, at) for at, line in in_order["GROUP"]],
        # An absolute path is passed over by the script: it belongs to no package.
        [_absolute(_unquoted(line.strip()), at, prefix) for at, line in in_order["SHELL"] if not line.startswith("/")],
        [f"{line}: {CACHES[word]}" for word in CACHES for _, line in in_order[word]],
    )


def unpacked_helpers(data: bytes, package: str) -> dict[str, bytes]:
    """The known helper scripts that +INSTALL leaves in the package's directory of the database, for +DEINSTALL."""
    lines = script_text(data, package).split("\n")
    return {name: body.encode("utf-8", "surrogateescape") for name, body in _bodies(lines)}


def _bodies(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each helper as the shell unpacks it: a here-document, then the data lines of its words."""
    number = 0
    while number < len(lines):
        match = _UNPACKED.fullmatch(lines[number])
        number += 1
        if match is None or match[1] not in HELPERS or match[2] not in lines[number:]:
            continue
        end = lines.index(match[2], number)
        words = HELPERS[match[1]]
        data = [line for word in words for line in lines if line.startswith(f"# {word}: ")]
        yield match[1], "".join(f"{line}\n" for line in [*lines[number:end], *data])
        number = end + 1


def script_text(data: bytes, package: str) -> str:
    """A +INSTALL as text; an error where it is none."""
    text = data.decode("utf-8", "surrogateescape")
    if "\0" in text:
        raise GlassmasterError(f"{package}: +INSTALL: not a text")
    return text


def _words(line: str) -> list[str]:
    """A line as the helpers' `read` splits it: a backslash takes from a blank, and from itself, what they mean."""
    return [_unquoted(word) for word in _WORD.findall(line)]


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _file(words: list[str], where: str, prefix: str) -> Iterator[ConfigFile]:
    if not 3 <= len(words) <= 6:
        raise _odd(where, "path, flags, example, and perhaps mode, user, group")
    path, flags, example, *rest = words
    if "c" in flags:
        source = NULL_DEVICE if example == NULL_DEVICE else _absolute(example, where, prefix)
        yield ConfigFile(_absolute(path, where, prefix), source, "r" in flags, *rest)


def _directory(words: list[str], where: str, prefix: str) -> Iterator[Directory]:
    if not 2 <= len(words) <= 5:
        raise _odd(where, "path, flags, and perhaps mode, user, group")
    path, flags, *rest = words
    if "m" in flags:
        yield Directory(_absolute(path, where, prefix), *rest)


def _permissions(words: list[str], where: str, prefix: str) -> Permissions:
    if not 2 <= len(words) <= 4:
        raise _odd(where, "path, mode, and perhaps user, group")
    return Permissions(_absolute(words[0], where, prefix), *words[1:])


def _user(line: str, where: str) -> User:
    parts = [part.strip() for part in _unquoted(line).split(":")]
    if not 2 <= len(parts) <= 6 or not parts[0] or not parts[1]:
        raise _odd(where, "user:group, and perhaps :uid:description:home:shell")
    return User(*parts)


def _group(line: str, where: str) -> Group:
    parts = [part.strip() for part in line.split(":")]
    if not 1 <= len(parts) <= 2 or not parts[0]:
        raise _odd(where, "group, and perhaps :gid")
    return Group(*parts)


def _absolute(path: str, where: str, prefix: str) -> str:
    return "/" + normalized(path.lstrip("/") if path.startswith("/") else f"{prefix}/{path}".lstrip("/"), where)


def _odd(where: str, expected: str) -> GlassmasterError:
    return GlassmasterError(where, why=f"expected {expected}")
