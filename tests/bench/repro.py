"""What the matrix of `doit repro` costs for the default stand-in: each variation against the plain build.

    .venv/bin/python -m tests.bench.repro [NAME ...]

Builds the stand-in in a copy of the repository, then all variations or those named. Wall time, and processor time of
all processes, which other work on the machine changes less; both from an empty directory to the digests.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import chdir
from pathlib import Path

from glassmaster.checks.repro import check
from glassmaster.checks.repro.artefacts import Release, release_below
from glassmaster.checks.repro.check import Matrix, Wanted
from glassmaster.checks.repro.matrix import variations
from glassmaster.checks.repro.result import Row
from glassmaster.commands.repro import project_of
from glassmaster.inputs.store import Store, default_store
from glassmaster.recipe.load import load
from tests.build.conftest import Clone, copy_repository

RECIPE = Path("recipes/standin.yaml")


def main(names: list[str]) -> int:
    """Build, run the matrix, print."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        clone = Clone(Path(folder) / "clone", default_store().root)
        copy_repository(clone.path)
        done = clone.doit("iso", "domu")
        if done.returncode:
            sys.stderr.write(done.stdout)
            return done.returncode
        if names:
            chosen = tuple(item for item in variations() if item.name in names)
            setattr(check, "variations", lambda *_: chosen)  # noqa: B010
        with chdir(clone.path):
            project = project_of(load(RECIPE))
            matrix = Matrix(
                Wanted(project, str(RECIPE), "0" * 12, built=False, quick=False, toolchain=False),
                Path(folder) / "work", Store(clone.store), sys.executable,
            )  # fmt: skip
            release = release_below(clone.path, project.recipe, project.lock)
            return measured(matrix, release, Path(folder) / "repro")


def measured(matrix: Matrix, release: Release, reports: Path) -> int:
    """Run it; a line for each build."""
    last = [processor_time(), time.monotonic()]
    begin = list(last)
    first: list[float] = []

    def tell(row: Row) -> None:
        now = [processor_time(), time.monotonic()]
        spent = [now[0] - last[0], row.seconds]
        first.extend(spent if not first else [])
        ratios = [value / plain for value, plain in zip(spent, first, strict=True)]
        how = row.failure or ("identical" if row.identical else "DIFFERENT")
        print(
            f"{row.name:<13} processor {spent[0]:6.2f} s ({ratios[0]:4.2f})   "
            f"wall {spent[1]:6.2f} s ({ratios[1]:4.2f})  {how}", flush=True,
        )  # fmt: skip
        last[:] = now

    result = matrix.run(release, tell, reports)
    print(f"in all: processor {processor_time() - begin[0]:.1f} s, wall {time.monotonic() - begin[1]:.1f} s")
    return int(not result.passed)


def processor_time() -> float:
    """Of this process and all that it has waited for."""
    return sum(os.times()[:4])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
