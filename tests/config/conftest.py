"""A configuration tree that is right, to be spoilt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from glassmaster.config.check import check
from glassmaster.config.layout import write_example
from glassmaster.config.tree import read_config_tree
from glassmaster.config.view import Release

HOST, GUEST = "pservers/dom0.example.org", "vservers/web"


@dataclass(frozen=True)
class Example:
    """The example of config-new, in a directory of one's own."""

    root: Path

    def write(self, path: str, text: str | bytes) -> None:
        """A file with its directories."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode() if isinstance(text, str) else text)

    def change(self, path: str, old: str, new: str) -> None:
        """Other words in a file, which must have had the old ones."""
        place = self.root / path
        text = place.read_text()
        assert old in text, text
        place.write_text(text.replace(old, new))

    def add(self, path: str, text: str) -> None:
        """More at the end of a file."""
        place = self.root / path
        place.write_text(place.read_text() + text)

    def said(self, release: Release | None = None) -> list[str]:
        """What config-check says of it now, a line for each finding."""
        return [f"{item.where}: {item.level}: {item.what}" for item in check(read_config_tree(self.root), release)]


@pytest.fixture
def example(tmp_path: Path) -> Example:
    """The tree without Subversion."""
    write_example(tmp_path / "tree")
    return Example(tmp_path / "tree")
