"""Does it fit on the medium? Checked before anything is written, with a table of what takes the room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from glassmaster.errors import GlassmasterError
from glassmaster.tree.merge import Node, Tree
from glassmaster.tree.path import parent

SECTOR = 2048
# One directory record with Rock Ridge takes about this, and a directory at least one sector of its own.
RECORD = 200
ROWS = 12
MEDIA, MEDIA_WORDS = "media.budget", " (cd74, cd80, dvd, or bytes)"


def room_of(nodes: Iterable[Node], key: Callable[[Node], str]) -> Counter[str]:
    """About how many bytes of the disc go to what; a content that several names have counts once, for the first."""
    room: Counter[str] = Counter()
    counted: set[str] = set()
    for node in nodes:
        room[key(node)] += RECORD if node.entry.kind != "dir" else SECTOR
        content = node.entry.content
        if content is not None and content.sha256 not in counted:
            counted.add(content.sha256)
            room[key(node)] += -(-content.size // SECTOR) * SECTOR
    return room


def check_budget(tree: Tree, *, boot_bytes: int, size: int, budget: int, setting: str = MEDIA) -> None:
    """Raise GlassmasterError, with a table, if an image of `size` bytes has no room in `budget` bytes.

    boot_bytes: how many of them go to boot images. setting: where the recipe says how large it may be.
    """
    if size <= budget:
        return
    origins = room_of(tree, lambda node: node.origin)
    origins["boot images"] += boot_bytes
    folders = room_of(tree, lambda node: "/".join(parent(node.entry.path).split("/")[:2]))
    rows = [*_rows(origins), "of which, by directory:", *_rows(folders)]
    raise GlassmasterError(
        f"the image would have {size:,} bytes; {setting} is {budget:,}",
        why="\n".join(rows),
        hint=f"raise {setting} in the recipe{MEDIA_WORDS if setting == MEDIA else ''}, or leave something out",
    )


def _rows(room: Counter[str]) -> list[str]:
    return [f"{size:>15,}  {what}" for what, size in room.most_common(ROWS)]
