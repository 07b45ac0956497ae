"""The command that runs a task again, as this one was started."""

from __future__ import annotations

import os
import shlex

from doit import doit_cmd


def command_line(task: str, *options: str) -> str:
    """A line to paste into a shell in this directory: the project's launcher if there is one, and the variables."""
    program = "./doit" if os.access("doit", os.X_OK) and os.path.isfile("doit") else "doit"  # noqa: PTH113
    variables = [f"{name}={value}" for name, value in (doit_cmd._CMDLINE_VARS or {}).items()]
    # A shell takes NAME=VALUE for a setting only before the program's name, so that all of it may be quoted.
    return shlex.join([program, *options, task, *variables])
