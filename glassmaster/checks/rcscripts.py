"""Do the release's rc scripts leave alone what our /etc/rc has mounted?

A script that unmounts at the start, or mounts over one of our places, would take the configuration away from under the
running system. Only what is known to do no harm is let through: a release with something new stops the build with file
and line.

This is no shell. It finds the commands of a script well enough for the short, plain scripts of rc.d (rc(8),
rc.subr(8)), and what it does not understand counts as harm.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from glassmaster.errors import GlassmasterError
from glassmaster.tree.merge import Tree

# Where /etc/rc has mounted something before the release's own rc begins (docs/boot-chain.md).
OURS = ("/", "/config", "/etc", "/memory", "/tmp", "/var")
# Overlay machine (its .yaml) keeps the release's rc under this name; without it there is nothing to look at.
RELEASE_RC = "etc/rc.netbsd"
RC_SUBR = "etc/rc.subr"
RC_SCRIPTS = "etc/rc.d/"

_MOUNTING = re.compile(r"(?<![\w.$-])(?:un?|z)?mount(?:_\w+)?(?![\w.-])")
_FUNCTION = re.compile(r"^\s*(?:function\s+)?([A-Za-z_]\w*)\s*\(\)")
_STOP = re.compile(r"^\s*(?:stop|poststop|prestop)_?cmd=[\"']?([A-Za-z_]\w*)[\"']?\s*(?:#.*)?$")
_ASSIGNED = re.compile(r"[A-Za-z_]\w*=(?:\"[^\"]*\"|'[^']*'|[^\s\"']*)\s*")
_SEPARATORS = re.compile(r"&&|\|\||[;|(){}`]|\$\(")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_WORDS_BEFORE = {"if", "then", "else", "elif", "while", "until", "do", "!", "time", "exec", "command", "nice", "nohup"}
# Their words are for people, or names of things.
_SAYING = {"echo", "printf", "print_rc_metadata", "warn", "err", "case", "for", "local"}
_REDIRECTION = re.compile(r"\s*\d*(?:>>?|<)\s*(?:&\s*\d|&-|\S+)")


@dataclass(frozen=True)
class Harm:
    """A command that may take away what is mounted. line: from 1."""

    path: str
    line: int
    command: str
    why: str


def require_harmless(tree: Tree) -> None:
    """Raise for the first command of a tree's rc scripts that may take our mounts away; nothing without our chain."""
    if RELEASE_RC not in tree:
        return
    for node in sorted((node for node in tree if _is_script(node.entry.path)), key=lambda node: node.entry.path):
        content = node.entry.content
        if content is None:
            continue
        with content.blob.open("rb") as stream:
            stream.seek(content.offset)
            text = stream.read(content.size).decode("utf-8", "replace")
        for harm in examine(node.entry.path, text):
            raise GlassmasterError(
                f"{node.origin}: {harm.path}:{harm.line}: {harm.command}",
                why=f"{harm.why}; /etc, /config and /var would be gone after it",
                hint="take the script out with `delete` in an overlay's .yaml and put one of yours in its place",
            )


def _is_script(path: str) -> bool:
    return path in (RELEASE_RC, RC_SUBR) or (path.startswith(RC_SCRIPTS) and "/" not in path[len(RC_SCRIPTS) :])


def examine(path: str, text: str) -> Iterator[Harm]:
    """Every command of a script that may, at the start, take a mount away."""
    stops = {match[1] for line in text.splitlines() if (match := _STOP.match(line))}
    for number, function, line in _lines(text):
        if function in stops or function.endswith("_stop"):
            continue
        for command in _commands(line):
            why = _harm(command, function)
            if why:
                yield Harm(path, number, command, why)


def _lines(text: str) -> Iterator[tuple[int, str, str]]:
    """Logical lines: number of the first, the function that they are in ("" outside), text without comments."""
    function, held, first = "", "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r"(?:^|(?<=\s))#.*", "", raw)
        first = first if held else number
        if line.endswith("\\"):
            held += line[:-1] + " "
            continue
        whole, held = held + line, ""
        match = _FUNCTION.match(whole)
        if match:
            function = match[1]
            whole = whole[match.end() :]
        yield first, function, whole
        # Functions of rc.d end with a brace or parenthesis that begins its line.
        if raw.startswith(("}", ")")):
            function = ""


def _commands(line: str) -> Iterator[str]:
    """The simple commands of a line, without words before them, assignments and redirections."""
    for piece in _SEPARATORS.split(_QUOTED.sub(_without_separators, line)):
        command = _REDIRECTION.sub("", piece).strip()
        while True:
            assigned = _ASSIGNED.match(command)
            word = command.split(maxsplit=1)[0] if command else ""
            if assigned:
                command = command[assigned.end() :]
            elif word in _WORDS_BEFORE:
                command = command[len(word) :].lstrip()
            else:
                break
        command = command.strip("\"' \t")
        if command:
            yield command


def _without_separators(quoted: re.Match[str]) -> str:
    """A quoted string in which nothing looks like the end of a command; one with a command in it stays as it is."""
    text = quoted[0]
    if text.startswith('"') and ("$(" in text or "`" in text):
        return text
    return re.sub(r"[;&|(){}`]", "_", text)


def _harm(command: str, function: str) -> str:
    """Why a command may do harm; "" when it cannot."""
    words = [word.strip("\"'") for word in command.split()]
    program, arguments = words[0].rsplit("/", 1)[-1], words[1:]
    if program in _SAYING or not _MOUNTING.search(command):
        return ""
    known: Mapping[str, str | None] = {"umount": _umount(arguments), "mount": _mount(arguments, function)}
    if program in known:
        return known[program] or ""
    if program.startswith("mount_critical_filesystems"):
        return ""
    if program.startswith("mount_"):
        return _over(arguments[-1] if arguments else "")
    if program == "zfs" and arguments[:1] in (["mount"], ["volinit"], ["list"]):
        return ""
    return f"{program}: not known to do no harm"


def _umount(arguments: list[str]) -> str:
    if any(word.startswith("-") and set(word[1:]) & set("aAt") for word in arguments):
        return "it unmounts everything at the start"
    return _over(arguments[-1] if arguments else "")


def _mount(arguments: list[str], function: str) -> str:
    """`mount` lists, and `mount -a` goes by fstab, which is the machine's own; what the release names is looked at."""
    if not arguments or "-a" in arguments:
        return ""
    if function.startswith("mount_critical_filesystems") and arguments[-1].startswith("$"):
        return ""  # rc.subr goes by fstab too, and leaves alone what is mounted already
    return _over(arguments[-1])


def _over(target: str) -> str:
    if not target.startswith("/"):
        return f"nothing says that {target or 'its target'} is not one of ours"
    place = target.rstrip("/") or "/"
    return f"{place} is mounted by our /etc/rc" if place in OURS else ""
