"""The verdict: which of the changes need somebody's decision, by the rules of a recipe."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import get_args

from glassmaster.diff.model import Decision, Outcome, TreeDiff, Verdict
from glassmaster.errors import GlassmasterError
from glassmaster.recipe.model import Diff, Rule

RULES: tuple[str, ...] = get_args(Rule)
DEFAULT_RULES: tuple[str, ...] = Diff().rules


def verdict(trees: Sequence[TreeDiff], rules: Collection[str], accepted: Collection[str]) -> Verdict:
    """Same, allowed, or in need of a decision. accepted: rules, or names of single decisions.

    Raises GlassmasterError for an accepted name that no rule has: it would accept nothing, and nobody would see it.
    """
    for name in accepted:
        if name.partition(":")[0] not in RULES:
            raise GlassmasterError(f"--accept {name}: no such rule", hint=f"there are: {', '.join(RULES)}")
    decisions = tuple(_decisions(trees, rules, accepted))
    outcome: Outcome = "same"
    if any(decision.accepted == "" for decision in decisions):
        outcome = "decision"
    elif decisions or any(tree.changes or any(section.items for section in tree.sections) for tree in trees):
        outcome = "allowed"
    return Verdict(outcome, tuple(rule for rule in RULES if rule in rules), decisions)


def _decisions(trees: Sequence[TreeDiff], rules: Collection[str], accepted: Collection[str]) -> Iterator[Decision]:
    seen: set[tuple[str, str]] = set()
    for tree in trees:
        for section in tree.sections:
            for item in section.items:
                # What stands in two sections is one decision.
                if item.rule in rules and (tree.name, key := f"{item.rule}:{_subject(tree, item.what)}") not in seen:
                    seen.add((tree.name, key))
                    taken = next((name for name in (key, item.rule) if name in accepted), "")
                    what = ", ".join(
                        filter(None, [f"{section.title}: {item.what} {item.change}", _values(item.old, item.new)])
                    )
                    yield Decision(key, item.rule, tree.name, what, taken)


def _subject(tree: TreeDiff, what: str) -> str:
    """What a decision is about; in a domU's image, with the image before it."""
    return f"{tree.name}:{what}" if tree.name else what


def _values(old: str, new: str) -> str:
    return f"{old} -> {new}" if old and new else new or old
