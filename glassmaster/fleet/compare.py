"""Each machine's line against the published releases and the configuration tree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from glassmaster.config.tree import ConfigTree
from glassmaster.fleet.collect import Collected
from glassmaster.fleet.line import Line
from glassmaster.fleet.published import Release, newer
from glassmaster.fleet.revisions import read_revision

# newest, behind; unknown: never published; unjudged: there is nothing to judge it by; silent: it has not reported.
OfRelease = Literal["newest", "behind", "unknown", "unjudged", "silent"]
# same; behind: the tree has changed since; changed: by hand, on the machine; unjudged: no revision, or no tree.
OfConfig = Literal["same", "behind", "changed", "unjudged"]
GOOD: tuple[str, ...] = ("newest", "same", "unjudged")


@dataclass(frozen=True)
class Standing:
    """How one machine stands. name: pservers/HOST or vservers/NAME, or what it calls itself where no tree knows it.

    behind: how many releases came after the one that it runs. newest: the id of the last of its recipe, "" if none is.
    """

    name: str
    line: Line | None
    release: OfRelease
    config: OfConfig
    behind: int = 0
    newest: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether nobody has to look at it."""
        return self.release in GOOD and self.config in GOOD and not self.remarks


@dataclass(frozen=True)
class Measure:
    """What lines are judged by. published: oldest first, None for not at all; changed: last revisions, by place."""

    published: Sequence[Release] | None = None
    tree: ConfigTree | None = None
    changed: Mapping[str, int] | None = None


def standings(collected: Iterable[Collected], measure: Measure) -> list[Standing]:
    """Every machine of the tree, and every other one that has reported; sorted by name."""
    by_name: dict[str, list[Collected]] = (
        {server.place: [] for server in measure.tree.servers()} if measure.tree else {}
    )
    for item in collected:
        by_name.setdefault(_name_of(item, by_name), []).append(item)
    return [_standing(name, items, measure) for name, items in sorted(by_name.items())]


def _name_of(item: Collected, known: Mapping[str, object]) -> str:
    """Which machine of the tree it is: by its own word, else by its name, whole or without the domain."""
    if item.line and item.line.tree in known:
        return item.line.tree
    name = item.line.host if item.line else item.name
    servers = {place: place.partition("/")[2] for place in known}
    found = [place for place, server in servers.items() if server == name]
    found = found or [place for place, server in servers.items() if _first_label(server) == _first_label(name)]
    return found[0] if len(found) == 1 else name


def _first_label(name: str) -> str:
    return name.partition(".")[0]


def _standing(name: str, items: Sequence[Collected], measure: Measure) -> Standing:
    remarks = [item.trouble for item in items if item.trouble]
    lines = sorted((item.line for item in items if item.line), key=lambda line: (line.reported, line.host))
    if not lines:
        return Standing(name, None, "silent", "unjudged", remarks=tuple(remarks))
    line = lines[-1]
    if len(lines) > 1:
        remarks.append(f"{len(lines)} lines of it: {', '.join(sorted(line.host for line in lines))}")
    # A machine that was asked may know itself by a longer or a shorter name.
    others = [(item.name, item.line.host) for item in items if item.line]
    remarks += [f"the file {a} is of {b}" for a, b in others if _first_label(a) != _first_label(b)]
    if measure.tree and "/" not in name:
        remarks.append("not in the configuration tree")
    if line.complaints:
        remarks.append(f"its start complained: {', '.join(line.complaints)}")
    release, behind, newest = _of_release(line, measure.published)
    config, more = _of_config(name, line, measure.changed or {})
    return Standing(name, line, release, config, behind, newest, (*remarks, *more))


def _of_release(line: Line, published: Sequence[Release] | None) -> tuple[OfRelease, int, str]:
    own = [release for release in published or () if release.recipe == line.recipe]
    if published is None:
        return "unjudged", 0, ""
    later, newest = newer(line.release, line.recipe, own), own[-1].release_id if own else ""
    if later is None:
        return "unknown", 0, newest
    return ("behind" if later else "newest"), len(later), newest


def _of_config(name: str, line: Line, changed: Mapping[str, int]) -> tuple[OfConfig, list[str]]:
    state: OfConfig = "unjudged"
    remarks = []
    for tree, place, said in (("local", name, line.local), ("global", "global", line.global_)):
        revision, last = read_revision(said), changed.get(place)
        if last is None or not said:
            continue
        if revision is None:
            remarks.append(f"/config/{tree} has no revision: {said}")
        elif revision.lowest < last:
            state = "behind"
            remarks.append(f"/config/{tree} is of revision {said}, {place} was changed in {last}")
        elif revision.changed:
            state = "changed" if state != "behind" else state
            remarks.append(f"/config/{tree} was changed on the machine ({said})")
        elif state == "unjudged":
            state = "same"
    return state, remarks
