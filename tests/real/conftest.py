"""A real release, which is not in this repository: where it is, and the recipe for it, come from the environment.

    GLASSMASTER_REAL_RECIPE   a recipe file, kept outside of the repository (beside it, or beside its directory,
                              its patches/VERSION/)
    GLASSMASTER_REAL_MIRROR   URL of the directory that holds NetBSD-VERSION; takes the place of the recipe's mirrors
    GLASSMASTER_REAL_STORE    where downloads, tools and kernels are kept; without it all is made anew
    GLASSMASTER_REAL_SECONDS  how long one step may take: 7200 where nothing is said

Without the URL these tests are skipped. With it, anything that is missing is a failure.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from glassmaster.recipe.load import LoadedRecipe, load
from tests.build.conftest import copy_repository

MIRROR, RECIPE = "GLASSMASTER_REAL_MIRROR", "GLASSMASTER_REAL_RECIPE"
STORE, SECONDS = "GLASSMASTER_REAL_STORE", "GLASSMASTER_REAL_SECONDS"


@dataclass(frozen=True)
class Real:
    """A copy of the repository with a recipe for a real release. recipe: its file, which names the mirror asked for."""

    path: Path
    store: Path
    recipe: Path

    @property
    def loaded(self) -> LoadedRecipe:
        """The recipe."""
        return load(self.recipe)

    def doit(self, *words: str) -> str:
        """Run doit for the recipe; what it printed. Anything but success fails the test."""
        result = subprocess.run(
            [sys.executable, "-m", "doit", *words, f"recipe={self.recipe}"], cwd=self.path,
            env={
                **{name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ},
                "GLASSMASTER_STORE": str(self.store),
            },
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            timeout=int(os.environ.get(SECONDS, "7200")),
        )  # fmt: skip
        assert result.returncode == 0, result.stdout[-20_000:]
        return result.stdout

    def out(self, name: str) -> Path:
        """A file of the release."""
        return self.path / "out" / self.recipe.stem / name


def settings(environment: Mapping[str, str]) -> tuple[str, Path] | None:
    """Mirror and recipe; None without a URL. Fails the test where the URL is set and the rest is not right."""
    url = environment.get(MIRROR)
    if not url:
        return None
    if not re.match(r"(https?|file):", url):
        pytest.fail(f"{MIRROR}={url}: not a URL")
    recipe = environment.get(RECIPE)
    if not recipe:
        pytest.fail(f"{MIRROR} is set and {RECIPE} is not")
    if not Path(recipe).is_file():
        pytest.fail(f"{RECIPE}: there is no file {recipe}")
    return url, Path(recipe).resolve()


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Real:
    found = settings(os.environ)
    if found is None:
        pytest.skip(f"{MIRROR} is not set: no real release to try this on")
    url, recipe = found
    top = tmp_path_factory.mktemp("real")
    copy_repository(top / "clone")
    store = Path(os.environ.get(STORE) or top / "store").resolve()
    # Beside the recipe's own file, so that what it extends and its patches are found.
    ours = top / "recipes" / f"{recipe.stem}-real.yaml"
    ours.parent.mkdir()
    ours.write_text(f"extends: {os.path.relpath(recipe, ours.parent)}\nrelease:\n  mirrors: ['{url}']\n")
    return Real(top / "clone", store, ours)
