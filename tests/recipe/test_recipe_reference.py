"""docs/recipe.md is what the declarations say."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from glassmaster.recipe.model import Recipe
from glassmaster.recipe.reference import reference

PAGE = Path(__file__).resolve().parents[2] / "docs" / "recipe.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), (
        "run: .venv/bin/python -m glassmaster.recipe.reference > docs/recipe.md"
    )


def test_every_field_stands_on_the_page_once() -> None:
    text = reference()
    for field in dataclasses.fields(Recipe):
        assert text.count(f"| `{field.name}` |") == 1
    assert "`smoke.milestones.pattern`" in text
    assert "`boot.serial.speed`" in text
