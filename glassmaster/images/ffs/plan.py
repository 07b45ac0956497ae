"""From a tree to numbered inodes that know their blocks; no byte is written here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass

from glassmaster.errors import GlassmasterError
from glassmaster.images.ffs import directory
from glassmaster.images.ffs.blocks import DIRECT, Allocator, Tail, indirect_blocks
from glassmaster.images.ffs.inode import MOST_LINKS, inline_limit
from glassmaster.images.ffs.layout import FIRST_INODE, POINTER_BYTES, Version
from glassmaster.tree.entry import Content, Entry
from glassmaster.tree.merge import Node, Tree
from glassmaster.tree.path import ROOT, parent

LONGEST_TARGET = 1023  # MAXPATHLEN without its zero
LATEST_TIME = {1: 2**31 - 1, 2: 2**63 - 1}


@dataclass(frozen=True, slots=True)
class Inode:
    """A file, directory or link, once for all of its names.

    source: its bytes, or where they are. inline: they stand in the inode itself.
    whole:  the number of its first whole block; there are `blocks` of them, indirect ones included, and `data_blocks`
            without those and without the tail.
    """

    number: int
    entry: Entry
    links: int
    size: int
    source: bytes | Content
    inline: bool
    whole: int
    blocks: int
    data_blocks: int
    tail: Tail | None


@dataclass(frozen=True)
class Plan:
    """All inodes in order, and what they take. directories: the inode numbers of directories."""

    inodes: tuple[Inode, ...]
    blocks: int
    free_tails: tuple[Tail, ...]
    directories: frozenset[int]


def planned(tree: Tree, version: Version, block_bytes: int, fragment_bytes: int) -> Plan:
    """Number the tree's files and give each its blocks, in the order of the tree.

    Raises GlassmasterError for what an FFS cannot hold.
    """
    numbers, firsts = _numbered(tree)
    for node in firsts:
        _check(node.entry, version)
    contents = _directories(tree, numbers)
    names = Counter(numbers.values())
    children = Counter(
        numbers[parent(node.entry.path)] for node in tree if node.entry.kind == "dir" and node.entry.path != ROOT
    )
    allocator = Allocator(block_bytes // fragment_bytes)
    sizes = _Sizes(block_bytes, fragment_bytes, block_bytes // POINTER_BYTES[version], inline_limit(version))
    inodes = []
    for number, node in enumerate(firsts, FIRST_INODE):
        entry = node.entry
        links = 2 + children[number] if entry.kind == "dir" else names[number]
        if links > MOST_LINKS:
            what = "subdirectories" if entry.kind == "dir" else "names"
            raise GlassmasterError(
                f"{entry.path}: {links:,} {what} are too many for an FFS; it can have {MOST_LINKS:,}"
            )
        inodes.append(_placed(number, entry, links, contents.get(number), sizes, allocator))
    return Plan(tuple(inodes), allocator.blocks, tuple(allocator.free_tails()), frozenset(contents))


@dataclass(frozen=True)
class _Sizes:
    block: int
    fragment: int
    pointers: int
    inline_limit: int


def _placed(number: int, entry: Entry, links: int, listing: bytes | None, sizes: _Sizes, allocator: Allocator) -> Inode:
    source = listing if listing is not None else _source(entry)
    size = len(source) if isinstance(source, bytes) else source.size
    if entry.kind == "link" and size < sizes.inline_limit:
        return Inode(number, entry, links, size, source, True, 0, 0, 0, None)
    data_blocks, rest = divmod(size, sizes.block)
    fragments = -(-rest // sizes.fragment)
    if fragments == sizes.block // sizes.fragment or (fragments and data_blocks >= DIRECT):
        data_blocks, fragments = data_blocks + 1, 0
    blocks = data_blocks + indirect_blocks(data_blocks, sizes.pointers)
    whole = allocator.whole(blocks)
    tail = allocator.tail(fragments) if fragments else None
    return Inode(number, entry, links, size, source, False, whole, blocks, data_blocks, tail)


def _source(entry: Entry) -> bytes | Content:
    if entry.kind == "link":
        return entry.link.encode()
    assert entry.content is not None
    return entry.content


def _numbered(tree: Tree) -> tuple[dict[str, int], list[Node]]:
    """The inode number of each path, and the first node of each inode."""
    numbers: dict[str, int] = {}
    known: dict[Hashable, int] = {}
    firsts: list[Node] = []
    for node in tree:
        number = known.setdefault(_identity(node), FIRST_INODE + len(firsts))
        if number == FIRST_INODE + len(firsts):
            firsts.append(node)
        numbers[node.entry.path] = number
    return numbers, firsts


def _identity(node: Node) -> Hashable:
    """Equal for names that share an inode.

    Hard links whose names differ in owner, mode or time cannot: an inode has one of each. They become files of
    their own, so that each name keeps what the tree says of it.
    """
    entry = node.entry
    if not entry.inode or entry.kind != "file" or entry.content is None:
        return entry.path
    return node.origin, entry.inode, entry.mode, entry.uid, entry.gid, entry.mtime, entry.content.sha256


def _directories(tree: Tree, numbers: dict[str, int]) -> dict[int, bytes]:
    """What each directory holds, by its inode number."""
    kind = directory.TYPES["dir"]
    records: dict[str, list[tuple[bytes, int, int]]] = {}
    for node in tree:
        path = node.entry.path
        above = parent(path)
        if path != ROOT:
            records[above].append((_name(path), numbers[path], directory.TYPES[node.entry.kind]))
        if node.entry.kind == "dir":
            records[path] = [(b".", numbers[path], kind), (b"..", numbers[above], kind)]
    return {numbers[path]: directory.packed(listed) for path, listed in records.items()}


def _name(path: str) -> bytes:
    name = path.rpartition("/")[2].encode()
    if len(name) > directory.LONGEST_NAME:
        raise GlassmasterError(
            f"{path}: a name of {len(name)} bytes; an FFS holds names of {directory.LONGEST_NAME} at most"
        )
    return name


def _check(entry: Entry, version: Version) -> None:
    if entry.mtime > LATEST_TIME[version]:
        raise GlassmasterError(f"{entry.path}: UFS1 holds no time after 2038", hint="choose version 2")
    if entry.kind == "link" and not 0 < len(entry.link.encode()) <= LONGEST_TARGET:
        raise GlassmasterError(
            f"{entry.path}: a symbolic link whose target has {len(entry.link.encode())} bytes",
            why=f"on NetBSD a target has 1 to {LONGEST_TARGET} bytes",
        )
