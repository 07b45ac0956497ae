"""The comparison with the release before, where `previous=` names it: what `doit diff` does, for the release."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from glassmaster.diff.markdown import markdown
from glassmaster.diff.model import dumps
from glassmaster.diff.opening import open_both, wanted
from glassmaster.diff.page import page
from glassmaster.diff.releases import Terms, compare_releases
from glassmaster.places import Places
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.release.artefacts import DIFF


def compared_with(previous: str, loaded: LoadedRecipe, caller: Path) -> Mapping[str, str]:
    """diff.json, diff.md and diff.html by name. previous: a release in any form; caller: where the user is."""
    with tempfile.TemporaryDirectory(prefix="glassmaster-") as folder:
        work = Path(folder)
        here = Path.cwd()
        sides = wanted(previous, caller, work), wanted(str(Places(loaded.name).out), here, work)
        result = compare_releases(*open_both(*sides), Terms(loaded.recipe.diff.rules), work)
        return {f"{DIFF}.json": dumps(result), f"{DIFF}.md": markdown(result), f"{DIFF}.html": page(result)}
