"""Rock Ridge that libarchive reads: where pycdlib's layout is within the standard but lost on that reader, another one.

libarchive (3.6, archive_read_support_format_iso9660.c) reads a disc forwards, and refuses a continuation area that lies
before the directory whose record points at it (register_CE); pycdlib lets all directories share them. And it drops the
`/` where one SL record ends and the next begins (parse_rockridge_SL1), unless a component is continued there.
Sources: SUSP 1.12, 5.1 (CE); RRIP 1.12, 4.1.3 (SL).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from pycdlib import rockridge

# An SL record has one byte for its length, and five bytes before its components; a component has two before its text.
RECORD_ROOM, COMPONENT_HEADER = 255 - 5, 2
# Long components are cut into pieces of this size, so that a record can always be filled well.
PIECE = 100
CONTINUED, CURRENT, PARENT, ROOT = 1, 2, 4, 8
METHOD = "_new_symlink"  # of pycdlib, and replaced

Component = tuple[int, bytes]


def components(target: str) -> list[Component]:
    """A link's target as SL components, (flags, text); long ones in pieces."""
    found: list[Component] = []
    for number, name in enumerate(target.encode().split(b"/")):
        if not name and not number:
            found.append((ROOT, b""))
        elif name in (b".", b".."):
            found.append((CURRENT if name == b"." else PARENT, b""))
        else:
            # No piece may be short enough to be taken for `.` or `..`.
            ends = pairwise([*range(0, max(len(name) - 2, 1), PIECE), len(name)])
            *first, last = [name[start:end] for start, end in ends]
            found += [*((CONTINUED, piece) for piece in first), (0, last)]
    return found


def records(target: str) -> list[list[Component]]:
    """The components in records, none longer than an SL record may be; each but the last ends with a continued one.

    Only a row of more than a hundred `..` has no such place; it is cut all the same.
    """
    todo, made = components(target), []
    while _length(todo) > RECORD_ROOM:
        most = max(count for count in range(len(todo)) if _length(todo[:count]) <= RECORD_ROOM)
        cut = next((count for count in range(most, 0, -1) if todo[count - 1][0] in (0, CONTINUED)), most)
        (flags, text), rest = todo[cut - 1], todo[cut:]
        if flags == 0:
            # Complete already: continued by nothing.
            rest = [(0, b""), *rest]
            flags = CONTINUED
        made.append([*todo[: cut - 1], (flags, text)])
        todo = rest
    return [*made, todo]


@contextmanager
def readable_links() -> Iterator[None]:
    """Let pycdlib lay out the targets of symbolic links as `records` says, until the block is left."""
    pycdlibs_own = getattr(rockridge.RockRidge, METHOD)

    def new_symlink(self: Any, target: bytes, length: int) -> int:
        """In place of the method: put the records for a link where they fit; -1 asks to be called again with a CE."""
        if length + rockridge.RRSLRecord.length(target.split(b"/")) <= rockridge.ALLOWED_DR_SIZE:
            return int(pycdlibs_own(self, target, length))
        if self.dr_entries.ce_record is None:
            return -1
        made = records(target.decode())
        for number, items in enumerate(made, 1):
            record = rockridge.RRSLRecord()
            record.new()
            record.symlink_components = [record.Component(flags, len(text), text) for flags, text in items]
            if number < len(made):
                record.set_continued()
            self._ensure_ce_entries().sl_records.append(record)
            self.dr_entries.ce_record.add_record(record.current_length())
        return length

    setattr(rockridge.RockRidge, METHOD, new_symlink)
    try:
        yield
    finally:
        setattr(rockridge.RockRidge, METHOD, pycdlibs_own)


def close_continuations(disc: Any) -> None:
    """Let what is added from now on share no continuation area with what was added before."""
    for block in disc.pvd.rr_ce_blocks:
        block._max_block_size = 0  # bytes that may be taken; there is no public way to say so


def _length(items: list[Component]) -> int:
    return sum(COMPONENT_HEADER + len(text) for _, text in items)
