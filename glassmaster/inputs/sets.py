"""A set to a layer: what its manifest says, with the bytes that its archive has, where both agree.

NetBSD's sets carry etc/mtree/set.NAME, made with the set (distrib/sets/maketars). It is the truth for owners, groups
and modes; a tar unpacked by a mere user would lose them. Sets of kernels have none: there the tar's own names count.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.accounts import Accounts, parse_accounts
from glassmaster.inputs.tarindex import Member, TarIndex
from glassmaster.tree.entry import Content, Entry
from glassmaster.tree.layer import Layer
from glassmaster.tree.mtree import kind_of, octal, unvis_at
from glassmaster.tree.mtreespec import SpecLine, parse
from glassmaster.tree.path import ROOT

KERNEL_SET_PREFIX = "kern-"
SHOWN = 20


def release_accounts(etc: TarIndex) -> Accounts:
    """The accounts of the release, from its `etc` set."""
    texts = []
    for path in ("etc/master.passwd", "etc/group"):
        data = etc.read(path)
        if data is None:
            raise GlassmasterError(f"the set `etc` has no {path}", why="owners cannot be numbered without it")
        texts.append(data.decode("utf-8", "replace"))
    return parse_accounts(*texts)


def set_layer(
    name: str, index: TarIndex, accounts: Accounts, *, epoch: int, disagreeing: Collection[str] = ()
) -> Layer:
    """The layer of a set. A disagreement of archive and manifest raises GlassmasterError that names the paths.

    epoch:       the time of directories that the manifest lists and the archive does not hold.
    disagreeing: paths whose size and digest may differ from the manifest's: the archive's bytes are taken. Releases
                 have a few, where a file was installed twice and the manifest kept the first one's line.
    """
    manifest_path = f"etc/mtree/set.{name}"
    text = index.read(manifest_path)
    inodes = _inodes(index.members)
    if text is not None:
        lines = _manifest(text.decode("utf-8", "surrogateescape"), f"set {name}: {manifest_path}")
        _require_agreement(name, index.members, lines, disagreeing)
        entries = [_entry(line, index, accounts, name, inodes, epoch) for line in lines.values()]
    elif name.startswith(KERNEL_SET_PREFIX):
        entries = [_plain_entry(member, index, accounts, name, inodes) for member in index.members.values()]
    else:
        raise GlassmasterError(
            f"the set {name} has no manifest", why=f"{manifest_path} is not in the archive",
            hint="owners and modes are taken from there; is this a set of NetBSD?",
        )  # fmt: skip
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


def _require_agreement(
    name: str, members: Mapping[str, Member], lines: Mapping[str, SpecLine], disagreeing: Collection[str]
) -> None:
    problems = [
        f"{path}: is in the archive, not in the manifest" for path in members if path not in lines and path != ROOT
    ]
    for path, line in lines.items():
        member = members.get(path)
        problem = _absence(line) if member is None else _shape(line, member)
        if not problem and member is not None and path not in disagreeing:
            problem = _content(line, member)
        if problem:
            problems.append(f"{path}: {problem}")
    if problems:
        more = f"and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise GlassmasterError(
            f"set {name}: {problems[0].partition(': ')[0]}: archive and manifest disagree",
            why="\n".join([*problems[:SHOWN], *filter(None, [more])]),
            hint="the set is damaged or was changed after it was made; if the release itself is like this, "
            "list the path under release.disagreeing in the recipe",
        )


def _absence(line: SpecLine) -> str:
    """A manifest may list directories that its own archive does not hold: they are made."""
    return "" if kind_of(line) == "dir" else "is in the manifest, not in the archive"


def _shape(line: SpecLine, member: Member) -> str:
    kind = kind_of(line)
    if kind != member.kind:
        return f"the manifest says it is a {kind}, the archive has a {member.kind}"
    link = unvis_at(line.keywords.get("link", ""), line.where) if kind == "link" else ""
    return f"the manifest's link leads to {link}, the archive's to {member.link}" if link != member.link else ""


def _content(line: SpecLine, member: Member) -> str:
    found = {"size": str(member.size), "sha256": member.sha256} if member.kind == "file" else {}
    for keyword, value in found.items():
        if line.keywords.get(keyword, value) != value:
            return f"{keyword}: the manifest says {line.keywords[keyword]}, the archive has {value}"
    return ""


def _entry(
    line: SpecLine, index: TarIndex, accounts: Accounts, name: str, inodes: Mapping[str, str], epoch: int
) -> Entry:
    """The entry of a manifest's line that agrees with its archive."""
    where = f"set {name}: {line.path}"
    uid = accounts.uid(line.keywords.get("uname", ""), where)
    gid = accounts.gid(line.keywords.get("gname", ""), where)
    mode = octal(line, "mode")
    member = index.members.get(line.path)
    if member is None:
        return Entry(line.path, "dir", mode, uid, gid, epoch)
    content = Content(index.tar, member.offset, member.size, member.sha256) if member.kind == "file" else None
    inode = inodes.get(line.path, "")
    return Entry(line.path, member.kind, mode, uid, gid, member.mtime, member.link, content, inode)


def _plain_entry(member: Member, index: TarIndex, accounts: Accounts, name: str, inodes: Mapping[str, str]) -> Entry:
    where = f"set {name}: {member.path}"
    content = Content(index.tar, member.offset, member.size, member.sha256) if member.kind == "file" else None
    uid, gid = accounts.uid(member.uname, where), accounts.gid(member.gname, where)
    inode = inodes.get(member.path, "")
    return Entry(member.path, member.kind, member.mode, uid, gid, member.mtime, member.link, content, inode)


def _inodes(members: Mapping[str, Member]) -> dict[str, str]:
    """For every name of a file that has several: the first of them."""
    first = {member.hardlink for member in members.values() if member.hardlink}
    return {path: member.hardlink or path for path, member in members.items() if member.hardlink or path in first}
