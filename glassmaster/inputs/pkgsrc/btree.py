"""Writes a Berkeley DB 1.85 btree as dbopen(3) of NetBSD's libc reads it: the form of pkgdb.byfile.db.

The layout is that of NetBSD's lib/libc/db/btree/btree.h. All numbers are little-endian, as on amd64; a libc of another
byte order sees that by the magic number and swaps. The file depends on its records alone: keys are put in in order,
and pages filled one after another.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

PAGE_SIZE = 4096
MAGIC, VERSION, NO_DUPLICATES = 0x053162, 3, 0x20
INTERNAL, LEAF, OVERFLOW = 0x01, 0x02, 0x04
PRESERVE = 0x20  # an overflow chain that an internal page uses, too: deleting the record leaves it
BIG_DATA, BIG_KEY = 0x01, 0x02

NOWHERE, ROOT = 0, 1
# Page header: this page, the one before, the one after, flags, end of the index, begin of the items.
_HEADER = struct.Struct("<IIIIHH")
_META = struct.Struct("<IIIIII")
_CHAIN = struct.Struct("<II")  # first page of an overflow chain, bytes in it
_ITEM = struct.Struct("<IIB")  # a leaf's: bytes of key and data; an internal page's: bytes of key, page; flags
_INDEX = struct.Struct("<H")
ROOM = PAGE_SIZE - _HEADER.size
# Two items must fit on a page; what is longer goes to overflow pages (bt_open.c, bt_ovflsize; 12: an empty item).
OVERFLOW_LIMIT = ROOM // 2 - (_INDEX.size + 12)


@dataclass(frozen=True)
class _Item:
    """What stands in a page, and the key by which the page above finds it."""

    data: bytes
    key: bytes
    flags: int


def btree(records: Mapping[bytes, bytes]) -> bytes:
    """The whole file with these records; keys must not be empty."""
    pages = [bytearray(PAGE_SIZE), bytearray(PAGE_SIZE)]
    _META.pack_into(pages[0], 0, MAGIC, VERSION, PAGE_SIZE, NOWHERE, 0, NO_DUPLICATES)
    kind, items = LEAF, [_leaf_item(pages, key, records[key]) for key in sorted(records)]
    while len(groups := list(_grouped(items))) > 1:
        items = _level(pages, groups, kind)
        kind = INTERNAL
    pages[ROOT][:] = _page(ROOT, NOWHERE, NOWHERE, kind, groups[0])
    return b"".join(pages)


def _leaf_item(pages: list[bytearray], key: bytes, data: bytes) -> _Item:
    """A record; first the data, then also the key is put on overflow pages when it is too long (bt_put.c)."""
    flags = 0
    if len(key) > OVERFLOW_LIMIT:
        key, flags = _overflow(pages, key), BIG_KEY
    if len(key) + len(data) > OVERFLOW_LIMIT:
        data, flags = _overflow(pages, data), flags | BIG_DATA
    if len(key) + len(data) > OVERFLOW_LIMIT:
        key, flags = _overflow(pages, key), flags | BIG_KEY
    return _Item(_aligned(_ITEM.pack(len(key), len(data), flags) + key + data), key, flags & BIG_KEY)


def _level(pages: list[bytearray], groups: Sequence[Sequence[_Item]], kind: int) -> list[_Item]:
    """Put groups of items on pages of their own, linked with each other; the items of the level above."""
    first = len(pages)
    above = []
    for number, group in enumerate(groups, first):
        before = number - 1 if number > first else NOWHERE
        after = number + 1 if number < first + len(groups) - 1 else NOWHERE
        pages.append(_page(number, before, after, kind, group))
        # The leftmost key of a level is less than any key by definition (bt_utils.c, __bt_cmp); dbopen leaves it empty.
        key, flags = (b"", 0) if number == first else (group[0].key, group[0].flags)
        if flags:
            _preserve(pages[_CHAIN.unpack(key)[0]])
        above.append(_Item(_aligned(_ITEM.pack(len(key), number, flags) + key), key, flags))
    return above


def _page(number: int, before: int, after: int, kind: int, items: Sequence[_Item]) -> bytearray:
    page = bytearray(PAGE_SIZE)
    lower, upper = _HEADER.size, PAGE_SIZE
    for item in items:
        upper -= len(item.data)
        page[upper : upper + len(item.data)] = item.data
        _INDEX.pack_into(page, lower, upper)
        lower += _INDEX.size
    _HEADER.pack_into(page, 0, number, before, after, kind, lower, upper)
    return page


def _grouped(items: Sequence[_Item]) -> Iterator[list[_Item]]:
    """Items in groups that fill a page each; one empty group when there are no items."""
    group: list[_Item] = []
    left = ROOM
    for item in items:
        needed = len(item.data) + _INDEX.size
        if needed > left:
            yield group
            group, left = [], ROOM
        group.append(item)
        left -= needed
    yield group


def _overflow(pages: list[bytearray], data: bytes) -> bytes:
    """Put bytes on a chain of pages; what stands in their place: where it begins and their number."""
    first = len(pages)
    for at in range(0, len(data), ROOM):
        after = len(pages) + 1 if at + ROOM < len(data) else NOWHERE
        page = bytearray(PAGE_SIZE)
        _HEADER.pack_into(page, 0, len(pages), NOWHERE, after, OVERFLOW, 0, 0)
        piece = data[at : at + ROOM]
        page[_HEADER.size : _HEADER.size + len(piece)] = piece
        pages.append(page)
    return _CHAIN.pack(first, len(data))


def _preserve(page: bytearray) -> None:
    number, before, after, flags, lower, upper = _HEADER.unpack_from(page)
    _HEADER.pack_into(page, 0, number, before, after, flags | PRESERVE, lower, upper)


def _aligned(item: bytes) -> bytes:
    return item + bytes(-len(item) % 4)
