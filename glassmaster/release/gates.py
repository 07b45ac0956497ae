"""What stands in the way of a release: each of the checks that is missing or bad, with what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from glassmaster.checks.repro.result import read_result
from glassmaster.errors import GlassmasterError
from glassmaster.places import Places
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.release.artefacts import ISO, Digest
from glassmaster.release.evidence import diff_problem, quick_problem, readback_problem, repro_problem, smoke_problem
from glassmaster.release.results import FULL, IMPLIED, REQUIRED, read_comparison, read_document


@dataclass(frozen=True)
class Obstacle:
    """A check that is missing or bad. todo: the command that makes it."""

    name: str
    problem: str
    todo: str


def obstacles(
    loaded: LoadedRecipe, release_id: str, artefacts: Mapping[str, Digest], comparison: Path, word: str
) -> list[Obstacle]:
    """Those of readback, smoke, repro (and all of it) and diff.

    comparison: diff.json; word: what `recipe=` says for this recipe.
    """
    iso = artefacts[ISO]
    places, smoke = Places(loaded.name), loaded.recipe.smoke
    scenarios = [*smoke.firmware, *(item.name for item in smoke.scenarios)]
    sha256 = {name: digest.sha256 for name, digest in artefacts.items()}
    made: dict[str, tuple[Path, Callable[[Path], str]]] = {
        "readback": (places.readback, lambda path: readback_problem(read_document(path), iso.sha256)),
        "smoke": (places.smoke / "smoke.json", lambda path: smoke_problem(read_document(path), iso.sha256, scenarios)),
        "repro": (places.repro_result, lambda path: repro_problem(read_result(path), release_id, sha256)),
        FULL: (places.repro_result, lambda path: quick_problem(read_result(path))),
        "diff": (comparison, lambda path: diff_problem(read_comparison(path), release_id, iso.sha256)),
    }
    todo = {
        "diff": f"./doit diff PREVIOUS {places.out} output={places.out}, with --accept for what was decided",
        FULL: f"./doit repro recipe={word}, without --quick",
    }
    found: list[Obstacle] = []
    for name, (path, judge) in made.items():
        problem = _problem(path, judge)
        # What is not there or bad is not asked whether it is whole, too.
        if problem and not any(IMPLIED.get(item.name) == name for item in found):
            found.append(Obstacle(name, problem, todo.get(name, f"./doit {name} recipe={word}")))
    return found


def _problem(path: Path, judge: Callable[[Path], str]) -> str:
    if not path.is_file():
        return f"there is no {path}"
    try:
        return judge(path)
    except (KeyError, TypeError, AttributeError) as error:
        return f"{path}: not as it should be ({type(error).__name__}: {error})"
    except GlassmasterError as error:
        return error.what


def passed(found: Collection[Obstacle], without: Collection[str]) -> dict[str, str]:
    """The checks that are left out, with the reason why each would have been in the way.

    Raises GlassmasterError for those that nobody left out by name.
    """
    unknown = sorted(set(without) - set(REQUIRED))
    if unknown:
        raise GlassmasterError(
            f"without={','.join(unknown)}: there is no such check", why=f"the checks are {', '.join(REQUIRED)}"
        )
    named = {*without, *(IMPLIED[name] for name in without if name in IMPLIED)}
    open_ones = [item for item in found if item.name not in named]
    if open_ones:
        names = ",".join(item.name for item in open_ones)
        raise GlassmasterError(
            f"not released: {_said(open_ones)}",
            why="\n".join(f"{item.name}: {item.problem}; {item.todo}" for item in open_ones),
            hint=f"or leave it out by name, which the release will say of itself: without={names}",
        )  # fmt: skip
    return {item.name: item.problem for item in found}


def _said(found: Collection[Obstacle]) -> str:
    names = [item.name for item in found]
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} missing or bad"
