"""`doit matrix`: many recipes, here, on one CI runner of several, or on the workers of a Dask cluster."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from doit import get_var
from doit.exceptions import InvalidCommand

from glassmaster.doit_plugins.command import JSON, Option, PlainCommand
from glassmaster.places import CALLER_DIRECTORY, caller_directory

if TYPE_CHECKING:
    from glassmaster.matrix.gather import Outcome

LIST: Option = {
    "name": "only_list", "short": "l", "long": "list", "type": bool, "default": False,
    "help": "print the names of the recipes, and build none",
}  # fmt: skip
# What a build may be shaped by that its process is started with, here and on a worker.
PASSED_ON = ("GLASSMASTER_REMOTE", "GLASSMASTER_REMOTE_FILL", "SOURCE_DATE_EPOCH")
PASSED_ON_HERE = (*PASSED_ON, "GLASSMASTER_STORE", CALLER_DIRECTORY, "XDG_CACHE_HOME", "CI")


class Matrix(PlainCommand):
    """doit's command."""

    name = "matrix"
    doc_purpose = "build many recipes: a runner's share of them, or on the workers of a cluster"
    doc_usage = "[TASK ...] recipe=NAME,... [shard=I/N] [executor=dask://HOST:PORT results=WHERE]"
    doc_description = (
        "recipe= takes patterns: recipe=site-* means all recipes/site-*.yaml. shard=2/4 takes every fourth of the "
        "sorted names, from the second on: equal names, equal shares. Without executor= they are built here, one doit "
        "for all. With it each recipe is built by a worker, from the source that a release would have and its lock; "
        "what it makes goes to results=, a directory or s3: URL that workers and this machine reach, and comes from "
        "there into out/RECIPE, each file by its SHA-512. Without TASK: iso. Exit status: 0 when all were built."
    )
    examples = (
        "matrix recipe=site-* shard=1/4",
        "matrix iso recipe=site-* executor=dask://hall:8786 results=/share/r",
    )
    cmd_options = (LIST, JSON)

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        """Find the recipes; list or build them."""
        from glassmaster.commands.recipes import words_asked_for
        from glassmaster.errors import GlassmasterError
        from glassmaster.matrix.shard import matching, of_shard

        tasks = tuple(pos_args) or ("iso",)
        try:
            names = of_shard(matching(words_asked_for()), str(get_var("shard", "")))
            if opt_values["as_json"]:
                print(json.dumps(names))
            elif opt_values["only_list"]:
                print("\n".join(names))
            elif not names:
                print("no recipe is this shard's")
            elif executor := get_var("executor", None):
                return _on_workers(str(executor), names, tasks)
            else:
                return _here(names, tasks)
        except GlassmasterError as error:
            raise InvalidCommand(str(error)) from error
        return 0


def _here(names: Sequence[str], tasks: Sequence[str]) -> int:
    """One doit for all: what they have in common is made once."""
    from glassmaster.run import Command, run_interactive

    words = (sys.executable, "-m", "glassmaster", *tasks, f"recipe={','.join(names)}")
    return run_interactive(Command(words, _environment(PASSED_ON_HERE)))


def _on_workers(executor: str, names: Sequence[str], tasks: tuple[str, ...]) -> int:
    from glassmaster.commands.recipes import recipe_of
    from glassmaster.matrix.engine import Work, job_of, run
    from glassmaster.matrix.gather import gather, table

    results = _results()
    # What is built elsewhere must have been looked at here: a lock that is missing or stale is no worker's business.
    if status := _here(names, ("locked",)):
        return status
    work = Work(tasks, results, _environment(PASSED_ON))
    outcomes: list[Outcome] = []
    for built in run(executor, [job_of(recipe_of(name), work) for name in names]):
        outcome = gather(built, results) if built.status == 0 else built
        outcomes.append(outcome)
        if outcome.status == 0:
            print(f"{outcome.name}: built by {outcome.worker} in {outcome.seconds:.1f} s", flush=True)
        else:
            print(f"{outcome.name}: FAILED\n{outcome.said}", file=sys.stderr, flush=True)
    print(f"\n{table(outcomes)}")
    return int(any(outcome.status for outcome in outcomes))


def _results() -> str:
    from glassmaster.errors import GlassmasterError

    where = str(get_var("results", ""))
    if not where:
        raise GlassmasterError(
            "results= is missing", hint="a directory or s3: URL that the workers reach, and this machine"
        )
    if "://" in where:
        return where.rstrip("/")
    return (caller_directory() / where).absolute().as_uri()


def _environment(names: Sequence[str]) -> dict[str, str]:
    return {name: os.environ[name] for name in names if name in os.environ}
