"""`doit run` that keeps its state safe: one at a time, each record whole, and of what the task really saw.

In pyproject.toml: ``[tool.doit.plugins.command] run = "…doit_plugins.command_run:Run"``, with `StateDB` as backend.
"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import Any

from doit import cmd_run
from doit.cmd_run import Run as DoitRun
from doit.dependency import Dependency, DependencyStatus
from doit.globals import Globals

from glassmaster.doit_plugins.digests import NotAFile
from glassmaster.doit_plugins.lock import NO_WAIT
from glassmaster.doit_plugins.workers import WatchfulRunner

opt_no_wait = {
    "name": "no_wait",
    "long": "no-wait",
    "type": bool,
    "default": False,
    "env_var": NO_WAIT,
    "section": "DB backend",
    "help": "fail if another doit runs tasks here, do not wait for it to end [default: %(default)s]",
}


# doit's command takes its runner from there; it offers no other way to choose one.
cmd_run.MRunner = WatchfulRunner


class RecordKeeper(Dependency):  # type: ignore[misc]  # doit has no type hints
    """doit's Dependency, which records a task by its inputs as they were when it was chosen to run.

    doit records them as they are afterwards: a file that is edited while a task reads it would count as built.
    """

    @classmethod
    def taking_over(cls, manager: Dependency, *, always: bool = False) -> RecordKeeper:
        """Go on with what an ordinary Dependency has opened. always: tasks run even if they are up to date."""
        keeper = cls.__new__(cls)
        keeper.__dict__.update(manager.__dict__)
        keeper._inputs = {}
        keeper._always = always
        return keeper

    def get_status(self, task: Any, tasks_dict: dict[str, Any], get_log: bool = False) -> DependencyStatus:
        """As doit's; an input that is no file or cannot be read is the task's error, not a traceback."""
        try:
            status = super().get_status(task, tasks_dict, get_log)
            if status.status == "run" or (self._always and status.status == "up-to-date"):
                # doit looks at no file once an `uptodate` object says that the task must run.
                self._inputs[task.name] = {path: self.checker.get_state(path, None) for path in task.file_dep}
            return status
        except NotAFile as error:
            reason = str(error)
        except FileNotFoundError as error:
            reason = f"Dependent file '{error.filename}' does not exist."
        except OSError as error:
            reason = f"Dependent file '{error.filename}' cannot be read: {error.strerror}."
        failed = DependencyStatus(get_log)
        failed.status, failed.error_reason = "error", reason
        return failed

    def save_success(self, task: Any, result_hash: str | None = None) -> None:
        """Record a task. Where an input has changed meanwhile it is said, and the task will run again."""
        seen = self._inputs.pop(task.name, {})
        recording = getattr(self.backend, "recording", nullcontext)
        with recording():
            super().save_success(task, result_hash)
            changed = sorted(path for path, state in seen.items() if self._get(task.name, path)[0] != state[0])
            for path in changed:
                self._set(task.name, path, seen[path])
        if changed:
            rest = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
            print(
                f"doit: {task.name}: {changed[0]}{rest} changed while the task ran: the task will run again next time",
                file=sys.stderr, flush=True,
            )  # fmt: skip

    def remove_success(self, task: Any) -> None:
        """Note a failure. A task that was never started, since another failed, is what it was."""
        if self._inputs.pop(task.name, None) is not None:
            getattr(self.backend, "fail", self.backend.remove)(task.name)


class Run(DoitRun):  # type: ignore[misc]  # doit has no type hints
    """run tasks; one doit at a time"""

    name = "run"
    cmd_options = (*DoitRun.cmd_options, opt_no_wait)

    dep_manager: Any

    def _execute(
        self, outfile: Any, verbosity: Any = None, always: bool = False, continue_: bool = False,
        reporter: Any = "console", num_process: int = 0, par_type: str = "process", single: bool = False,
        auto_delayed_regex: bool = False, force_verbosity: bool = False, failure_verbosity: int = 0,
        pdb: bool = False, no_wait: bool = False,
    ) -> int:  # fmt: skip
        acquire = getattr(self.dep_manager.backend, "acquire", None)
        if acquire is not None:
            acquire(wait=not no_wait)
        self.dep_manager = Globals.dep_manager = RecordKeeper.taking_over(self.dep_manager, always=always)
        try:
            result: int = super()._execute(
                outfile, verbosity, always, continue_, reporter, num_process, par_type, single,
                auto_delayed_regex, force_verbosity, failure_verbosity, pdb,
            )  # fmt: skip
            return result
        finally:
            self.dep_manager.close()  # doit does so only once it has begun to run tasks
