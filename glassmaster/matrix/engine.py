"""A Dask cluster as doit's executor: a task of Dask's for each recipe, and not for each step.

A step reads and makes files of a build directory, so steps elsewhere would need one file system for all, with our rules
for locks, renames and state. A recipe needs its source, a store and a place for what it makes, and knows no other one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glassmaster.errors import GlassmasterError
from glassmaster.matrix.gather import Outcome
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.release.source import source_of, write_source

SCHEME = "dask://"
# Seconds until the scheduler must have answered, and until it must have a worker.
CONNECT, WORKERS = 15, 30
TOP = "source"


@dataclass(frozen=True)
class Work:
    """What is built of each recipe, and where it goes. environment: of every build, over the worker's own."""

    tasks: tuple[str, ...]
    results: str
    environment: Mapping[str, str]


def job_of(loaded: LoadedRecipe, work: Work) -> dict[str, Any]:
    """The arguments of `cell.build`."""
    source = source_of(loaded)
    with tempfile.TemporaryDirectory(prefix="doit-") as folder:
        archive = Path(folder) / "source.tar.gz"
        write_source(source, TOP, loaded.recipe.epoch, archive)
        data = archive.read_bytes()
    return {
        "name": loaded.name, "archive": data, "directory": source.repository, "recipe": source.recipe,
        "tasks": list(work.tasks), "results": work.results, "environment": dict(work.environment),
    }  # fmt: skip


def run(executor: str, jobs: Sequence[dict[str, Any]]) -> Iterator[Outcome]:
    """Have a cluster do the jobs; outcomes as they come. executor: dask://HOST:PORT of its scheduler."""
    if not executor.startswith(SCHEME):
        raise GlassmasterError(f"executor={executor}: not understood", hint=f"executor={SCHEME}HOST:PORT")
    try:
        import cloudpickle
        import distributed
    except ImportError as error:
        hint = "./doit installs requirements/dask.txt when it is called with executor=dask://…"
        raise GlassmasterError("executor=: Dask's library is not installed", why=str(error), hint=hint) from error
    from glassmaster.matrix import cell

    cloudpickle.register_pickle_by_value(cell)
    try:
        with _client(executor) as client:
            # What has no name goes to the worker as it is; what has one, distributed would have it import by that.
            build = cell.build
            futures = {client.submit(lambda job: build(**job), job, pure=False): job["name"] for job in jobs}
            for future in distributed.as_completed(futures):
                yield _outcome(futures[future], future)
    finally:
        cloudpickle.unregister_pickle_by_value(cell)


def _client(executor: str) -> Any:
    """A connection to the scheduler, which has a worker."""
    import distributed

    try:
        client = distributed.Client(f"tcp://{executor.removeprefix(SCHEME)}", timeout=CONNECT)
        client.wait_for_workers(1, timeout=WORKERS)
    except (OSError, ValueError) as error:
        text = " ".join(str(error).split()) or type(error).__name__
        hint = "the scheduler must run there, with at least one worker (docs/scale.md)"
        raise GlassmasterError(f"{executor}: nobody who builds", why=text, hint=hint) from error
    return client


def _outcome(name: str, future: Any) -> Outcome:
    """What came of a recipe. A worker that died, a scheduler that ended, code that raised there: its failure alone."""
    try:
        found = future.result()
    except Exception as error:  # whatever it was that the other side raised
        return Outcome(name, 1, " ".join(f"{type(error).__name__}: {error}".split()))
    files = tuple((path, size, sha512) for path, size, sha512 in found.pop("files"))
    return Outcome(**found, files=files)
