"""Configuration files as texts, with what nobody should print left out."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from glassmaster.diff.model import Change, Item, ItemKind, Section
from glassmaster.diff.pair import Pair

_ETC = re.compile(r"(?:usr/pkg/)?etc/(?!mtree/set\.).+")
# Manifests and databases are made of other files, which are shown.
SECRETS = re.compile(r"(?:.*/)?(?:ssh_host_[a-z0-9]+_key|[^/]*\.key|[^/]*\.pem|private/.*|entropy-file|spwd\.db)")
PRIVATE_KEY = "PRIVATE KEY-----"
# Files with a line for each user or group, whose second field may be a hash; copies and parts of them, too.
HASHED = re.compile(r"(?:.*/)?(?:master\.passwd|passwd|group|shadow|gshadow)(?:[^a-z/][^/]*)?")
# Whatever the field begins with: `*LOCKED*$2b$...` and `!$argon2...` are hashes of accounts that are locked.
_FIELD = re.compile(r"^(?P<name>[^:\n]*:)(?P<hash>[^:\n]+)", re.MULTILINE)
_NO_HASH = re.compile(r"\*+|!+|x|\*LOCKED\*")
# What crypt(3) writes, and GRUB's, in any other text.
_CRYPT = re.compile(
    r"(?P<name>)(?P<hash>(?:\*LOCKED\*|!)?\$(?:[1-9y][a-z]?|gy|sm3|sha1|md5|apr1|argon2(?:i|d|id))[$,][^\s:\"'<>]+"
    r"|grub\.pbkdf2\.[^\s\"']+)"
)
HIDDEN, ANOTHER = "(hash)", "(another hash)"
_LINES = 2000


def etc(pair: Pair) -> Section:
    """The section: every file below etc that came, went or changed, as a unified diff where it is a text."""
    changes = [change for change in pair.changed() if _ETC.fullmatch(change.path)]
    items = tuple(_item(change, pair) for change in changes if _is_no_directory(change))
    unknown = sum("content" in change.fields for change in changes) if pair.no_bytes else 0
    remarks = (f"{unknown} files differ; what is in them is not known: {pair.no_bytes}",) if unknown else ()
    return Section("etc", items, remarks)


def _is_no_directory(change: Change) -> bool:
    return any(state is not None and state.kind != "dir" for state in (change.old, change.new))


def _item(change: Change, pair: Pair) -> Item:
    kind: ItemKind = "changed" if change.change == "changed" or change.change == "metadata" else change.change
    links = [state.link if state and state.kind == "link" else "" for state in (change.old, change.new)]
    old = f"-> {links[0]}" if links[0] else f"/{change.moved_from}" if change.moved_from else ""
    new = f"-> {links[1]}" if links[1] else ""
    return Item(f"/{change.path}", kind, old, new, "", (change.path,), "".join(text_diff(change, pair)))


def text_diff(change: Change, pair: Pair) -> list[str]:
    """The unified diff of a file's texts; a line that says why there is none, or nothing for what is no text."""
    if change.change == "moved" or SECRETS.fullmatch(change.path):
        return []
    old = pair.old_facts.text(change.path) if change.old else ""
    new = pair.new_facts.text(change.path) if change.new else ""
    if old is None or new is None:
        return []
    if PRIVATE_KEY in old or PRIVATE_KEY in new:
        return []
    texts = without_hashes(change.path, old, new)
    return list(unified(*texts, change.path, added=change.old is None, removed=change.new is None))


def without_hashes(path: str, old: str, new: str) -> tuple[str, str]:
    """Both texts of a file without the hashes in them; one that is another than before is told apart."""
    pattern = _FIELD if HASHED.fullmatch(path) else _CRYPT
    before = {(match["name"], match["hash"]) for match in pattern.finditer(old)}
    names = {name for name, _ in before}

    def marked(match: re.Match[str]) -> str:
        if pattern is _FIELD and _NO_HASH.fullmatch(match["hash"]):
            return match[0]
        is_same = (match["name"], match["hash"]) in before or match["name"] not in names
        return match["name"] + (HIDDEN if is_same else ANOTHER)

    return pattern.sub(marked, old), pattern.sub(marked, new)


def unified(
    old: str, new: str, path: str, *, added: bool = False, removed: bool = False, limit: int = _LINES
) -> Iterator[str]:
    """A unified diff with names as tools expect them, of a length that a person can look at (0: whole)."""
    names = ("/dev/null" if added else f"old/{path}", "/dev/null" if removed else f"new/{path}")
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), *names, lineterm="")
    for number, line in enumerate(lines):
        if limit and number == limit:
            yield f"(more than {limit:,} lines: `doit diff OLD NEW /{path}` shows all)\n"
            return
        yield line + "\n"
