"""Trees as mtree(5) text, out and in, without loss.

One line for each path, full paths, as `mtree -C` prints them. What mtree has no keyword for stands in `tags`:
``origin:set:base`` (the layer), ``hid:set:etc`` (a layer whose entry it hid, in order),
``inode:...`` (names of one file).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from glassmaster.errors import GlassmasterError
from glassmaster.tree.entry import PERMISSIONS, Kind
from glassmaster.tree.merge import Node
from glassmaster.tree.mtreespec import SpecLine, parse
from glassmaster.tree.path import ROOT
from glassmaster.tree.vis import unvis, vis

SIGNATURE = "#mtree v2.0"
KINDS: dict[str, Kind] = {"file": "file", "dir": "dir", "link": "link"}
_DECIMAL = re.compile(r"[0-9]{1,18}")
_OCTAL = re.compile(r"[0-7]+")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class Listed:
    """What a specification tells of one path: the entry without the place of its bytes."""

    path: str
    kind: Kind
    mode: int
    uid: int
    gid: int
    mtime: int
    size: int
    sha256: str
    link: str
    inode: str
    origin: str
    hid: tuple[str, ...]


def listed(node: Node) -> Listed:
    """The part of a tree's node that its text form keeps."""
    entry = node.entry
    sha256 = entry.content.sha256 if entry.content else ""
    return Listed(
        entry.path, entry.kind, entry.mode, entry.uid, entry.gid, entry.mtime, entry.size, sha256, entry.link,
        entry.inode, node.origin, node.hid,
    )  # fmt: skip


def format_mtree(nodes: Iterable[Node | Listed], *, comment: str = "") -> str:
    """The specification of a tree: same tree, same text."""
    lines = [SIGNATURE, *(f"# {line}" for line in comment.splitlines())]
    lines += [_line(node if isinstance(node, Listed) else listed(node)) for node in nodes]
    return "\n".join(lines) + "\n"


def _line(item: Listed) -> str:
    name = ROOT if item.path == ROOT else "./" + vis(item.path)
    words = [name, f"type={item.kind}", f"uid={item.uid}", f"gid={item.gid}", f"mode={item.mode:04o}"]
    if item.kind == "file":
        words.append(f"size={item.size}")
        words += [f"sha256={item.sha256}"] if item.sha256 else []
    if item.kind == "link":
        words.append(f"link={vis(item.link)}")
    words.append(f"time={item.mtime}.000000000")
    tags = [f"origin:{item.origin}", *(f"hid:{origin}" for origin in item.hid)]
    tags += [f"inode:{item.inode}"] if item.inode else []
    words.append("tags=" + ",".join(vis(tag, also=",=") for tag in tags))
    return " ".join(words)


def parse_mtree(text: str, name: str) -> list[Listed]:
    """Read what format_mtree wrote; raises GlassmasterError with ``name:line``."""
    seen: set[str] = set()
    items = []
    for line in parse(text, name):
        if line.path in seen:
            raise GlassmasterError(f"{line.where}: {line.path}: stands twice")
        seen.add(line.path)
        items.append(_listed(line))
    return items


def _listed(line: SpecLine) -> Listed:
    tags = [unvis_at(tag, line.where) for tag in line.keywords.get("tags", "").split(",") if tag]
    kind = kind_of(line)
    return Listed(
        path=line.path,
        kind=kind,
        mode=octal(line, "mode"),
        uid=number(line, "uid"),
        gid=number(line, "gid"),
        mtime=number(line, "time", before="."),
        size=number(line, "size") if kind == "file" else 0,
        sha256=sha256(line, "sha256"),
        link=unvis_at(line.keywords.get("link", ""), line.where),
        inode=next(iter(_tagged(tags, "inode:")), ""),
        origin=next(iter(_tagged(tags, "origin:")), ""),
        hid=tuple(_tagged(tags, "hid:")),
    )


def _tagged(tags: list[str], prefix: str) -> list[str]:
    return [tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix)]


def kind_of(line: SpecLine) -> Kind:
    """The type of a line; a type that an image cannot hold is an error."""
    word = line.keywords.get("type", "")
    if word not in KINDS:
        why = "an image holds files, directories and symbolic links; NetBSD's init makes device nodes in memory"
        raise GlassmasterError(f"{line.where}: {line.path}: type={word or '(none)'} cannot be put on an image", why=why)
    return KINDS[word]


def number(line: SpecLine, keyword: str, *, before: str = "") -> int:
    """A decimal keyword; `before` cuts a fraction off. Missing or malformed is an error."""
    text = line.keywords.get(keyword, "")
    text = text.partition(before)[0] if before else text
    if not _DECIMAL.fullmatch(text):
        raise GlassmasterError(f"{line.where}: {line.path}: {keyword}={text or '(none)'}: expected a number")
    return int(text)


def octal(line: SpecLine, keyword: str) -> int:
    """An octal keyword of at most 07777."""
    text = line.keywords.get(keyword, "")
    if not _OCTAL.fullmatch(text) or int(text, 8) > PERMISSIONS:
        raise GlassmasterError(f"{line.where}: {line.path}: {keyword}={text or '(none)'}: expected an octal mode")
    return int(text, 8)


def sha256(line: SpecLine, *keywords: str) -> str:
    """The digest of the first of these keywords that is there, in lower case; "" for none. Others are an error."""
    keyword = next((word for word in keywords if word in line.keywords), "")
    text = line.keywords.get(keyword, "")
    if text and not _SHA256.fullmatch(text):
        raise GlassmasterError(f"{line.where}: {line.path}: {keyword}={text[:100]}: expected 64 hexadecimal digits")
    return text.lower()


def unvis_at(text: str, where: str) -> str:
    """Decode a value; a broken escape is an error with its place."""
    try:
        return unvis(text)
    except ValueError as error:
        raise GlassmasterError(f"{where}: {error}") from error
