"""`doit clean`: what steps made goes, everything else stays."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from glassmaster.commands.clean import made_besides
from glassmaster.doit_plugins.removal import Removal
from glassmaster.places import Places

if TYPE_CHECKING:
    from tests.commands.conftest import Project


def removal(top: Path, *names: str, dry: bool = False) -> Removal:
    result = Removal(top, dry)
    result.files(top / name for name in names)
    result.directories()
    return result


def test_files_and_the_directories_that_held_them(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/one").write_bytes(b"12345")
    (tmp_path / "a/two").write_bytes(b"123")
    result = removal(tmp_path, "a/b/one", "a/two", "a/not there", "a/two/below")
    assert list(tmp_path.iterdir()) == [] and result.bytes == 8 and not result.kept and not result.failed


@pytest.mark.parametrize("dry", [False, True])
def test_a_directory_with_a_foreign_file_stays(tmp_path: Path, dry: bool) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    for name in ("a/b/one", "a/foreign"):
        (tmp_path / name).write_text("x")
    result = removal(tmp_path, "a/b/one", dry=dry)
    assert set(result.removed) == {tmp_path / "a/b/one", tmp_path / "a/b"} and result.kept == {
        tmp_path / "a": "foreign"
    }
    assert (tmp_path / "a/foreign").exists() and (tmp_path / "a/b/one").exists() == dry


def test_a_directory_that_is_a_target(tmp_path: Path) -> None:
    for name in ("full", "empty"):
        (tmp_path / name).mkdir()
    (tmp_path / "full/foreign").write_text("x")
    result = removal(tmp_path, "full", "empty")
    assert set(result.removed) == {tmp_path / "empty"} and result.kept == {tmp_path / "full": "foreign"}


def test_links_go_and_what_they_lead_to_stays(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there/file").write_text("x")
    (tmp_path / "link").symlink_to("there")
    (tmp_path / "dangling").symlink_to("nowhere")
    removal(tmp_path, "link", "dangling")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "there"]


def test_no_directory_is_removed_behind_a_link_or_outside(tmp_path: Path) -> None:
    top, disk = tmp_path / "top", tmp_path / "disk"
    for folder in (top, disk / "inner"):
        folder.mkdir(parents=True)
    for name in ("inner/file", "other"):
        (disk / name).write_text("x")
    (top / "out").symlink_to(disk)
    result = removal(top, "out/inner/file")
    result.files([disk / "other"])
    result.directories()
    assert list(disk.iterdir()) == [disk / "inner"] and (top / "out").is_symlink()


def test_what_the_system_refuses_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")

    def refuse(path: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "unlink", refuse)
    assert removal(tmp_path, "file").failed == {tmp_path / "file": "Operation not permitted"}


def test_a_dry_run_writes_nothing_and_says_the_same(project: Project) -> None:
    project.doit()
    before = project.files()
    said = project.doit("clean", "-n")
    assert project.files() == before
    assert project.doit("clean").replace("removed", "would remove") == said
    assert not (project.path / "out").exists() and (project.path / "a.txt").exists()
    assert project.doit("clean") == "nothing to remove\n"


def test_one_task_and_with_its_dependencies(project: Project) -> None:
    project.doit()
    project.doit("clean", "join")
    assert not (project.path / "out/whole").exists() and (project.path / "out/a/part").exists()
    project.doit("clean", "part")
    assert not (project.path / "out").exists()
    project.doit()
    project.doit("clean", "join", "-c")
    assert not (project.path / "out").exists()


def test_a_foreign_file_is_kept_and_named(project: Project) -> None:
    project.doit()
    (project.path / "out/mine").write_text("x")
    assert "kept out: it holds mine" in project.doit("clean")
    assert (project.path / "out/mine").read_text() == "x"


def test_clean_actions_and_tasks_that_say_no(project: Project) -> None:
    dodo = project.path / "dodo.py"
    dodo.write_text(
        "def task_own():\n"
        "    return {'actions': ['touch made'], 'targets': ['made'], 'clean': ['touch cleaned']}\n"
        "def task_never():\n"
        "    return {'actions': ['touch kept'], 'targets': ['kept'], 'clean': []}\n"
        "def task_usual():\n"
        "    return {'actions': ['touch gone'], 'targets': ['gone'], 'clean': True}\n"
    )
    project.doit()
    project.doit("clean")
    names = {path.name for path in project.path.iterdir()}
    assert {"cleaned", "made", "kept"} <= names and "gone" not in names


def test_forget(project: Project) -> None:
    project.doit()
    project.doit("clean", "--forget")
    assert "it has not run yet" in project.doit("plan")


def test_nothing_of_a_built_release_is_left_but_what_is_foreign(built: Project) -> None:
    places = Places("standin")
    assert (built.path / places.mirror / "NetBSD-standin-1/amd64/binary/sets/base.tar.xz").exists()
    before = {path for path in built.files() if not path.startswith((".doit", "build", "out"))}
    (built.path / places.mirror / "mine").write_text("x")
    store = sorted(built.store.rglob("*"))
    said = built.doit("clean", "-a")
    left = {path for path in built.files() if not path.startswith(".doit")}
    assert left - before == {"build", "build/standin", "build/standin/mirror", "build/standin/mirror/mine"}
    assert "kept build/standin/mirror: it holds mine" in said
    assert before <= left and sorted(built.store.rglob("*")) == store


def test_the_mirrors_files_go_even_when_a_target_is_gone(tmp_path: Path, built_once: Project) -> None:
    mirror = Places("standin").mirror
    shutil.copytree(built_once.path / mirror, tmp_path / "build/x/mirror")
    files = {path for path in (tmp_path / "build/x/mirror").rglob("*") if path.is_file()}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        assert {path.absolute() for path in made_besides("standin", Places("x"))} == files


def test_what_repro_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    places = Places("x")
    made = (places.repro / "clock" / "dom0.iso.txt", places.build / "repro" / "kept" / "clock" / "out" / "dom0.iso")
    for path in (*made, places.repro_result):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert tuple(made_besides("repro", places)) == made


def test_the_smoke_tests_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Places("x").smoke / "bios"
    folder.mkdir(parents=True)
    for name in ("screen-01.png", "screen-123.png", "screen-mine.png"):
        (folder / name).write_text("x")
    names = {path.name for path in made_besides("smoke", Places("x")) if path.exists()}
    assert names == {"screen-01.png", "screen-123.png"}


def test_bad_input(project: Project) -> None:
    assert "there is no task 'nothing'" in project.doit("clean", "nothing", status=3)
