"""What a server would refuse in its etc/ and accounts/, as overlays/machine/libexec/glassmaster/check.sh does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from glassmaster.config.findings import Finding, error, warning
from glassmaster.config.rcconf import Assignment, parse_rc_conf
from glassmaster.config.tree import Server
from glassmaster.config.view import FSTAB, RC_CONF, fstab
from glassmaster.errors import GlassmasterError
from glassmaster.run import Command, run

SCRIPTS = (RC_CONF, "etc/rc.local", "etc/rc.conf.d/*", "etc/rc.d/*")
WHOLE_FILES = ("master.passwd", "passwd", "pwd.db", "spwd.db", "group")
FIELDS = {"accounts/master.passwd": 10, "accounts/group": 4}

# As overlays/machine/libexec/glassmaster/check.sh has them.
_COMMENT = re.compile(r"[ \t]#.*")
_READS_A_FILE = re.compile(r"(?:^|[ \t;&|])\.[ \t]+[^ \t]")
_RC_CONFIGURED = re.compile(r"(?:.*[ \t;&|])?rc_configured=([^ \t;&|]*)")
_SH_SAYS = re.compile(r"(?:sh|-): (?:line )?(\d+): (.*)")


def check_etc(server: Server) -> Iterator[Finding]:
    """rc.conf and other scripts, fstab, accounts."""
    yield from _scripts(server)
    yield from _rc_conf(server)
    yield from _fstab(server)
    yield from _accounts(server)


def sh_mistake(text: bytes) -> tuple[int | None, str] | None:
    """What sh does not take in a script: line and reason; None when it is sh. Nothing of it is run."""
    try:
        run(Command(("sh", "-n")), stdin=text)
    except GlassmasterError as problem:
        said = _SH_SAYS.search(problem.why)
        return (int(said[1]), said[2]) if said else (None, problem.why or problem.what)
    return None


def _scripts(server: Server) -> Iterator[Finding]:
    for path, item in server.items.items():
        is_script = any(fnmatchcase(path, pattern) and path.count("/") == pattern.count("/") for pattern in SCRIPTS)
        if item.kind == "file" and is_script and (mistake := sh_mistake(server.file(path) or b"")):
            yield error(server.where(path, mistake[0]), f"not sh: {mistake[1]}")


def _rc_conf(server: Server) -> Iterator[Finding]:
    if RC_CONF not in server.items:
        yield warning(server.place, "has no etc/rc.conf: the disc's own, with its host name, would be used")
        return
    text = (server.file(RC_CONF) or b"").decode("utf-8", "replace")
    if server.items[RC_CONF].kind == "file" and (mistake := not_configured(text)):
        reads = "begin it with the three lines of the example of config-new that read /etc/defaults/rc.conf"
        yield error(server.where(RC_CONF, mistake[0]), mistake[1], reads)
    seen: dict[str, int] = {}
    for said in parse_rc_conf(text):
        where = server.where(RC_CONF, said.line)
        if not isinstance(said, Assignment):
            level = error if said.is_mistake else warning
            yield level(where, said.what)
        elif said.name in seen:
            yield warning(where, f"{said.name}: given again, the first is in line {seen[said.name]}")
        else:
            seen[said.name] = said.line


def not_configured(text: str) -> tuple[int | None, str] | None:
    """Why the release's rc would end ("Multiuser boot aborted") with this rc.conf, and in which line; or None.

    Nothing is run: a variable and another file that is read are taken for right.
    """
    said: tuple[int | None, str] | None = (
        None, "neither reads /etc/defaults/rc.conf nor sets rc_configured=YES: the start would end there"
    )  # fmt: skip
    for number, line in enumerate(text.split("\n"), 1):
        words = _COMMENT.sub("", line.lstrip(" \t"))
        if words.startswith("#"):
            continue
        if _READS_A_FILE.search(words):
            said = None
        if found := _RC_CONFIGURED.match(words):
            value = re.sub("[\"']", "", found[1])
            is_yes = value.lower() in ("yes", "true", "on", "1") or "$" in value or "`" in value
            said = None if is_yes else (number, "rc_configured is not YES: the start would end there")
    return said


def _fstab(server: Server) -> Iterator[Finding]:
    for number, words in fstab(server):
        where = server.where(FSTAB, number)
        if len(words) < 4:
            yield error(where, "fewer than four words")
        elif words[1] == "/":
            yield error(where, "where / is, is found out at each start", "remove this line")


def _accounts(server: Server) -> Iterator[Finding]:
    for name in WHOLE_FILES:
        if f"etc/{name}" in server.items:
            yield error(server.where(f"etc/{name}"), "hides every account of the disc", "entries belong in accounts/")
    for path, fields in FIELDS.items():
        yield from _entries(server, path, fields)


def _entries(server: Server, path: str, fields: int) -> Iterator[Finding]:
    names: set[str] = set()
    lines = (server.file(path) or b"").decode("utf-8", "replace").split("\n")
    for number, line in enumerate(lines[:-1] if lines[-1] == "" else lines, 1):
        parts = line.split(":")
        if line.startswith("#"):
            continue
        if len(parts) != fields or not parts[0] or not re.fullmatch("[0-9]+", parts[2]):
            yield error(server.where(path, number), f"not an entry of {fields} fields")
        elif parts[0] in names:
            yield error(server.where(path, number), f"{parts[0]}: given twice")
        names.add(parts[0])
