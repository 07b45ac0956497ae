"""Why a task would run, as data: for `doit plan`, reporters, and whoever asks."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Literal

from glassmaster.doit_plugins.digests import NotAFile
from glassmaster.doit_plugins.keys import Key, Targets

Kind = Literal[
    "never-ran", "last-run-failed", "always",
    "key-changed",
    "file-changed", "file-added", "file-removed", "file-missing", "file-unusable",
    "target-missing", "target-changed",
    "condition-false",
    "checker-changed",
]  # fmt: skip


@dataclass(frozen=True)
class Reason:
    """One reason. what: the file, the key's part, the condition; old, new: JSON values of a key's part."""

    kind: Kind
    what: str = ""
    old: Any = None
    new: Any = None

    def __str__(self) -> str:
        match self.kind:
            case "never-ran":
                return "it has not run yet"
            case "last-run-failed":
                at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(self.old))
                return f"it failed when it ran last, {at}"
            case "always":
                return "it always runs"
            case "key-changed" if self.old is None:
                return f"{self.what}: new, {_shown(self.new)}"
            case "key-changed" if self.new is None:
                return f"{self.what}: gone, was {_shown(self.old)}"
            case "key-changed":
                return f"{self.what}: {_shown(self.old)} -> {_shown(self.new)}"
            case "condition-false":
                return f"not up to date says {self.what}"
            case "checker-changed":
                return f"files are compared by {self.new}, were by {self.old}"
            case "file-unusable":
                return self.what
        noun, _, verb = self.kind.partition("-")
        return f"{self.what}: {noun} {verb}"


def reasons(task: Any, dep_manager: Any, tasks_dict: dict[str, Any]) -> list[Reason]:
    """Why doit would run a task now, apart from its dependencies; [] if it is up to date. Nothing is run or saved.

    task, dep_manager (doit's Dependency), tasks_dict (name: task): as a doit command has them.
    A group, or another task without actions, has no reason of its own to run.
    """
    if not task.actions:
        return []
    try:
        status = dep_manager.get_status(task, tasks_dict, get_log=True)
    except (NotAFile, OSError) as error:
        return [Reason("file-unusable", str(error))]
    missing = [Reason("file-missing", path) for path in status.reasons.get("missing_file_dep", [])]
    if status.status == "up-to-date":
        return []
    if "has_no_dependencies" in status.reasons:
        return [Reason("always"), *missing]
    values = dep_manager.get_values(task.name)
    checker = [Reason("checker-changed", "", *pair) for pair in [status.reasons.get("checker_changed")] if pair]
    if not checker and not dep_manager._in(task.name):
        failed_at = getattr(dep_manager.backend, "failed_at", lambda name: None)(task.name)
        first = Reason("never-ran") if failed_at is None else Reason("last-run-failed", "", failed_at)
        return [first, *missing]
    found = [*checker]
    for condition, arguments, _ in status.reasons.get("uptodate_false", []):
        found += _condition(task, condition, arguments, values)
    found += [Reason("target-missing", path) for path in status.reasons.get("missing_target", [])]
    for name, kind in (("added_file_dep", "file-added"), ("removed_file_dep", "file-removed")):
        found += [Reason(kind, path) for path in status.reasons.get(name) or []]  # type: ignore[arg-type]
    added = {reason.what for reason in found if reason.kind == "file-added"}
    changed = sorted(status.reasons.get("changed_file_dep") or [])
    found += [Reason("file-changed", path) for path in changed if path not in added]
    gone = {reason.what for reason in found if reason.kind == "target-missing"}
    # A missing target is seen by doit and by Targets.
    return [item for item in [*found, *missing] if item.kind != "target-changed" or item.what not in gone]


def _condition(task: Any, condition: Any, arguments: Any, values: dict[str, Any]) -> list[Reason]:
    if isinstance(condition, Key):
        return [Reason("key-changed", *change) for change in condition.changes(values)]
    if isinstance(condition, Targets):
        return [Reason("target-changed", path) for path in condition.changes(task, values)]
    if condition is False:
        return [Reason("always")]
    name = getattr(getattr(condition, "func", condition), "__name__", None) or repr(condition)
    return [Reason("condition-false", name + (f" {arguments!r}" if arguments else ""))]


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and value else repr(value)
