"""Sizes: of the image against its medium, and of what grew or shrank most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from glassmaster.diff.model import Group, Item, Section, Side

SHOWN = 10


def size(old: Side, new: Side, groups: Sequence[Group]) -> Section:
    """The section: only what differs."""
    items = [*_image(old, new), *_groups(groups)]
    remarks = []
    if new.image_size and new.budget:
        left = new.budget - new.image_size
        share = f"{new.image_size / new.budget:.1%} of its medium"
        remarks.append(
            f"the new image fills {share}: " + (f"{left:,} bytes are left" if left >= 0 else "it does not fit")
        )
    return Section("size", tuple(items), tuple(remarks))


def _image(old: Side, new: Side) -> Iterator[Item]:
    if old.image_size and new.image_size:
        over = bool(new.budget) and new.image_size > new.budget
        if old.image_size != new.image_size or over:
            yield _item("image", old.image_size, new.image_size, "budget" if over else "")
    if old.bytes != new.bytes:
        yield _item("files", old.bytes, new.bytes)


def _groups(groups: Sequence[Group]) -> Iterator[Item]:
    changed = [group for group in groups if group.old_bytes != group.new_bytes]
    for group in sorted(changed, key=lambda group: (-abs(group.new_bytes - group.old_bytes), group.name))[:SHOWN]:
        yield _item(group.name or "of no known origin", group.old_bytes, group.new_bytes)


def _item(what: str, old: int, new: int, rule: str = "") -> Item:
    return Item(what, "up" if new > old else "down", f"{old:,}", f"{new:,}", rule, detail=f"{new - old:+,} bytes")
