"""Does it fit on the medium? Checked before anything is written, with a table of what takes the room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from glassmaster.errors import GlassmasterError
from glassmaster.tree.merge import Node, Tree

SECTOR = 2048
# One directory record with Rock Ridge takes about this, and a directory at least one sector of its own.
RECORD = 200
ROWS = 12


def room_of(nodes: Iterable[Node]) -> Counter[str]:
    """Bytes on the disc by origin; a content that several names have counts once, for the first."""
    room: Counter[str] = Counter()
    counted: set[str] = set()
    for node in nodes:
        room[node.origin] += RECORD if node.entry.kind != "dir" else SECTOR
        content = node.entry.content
        if content is not None and content.sha256 not in counted:
            counted.add(content.sha256)
            room[node.origin] += -(-content.size // SECTOR) * SECTOR
    return room


def check_budget(tree: Tree, boot_bytes: int, budget: int) -> None:
    """Raise GlassmasterError if the tree and `boot_bytes` of boot images cannot fit in `budget` bytes."""
    room = room_of(tree)
    room["boot images"] += boot_bytes
    total = sum(room.values())
    if total <= budget:
        return
    rows = [f"{size:>15,}  {origin}" for origin, size in room.most_common(ROWS)]
    folders = Counter[str]()
    for node in tree:
        folders["/".join(node.entry.path.split("/")[:2])] += node.entry.size
    rows += ["of which, by directory:"] + [
        f"{size:>15,}  {folder}" for folder, size in folders.most_common(ROWS) if size
    ]
    raise GlassmasterError(
        f"the image needs about {total:,} bytes; the media budget is {budget:,}",
        why="\n".join(rows),
        hint="raise media.budget in the recipe (cd74, cd80, dvd, or bytes), or leave something out",
    )
