"""Users and groups that packages ask for, added to the image's own master.passwd(5) and group(5).

Their numbers come from `pkgsets/uids.yaml` and from nowhere else: a user has the same number in every image for ever,
so that files on a server's disk stay its own when the disc is changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.accounts import Accounts, parse_accounts
from glassmaster.inputs.pkgsrc.scripts import Group, User
from glassmaster.inputs.pkgsrc.uids import ACCOUNT_NAME, KINDS, LAST, Uids

# useradd(8): numbers below are the system's own.
FIRST = 1000
NO_PASSWORD = "*" * 13  # what useradd(8) writes: no password matches it
HOME, SHELL = "/nonexistent", "/sbin/nologin"  # mk/pkginstall/bsd.pkginstall.mk
_FIELD = re.compile(r"[^:\n\x00-\x1f]*")


@dataclass(frozen=True)
class AccountFiles:
    """The two files of an image, and the numbers in them."""

    master_passwd: str
    group: str

    def accounts(self) -> Accounts:
        """The numbers by name."""
        return parse_accounts(self.master_passwd, self.group)


def with_packages(
    files: AccountFiles, wanted: Iterable[tuple[str, Sequence[User], Sequence[Group]]], uids: Uids
) -> AccountFiles:
    """Both files with the users and groups of packages (package, users, groups) added at their ends.

    What the image has already stays as it is. An account without a recorded number is an error that says which line
    to add; all that lack one are named at once.
    """
    book = _Book(files, uids)
    for package, users, groups in wanted:
        for group in groups:
            book.add("groups", group.name, group.gid, package, "{name}:*:{number}:")
        for user in users:
            book.add_user(user, package)
    book.require_recorded()
    return AccountFiles(
        _appended(files.master_passwd, book.lines["users"]), _appended(files.group, book.lines["groups"])
    )


class _Book:
    """The accounts while packages add to them."""

    def __init__(self, files: AccountFiles, uids: Uids) -> None:
        accounts = files.accounts()
        self.uids = uids
        self.numbers: dict[str, dict[str, int]] = {"users": dict(accounts.users), "groups": dict(accounts.groups)}
        self.lines: dict[str, list[str]] = {"users": [], "groups": []}
        self.unrecorded: dict[tuple[str, str], tuple[str, int]] = {}

    def add_user(self, user: User, package: str) -> None:
        group = self.numbers["groups"].get(user.group)
        if group is None and ("groups", user.group) not in self.unrecorded:
            raise GlassmasterError(
                f"{package}: the user {user.name} belongs to the group {user.group}, which nobody makes"
            )
        base = package.rpartition("-")[0]
        gecos = user.gecos or (f"{user.name} user" if user.name == base else f"{base} {user.name} user")
        values = (gecos, user.home or HOME, user.shell or SHELL)
        if not all(_FIELD.fullmatch(value) for value in values):
            raise GlassmasterError(
                f"{package}: the user {user.name} has a description, home or shell with odd characters"
            )
        self.add(
            "users", user.name, user.uid, package, f"{{name}}:{NO_PASSWORD}:{{number}}:{group}::0:0:" + _literal(values)
        )

    def add(self, kind: str, name: str, asked: str, package: str, line: str) -> None:
        """Add an account unless the image has it; `asked`: the number that the package wants, or ""."""
        if not ACCOUNT_NAME.fullmatch(name) or (asked and not asked.isdecimal()):
            raise GlassmasterError(f"{package}: +INSTALL: {name}:{asked}: not the name and number of an account")
        have, recorded = self.numbers[kind], self.uids.of(kind).get(name)
        number = have.get(name, recorded)
        if number is not None and asked and int(asked) != number:
            account = f"{kind.removesuffix('s')} {name}"
            raise GlassmasterError(
                f"{package}: it was built for a {account} with the number {asked}, here it has {number}",
                why="the number may be inside its programs; pkg_add refuses such a package, too",
            )
        if name in have:
            self._require_same(kind, name, have[name], package)
            return
        if recorded is None:
            self._note_missing(kind, name, asked, package)
            return
        owner = next((other for other, number in have.items() if number == recorded), None)
        if owner is not None:
            raise GlassmasterError(
                f"{self.uids.file}: {kind}: {name}: the number {recorded} is {owner}'s in this image",
                hint="choose one that nobody has; numbers that servers know already must not change",
            )
        have[name] = recorded
        self.lines[kind].append(line.format(name=name, number=recorded))

    def _require_same(self, kind: str, name: str, number: int, package: str) -> None:
        recorded = self.uids.of(kind).get(name, number)
        if recorded != number:
            raise GlassmasterError(
                f"{self.uids.file}: {kind}: {name}: {recorded} is recorded, the release gives it {number}",
                why=f"{package} needs it", hint="the release's own accounts are not to be recorded there",
            )  # fmt: skip

    def _note_missing(self, kind: str, name: str, asked: str, package: str) -> None:
        if (kind, name) not in self.unrecorded:
            taken = {*self.numbers[kind].values(), *self.uids.of(kind).values()}
            taken.update(number for (other, _), (_, number) in self.unrecorded.items() if other == kind)
            free = next(number for number in range(FIRST, LAST) if number not in taken)
            self.unrecorded[kind, name] = package, int(asked) if asked and int(asked) not in taken else free

    def require_recorded(self) -> None:
        if not self.unrecorded:
            return
        lines = []
        for kind in KINDS:
            new = [f"  {name}: {number}" for (of, name), (_, number) in self.unrecorded.items() if of == kind]
            lines += [f"{kind}:", *new] if new else []
        (kind, name), (package, _) = next(iter(self.unrecorded.items()))
        raise GlassmasterError(
            f"{package}: the {kind.removesuffix('s')} {name} has no recorded number",
            why="a number once given must be the same in every image, so it is written down, not drawn",
            hint="\n".join([f"add to {self.uids.file}:", *lines]),
        )


def _literal(values: Sequence[str]) -> str:
    return ":".join(value.replace("{", "{{").replace("}", "}}") for value in values)


def _appended(text: str, lines: Sequence[str]) -> str:
    start = text if not text or text.endswith("\n") else text + "\n"
    return start + "".join(f"{line}\n" for line in lines)
