"""A comparison as one HTML page: the verdict, what the changes mean, what takes the room, every path."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from glassmaster.diff.model import SECTIONS, Group, Item, Result, Section, Side, TreeDiff
from glassmaster.diff.rows import grouped
from glassmaster.errors import readable
from glassmaster.pages.page import render
from glassmaster.pages.sidebyside import is_unified, side_by_side
from glassmaster.pages.treemap import Tile, treemaps

# The colours of origins in a treemap, by what stands before the colon.
HUES = {"set": 1, "package": 2, "overlay": 3, "kernel": 4, "xen": 5, "domu": 6, "grub": 7, "altered": 8, "": 0}
KINDS = {
    "set": "sets", "package": "packages", "overlay": "overlays", "kernel": "kernel", "xen": "Xen",
    "domu": "domU images", "grub": "GRUB", "altered": "changed after a set was unpacked", "": "others",
}  # fmt: skip
TONES = {"same": "good", "allowed": "info", "decision": "bad"}
WORDS = {"same": "Same", "allowed": "Differs, and is allowed", "decision": "Needs a decision"}
NOBODY = "no origin known"
# Of a section, how many items are shown before one has to ask, and of the directories, how many at all.
FIRST_ITEMS, DIRECTORIES = 15, 15
# A section with no more lines of details than this has them unfolded.
FEW_LINES = 60


@dataclass(frozen=True)
class Meaning:
    """A kind of change, of all trees: those that say something of it."""

    name: str
    title: str
    parts: tuple[tuple[TreeDiff, Section], ...]

    @property
    def counts(self) -> list[tuple[str, int]]:
        """How many items of each kind, most first."""
        found = Counter(item.change for _, section in self.parts for item in section.items)
        return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))


@dataclass(frozen=True)
class Map:
    """What takes the room in a tree, before and after."""

    tree: TreeDiff
    drawings: tuple[Markup, Markup]
    bytes: tuple[int, int]


def page(result: Result) -> str:
    """The page. Same result, same text."""
    return render(
        "diff.html.j2", package="glassmaster.diff", script="diff.js", style="diff.css", result=result,
        old=_name(result.old, result.new), new=_name(result.new, result.old), tone=TONES[result.verdict.outcome],
        word=WORDS[result.verdict.outcome], sentence=_sentence(result), meanings=_meanings(result), data=_data(result),
        totals=_totals(result), maps=_drawn(result),
        legend=_legend(result), directories=_directories, detail=_detail, first_items=FIRST_ITEMS, sides=_sides(result),
        tree_name=tree_name, few_details=_few_details, is_short=_is_short,
    )  # fmt: skip


def tree_name(tree: TreeDiff) -> str:
    """A tree for people."""
    return tree.name or "the release"


def _name(side: Side, other: Side) -> str:
    """A release in a heading: by its id where it has one of its own, otherwise as it was given."""
    return side.release_id if side.release_id and side.release_id != other.release_id else side.label


def _sentence(result: Result) -> str:
    verdict, totals = result.verdict, _totals(result)
    changed = f"{totals['all'] - totals['time']:,} paths differ"
    changed += f", and {totals['time']:,} in their time alone" if totals["time"] else ""
    if verdict.outcome == "same":
        return "Nothing differs that anybody could see: paths, contents, owners, modes, times."
    if verdict.outcome == "decision":
        number = len(verdict.open)
        return (
            f"{number} {'change falls' if number == 1 else 'changes fall'} under the rules of the recipe. "
            "Take each with --accept, or change the release."
        )
    if verdict.decisions:
        return f"{changed}; every change that falls under a rule was accepted."
    return f"{changed}. None of it falls under a rule of the recipe."


def _totals(result: Result) -> dict[str, int]:
    """Paths by what happened to them; those whose time alone differs are counted apart."""
    counts = Counter(
        "time" if change.only_time else change.change for tree in result.trees for change in tree.changes
    )  # fmt: skip
    names = ("added", "removed", "changed", "moved", "metadata", "time")
    return {**{name: counts[name] for name in names}, "all": counts.total()}


def _sides(result: Result) -> list[tuple[str, str, str]]:
    """Facts of both sides: name, old, new; without those that neither has."""

    def facts(side: Side) -> dict[str, str]:
        return {
            "given as": side.label, "form": side.form, "recipe": side.recipe, "release id": side.release_id,
            "title": side.title, "entries": f"{side.entries:,}", "bytes in files": f"{side.bytes:,}",
            "image": f"{side.image_size:,} bytes" if side.image_size else "",
            "media budget": f"{side.image_size / side.budget:.1%} of {side.budget:,} bytes used" if side.budget else "",
            "contents": "" if side.bytes_known else "not known: digests only",
        }  # fmt: skip

    old, new = facts(result.old), facts(result.new)
    return [(name, old[name], new[name]) for name in old if old[name] or new[name]]


def _meanings(result: Result) -> list[Meaning]:
    found = []
    for name, title in SECTIONS.items():
        parts = tuple((tree, tree.section(name)) for tree in result.trees)
        parts = tuple(part for part in parts if part[1].items or part[1].remarks)
        if parts:
            found.append(Meaning(name, title, parts))
    return found


def _detail(item: Item) -> Markup:
    """More of an item: a text side by side, or lines."""
    if is_unified(item.detail):
        return side_by_side(item.detail, caption=f"{item.what}, before and after")
    return Markup("<pre>{}</pre>").format(readable(item.detail))


def _is_short(item: Item) -> bool:
    """Whether the detail is a line that needs no fold."""
    return bool(item.detail) and "\n" not in item.detail.strip()


def _few_details(section: Section) -> bool:
    return sum(item.detail.count("\n") for item in section.items) <= FEW_LINES


def _drawn(result: Result) -> list[Map]:
    """Trees with their treemaps, where there is anything to draw."""
    drawn = [_map(tree, at) for at, tree in enumerate(result.trees)]
    return [one for one in drawn if any(one.bytes)]


def _map(tree: TreeDiff, at: int) -> Map:
    """Of rooms, where a content of several names counts once; of the groups where there are none."""
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    for room in tree.rooms:
        before[room.group] += room.old
        after[room.group] += room.new
    if not tree.rooms:
        before.update({group.name: group.old_bytes for group in tree.groups})
        after.update({group.name: group.new_bytes for group in tree.groups})
    number = {group.name: number for number, group in enumerate(tree.groups)}
    led = {change.group for change in tree.changes} & set(number)

    def tiles(room: Counter[str]) -> list[Tile]:
        return [
            Tile(name or NOBODY, size, hue(name), f"#{fold_id(at, number[name])}" if name in led else "")
            for name, size in sorted(room.items())
        ]

    titles = f"{tree_name(tree)} before", f"{tree_name(tree)} after"
    return Map(tree, treemaps(tiles(before), tiles(after), titles=titles), (before.total(), after.total()))


def hue(group: str) -> int:
    """The colour of a group."""
    return HUES.get(group.partition(":")[0], HUES[""])


def fold_id(tree: int, group: int) -> str:
    """The id of a group's fold on the page, by their numbers."""
    return f"group-{tree}-{group}"


