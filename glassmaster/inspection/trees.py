"""What is in a tree: sets, packages, kernels, the release that it says it is, sizes by origin and by directory."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from glassmaster.diff.kernelfacts import is_kernel
from glassmaster.diff.model import State, group_of
from glassmaster.diff.origins import installed_packages
from glassmaster.diff.source import Source
from glassmaster.diff.xenfacts import is_xen, xen_version
from glassmaster.inspection.kernels import kernel_facts
from glassmaster.inspection.model import Cell, Report, Table, table

RELEASE = "etc/glassmaster/release"
NOTHING_KNOWN = "(no origin known)"
TOP = 15
_SET = re.compile(r"(?:.*/)?binary/sets/([^/]+)\.(?:tgz|tar\.xz)")
_MANIFEST = re.compile(r"etc/mtree/set\.([^/]+)")


def tree_tables(states: Mapping[str, State]) -> tuple[Table, ...]:
    """Sets, packages and sizes of a tree."""
    return (*_sets(states), *_set_files(states), *_packages(states), *sizes(states))


def tree_facts(source: Source) -> tuple[tuple[str, str], ...]:
    """What a tree says of itself: the release that glassmaster made, how many paths and bytes."""
    states = source.states
    files = [state for state in states.values() if state.kind == "file"]
    kinds = Counter(state.kind for state in states.values())
    words = {"file": "files", "dir": "directories", "link": "symbolic links", "special": "devices"}
    counted = ", ".join(f"{kinds[kind]:,} {word}" for kind, word in words.items() if kinds[kind])
    setuid = sum(1 for state in files if state.mode & 0o6000)
    facts = [("entries", f"{len(states):,}: {counted}"), ("bytes", f"{sum(state.size for state in files):,} in files")]
    facts += [("setuid", f"{setuid:,} files are setuid or setgid")] if setuid else []
    return (*_release(source), *facts)


def _release(source: Source) -> list[tuple[str, str]]:
    if not source.contents.known or RELEASE not in source.states:
        side = source.side
        known = {"recipe": side.recipe, "release id": side.release_id}
        return [(name, value) for name, value in known.items() if value]
    for _, data in source.contents.each([RELEASE]):
        lines = (line.partition("=") for line in data.decode("utf-8", "backslashreplace").splitlines())
        values = {key: value for key, mark, value in lines if mark}
        named = {
            "release id": "release_id",
            "recipe": "recipe",
            "NetBSD": "netbsd",
            "machine": "machine",
            "domU": "domu",
        }
        return [(name, values[key]) for name, key in named.items() if values.get(key)]
    return []


def kernels(source: Source) -> tuple[Report, ...]:
    """The kernels of a tree, each with what its configuration says, and hypervisors."""
    if not source.contents.known:
        return ()
    files = {path for path, state in source.states.items() if state.kind == "file"}
    wanted = [path for path in files if is_kernel(path) or is_xen(path)]
    found = []
    for path, data in source.contents.each(sorted(wanted)):
        if is_xen(path):
            version = xen_version(data, path)
            found.append(Report(path, "Xen hypervisor", (("version", version or "not found in it"),)))
        else:
            found.append(kernel_facts(data, path))
    return tuple(sorted(found, key=lambda report: report.name))


def _sets(states: Mapping[str, State]) -> tuple[Table, ...]:
    """Sets that were unpacked here: those whose manifests are here, or that an origin tells of."""
    names = {match[1] for path in states if (match := _MANIFEST.fullmatch(path))}
    names |= {state.origin.removeprefix("set:") for state in states.values() if state.origin.startswith("set:")}
    count, room, altered = Counter[str](), Counter[str](), Counter[str]()
    for state in states.values():
        kind, _, name = state.origin.partition(":")
        if kind in ("set", "altered"):
            count[name] += 1
            room[name] += state.size
            altered[name] += kind == "altered"
    rows: list[tuple[Cell, ...]] = [(name, count[name], room[name], altered[name]) for name in sorted(names)]
    return table("Sets", ("set", "#paths", "#bytes", "#altered"), rows)


def _set_files(states: Mapping[str, State]) -> tuple[Table, ...]:
    """Sets that lie here as archives: of an installation disc."""
    rows: list[tuple[Cell, ...]] = [
        (match[1], state.size, path)
        for path, state in sorted(states.items())
        if (match := _SET.fullmatch(path)) and state.kind == "file"
    ]
    return table("Set archives", ("set", "#bytes", "path"), rows)


def _packages(states: Mapping[str, State]) -> tuple[Table, ...]:
    room: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for state in states.values():
        if state.origin.startswith("package:"):
            room[state.origin.removeprefix("package:")] += state.size
            count[state.origin.removeprefix("package:")] += 1
    names = installed_packages(states, (state.origin for state in states.values()))
    rows: list[tuple[Cell, ...]] = [(name, count[name], room[name]) for name in sorted(names)]
    return table("Packages", ("package", "#paths", "#bytes"), rows)


def sizes(states: Mapping[str, State], *, origins: bool = True) -> tuple[Table, ...]:
    """Where the bytes are; a content that lies there under several names counts once, for the first."""
    by_origin: Counter[str] = Counter()
    by_directory: Counter[str] = Counter()
    seen: set[str] = set()
    for path, state in states.items():
        if state.size and (not state.sha256 or state.sha256 not in seen):
            seen.add(state.sha256)
            by_origin[group_of(state.origin) or NOTHING_KNOWN] += state.size
            by_directory[path.split("/")[0] if "/" in path else "."] += state.size
    found = _largest("Bytes by origin", "origin", by_origin) if origins and set(by_origin) != {NOTHING_KNOWN} else ()
    return (*found, *_largest("Bytes by directory", "directory", by_directory))


def _largest(title: str, column: str, room: Counter[str]) -> tuple[Table, ...]:
    """The largest first; what comes after TOP together."""
    ordered = sorted(room.items(), key=lambda pair: (-pair[1], pair[0]))
    rows: list[tuple[Cell, ...]] = [*ordered[:TOP]]
    rest = ordered[TOP:]
    rows += [(f"{len(rest)} others", sum(size for _, size in rest))] if rest else []
    return table(title, (column, "#bytes"), rows)
