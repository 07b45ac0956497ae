"""The configuration inside the kernels: options and devices that came or went, roots and dumps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from glassmaster.diff.kernelfacts import KernelFacts, is_kernel
from glassmaster.diff.model import Item, ItemKind, Section
from glassmaster.diff.pair import Pair

_SAME = "built again: its configuration is the same"
# A setting without a value; shown in the place of "".
_SET = "set"


def kernel(pair: Pair) -> Section:
    """The section."""
    changes = [change for change in pair.changes if is_kernel(change.path) and change.change != "metadata"]
    items: list[Item] = []
    for change in changes:
        if change.new is None:
            items.append(Item(f"/{change.path}", "removed", paths=(change.path,)))
            continue
        if change.old is None or (change.change == "moved" and not is_kernel(change.moved_from)):
            items.append(_new(change.path, pair.new_facts.kernels.get(change.path), pair.no_bytes))
            continue
        if change.change == "moved":
            items.append(Item(f"/{change.path}", "moved", f"/{change.moved_from}", f"/{change.path}"))
            continue
        before, after = pair.old_facts.kernels.get(change.path), pair.new_facts.kernels.get(change.path)
        if before is None or after is None or before.problem or after.problem:
            problem = (before.problem if before else "") or (after.problem if after else "") or pair.no_bytes
            items.append(_unknown(change.path, problem))
        else:
            found = list(_differences(change.path, before, after))
            items += found
            if not found:
                items.append(Item(f"/{change.path}", "changed", paths=(change.path,), detail=_SAME))
    return Section("kernel", tuple(items))


def _new(path: str, facts: KernelFacts | None, no_bytes: str) -> Item:
    """A kernel that was not there, with its roots: nobody has agreed to any of them."""
    problem = facts.problem if facts else no_bytes or "it could not be read"
    roots = "; ".join(f"{name}: root on {root}" for name, root in facts.roots.items()) if facts else ""
    detail = f"its configuration is not known: {problem}" if problem else ""
    return Item(f"/{path}", "added", "", roots, "kernel-root", (path,), detail)


def _unknown(path: str, problem: str) -> Item:
    """Its root may be another: nobody can say that it is not."""
    detail = f"its configuration is not known: {problem or 'it could not be read'}"
    return Item(f"/{path}", "changed", rule="kernel-root", paths=(path,), detail=detail)


def _differences(path: str, old: KernelFacts, new: KernelFacts) -> Iterator[Item]:
    for word, before, after in (("root", old.roots, new.roots), ("dumps", old.dumps, new.dumps)):
        yield from _of(path, f"{word} of config", before, after, rule="kernel-root")
    yield from _of(path, "", old.settings, new.settings, rule="")


def _of(path: str, word: str, old: Mapping[str, str], new: Mapping[str, str], rule: str) -> Iterator[Item]:
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) == new.get(name):
            continue
        kind: ItemKind = "added" if name not in old else "removed" if name not in new else "changed"
        before, after = _shown(old.get(name)), _shown(new.get(name))
        yield Item(f"/{path}: {word} {name}" if word else f"/{path}: {name}", kind, before, after, rule, (path,))


def _shown(value: str | None) -> str:
    return value or ("" if value is None else _SET)
