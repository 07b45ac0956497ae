"""Programs and libraries: which of them are only compiled again, and what the others need."""

from __future__ import annotations

from dataclasses import replace

from glassmaster.diff.elf import differences, only_recompiled
from glassmaster.diff.kernelfacts import is_kernel
from glassmaster.diff.model import Change, Grade, Item, Section
from glassmaster.diff.pair import Pair
from glassmaster.diff.source import IMAGE
from glassmaster.diff.xenfacts import is_xen

RECOMPILED = "recompiled only"


def elf(pair: Pair) -> Section:
    """The section: those that changed in what is loaded; and how many did not."""
    items: list[Item] = []
    recompiled = 0
    for change in pair.content_changes():
        grade, note, detail = look(change, pair)
        if grade == "elf":
            items.append(Item(f"/{change.path}", "changed", rule="", paths=(change.path,), detail=detail, new=note))
        recompiled += grade == "recompiled"
    remarks = []
    if recompiled:
        word = "1 program or library is" if recompiled == 1 else f"{recompiled:,} programs and libraries are"
        remarks.append(f"{word} {RECOMPILED}: they differ in build id, notes and debugging at most")
    unknown = sum(look(change, pair)[0] == "unknown" for change in pair.content_changes())
    if unknown:
        remarks.append(f"{unknown:,} files differ; whether they are programs is not known: {pair.no_bytes}")
    return Section("elf", tuple(items), tuple(remarks))


def look(change: Change, pair: Pair) -> tuple[Grade, str, str]:
    """What kind of change of content it is, in a few words, and in lines."""
    path = change.path
    if IMAGE.fullmatch(path):
        return "data", "a tree of its own", ""
    if is_kernel(path) or is_xen(path):
        return "data" if not pair.no_bytes else "unknown", "", ""
    kinds = {facts.kinds.get(path, "") for facts in (pair.old_facts, pair.new_facts)}
    if pair.no_bytes or "" in kinds:
        return "unknown" if pair.no_bytes else "data", "", ""
    if kinds == {"text"}:
        return "text", "", ""
    members = pair.old_facts.archives.get(path), pair.new_facts.archives.get(path)
    if members[0] and members[0] == members[1]:
        return "recompiled", f"{RECOMPILED}, or put together again", ""
    before, after = pair.old_facts.programs.get(path), pair.new_facts.programs.get(path)
    if before is None or after is None:
        return ("elf" if kinds == {"elf"} else "data"), "", ""
    if only_recompiled(before, after):
        return "recompiled", RECOMPILED, "\n".join(differences(before, after))
    lines = differences(before, after)
    needs = [line for line in lines if "needs" in line or line.startswith(("soname", "interpreter", "run path"))]
    return "elf", "; ".join(needs), "".join(f"{line}\n" for line in lines)


def graded(pair: Pair) -> tuple[Change, ...]:
    """The changes, each with what is known of its content."""
    found = {change.path: look(change, pair) for change in pair.content_changes()}
    return tuple(
        replace(change, grade=found[change.path][0], note=found[change.path][1]) if change.path in found else change
        for change in pair.changes
    )
