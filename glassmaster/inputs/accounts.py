"""Users and groups of a release, by the names in its own master.passwd(5) and group(5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from glassmaster.errors import GlassmasterError

# Comments, and what getpwent(3) and getgrent(3) take from elsewhere in `compat` mode (nsswitch.conf(5)).
NOT_ACCOUNTS = ("#", "+", "-")
# uid_t and gid_t (sys/types.h), as an ISO's Rock Ridge fields.
NUMBER_LIMIT = 0xFFFFFFFF
_NUMBER = re.compile(r"[0-9]{1,10}")


@dataclass(frozen=True)
class Accounts:
    """Numbers of users and groups by name. NetBSD's and Debian's differ: the host's are never asked."""

    users: Mapping[str, int]
    groups: Mapping[str, int]

    def uid(self, name: str, where: str) -> int:
        """The number of a user; an unknown one is an error that names `where`."""
        return _look_up(self.users, name, "user", "master.passwd", where)

    def gid(self, name: str, where: str) -> int:
        """The number of a group; an unknown one is an error that names `where`."""
        return _look_up(self.groups, name, "group", "group", where)


def parse_accounts(master_passwd: str, group: str) -> Accounts:
    """Read both files' texts. The first line of a name counts, as in getpwnam(3)."""
    return Accounts(_numbers(master_passwd, "etc/master.passwd", 10), _numbers(group, "etc/group", 4))


def _numbers(text: str, name: str, fields: int) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for line_number, line in enumerate(text.split("\n"), 1):
        if not line or line.startswith(NOT_ACCOUNTS):
            continue
        parts = line.split(":")
        if len(parts) != fields or not _NUMBER.fullmatch(parts[2]) or int(parts[2]) > NUMBER_LIMIT:
            raise GlassmasterError(
                f"{name}:{line_number}: not a line of this file",
                why=f"expected {fields} fields, the third a number of 32 bits: {line}",
            )
        numbers.setdefault(parts[0], int(parts[2]))
    return numbers


def _look_up(numbers: Mapping[str, int], name: str, word: str, file: str, where: str) -> int:
    if name not in numbers:
        raise GlassmasterError(f"{where}: unknown {word} {name!r}", why=f"the release's etc/{file} does not have it")
    return numbers[name]
