"""rc.conf as far as it can be read without running it.

It is a shell script. These forms are understood, each on lines of its own; docs/config-trees.md lists them:

    NAME=value   NAME='value'   NAME="value"     (and several of these joined; "..." may hold $NAME and ${NAME})
    if [ -r /etc/defaults/rc.conf ]; then . /etc/defaults/rc.conf fi      (its three lines)
    comments and empty lines
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_PLAIN = r"[A-Za-z0-9_./:,@%+=^-]"
_SINGLE = r"'[^']*'"
_DOUBLE = rf'"(?:[^"\\`$]|\$(?:{_NAME}|\{{{_NAME}\}}))*"'
_ASSIGNMENT = re.compile(rf"[ \t]*({_NAME})=((?:{_PLAIN}|{_SINGLE}|{_DOUBLE})*)[ \t]*(?:(?<=[ \t])#[^\n]*)?(?:\n|\Z)")
_NOTHING = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_DEFAULTS = re.compile(
    r"if[ \t]+\[[ \t]+-r[ \t]+(/etc/defaults/rc\.conf)[ \t]+\][ \t]*;[ \t]*then[ \t]*\n"
    r"[ \t]*\.[ \t]+\1[ \t]*\n[ \t]*fi[ \t]*(?:\n|\Z)"
)
_SPACED = re.compile(rf"[ \t]*({_NAME})(?:[ \t]+=|=[ \t]+[^\s#])")
_PIECE = re.compile(rf"{_PLAIN}+|{_SINGLE}|{_DOUBLE}")
_LINE = re.compile(r"[^\n]*(?:\n|\Z)")


@dataclass(frozen=True)
class Assignment:
    """A variable. value: None when it depends on other variables."""

    name: str
    value: str | None
    line: int


@dataclass(frozen=True)
class Problem:
    """A line that was not understood. is_mistake: it looks like an assignment, and no shell takes it for one."""

    line: int
    what: str
    is_mistake: bool = False


def parse_rc_conf(text: str) -> Iterator[Assignment | Problem]:
    """What each statement says, in order."""
    at, line = 0, 1
    while at < len(text):
        match, said = _statement(text, at, line)
        if said:
            yield said
        line += match[0].count("\n")
        at = match.end()


def _statement(text: str, at: int, line: int) -> tuple[re.Match[str], Assignment | Problem | None]:
    if match := _NOTHING.match(text, at) or _DEFAULTS.match(text, at):
        return match, None
    if match := _ASSIGNMENT.match(text, at):
        return match, Assignment(match[1], _value(match[2]), line)
    match = _LINE.match(text, at)
    assert match
    if spaced := _SPACED.match(text, at):
        return match, Problem(line, f"{spaced[1]}: blanks beside the = are not allowed", is_mistake=True)
    return match, Problem(line, "this cannot be judged without running it")


def _value(text: str) -> str | None:
    if any(piece.startswith('"') and "$" in piece for piece in _PIECE.findall(text)):
        return None
    return "".join(piece[1:-1] if piece[0] in "'\"" else piece for piece in _PIECE.findall(text))
