"""inetd.conf(5): the services that inetd listens for, in both of its notations.

Sources: NetBSD inetd(8), usr.sbin/inetd/parse.c and parse_v2.c.

    ftp stream tcp nowait root /usr/libexec/ftpd ftpd -ll      positional; lines that begin with a blank go on
    ftp on protocol = tcp, wait = no, user = root, exec = /usr/libexec/ftpd;      key-values, up to the semicolon
    127.0.0.1:                                                 the address that the services below it listen on
    .include inetd.d/*                                         more files
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

# Of a positional service: name, socket, protocol, wait, user, program.
_FIELDS = 6
_INCLUDE, _ANYWHERE = ".include", "*"
# A word up to a blank, with its quoted parts.
_WORD = re.compile(r"""[ \t]*((?:"[^"\n]*"|'[^'\n]*'|[^ \t\n"'])+)""")
_SWITCH = re.compile(r"[ \t]+(on|off)(?=[ \t\n#]|$)")
# A part of a definition in key-values: what is quoted, a comment, its end, or anything else.
_PART = re.compile(
    r"""(?P<quoted>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(?P<comment>\#[^\n]*)|(?P<end>;)|(?P<blank>\s+)|(?P<sign>[=,])"""
    r"""|(?P<plain>[^\s"'#;=,]+)"""
)


@dataclass(frozen=True)
class InetdConf:
    """services: one line each, with single spaces. includes: as they are written. unread: lines that are neither."""

    services: tuple[str, ...]
    includes: tuple[str, ...]
    unread: tuple[str, ...]


def read_inetd(text: str) -> InetdConf:
    """Read an inetd.conf; what makes no sense there is kept, since inetd may make some of it."""
    found: dict[str, list[str]] = {"service": [], "include": [], "unread": []}
    for kind, line in _definitions(text):
        found[kind].append(line)
    return InetdConf(tuple(found["service"]), tuple(found["include"]), tuple(found["unread"]))


def included(pattern: str, by: str) -> str:
    """The glob of paths of a tree that an include of the file `by` means."""
    return posixpath.normpath(posixpath.join("/", posixpath.dirname(by), pattern)).lstrip("/")


def _definitions(text: str) -> Iterator[tuple[str, str]]:
    at, host = 0, _ANYWHERE
    while at < len(text):
        end = _end_of_line(text, at)
        first = _WORD.match(text, at, end)
        if text[at] == "#" or not text[at:end].strip():
            at = end + 1
            continue
        if first is None:
            yield "unread", text[at:end].strip()
            at = end + 1
            continue
        name = first[1]
        if switch := _SWITCH.match(text, first.end()):
            body, at = _body(text, switch.end())
            if body is None:
                yield "unread", " ".join(text[first.start() : end].split())
            elif switch[1] == "on":
                yield "service", f"{_at_host(name, host)} on {body}".rstrip()
            continue
        # A definition of words: lines that begin with a blank belong to it.
        while text[end + 1 : end + 2] in (" ", "\t"):
            end = _end_of_line(text, end + 1)
        words, at = text[at:end].split(), end + 1
        if words[0] == _INCLUDE and len(words) > 1:
            yield "include", words[1].strip("\"'")
        elif len(words) == 1 and name.endswith(":"):
            host = name[:-1] or _ANYWHERE
        elif len(words) >= _FIELDS and not words[0].startswith("#"):
            if name.endswith(":"):
                words[:2] = [words[0] + words[1]]
            yield "service", " ".join([_at_host(words[0], host), *words[1:]])
        elif not words[0].startswith("#"):
            yield "unread", " ".join(words)


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _at_host(name: str, host: str) -> str:
    """A service with the address that it listens on, where that is not any."""
    return name if ":" in name or host == _ANYWHERE else f"{host}:{name}"


def _body(text: str, at: int) -> tuple[str | None, int]:
    """What stands up to the semicolon, without comments, and where it ends; None where it never does."""
    said: list[str] = []
    while match := _PART.match(text, at):
        at = match.end()
        if match["end"]:
            return "".join(said).strip(), at
        if match["sign"]:
            if said and said[-1] == " ":
                said.pop()
            said += [match[0] if match["sign"] == "," else " =", " "]
        elif match["blank"] or match["comment"]:
            said += [" "] if said and said[-1] != " " else []
        else:
            said.append(match[0])
    return None, len(text)
