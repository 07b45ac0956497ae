"""`doit plan` for recipes: the generic one, and how many bytes would come over the network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from doit.task import Task

from glassmaster.commands.recipes import recipe_of, words_asked_for
from glassmaster.doit_plugins import plan
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.lock import read_lock
from glassmaster.inputs.store import default_store

FETCH = "fetch"


class Plan(plan.Plan):
    """doit's command."""

    doc_usage = "[TASK ...] [recipe=NAME,...]"
    examples = ("plan", "plan iso --all", "plan iso:racks recipe=racks --json")

    def fetches(self, tasks: Sequence[Task]) -> tuple[dict[str, int], list[str]]:
        """Of each recipe whose inputs would be fetched: those of the lock that the store does not have."""
        sizes: dict[str, int] = {}
        remarks = []
        locks = {loaded.name: loaded.lock for loaded in map(recipe_of, words_asked_for())}
        for task in tasks:
            basename, _, recipe = task.name.partition(":")
            if basename == FETCH and recipe:
                try:
                    sizes.update(missing_inputs(locks[recipe]))
                except (OSError, GlassmasterError):
                    remarks.append(f"{recipe}: how much there is to fetch is known once there is a lock (`doit lock`)")
        return sizes, remarks


def missing_inputs(lock: Path) -> dict[str, int]:
    """Bytes by name of the inputs of a lock that are not in the store now; OSError or GlassmasterError without one."""
    store = default_store()
    return {item.name: item.size for item in read_lock(lock).inputs if item.sha512 not in store}
