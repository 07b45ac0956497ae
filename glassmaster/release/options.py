"""What a command line says of a release."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """without: checks that may be left out. previous: the release to compare with, "" for the result of `doit diff`.

    rebuilds: how many others must have built the same; signers: the file that says whose word counts for that. Both
    paths are seen from `caller`, the user's directory. word: what `recipe=` says for the recipe.
    """

    without: tuple[str, ...] = ()
    previous: str = ""
    rebuilds: int = 0
    signers: str = ""
    caller: str = "."
    word: str = ""

    @property
    def allowed(self) -> Path | None:
        """The file of those whose word counts."""
        return Path(self.caller) / self.signers if self.signers else None
