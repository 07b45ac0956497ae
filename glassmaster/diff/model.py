"""What a comparison of two releases found: plain data, for terminals, pages, release notes and JSON.

Result
  old, new: Side          what was compared, and how much of it is known
  trees: TreeDiff ...     the release itself (name ""), then each domU image that came, went or differs (its path on
                          the disc); where a side has none, it counts as an empty tree
    changes: Change ...   every path that is not the same: enough to make the new tree of the old one
    groups: Group ...     the same counted by origin (set, package, overlay ...), unchanged origins among them
    rooms: Room ...       bytes by origin and directory, before and after
    sections: Section ... what the changes mean, security first
      items: Item ...     one line each; `detail` holds more, such as a unified diff
  verdict: Verdict        same, allowed or decision, with each decision by name
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from glassmaster.errors import GlassmasterError

FORMAT = 1

Form = Literal["release", "iso", "image", "mtree", "recipe", "url"]
# added, removed: the path is on one side only. moved: the same content, at another path. changed: the content, the
# link's target or the type differs (and perhaps metadata too). metadata: only owner, mode, time or names differ.
ChangeKind = Literal["added", "removed", "changed", "moved", "metadata"]
# Which fields of State differ: "content" stands for size and sha256.
FIELDS = ("kind", "content", "link", "mode", "uid", "gid", "mtime", "names")
# What is known of a change of content: text and elf were read; recompiled: ELF files that differ in nothing but what a
# compiler's run leaves (build id, notes, debugging); data: other bytes; unknown: a side has no bytes; "" for others.
Grade = Literal["", "text", "elf", "recompiled", "data", "unknown"]
# up, down: versions; starts, stops: at boot; moved: in an order or to another path.
ItemKind = Literal["added", "removed", "changed", "up", "down", "starts", "stops", "moved", "recompiled"]
# A change of a path as an item.
IN_WORDS: Mapping[ChangeKind, ItemKind] = {
    "added": "added", "removed": "removed", "changed": "changed", "metadata": "changed", "moved": "moved",
}  # fmt: skip
SectionName = Literal[
    "security", "packages", "kernel", "xen", "boot", "rc", "accounts", "etc", "elf", "size", "hidden",
]  # fmt: skip
# In the order in which they are shown, with their titles.
SECTIONS: Mapping[SectionName, str] = {
    "security": "Security",
    "packages": "Packages",
    "kernel": "Kernel configuration",
    "xen": "Xen",
    "boot": "Boot menu",
    "rc": "What starts at boot",
    "accounts": "Users and groups",
    "etc": "Files in /etc",
    "elf": "Programs and libraries",
    "size": "Sizes",
    "hidden": "Hidden by your configuration",
}
Outcome = Literal["same", "allowed", "decision"]
EXIT_STATUS: Mapping[Outcome, int] = {"same": 0, "allowed": 1, "decision": 2}
# Not an outcome: the comparison itself failed.
TROUBLE = 3


@dataclass(frozen=True, slots=True)
class State:
    """A path on one side.

    kind:   file, dir, link, or special for what only foreign discs hold (devices).
    sha256: of a file's bytes, "" when they are not known. link: the target of a symbolic link.
    names:  the first name of a file that has several (hard links), "" for one name or when it is not known.
    origin: whose it is, such as set:base, package:sudo-1.9 or overlay:dom0; "" when nothing says it.
    """

    kind: str
    mode: int
    uid: int
    gid: int
    mtime: int
    size: int = 0
    sha256: str = ""
    link: str = ""
    names: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One path that is not the same. path: on the new side, or of the old one when it was removed.

    old, new: None where it is not there; of a moved one, old is the state at `moved_from`.
    fields:   which of FIELDS differ, in their order; empty for what was added or removed.
    note:     what is known of it in a few words, such as "recompiled only"; "" for nothing.
    """

    path: str
    change: ChangeKind
    old: State | None
    new: State | None
    fields: tuple[str, ...] = ()
    moved_from: str = ""
    grade: Grade = ""
    note: str = ""

    @property
    def group(self) -> str:
        """The group that it is counted in: that of the new side's origin, or of the old one's."""
        state = self.new or self.old
        return group_of(state.origin if state else "")

    @property
    def only_time(self) -> bool:
        """Nothing but the time differs: what a new epoch does to everything that is made here."""
        return self.fields == ("mtime",)


@dataclass(frozen=True, slots=True)
class Group:
    """An origin without its version, such as package:sudo; "" is what nothing claims. Bytes are of files' contents."""

    name: str
    old_origin: str
    new_origin: str
    old_files: int
    new_files: int
    old_bytes: int
    new_bytes: int
    added: int = 0
    removed: int = 0
    changed: int = 0
    moved: int = 0
    metadata: int = 0
    only_time: int = 0

    @property
    def total(self) -> int:
        """Changed paths, without those that differ in their time alone (which `metadata` counts, too)."""
        return self.added + self.removed + self.changed + self.moved + self.metadata - self.only_time


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes of the files of a group below a directory of at most two names; contents of several names count once."""

    group: str
    directory: str
    old: int
    new: int


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a section.

    what:   its subject: a package, an option, a user, a path (with a / first), ...
    old, new: values in words, "" where there is none.
    rule:   the rule that it falls under (docs/diff.md lists them), "" for none.
    paths:  the paths that it is about, if any.
    detail: more lines: a unified diff, or a list.
    """

    what: str
    change: ItemKind
    old: str = ""
    new: str = ""
    rule: str = ""
    paths: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True)
