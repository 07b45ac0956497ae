"""`doit plan` for recipes: the generic one, and how many bytes would come over the network."""

from __future__ import annotations

import json
from collections.abc import Sequence

from doit.task import Task

from glassmaster.doit_plugins import plan
from glassmaster.inputs.store import default_store
from glassmaster.places import Places

FETCH = "fetch"


class Plan(plan.Plan):
    """doit's command."""

    doc_usage = "[TASK ...] [recipe=NAME,...]"
    examples = ("plan", "plan iso --all", "plan iso:racks recipe=racks --json")

    def fetches(self, tasks: Sequence[Task]) -> tuple[dict[str, int], list[str]]:
        """Of each recipe whose inputs would be fetched: those of the last time that the store has no longer."""
        sizes: dict[str, int] = {}
        remarks = []
        for task in tasks:
            basename, _, recipe = task.name.partition(":")
            if basename == FETCH and recipe:
                try:
                    sizes.update(missing_inputs(recipe))
                except (OSError, ValueError, LookupError, TypeError):
                    remarks.append(f"{recipe}: how much there is to fetch is known after the first fetch")
        return sizes, remarks


def missing_inputs(recipe: str) -> dict[str, int]:
    """Bytes by name of the inputs that the last fetch found and that are not in the store now.

    Raises OSError, ValueError, LookupError or TypeError when there is no record of one, or a damaged one.
    """
    store = default_store()
    rows = json.loads(Places(recipe).inputs.read_bytes())["inputs"]
    return {str(row["name"]): int(row["size"]) for row in rows if row["sha512"] not in store}
