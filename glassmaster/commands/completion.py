"""`doit completion` for recipes: the generic one, and recipes after recipe=."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from glassmaster.doit_plugins import completion
from glassmaster.recipe.load import FOLDER, SUFFIX


class Completion(completion.Completion):
    """doit's command."""

    variables: ClassVar[Mapping[str, str]] = {"recipe": f"{FOLDER}/*{SUFFIX}"}