class Section:
    """What the changes mean, of one kind. remarks: what could not be known, and why."""

    name: SectionName
    items: tuple[Item, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """For people."""
        return SECTIONS[self.name]


@dataclass(frozen=True)
class TreeDiff:
    """Two trees compared. name: "" for the release itself, or a domU image's path on the disc (images/NAME.img)."""

    name: str
    old_entries: int
    new_entries: int
    changes: tuple[Change, ...] = ()
    groups: tuple[Group, ...] = ()
    rooms: tuple[Room, ...] = ()
    sections: tuple[Section, ...] = ()
    remarks: tuple[str, ...] = ()

    def section(self, name: SectionName) -> Section:
        """A section, empty where there is nothing of the kind."""
        return next((section for section in self.sections if section.name == name), Section(name))


@dataclass(frozen=True)
class Side:
    """One of the releases compared.

    label:       as it was given on the command line.
    recipe, release_id, title: where they are known, otherwise "".
    entries:     of its tree; bytes: of all files together.
    image_size:  bytes of the image; budget: what the medium holds; 0 when not known.
    sha256:      of an image whose specification is beside it; "" when not known.
    bytes_known: False when there is no image, so that meanings which need a file's bytes are not known.
    """

    label: str
    form: Form
    recipe: str = ""
    release_id: str = ""
    title: str = ""
    standin: bool = False
    entries: int = 0
    bytes: int = 0
    image_size: int = 0
    budget: int = 0
    bytes_known: bool = True
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """Something that a rule of the recipe wants a person to look at.

    name:     what --accept takes: RULE:SUBJECT, or RULE for all of them.
    tree:     the name of the TreeDiff. what: in words.
    accepted: the name of the --accept that covers it, "" while it is open.
    """

    name: str
    rule: str
    tree: str
    what: str
    accepted: str = ""


@dataclass(frozen=True)
class Verdict:
    """rules: those in force. decisions: all that they caught, open and accepted."""

    outcome: Outcome
    rules: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = ()

    @property
    def exit_status(self) -> int:
        """0 same, 1 differs but allowed, 2 needs a decision."""
        return EXIT_STATUS[self.outcome]

    @property
    def open(self) -> tuple[Decision, ...]:
        """Decisions that nobody has taken."""
        return tuple(decision for decision in self.decisions if not decision.accepted)


@dataclass(frozen=True)
class Result:
    """The whole."""

    old: Side
    new: Side
    trees: tuple[TreeDiff, ...]
    verdict: Verdict

    @property
    def tree(self) -> TreeDiff:
        """The release's own tree."""
        return self.trees[0]

    def sections(self) -> Iterator[tuple[TreeDiff, Section]]:
        """All sections that say something, in the order of SECTIONS within each tree."""
        for tree in self.trees:
            for name in SECTIONS:
                section = tree.section(name)
                if section.items or section.remarks:
                    yield tree, section


def group_of(origin: str) -> str:
    """An origin without its version: package:sudo-1.9.15nb1 is package:sudo, xen:4.17 is xen."""
    kind, _, name = origin.partition(":")
    if kind == "package":
        return f"package:{name.rpartition('-')[0] or name}"
    return "xen" if kind == "xen" else origin


def to_json(result: Result) -> dict[str, Any]:
    """The result as docs/diff.schema.json describes it. Keys are the fields' names."""
    return {"format": FORMAT, **dataclasses.asdict(result)}


def from_json(document: Any, name: str) -> Result:
    """Read what to_json made; raises GlassmasterError, which names `name`, for anything else."""
    try:
        if document["format"] != FORMAT:
            raise ValueError(f"its format is {document['format']}, expected {FORMAT}")
        return Result(
            Side(**document["old"]), Side(**document["new"]), tuple(map(_tree, document["trees"])),
            _verdict(document["verdict"]),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise GlassmasterError(f"{name}: not a comparison of this version", why=str(error)) from error


def dumps(result: Result) -> str:
    """The text of diff.json: same result, same text."""
    return json.dumps(to_json(result), sort_keys=True, indent=1, ensure_ascii=True) + "\n"


def _tree(row: Mapping[str, Any]) -> TreeDiff:
    return TreeDiff(
        row["name"], row["old_entries"], row["new_entries"], tuple(map(_change, row["changes"])),
        tuple(Group(**item) for item in row["groups"]), tuple(Room(**item) for item in row["rooms"]),
        tuple(map(_section, row["sections"])), tuple(row["remarks"]),
    )  # fmt: skip


def _change(row: Mapping[str, Any]) -> Change:
    states = {side: State(**row[side]) if row[side] else None for side in ("old", "new")}
    return Change(**{**row, **states, "fields": tuple(row["fields"])})


def _section(row: Mapping[str, Any]) -> Section:
    items = tuple(Item(**{**item, "paths": tuple(item["paths"])}) for item in row["items"])
    return Section(row["name"], items, tuple(row["remarks"]))


def _verdict(row: Mapping[str, Any]) -> Verdict:
    return Verdict(row["outcome"], tuple(row["rules"]), tuple(Decision(**item) for item in row["decisions"]))
