"""Permission bits as chmod(1) and @mode take them: octal, or symbolic (setmode(3))."""

from __future__ import annotations

import re

from glassmaster.errors import GlassmasterError
from glassmaster.tree.entry import PERMISSIONS

_OCTAL = re.compile(r"[0-7]{1,5}")
_CLAUSE = re.compile(r"([ugoa]*)((?:[-+=][rwxXst]*)+)")
_STEP = re.compile(r"([-+=])([rwxXst]*)")
_SHIFT = {"u": 6, "g": 3, "o": 0}
_BITS = {"r": 4, "w": 2, "x": 1}
SETUID, SETGID, STICKY = 0o4000, 0o2000, 0o1000
UMASK = 0o022


def changed_mode(text: str, mode: int, where: str, *, directory: bool = False) -> int:
    """The bits that `chmod TEXT` makes of `mode`, with root's umask. Anything else than a mode is an error."""
    if _OCTAL.fullmatch(text) and int(text, 8) <= PERMISSIONS:
        return int(text, 8)
    for clause in text.split(","):
        match = _CLAUSE.fullmatch(clause)
        if match is None:
            raise GlassmasterError(f"{where}: {text!r} is no mode", why="expected octal digits or a form like u+s,go-w")
        for step in _STEP.finditer(match[2]):
            mode = _stepped(match[1], step[1], step[2], mode, directory)
    return mode


def _stepped(who: str, operator: str, letters: str, mode: int, directory: bool) -> int:
    """One operator and its letters; without `who` the umask's bits are left as they are (chmod(1))."""
    users = set("ugo") if not who or "a" in who else set(who)
    mask = PERMISSIONS & ~UMASK if not who else PERMISSIONS
    bits = touched = 0
    for user in users:
        touched |= 7 << _SHIFT[user]
        for letter in letters:
            execute = letter == "X" and (directory or mode & 0o111)
            bits |= (1 if execute else _BITS.get(letter, 0)) << _SHIFT[user]
    if "s" in letters:
        bits |= (SETUID if "u" in users else 0) | (SETGID if "g" in users else 0)
    bits |= STICKY if "t" in letters else 0
    touched |= (SETUID if "u" in users else 0) | (SETGID if "g" in users else 0)
    bits &= mask
    if operator == "+":
        return mode | bits
    return mode & ~bits if operator == "-" else mode & ~touched | bits
