"""Two releases compared: their own trees, the domU images on them, what that means, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from glassmaster.checks.readback import file_digest
from glassmaster.config.tree import ConfigTree
from glassmaster.diff.compare import compare
from glassmaster.diff.groups import groups, rooms
from glassmaster.diff.meanings.accounts import accounts
from glassmaster.diff.meanings.boot import boot
from glassmaster.diff.meanings.hidden import hidden
from glassmaster.diff.meanings.kernel import kernel
from glassmaster.diff.meanings.packages import packages
from glassmaster.diff.meanings.programs import elf, graded
from glassmaster.diff.meanings.rc import rc
from glassmaster.diff.meanings.security import security
from glassmaster.diff.meanings.size import size
from glassmaster.diff.meanings.texts import etc
from glassmaster.diff.meanings.xen import xen
from glassmaster.diff.model import Item, ItemKind, Result, Section, State, TreeDiff
from glassmaster.diff.pair import Pair, paired
from glassmaster.diff.source import IMAGE, Source, nothing, open_image, with_same_origins
from glassmaster.diff.verdict import DEFAULT_RULES, verdict
from glassmaster.errors import GlassmasterError

MEANINGS = (security, packages, kernel, xen, boot, rc, accounts, etc, elf)
# Two images of one tree: what no file shows differs.
OUTSIDE = Item(
    "outside of the files", "changed",
    detail="the trees are the same, the images are not: boot loader, padding or the file system's own structures",
)  # fmt: skip


@dataclass(frozen=True)
class Terms:
    """By what a comparison is judged. rules: of the recipe; accepted: names; config: your servers' files."""

    rules: tuple[str, ...] = DEFAULT_RULES
    accepted: tuple[str, ...] = ()
    config: ConfigTree | None = None


def compare_releases(old: Source, new: Source, terms: Terms, work: Path) -> Result:
    """Compare. work: a directory for what must be copied off a disc to be looked into."""
    trees = tuple(_trees(old, new, terms, work))
    return Result(old.side, new.side, trees, verdict(trees, terms.rules, terms.accepted))


def _trees(old: Source, new: Source, terms: Terms, work: Path) -> Iterator[TreeDiff]:
    own = compare_trees("", old, new, terms)
    yield own
    for change in own.changes:
        before = _image_of(change.old, change.moved_from or change.path)
        after = _image_of(change.new, change.path)
        if (before or after) and not (before and after and "content" not in change.fields):
            yield _image(before, after, old, new, terms, work)


def _image_of(state: State | None, path: str) -> str:
    """The path, if a domU's image is there; otherwise ""."""
    return path if state is not None and state.kind == "file" and IMAGE.fullmatch(path) else ""


def _image(before: str, after: str, old: Source, new: Source, terms: Terms, work: Path) -> TreeDiff:
    """A domU's image as a tree, compared with an empty one where a side has none ("").

    What is in one that cannot be looked into may be anything; what went with it does no harm.
    """
    name = after or before
    try:
        sides = [
            open_image(side, path, work) if path else nothing(f"no {name}")
            for side, path in ((old, before), (new, after))
        ]
        if sides[0] and sides[1]:
            return compare_trees(name, sides[0], sides[1], terms)
        names = ", ".join(side.side.label for side, image in zip((old, new), sides, strict=True) if image is None)
        why = f"{names} has only a specification of the disc"
    except GlassmasterError as error:
        why = f"{error.what}: {error.why}".replace("\n", " ")
    kind: ItemKind = "changed" if before and after else "added" if after else "removed"
    item = Item("its files", kind, rule="unknown" if after else "", paths=(name,), detail=f"not known: {why}")
    return TreeDiff(name, 0, 0, sections=(Section("security", (item,)),))


def compare_trees(name: str, old: Source, new: Source, terms: Terms) -> TreeDiff:
    """One tree with all that its changes mean."""
    unknown = old.unknown | new.unknown
    old, new = with_same_origins(old, new)
    pair = paired(old, new, compare(old.states, new.states, unknown))
    pair = replace(pair, changes=graded(pair))
    counted = groups(old.states, new.states, pair.changes)
    sections = [meaning(pair) for meaning in MEANINGS]
    if not pair.changes and old.image and new.image and file_digest(old.image) != file_digest(new.image):
        sections.append(Section("boot", (OUTSIDE,)))
    sections.append(size(old.side, new.side, counted if pair.changes else ()))
    if terms.config is not None:
        sections.append(hidden(pair, terms.config, name))
    return TreeDiff(
        name, len(old.states), len(new.states), pair.changes, counted, rooms(old.states, new.states),
        tuple(section for section in sections if _says_something(section)), tuple(_remarks(pair, unknown, old, new)),
    )  # fmt: skip


def _says_something(section: Section) -> bool:
    return bool(section.items or section.remarks)


def _remarks(pair: Pair, unknown: frozenset[str], old: Source, new: Source) -> Iterator[str]:
    words = {"names": "hard links", "mtime": "times", "uid": "owners", "gid": "groups", "mode": "modes"}
    told = [words[field] for field in sorted(unknown) if field in words]
    if told:
        yield f"not compared, since one side does not tell them: {', '.join(told)}"
    if pair.no_bytes:
        yield f"files' bytes are not known: {pair.no_bytes}"
    blind = sum(
        state.kind == "file" and not state.sha256 and path in new.states for path, state in old.states.items()
    ) + sum(state.kind == "file" and not state.sha256 and path in old.states for path, state in new.states.items())
    if blind:
        yield f"{blind:,} files are compared by size alone: a side does not tell their digest"
