"""A result on a terminal: one screen first, then a section or everything on demand."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from glassmaster.diff import words
from glassmaster.diff.model import SECTIONS, Group, Item, Result, Section, SectionName, TreeDiff

WIDTH = 79
# Of a list on the first screen.
SHOWN = 6
GROUPS = 8
EVERYTHING, PATHS = "all", "paths"
NAMES = (*SECTIONS, PATHS, EVERYTHING)


def screen(result: Result, command: str) -> str:
    """The first screen. command: how this comparison was called, for the hints."""
    lines = []
    for name, side in (("old", result.old), ("new", result.new)):
        lines += [f"{name}      {side.label}", *_wrapped(f"         {words.side(side)}", indent=9)]
    lines += [f"verdict  {words.outcome(result.verdict)}", *_decisions(result)]
    for tree in result.trees:
        lines += ["", *_tree(tree)]
    if result.verdict.outcome != "same":
        lines += ["", f"more: {command} /PATH", f"      {command} --section NAME"]
        lines += _wrapped(f"      NAME: {', '.join(NAMES)}", indent=12)
    return "".join(f"{line}\n" for line in lines)


def _decisions(result: Result) -> Iterator[str]:
    waiting = result.verdict.open
    for decision in waiting[:SHOWN]:
        yield _cut(f"  ! {decision.what}")
        yield f"      {words.accepting(decision)}"
    if len(waiting) > SHOWN:
        yield f"  and {words.count(len(waiting) - SHOWN, 'decision')} more: --section security and the others show them"


def _tree(tree: TreeDiff) -> Iterator[str]:
    yield f"{f'in /{tree.name}' if tree.name else 'paths'}: {words.paths(tree.changes)}"
    for remark in tree.remarks:
        yield from _wrapped(f"  {remark}")
    for name in SECTIONS:
        section = tree.section(name)
        if section.items:
            yield f"  {section.title}: {words.kinds(section.items)}"
            yield _cut(f"      {_few(section.items)}")
        for remark in section.remarks:
            yield from _wrapped(f"  {section.title}: {remark}")
    changed = [group for group in tree.groups if group.total or group.only_time]
    if changed:
        yield "  By origin:"
        yield from _groups(changed)


def _few(items: Sequence[Item]) -> str:
    shown = [f"{item.what} {said}" if (said := words.values(item)) and len(said) < 30 else item.what for item in items]
    text = ", ".join(shown[:SHOWN])
    return text if len(shown) <= SHOWN else f"{text} and {len(shown) - SHOWN:,} more"


def _groups(groups: Sequence[Group]) -> Iterator[str]:
    """What is made by hand first: sets and packages are a release's own."""
    ordered = sorted(groups, key=lambda group: (group.name.startswith(("set:", "package:")), -group.total, group.name))
    for group in ordered[:GROUPS]:
        yield _cut(f"      {words.group_name(group)}: {words.group_counts(group)}")
    if len(ordered) > GROUPS:
        rest = sum(group.total for group in ordered[GROUPS:])
        yield f"      and {words.count(len(ordered) - GROUPS, 'origin')} more with {words.count(rest, 'change')}"


def section(result: Result, name: str) -> str:
    """One section, the paths, or everything, of all trees."""
    wanted: Sequence[SectionName] = [item for item in SECTIONS if name in (item, EVERYTHING)]
    lines: list[str] = []
    for tree in result.trees:
        for item in wanted:
            lines += _section(tree, tree.section(item))
        if name in (PATHS, EVERYTHING):
            lines += _paths(tree)
    return "".join(f"{line}\n" for line in lines) or f"nothing of the kind: {name}\n"


def _section(tree: TreeDiff, found: Section) -> Iterator[str]:
    if not found.items and not found.remarks:
        return
    yield f"{found.title}{f' in /{tree.name}' if tree.name else ''}"
    for item in found.items:
        yield from _wrapped(f"  {words.line_of(item)}")
        if item.rule:
            yield f"      rule {item.rule}"
        if "\n" in item.detail.strip():
            yield from (f"      {line}" for line in item.detail.splitlines())
    for remark in found.remarks:
        yield from _wrapped(f"  {remark}")
    yield ""


def _paths(tree: TreeDiff) -> Iterator[str]:
    """Every path, below its origin."""
    for group in tree.groups:
        changes = [change for change in tree.changes if change.group == group.name]
        if not changes:
            continue
        yield f"{words.group_name(group)}{f' in /{tree.name}' if tree.name else ''}: {words.group_counts(group)}"
        for change in changes:
            mark = "m" if change.change == "metadata" else words.MARKS[change.change]
            source = f" from /{change.moved_from}" if change.moved_from else ""
            fields = f" ({', '.join(change.fields)})" if change.fields and change.change != "moved" else ""
            note = f", {change.note}" if change.note else ""
            yield f"  {mark} /{change.path}{source}{fields}{note}"
        yield ""


def _wrapped(line: str, indent: int = 6) -> list[str]:
    return textwrap.wrap(line, WIDTH, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 3]}..."
