"""Packages that came, went, or are of another version, by pkgsrc's order of versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from glassmaster.diff.model import Item, ItemKind, Section, State, group_of
from glassmaster.diff.origins import installed_packages
from glassmaster.diff.pair import Pair
from glassmaster.inputs.pkgsrc.versions import compare


def packages(pair: Pair) -> Section:
    """The section."""
    return Section("packages", tuple(_items(pair)))


def _items(pair: Pair) -> Iterator[Item]:
    old, new = _versions(pair.old), _versions(pair.new)
    rebuilt = _rebuilt(pair)
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name, ""), new.get(name, "")
        if before == after:
            if rebuilt[name]:
                files = f"{rebuilt[name]} {'file' if rebuilt[name] == 1 else 'files'} of the same version differ"
                yield Item(name, "changed", before, after, detail=files)
            continue
        yield Item(name, _kind(before, after), before, after, rule="package-down" if _is_down(before, after) else "")


def _kind(before: str, after: str) -> ItemKind:
    if not before or not after:
        return "added" if after else "removed"
    order = compare(before, after)
    return "up" if order < 0 else "down" if order > 0 else "changed"


def _is_down(before: str, after: str) -> bool:
    return bool(before and after) and compare(before, after) > 0


def _versions(states: Mapping[str, State]) -> dict[str, str]:
    """Versions by name; of a name that is there twice, both."""
    found: dict[str, list[str]] = {}
    for package in sorted(installed_packages(states, _origins(states.values()))):
        name, _, version = package.rpartition("-")
        found.setdefault(name or package, []).append(version)
    return {name: ", ".join(versions) for name, versions in found.items()}


def _origins(states: Iterable[State]) -> set[str]:
    return {state.origin for state in states}


def _rebuilt(pair: Pair) -> Counter[str]:
    """How many files of a package have other contents."""
    changed = (change for change in pair.changes if {"content", "link", "kind"} & set(change.fields))
    groups = (group_of(change.new.origin) for change in changed if change.new)
    return Counter(group.removeprefix("package:") for group in groups if group.startswith("package:"))