def _legend(result: Result) -> list[tuple[int, str]]:
    kinds = {group.name.partition(":")[0] for tree in result.trees for group in tree.groups}
    shown = {kind if kind in HUES else "" for kind in kinds}
    return [(HUES[kind], word) for kind, word in KINDS.items() if kind in shown]


def _directories(tree: TreeDiff) -> list[tuple[str, str, int, int]]:
    """Where the room went: group, directory, bytes before and after; those that changed most."""
    rooms = [room for room in tree.rooms if room.old != room.new]
    rooms.sort(key=lambda room: (-abs(room.new - room.old), room.group, room.directory))
    return [(room.group or NOBODY, room.directory, room.old, room.new) for room in rooms[:DIRECTORIES]]


def _data(result: Result) -> list[dict[str, Any]]:
    """What the script makes the files' list of."""
    trees = []
    for at, tree in enumerate(result.trees):
        groups = {group.name: (number, group) for number, group in enumerate(tree.groups)}
        folds = [
            {
                "name": readable(name or NOBODY), "id": fold_id(at, groups[name][0]) if name in groups else "",
                "hue": hue(name), "origins": _origins(groups[name][1]) if name in groups else "", "rows": rows,
            }
            for name, rows in grouped(tree)
        ]  # fmt: skip
        trees.append({"name": readable(tree_name(tree)), "groups": folds})
    return trees


def _origins(group: Group) -> str:
    """The versions, where they say more than the group's name."""
    names = [name for name in (group.old_origin, group.new_origin) if name and name != group.name]
    return readable(" \N{RIGHTWARDS ARROW} ".join(dict.fromkeys(names)))
