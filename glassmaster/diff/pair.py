"""What every meaning is given: both trees, what changed, and what was read of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from glassmaster.diff.facts import Facts, read_facts
from glassmaster.diff.kernelfacts import is_kernel
from glassmaster.diff.model import Change, State
from glassmaster.diff.parallel import both
from glassmaster.diff.source import IMAGE, Source
from glassmaster.diff.xenfacts import is_xen

RC_D, INETD_CONF = "etc/rc.d/", "etc/inetd.conf"
_ETC = ("etc/", "usr/pkg/etc/")
MUCH = 100
# What rc.conf is made of, in the order in which the shell reads it: the release's defaults (which the overlay machine
# keeps under another name), that overlay's, what the overlays above it add, and the machine's own.
_RC_CONFS = tuple(map(re.compile, (
    r"etc/defaults/rc\.conf\.netbsd", r"etc/defaults/rc\.conf", r"etc/defaults/packages\.conf",
    r"etc/defaults/glassmaster\.[^/]*\.conf",
    r"etc/rc\.conf", r"etc/rc\.conf\.d/[^/]*",
)))  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """Both sides of one tree. no_bytes: of a side that is a mere specification, what to call it; "" where both know."""

    old: Mapping[str, State]
    new: Mapping[str, State]
    changes: tuple[Change, ...]
    old_facts: Facts = field(default_factory=Facts)
    new_facts: Facts = field(default_factory=Facts)
    no_bytes: str = ""

    def changed(self, prefix: str = "") -> Iterator[Change]:
        """Changes of more than metadata below a path."""
        return (
            change for change in self.changes if change.path.startswith(prefix) and change.change != "metadata"
        )  # fmt: skip

    def content_changes(self) -> Iterator[Change]:
        """Files whose bytes are others than those of the same path, or of the path that they moved from."""
        return (
            change
            for change in self.changes
            if "content" in change.fields and change.old and change.new and change.old.kind == change.new.kind
        )


def paired(old: Source, new: Source, changes: tuple[Change, ...]) -> Pair:
    """Read what the changes' meanings need, of both sides at once."""
    no_bytes = " and ".join(source.side.label for source in (old, new) if not source.contents.known)
    before, after = wanted(changes, old.states), wanted(changes, new.states)
    requests = ((old.contents, before), (new.contents, after))
    # A process of its own is worth it for many files, or for a long way over a disc.
    is_much = (before or after) and max(len(before), len(after), len(old.states) // 50, len(new.states) // 50) > MUCH
    facts = both(read_facts, *requests) if is_much else (read_facts(requests[0]), read_facts(requests[1]))
    return Pair(old.states, new.states, changes, *facts, no_bytes)


def wanted(changes: Collection[Change], states: Mapping[str, State]) -> list[str]:
    """The files of one side that must be read."""
    paths: dict[str, None] = {}
    for change in changes:
        came_or_went = change.change in ("added", "removed", "moved")
        # A key may be one by its content alone, and its mode counts.
        is_opened = bool({"mode", "uid", "gid"} & set(change.fields)) and change.path.startswith(_ETC)
        if "content" in change.fields or is_opened or (came_or_went and _is_telling(change.path)):
            paths[change.path] = None
    if any(change.path.startswith("etc/") and change.change != "metadata" for change in changes):
        # It may include what changed.
        paths[INETD_CONF] = None
    if any(starting(change) for change in changes):
        paths |= dict.fromkeys([*rc_confs(states), *(path for path in states if path.startswith(RC_D))])
    # A domU's image is a tree of its own.
    return [path for path in paths if path in states and states[path].kind == "file" and not IMAGE.fullmatch(path)]


def starting(change: Change) -> bool:
    """Whether a change may have to do with what starts at boot."""
    return change.change != "metadata" and bool(change.path.startswith(RC_D) or rc_confs([change.path]))


def rc_confs(paths: Iterable[str]) -> list[str]:
    """Those of the paths that rc.conf is made of, in their order."""
    names = sorted(path for path in paths if path.startswith("etc/"))
    return [path for pattern in _RC_CONFS for path in names if pattern.fullmatch(path)]


def _is_telling(path: str) -> bool:
    """A file that means something by being there."""
    return path.startswith((*_ETC, "boot/")) or path == "boot.cfg" or is_kernel(path) or is_xen(path)
