"""The rc.d scripts of packages: which variable of rc.conf(5) turns each on, read from the script as text.

pkgsrc's scripts ask for the variable that `rcvar` names (rc.subr(8)); most say ``rcvar=$name``. A script without one is
run at every start, whatever rc.conf says.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from glassmaster.errors import GlassmasterError

ON, OFF = "YES", "NO"
_ASSIGNMENT = re.compile(r"[ \t]*(name|rcvar)=(.*)")
# One word, perhaps in quotes, perhaps with a comment after it.
_WORD = re.compile(r"""(?:"([^"`\\]*)"|'([^'$`]*)'|([^\s"'`\\;&|()<>]*))[ \t]*;?[ \t]*(?:#.*)?""")
_NAME = re.compile(r"\$(?:name\b|\{name\})")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Service:
    """An rc.d script. variable: what turns it on in rc.conf, or "" with the reason, for people, why there is none."""

    name: str
    variable: str
    why: str = ""


def read_service(name: str, text: str) -> Service:
    """The service of the script `name` (of its file) with this text."""
    said: dict[str, list[str]] = {"name": [], "rcvar": []}
    for line in text.split("\n"):
        match = _ASSIGNMENT.fullmatch(line)
        if match is not None:
            said[match[1]].append(match[2].strip())
    if not said["rcvar"]:
        return Service(name, "", "it sets no rcvar, so that it is run at every start")
    names = {_word(value, "") for value in said["name"]}
    own = names.pop() if len(names) == 1 else None
    variables = {_word(value, own) for value in said["rcvar"]}
    variable = variables.pop() if len(variables) == 1 else None
    if variable is None or not _VARIABLE.fullmatch(variable):
        return Service(name, "", f"its variable cannot be told from rcvar={said['rcvar'][-1]}")
    return Service(name, variable)


def _word(text: str, name: str | None) -> str | None:
    """The value of an assignment with $name in it replaced; None where only a shell could tell."""
    match = _WORD.fullmatch(text)
    if match is None:
        return None
    quoted, literal, bare = match.groups()
    if literal is not None:
        return str(literal)
    word = quoted if quoted is not None else bare
    if name:
        word = _NAME.sub(lambda _: name, word)
    return None if "$" in word else str(word)


def settings(services: Sequence[Service], wanted: Iterable[str], field: str) -> Mapping[str, str]:
    """The lines that rc.conf needs, by variable: those of the services in `wanted` are on, all others off.

    field: the recipe's value with the wanted ones, for errors. A name that no script has is one.
    """
    by_name = {service.name: service for service in services}
    values = {service.variable: OFF for service in services if service.variable}
    for name in wanted:
        if name not in by_name:
            raise _unknown(name, list(by_name), field)
        service = by_name[name]
        if not service.variable:
            raise GlassmasterError(
                f"{field}: {name} cannot be turned on in rc.conf", why=f"/etc/rc.d/{name}: {service.why}",
                hint=f"take it out of {field}; an overlay can set what the script asks for",
            )  # fmt: skip
        values[service.variable] = ON
    return dict(sorted(values.items()))


def _unknown(name: str, known: Sequence[str], field: str) -> GlassmasterError:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(sorted(known)) or 'none'}"
    return GlassmasterError(f"{field}: no package has an rc.d script {name!r}", hint=hint)
