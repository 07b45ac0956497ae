"""A unified diff as two columns, with what differs within a line marked."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from glassmaster.errors import readable

_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@(.*)")
# What is compared within a line: words, so that of two numbers not single digits are marked.
_WORD = re.compile(r"\w+|\s+|[^\w\s]")
# Lines that have less in common than this are two lines, and not one that was edited.
ALIKE = 0.4
# Longer lines are not compared within: it would take long and show nothing.
LONGEST = 1000

# Parts of a line: (text, whether it differs from the other side).
Parts = tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A line on both sides. mark: "" equal, "changed", "added", "removed", or "gap" for what is left out before it.

    old_number, new_number: 0 where a side has no line here; old of a gap holds its words.
    """

    mark: str
    old_number: int = 0
    new_number: int = 0
    old: Parts = ()
    new: Parts = ()


def is_unified(text: str) -> bool:
    """Whether a text is a unified diff."""
    return any(_HUNK.match(line) for line in text.splitlines())


def rows(unified: str) -> Iterator[Row]:
    """The lines of a unified diff as difflib prints it; what stands before the first hunk is left out."""
    old_number = new_number = 0
    removed: list[str] = []
    added: list[str] = []
    started = False
    # Not splitlines: a form feed or U+2028 within a line ends none.
    for line in [*unified.split("\n"), ""]:
        hunk = _HUNK.match(line)
        if started and line[:1] in ("-", "+"):
            (removed if line[0] == "-" else added).append(line[1:])
            continue
        yield from _paired(removed, added, old_number, new_number)
        old_number, new_number = old_number + len(removed), new_number + len(added)
        removed, added = [], []
        if hunk:
            started, old_number, new_number = True, int(hunk[1]), int(hunk[2])
            yield Row("gap", old=((f"line {hunk[1]}{hunk[3]}", False),))
        elif started and line.startswith(" "):
            yield Row("", old_number, new_number, ((line[1:], False),), ((line[1:], False),))
            old_number, new_number = old_number + 1, new_number + 1
        elif started and line.startswith("\\"):
            yield Row("gap", old=((line[1:].strip(), False),))


def _paired(removed: Sequence[str], added: Sequence[str], old_number: int, new_number: int) -> Iterator[Row]:
    """Lines that were replaced, beside each other."""
    for number, (old, new) in enumerate(itertools.zip_longest(removed, added)):
        olds, news = old_number + number, new_number + number
        if old is None:
            yield Row("added", 0, news, (), ((new, False),))
        elif new is None:
            yield Row("removed", olds, 0, ((old, False),), ())
        else:
            yield Row("changed", olds, news, *within(old, new))


def within(old: str, new: str) -> tuple[Parts, Parts]:
    """Both lines in parts; lines that are hardly alike are marked as a whole."""
    if max(len(old), len(new)) > LONGEST:
        return ((old, True),), ((new, True),)
    olds, news = _WORD.findall(old), _WORD.findall(new)
    matcher = difflib.SequenceMatcher(None, olds, news, autojunk=False)
    if matcher.ratio() < ALIKE:
        return ((old, True),), ((new, True),)
    blocks = matcher.get_opcodes()
    return (
        tuple(("".join(olds[a:b]), tag != "equal") for tag, a, b, _, _ in blocks if a < b),
        tuple(("".join(news[c:d]), tag != "equal") for tag, _, _, c, d in blocks if c < d),
    )


def side_by_side(unified: str, *, caption: str, titles: tuple[str, str] = ("before", "after")) -> Markup:
    """The table."""
    head = Markup(
        '<table class="sides"><caption class="hidden">{}</caption>'
        '<colgroup><col class="line"><col><col class="line"><col></colgroup>'
        '<thead><tr><th scope="col" colspan="2">{}</th><th scope="col" colspan="2">{}</th></tr></thead><tbody>'
    ).format(readable(caption), readable(titles[0]), readable(titles[1]))
    return head + Markup("").join(_row(row) for row in rows(unified)) + Markup("</tbody></table>")


def _row(row: Row) -> Markup:
    if row.mark == "gap":
        return Markup('<tr class="gap"><td colspan="4">{}</td></tr>').format(_text(row.old, "span"))
    old, new = _text(row.old, "del"), _text(row.new, "ins")
    return Markup(
        '<tr class="{}"><td class="line">{}</td><td class="old">{}</td>'
        '<td class="line">{}</td><td class="new">{}</td></tr>'
    ).format(row.mark or "equal", row.old_number or "", old, row.new_number or "", new)


def _text(parts: Parts, tag: str) -> Markup:
    return Markup("").join(
        Markup("<{0}>{1}</{0}>").format(tag, readable(text)) if marked else Markup.escape(readable(text))
        for text, marked in parts
    )
