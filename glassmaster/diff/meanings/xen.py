"""The hypervisor's version."""

from __future__ import annotations

from glassmaster.diff.model import Item, ItemKind, Section, State
from glassmaster.diff.pair import Pair
from glassmaster.diff.xenfacts import is_xen


def xen(pair: Pair) -> Section:
    """The section."""
    items = []
    for change in pair.changed():
        if not is_xen(change.path):
            continue
        before = _version(change.old, pair.old_facts.xen.get(change.moved_from or change.path, ""))
        after = _version(change.new, pair.new_facts.xen.get(change.path, ""))
        kind: ItemKind = "changed"
        if change.old is None or change.new is None:
            kind = "added" if change.new else "removed"
        detail = "another file of the same version" if before and before == after else ""
        items.append(Item(f"/{change.path}", kind, before, after, "xen", (change.path,), detail))
    return Section("xen", tuple(items))


def _version(state: State | None, read: str) -> str:
    """What the origin says, or what the bytes do."""
    if state is None:
        return ""
    told = state.origin.partition(":")[2] if state.origin.startswith("xen:") else ""
    return told or read or "version not known"
