"""What a person should see first: programs that run as somebody else, files that anybody may write, new listeners, keys
and certificates, and who can log in."""

from __future__ import annotations

import re
from collections.abc import Iterator

from glassmaster.diff.meanings.accounts import GROUP, MASTER_PASSWD, alarms, read_both
from glassmaster.diff.meanings.listeners import listeners
from glassmaster.diff.meanings.texts import PRIVATE_KEY
from glassmaster.diff.model import IN_WORDS, Change, Item, ItemKind, Section, State
from glassmaster.diff.pair import Pair

SETUID, SETGID, STICKY, WRITABLE = 0o4000, 0o2000, 0o1000, 0o002
_BITS = ((SETUID, "setuid"), (SETGID, "setgid"))
# Keys and certificates, by where NetBSD and pkgsrc have them and by how they are called.
_KEYS = re.compile(
    r"(?:.*/)?(?:ssh_host_[a-z0-9]+_key(?:\.pub)?|\.ssh/[^/]*|authorized_keys|known_hosts|allowed_signers|[^/]*\.(?:pem|crt|cer|key|pub|p12|gpg))"
    r"|(?:usr/pkg/)?etc/openssl/(?:certs|private)/.*|etc/ssh/.*_key"
)
# Those that everybody may read.
_PUBLIC = re.compile(r"(?:.*/)?(?:authorized_keys|known_hosts|allowed_signers|[^/]*\.(?:pub|crt|cer))")


def security(pair: Pair) -> Section:
    """The section. What cannot be known since a side is a mere specification falls under its rule all the same."""
    modes = (item for change in pair.changes for item in _modes(change))
    return Section("security", (*modes, *listeners(pair), *_keys(pair), *_logins(pair)))


def _modes(change: Change) -> Iterator[Item]:
    """A change of what a mode allows, or of a program to which it allows something.

    At another path it is another one: nobody has agreed to what it does there.
    """
    path, old, new = (change.path,), change.old, change.new
    is_moved = change.change == "moved"
    from_mode, where = ("", f", moved from /{change.moved_from}") if is_moved else (_mode(old), "")
    for bit, word in _BITS:
        before, after = _special(old, bit), _special(new, bit)
        if after and (not before or is_moved or _owner(old, bit) != _owner(new, bit)):
            detail = f"now {word} {_owner(new, bit)}{where}"
            yield Item(f"/{change.path}", "added", from_mode, _mode(new), "setuid", path, detail)
        elif before and not after:
            yield Item(f"/{change.path}", "removed", _mode(old), _mode(new), "", path, f"no longer {word}")
        elif before and after and {"content", "kind"} & set(change.fields):
            yield Item(f"/{change.path}", "changed", _mode(old), _mode(new), "", path, f"{word}: its content differs")
    if _is_writable(new) and (is_moved or not _is_writable(old)):
        detail = f"anybody may write to it{where}"
        yield Item(f"/{change.path}", "added", from_mode, _mode(new), "world-writable", path, detail)


def _special(state: State | None, bit: int) -> bool:
    """On directories setgid means something else, and nothing dangerous."""
    return state is not None and state.kind == "file" and bool(state.mode & bit)


def _owner(state: State | None, bit: int) -> str:
    return "" if state is None else f"uid {state.uid}" if bit == SETUID else f"gid {state.gid}"


def _is_writable(state: State | None) -> bool:
    """Not of links, whose mode counts for nothing, nor of directories where everybody may only remove his own."""
    if state is None or state.kind == "link":
        return False
    return bool(state.mode & WRITABLE) and not (state.kind == "dir" and state.mode & STICKY)


def _mode(state: State | None) -> str:
    return f"{state.mode:04o} {state.uid}:{state.gid}" if state else ""


def _keys(pair: Pair) -> Iterator[Item]:
    for change in pair.changes:
        is_key = _KEYS.fullmatch(change.path) is not None or _has_key(pair, change.path)
        if not is_key or all(state is None or state.kind == "dir" for state in (change.old, change.new)):
            continue
        what = "a key or certificate"
        if change.change == "metadata":
            if not _is_opened(change, pair):
                continue
            what += " that others may get at"
        old, new = _mode(change.old), _mode(change.new)
        yield Item(
            f"/{change.path}", IN_WORDS[change.change], old if old != new else "", new if old != new else "", "keys",
            (change.path,), what,
        )  # fmt: skip


def _is_opened(change: Change, pair: Pair) -> bool:
    """Whether somebody else may write to it now, or read what is private; links have modes that count for nothing."""
    old, new = change.old, change.new
    if old is None or new is None or new.kind != "file":
        return False
    text = pair.new_facts.text(change.path) or ""
    is_public = _PUBLIC.fullmatch(change.path) is not None or ("-----BEGIN " in text and PRIVATE_KEY not in text)
    return bool(new.mode & ~old.mode & (0o022 if is_public else 0o066)) or (old.uid, old.gid) != (new.uid, new.gid)


def _has_key(pair: Pair, path: str) -> bool:
    return any("-----BEGIN " in (facts.text(path) or "") for facts in (pair.old_facts, pair.new_facts))


def _logins(pair: Pair) -> Iterator[Item]:
    for path in (MASTER_PASSWD, GROUP):
        if not any(change.path == path for change in pair.changed()):
            continue
        if pair.no_bytes:
            why = f"who can log in is not known: {pair.no_bytes}"
            yield Item(f"/{path}", "changed", rule="accounts", paths=(path,), detail=why)
            continue
        old, new = read_both(pair, path)
        for name in dict.fromkeys([*old, *new]):
            found = alarms(old.get(name), new.get(name))
            if found:
                kind: ItemKind = "changed" if name in old else "added"
                what = f"{new[name].kind} {name}"
                yield Item(what, kind, rule="accounts", paths=(path,), detail="; ".join(found))
