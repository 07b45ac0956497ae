"""Users and groups that came, went or are others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from glassmaster.diff.model import Item, ItemKind, Section
from glassmaster.diff.pair import Pair
from glassmaster.inputs.accounts import NOT_ACCOUNTS

MASTER_PASSWD, GROUP = "etc/master.passwd", "etc/group"
# The fields of master.passwd(5) and group(5) after the name, in words.
_USER = ("password", "uid", "gid", "class", "change", "expire", "full name", "home", "shell")
_GROUP = ("password", "gid", "members")
# A password field that lets nobody in begins with one of these.
_LOCKED = ("*", "!")
WHEEL = "wheel"


@dataclass(frozen=True)
class Account:
    """A user or group. kind: "user" or "group"; fields by name."""

    kind: str
    name: str
    fields: Mapping[str, str]


def accounts(pair: Pair) -> Section:
    """The section."""
    remarks: list[str] = []
    items: list[Item] = []
    for path in (MASTER_PASSWD, GROUP):
        if any(change.path == path for change in pair.changed()):
            if pair.no_bytes:
                remarks.append(f"/{path} differs; its accounts are not known: {pair.no_bytes}")
            else:
                items += _differences(path, *read_both(pair, path))
    return Section("accounts", tuple(items), tuple(remarks))


def read_both(pair: Pair, path: str) -> tuple[dict[str, Account], dict[str, Account]]:
    """The accounts of a file on both sides."""
    return parse(pair.old_facts.text(path) or "", path), parse(pair.new_facts.text(path) or "", path)


def parse(text: str, path: str) -> dict[str, Account]:
    """Accounts by name; the first line of a name counts, what is no line of the file is passed over."""
    kind, names = ("user", _USER) if path == MASTER_PASSWD else ("group", _GROUP)
    found: dict[str, Account] = {}
    for line in text.splitlines():
        parts = line.split(":")
        if line and not line.startswith(NOT_ACCOUNTS) and len(parts) == len(names) + 1:
            found.setdefault(parts[0], Account(kind, parts[0], dict(zip(names, parts[1:], strict=True))))
    return found


def _differences(path: str, old: Mapping[str, Account], new: Mapping[str, Account]) -> Iterator[Item]:
    for name in dict.fromkeys([*old, *new]):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        kind: ItemKind = "added" if before is None else "removed" if after is None else "changed"
        account = after or before
        assert account
        if before and after:
            names = [field for field in before.fields if before.fields[field] != after.fields[field]]
        else:
            names = [field for field in account.fields if field in ("uid", "gid", "home", "shell", "members")]
        rule = "accounts" if alarms(before, after) else ""
        values = (in_words(before, names), in_words(after, names))
        yield Item(f"{account.kind} {name}", kind, *values, rule=rule, paths=(path,))


def in_words(account: Account | None, names: list[str]) -> str:
    """Some fields of an account; of a password no more than what it means."""
    if account is None:
        return ""
    return ", ".join(f"{name} {_value(name, account.fields[name])}".rstrip() for name in names)


def _value(name: str, value: str) -> str:
    if name != "password":
        return value or "none"
    return "none" if not value else "locked" if value.startswith(_LOCKED) else "set"


def alarms(old: Account | None, new: Account | None) -> list[str]:
    """Why a change of an account needs a look: who can log in, and as whom."""
    if new is None:
        return []
    before = old.fields if old else {}
    if new.kind == "group":
        come = set(new.fields["members"].split(",")) - set(before.get("members", "").split(",")) - {""}
        return [f"new in {WHEEL}: {', '.join(sorted(come))}"] if new.name == WHEEL and come else []
    found = []
    if new.fields["uid"].strip("0") == "" and before.get("uid", "1").strip("0") != "":
        found.append("has uid 0")
    if _may_log_in(new.fields) and new.fields["password"] != before.get("password"):
        found.append("can log in without a password" if not new.fields["password"] else "has another password")
    if old and before.get("shell") != new.fields["shell"] and _may_log_in(new.fields):
        found.append("has another shell")
    return found


def _may_log_in(fields: Mapping[str, str]) -> bool:
    return not fields["password"].startswith(_LOCKED)
