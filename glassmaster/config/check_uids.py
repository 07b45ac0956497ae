"""global/uids.mk, by which the repository machine builds packages, against the numbers that images are made with.

A role has one number everywhere: pkgsets/uids.yaml says which, and pkgsrc takes it from PKG_UID.NAME and PKG_GID.NAME.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from glassmaster.config.findings import Finding, error, warning
from glassmaster.config.tree import Server
from glassmaster.inputs.pkgsrc.uids import Uids

FILE = "uids.mk"
_LINE = re.compile(r"(PKG_[UG]ID)\.([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*\??=[ \t]*([0-9]+)[ \t]*(?:#.*)?")
_KINDS = {"PKG_UID": "users", "PKG_GID": "groups"}


def check_uids(shared: Server, uids: Uids) -> Iterator[Finding]:
    """Each line of the file: a number that is recorded otherwise, that is somebody else's, or not recorded."""
    mine: dict[tuple[str, int], str] = {}
    for number, line in enumerate((shared.file(FILE) or b"").decode("utf-8", "replace").splitlines(), 1):
        where = shared.where(FILE, number)
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if not match:
            yield warning(where, "not of the form PKG_UID.NAME=NUMBER or PKG_GID.NAME=NUMBER: not compared")
            continue
        variable, name, value = match[1], match[2], int(match[3])
        kind = _KINDS[variable]
        recorded = uids.of(kind)
        wanted, owners = recorded.get(name), {other: owner for owner, other in recorded.items()}
        before = mine.setdefault((kind, value), name)
        if wanted is not None and wanted != value:
            what = f"{variable}.{name}: {value}, and {uids.file} has {wanted}"
            yield error(where, f"{what}: packages and images would differ", f"{variable}.{name}={wanted}")
        elif owners.get(value, name) != name:
            yield error(where, f"{variable}.{name}: {value} is {owners[value]}'s in {uids.file}")
        elif before != name:
            yield error(where, f"{variable}.{name}: {value} is {before}'s already")
        elif wanted is None:
            yield warning(
                where, f"{variable}.{name}: not in {uids.file}, where images take their numbers from",
                f"add to {kind} in {uids.file}: {name}: {value}",
            )  # fmt: skip
