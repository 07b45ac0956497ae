"""`doit repro`: builds a recipe again, in other surroundings, and says whether it is the same."""

from __future__ import annotations

import sys
from pathlib import Path

from glassmaster.checks.repro.artefacts import release_below
from glassmaster.checks.repro.check import Matrix, Wanted
from glassmaster.checks.repro.result import Repro, Row, write_result
from glassmaster.checks.repro.rooms import Project
from glassmaster.checks.repro.text import line, verdict
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.lock import read_lock
from glassmaster.inputs.record import read_record
from glassmaster.inputs.store import default_store
from glassmaster.places import Places
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.recipe.parts import all_kernels


def repro(loaded: LoadedRecipe, quick: bool, toolchain: bool) -> None:
    """Run the matrix and write repro.json; raises GlassmasterError, after all have run, unless all is the same."""
    places = Places(loaded.name)
    project = project_of(loaded)
    wanted = Wanted(
        project, str(project.file), read_record(places.inputs).release_id,
        built=any(kernel.source == "built" for kernel in all_kernels(loaded.recipe)), quick=quick, toolchain=toolchain,
    )  # fmt: skip
    matrix = Matrix(wanted, places.build / "repro", default_store(), sys.executable)
    result = matrix.run(release_below(Path(), loaded.name, project.lock), _tell, places.repro)
    write_result(places.repro_result, result)
    _require_passed(result, places)
    matrix.clear()


def project_of(loaded: LoadedRecipe) -> Project:
    """The directory that doit runs in, which is what builds get a copy of."""
    top = Path.cwd()
    for path in loaded.files:
        if not path.resolve().is_relative_to(top):
            raise GlassmasterError(
                f"{path}: lies outside of {top}", why="what is built again is a copy of that directory",
                hint="put the recipe, and what it extends, into recipes/",
            )  # fmt: skip
    file, lock = (path.resolve().relative_to(top) for path in (loaded.files[0], loaded.lock))
    return Project(top, loaded.name, file, lock, tuple(item.sha512 for item in read_lock(loaded.lock).inputs))


def _tell(row: Row) -> None:
    print(line(row), flush=True)


def _require_passed(result: Repro, places: Places) -> None:
    if result.passed:
        return
    kept = [str(places.repro_result), f"{places.repro}/", f"{places.build / 'repro' / 'kept'}/"]
    raise GlassmasterError(
        f"recipe {result.recipe}: it is not the same when it is built again", why="\n".join(verdict(result)),
        hint=f"all of it is in {', '.join(kept)}",
    )  # fmt: skip
