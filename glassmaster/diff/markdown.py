"""A result as Markdown, for release notes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from glassmaster.diff import words
from glassmaster.diff.model import SECTIONS, Item, Result, Section, TreeDiff

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")
# Longer details are for the page and for `doit diff OLD NEW PATH`.
DETAIL_LINES = 60
ITEMS = 200


def markdown(result: Result) -> str:
    """The whole text."""
    return "".join(f"{line}\n" for line in _lines(result))


def _lines(result: Result) -> Iterator[str]:
    yield "# Changes"
    yield ""
    yield f"- old: {_text(result.old.label)} ({_text(words.side(result.old))})"
    yield f"- new: {_text(result.new.label)} ({_text(words.side(result.new))})"
    yield f"- verdict: {_text(words.outcome(result.verdict))}"
    for decision in result.verdict.decisions:
        state = "accepted" if decision.accepted else "**open**"
        yield f"  - {state}: {_text(decision.what)} ({_code(decision.name)})"
    for tree in result.trees:
        yield from _tree(tree)


def _tree(tree: TreeDiff) -> Iterator[str]:
    level = "##" if not tree.name else "###"
    if tree.name:
        yield ""
        yield f"## In /{_text(tree.name)}"
    yield ""
    yield f"{_text(words.paths(tree.changes))[:1].upper()}{_text(words.paths(tree.changes))[1:]}."
    for remark in tree.remarks:
        yield f"{_text(remark)[:1].upper()}{_text(remark)[1:]}."
    for section in sorted(tree.sections, key=_order):
        yield from _section(section, level)
    changed = [group for group in tree.groups if group.total or group.only_time]
    if changed:
        yield from ("", f"{level} By origin", "", "| origin | changes |", "| --- | --- |")
        for group in changed:
            yield f"| {_text(words.group_name(group))} | {_text(words.group_counts(group))} |"


def _order(section: Section) -> int:
    return [*SECTIONS].index(section.name)


def _section(section: Section, level: str) -> Iterator[str]:
    yield from ("", f"{level} {section.title}", "")
    for item in section.items[:ITEMS]:
        yield from _item(item)
    if len(section.items) > ITEMS:
        yield f"- and {len(section.items) - ITEMS:,} more"
    for remark in section.remarks:
        yield f"- {_text(remark)}"


def _item(item: Item) -> Iterator[str]:
    said = words.values(item)
    detail = item.detail.rstrip("\n").split("\n") if item.detail else []
    short = f", {_text(detail[0])}" if len(detail) == 1 else ""
    value = f": {_code(said)}" if said else ""
    yield f"- {item.change}: {_code(item.what)}{value}{short}"
    if len(detail) > 1:
        fence = "```" if not any("```" in line for line in detail) else "~~~~~~"
        yield from ("", f"  {fence}diff", *(f"  {line}".rstrip() for line in detail[:DETAIL_LINES]))
        if len(detail) > DETAIL_LINES:
            yield f"  ... {len(detail) - DETAIL_LINES:,} more lines"
        yield from (f"  {fence}", "")


def _text(text: str) -> str:
    """A text in which nothing is Markdown."""
    return _SPECIAL.sub(r"\\\1", "".join(c if c.isprintable() else repr(c)[1:-1] for c in text))


def _code(text: str) -> str:
    plain = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return f"`{plain}`" if "`" not in plain else f"`` {plain} ``"
