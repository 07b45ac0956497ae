"""A set to a layer: what its manifest says, with the bytes that its archive has, where both agree.

NetBSD's sets carry etc/mtree/set.NAME, made with the set (distrib/sets/maketars). It is the truth for owners, groups
and modes; a tar unpacked by a mere user would lose them. Sets of kernels have none: there the tar's own names count.
"""

from __future__ import annotations

from collections.abc import Mapping

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.accounts import Accounts, parse_accounts
from glassmaster.inputs.tarindex import Member, TarIndex
from glassmaster.tree.entry import Content, Entry
from glassmaster.tree.layer import Layer
from glassmaster.tree.mtree import kind_of, octal, unvis_at
from glassmaster.tree.mtreespec import SpecLine, parse
from glassmaster.tree.path import ROOT

KERNEL_SET_PREFIX = "kern-"
# What METALOG lists of the directories below is the work of other sets: a manifest may name directories that its
# own archive does not hold, never files.


def release_accounts(etc: TarIndex) -> Accounts:
    """The accounts of the release, from its `etc` set."""
    texts = []
    for path in ("etc/master.passwd", "etc/group"):
        data = etc.read(path)
        if data is None:
            raise GlassmasterError(f"the set `etc` has no {path}", why="owners cannot be numbered without it")
        texts.append(data.decode("utf-8", "replace"))
    return parse_accounts(*texts)


def set_layer(name: str, index: TarIndex, accounts: Accounts) -> Layer:
    """The layer of a set; a disagreement of archive and manifest raises GlassmasterError that names the path."""
    manifest_path = f"etc/mtree/set.{name}"
    text = index.read(manifest_path)
    if text is None and not name.startswith(KERNEL_SET_PREFIX):
        raise GlassmasterError(
            f"the set {name} has no manifest", why=f"{manifest_path} is not in the archive",
            hint="owners and modes are taken from there; is this a set of NetBSD?",
        )  # fmt: skip
    inodes = _inodes(name, index.members)
    if text is None:
        entries = [_plain_entry(member, index, accounts, name, inodes) for member in index.members.values()]
    else:
        lines = _manifest(text.decode("utf-8", "surrogateescape"), f"set {name}: {manifest_path}")
        _require_all_listed(name, index.members, lines)
        entries = [
            _entry(line, index, accounts, name, inodes)
            for line in lines.values()
            if line.path in index.members or _require_directory(line, name)
        ]
    return Layer(f"set:{name}", tuple(entry for entry in entries if entry.path != ROOT))


def _manifest(text: str, where: str) -> dict[str, SpecLine]:
    lines: dict[str, SpecLine] = {}
    for line in parse(text, where):
        first = lines.setdefault(line.path, line)
        if first is not line and dict(first.keywords) != dict(line.keywords):
            raise GlassmasterError(
                f"{line.where}: {line.path}: listed twice, and differently", why=f"first at {first.where}"
            )
    return lines


def _require_all_listed(name: str, members: Mapping[str, Member], lines: Mapping[str, SpecLine]) -> None:
    unlisted = [path for path in members if path not in lines and path != ROOT]
    if unlisted:
        raise GlassmasterError(
            f"set {name}: {unlisted[0]}: is in the archive but not in its manifest",
            why=f"{len(unlisted)} of {len(members)} members are not listed",
        )


def _require_directory(line: SpecLine, name: str) -> bool:
    """For a line whose path the archive lacks: True if it is a directory, which is made; else an error."""
    if kind_of(line) != "dir":
        raise GlassmasterError(f"set {name}: {line.path}: is in the manifest but not in the archive", why=line.where)
    return True


def _entry(line: SpecLine, index: TarIndex, accounts: Accounts, name: str, inodes: Mapping[str, str]) -> Entry:
    where = f"set {name}: {line.path}"
    member = index.members.get(line.path)
    kind = kind_of(line)
    uid = accounts.uid(line.keywords.get("uname", ""), where)
    gid = accounts.gid(line.keywords.get("gname", ""), where)
    mode = octal(line, "mode")
    if member is None:
        return Entry(line.path, kind, mode, uid, gid, 0)
    link = unvis_at(line.keywords.get("link", ""), line.where) if kind == "link" else ""
    for what, listed, found in (("type", kind, member.kind), ("link", link, member.link)):
        _require_equal(where, what, listed, found)
    content = None
    if kind == "file":
        if "size" in line.keywords:
            _require_equal(where, "size", line.keywords["size"], str(member.size))
        if "sha256" in line.keywords:
            _require_equal(where, "sha256", line.keywords["sha256"], member.sha256)
        content = Content(index.tar, member.offset, member.size, member.sha256)
    return Entry(line.path, kind, mode, uid, gid, member.mtime, link, content, inodes.get(line.path, ""))


def _plain_entry(member: Member, index: TarIndex, accounts: Accounts, name: str, inodes: Mapping[str, str]) -> Entry:
    where = f"set {name}: {member.path}"
    content = Content(index.tar, member.offset, member.size, member.sha256) if member.kind == "file" else None
    uid, gid = accounts.uid(member.uname, where), accounts.gid(member.gname, where)
    inode = inodes.get(member.path, "")
    return Entry(member.path, member.kind, member.mode, uid, gid, member.mtime, member.link, content, inode)


def _require_equal(where: str, what: str, listed: str, found: str) -> None:
    if listed != found:
        raise GlassmasterError(
            f"{where}: archive and manifest disagree",
            why=f"{what}: the manifest says {listed}, the archive has {found}",
            hint="the set is damaged or was changed after it was made",
        )  # fmt: skip


def _inodes(name: str, members: Mapping[str, Member]) -> dict[str, str]:
    """For every name of a file that has several: the first of them."""
    first = {member.hardlink for member in members.values() if member.hardlink}
    return {path: member.hardlink or path for path, member in members.items() if member.hardlink or path in first}
