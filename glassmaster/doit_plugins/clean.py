"""`doit clean`: removes what tasks made and nothing else, and says what and how much."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from doit.task import Task

from glassmaster.doit_plugins.command import Option, TasksCommand, with_dependencies
from glassmaster.doit_plugins.looking import LookingCommand
from glassmaster.doit_plugins.removal import Removal

DRY_RUN: Option = {
    "name": "dryrun", "short": "n", "long": "dry-run", "type": bool, "default": False,
    "help": "say what would be removed and remove nothing",
}  # fmt: skip
DEPENDENCIES: Option = {
    "name": "cleandep", "short": "c", "long": "clean-dep", "type": bool, "default": False,
    "help": "also what the tasks depend on; without TASK that is always so",
}  # fmt: skip
EVERYTHING: Option = {
    "name": "cleanall", "short": "a", "long": "clean-all", "type": bool, "default": False,
    "help": "what all tasks made",
}  # fmt: skip
FORGET: Option = {
    "name": "cleanforget", "long": "forget", "type": bool, "default": False,
    "help": "also forget that the tasks ran",
}  # fmt: skip


class Clean(LookingCommand):
    """doit's command, in the place of doit's own."""

    name = "clean"
    doc_purpose = "remove what tasks made, and nothing else"
    doc_usage = "[TASK ...]"
    doc_description = (
        "Removes the files that the tasks list as targets, and directories that are empty then. A directory that holds "
        "anything else stays, and is named. Tasks with clean actions of their own run those."
    )
    examples = ("clean -n", "clean", "clean iso")
    cmd_options = (DRY_RUN, DEPENDENCIES, EVERYTHING, FORGET)

    def execute(self, params: Any, args: list[str]) -> Any:
        """A dry run only looks; otherwise the state itself is opened, to lock it and perhaps to forget."""
        return (LookingCommand if params["dryrun"] else TasksCommand).execute(self, params, args)

    def made_besides(self, task: Task) -> Iterable[Path]:
        """Files that a task made besides its targets. For subclasses."""
        return ()

    def _execute(self, dryrun: bool, cleandep: bool, cleanall: bool, cleanforget: bool, pos_args: list[str]) -> int:
        tasks = self.all_tasks()
        chosen = list(tasks) if cleanall else self.asked_for(tasks, pos_args)
        if cleandep or not pos_args:
            chosen = with_dependencies(tasks, chosen)
        else:
            chosen = list(dict.fromkeys(member for name in chosen for member in _with_members(tasks[name])))
        result = Removal(Path.cwd(), dryrun)
        if not dryrun:
            self._keep_others_away()
        try:
            for name in reversed(chosen):
                self._clean(tasks[name], result)
                if cleanforget and not dryrun:
                    self.dep_manager.remove(name)
            result.directories()
        finally:
            self.dep_manager.close()  # by its own mark, only once
        print(as_text(result))
        return int(bool(result.failed))

    def _clean(self, task: Task, result: Removal) -> None:
        if task._remove_targets:
            paths = [*self.made_besides(task), *map(Path, task.targets)]
            result.files(Path(os.path.normpath(result.top / path)) for path in paths)
        elif task.clean_actions:
            task.init_options()
            task.clean(self.outstream, result.dry)

    def _keep_others_away(self) -> None:
        """A backend that has a lock for runs: nothing is removed while tasks run."""
        acquire: Any = getattr(self.dep_manager.backend, "acquire_for_writing", None)
        if acquire is not None:
            acquire()


def _with_members(task: Task) -> list[str]:
    """A task, and the members of a group."""
    return [task.name, *(task.task_dep if task.has_subtask else ())]


def as_text(result: Removal) -> str:
    """What was removed, one line each, and the sum."""
    word = "would remove" if result.dry else "removed"
    lines = [f"{word} {_near(path)}{f' ({size:,} bytes)' if size else ''}" for path, size in result.removed.items()]
    # A directory that stays keeps those around it too: one line is enough.
    inner = [path for path in result.kept if not any(path in other.parents for other in result.kept)]
    lines += [f"kept {_near(path)}: it holds {result.kept[path]}" for path in inner]
    lines += [f"cannot remove {_near(path)}: {why}" for path, why in result.failed.items()]
    count = len(result.removed)
    total = f"{word} {count:,} {'path' if count == 1 else 'paths'}, {result.bytes:,} bytes"
    return "\n".join([*lines, total if count else "nothing to remove"])


def _near(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
