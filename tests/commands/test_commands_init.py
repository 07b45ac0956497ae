"""`doit init`: a repository of one's own; nothing is overwritten."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from doit.exceptions import InvalidCommand

from glassmaster.commands.init import make_repository
from glassmaster.commands.starter import FILES
from glassmaster.recipe.load import load

if TYPE_CHECKING:
    from tests.commands.conftest import Project


def test_it_makes_every_file_and_says_so(project: Project) -> None:
    said = project.doit("init", "racks")
    assert all((project.path / "racks" / name).read_text() == text for name, text in FILES.items())
    assert "racks/dodo.py" in said and "cd racks && doit doctor" in said
    assert load(project.path / "racks/recipes/standin.yaml").recipe.overlays == ("site",)


def test_seen_from_where_the_user_stands(project: Project, tmp_path: Path) -> None:
    project.doit("init", "racks", GLASSMASTER_CWD=str(tmp_path))
    assert (tmp_path / "racks/dodo.py").exists() and not (project.path / "racks").exists()


def test_an_empty_directory_will_do(tmp_path: Path) -> None:
    (tmp_path / "racks").mkdir()
    make_repository(tmp_path / "racks")
    assert (tmp_path / "racks/dodo.py").exists() and list(tmp_path.iterdir()) == [tmp_path / "racks"]


@pytest.mark.parametrize("kind", ["full", "file", "link"])
def test_nothing_is_overwritten(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "racks"
    if kind == "full":
        target.mkdir()
        (target / "mine").write_text("x")
    elif kind == "file":
        target.write_text("x")
    else:
        (tmp_path / "elsewhere").mkdir()
        target.symlink_to("elsewhere")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InvalidCommand, match="not empty"):
        make_repository(target)
    assert sorted(tmp_path.rglob("*")) == before


def test_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, written = Path.write_text, []

    def write_text(path: Path, *words: str, **keywords: str) -> int:
        written.append(path)
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        return real(path, *words, **keywords)

    monkeypatch.setattr(Path, "write_text", write_text)
    with pytest.raises(InvalidCommand, match="No space left"):
        make_repository(tmp_path / "racks")
    assert list(tmp_path.iterdir()) == []


def test_bad_input(project: Project) -> None:
    assert "takes one directory" in project.doit("init", status=3)
    assert "cannot be made" in project.doit("init", "dodo.py/x", status=3)
