"""The directory of a run: what is cleared away, by whom, and what is left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from glassmaster.doit_plugins.rundir import VARIABLE, RunDirectory, unfinished
from tests.reliability.project import REPOSITORY

# Makes a run directory with a note of an unfinished file, and is killed while it holds its lock, or lets go of it.
DYING = """
import os, signal, sys
from glassmaster.doit_plugins.rundir import VARIABLE, RunDirectory, unfinished
directory = RunDirectory()
os.environ[VARIABLE] = directory.path
with unfinished(sys.argv[1]):
    open(sys.argv[1], "w").close()
    print(directory.path, flush=True)
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.delenv(VARIABLE, raising=False)
    return folder


def dying(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", DYING, path], env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


def test_a_run_clears_away_what_a_dead_one_left_and_not_a_living_ones(temporary: Path, tmp_path: Path) -> None:
    file = tmp_path / ".file.partial"
    with dying(file) as process:
        assert process.stdout is not None
        living = Path(process.stdout.readline().strip())
        RunDirectory().remove()
        assert list(temporary.iterdir()) == [living]
        assert file.exists()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    RunDirectory().remove()
    assert list(temporary.iterdir()) == []
    assert not file.exists()


def test_only_what_calls_itself_unfinished_is_removed(
    temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = RunDirectory()
    monkeypatch.setenv(VARIABLE, directory.path)
    blocks = [unfinished(tmp_path / name) for name in ("precious", "x.partial")]
    for name, block in zip(("precious", "x.partial"), blocks, strict=True):
        (tmp_path / name).write_text("x")
        block.__enter__()  # and never left, as if killed
    directory.remove()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["precious", "tmp"]
    assert list(temporary.iterdir()) == []


def test_a_directory_is_removed_with_what_is_in_it(
    temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = RunDirectory()
    monkeypatch.setenv(VARIABLE, directory.path)
    work = tmp_path / "work.partial"
    (work / "deeper").mkdir(parents=True)
    (temporary / Path(directory.path).name / "scratch").write_text("x")
    (work / "deeper" / "link").symlink_to(REPOSITORY)
    block = unfinished(work)
    block.__enter__()  # and never left, as if killed
    directory.remove()
    assert not work.exists()
    assert REPOSITORY.exists()
    assert list(temporary.iterdir()) == []


def test_other_names_are_left_alone(temporary: Path) -> None:
    for name in ("doit-", "doit-zzzzzzzz", "doit-0123456", "other-01234567"):
        (temporary / name).mkdir()
    (temporary / "doit-01234567").write_text("a file")
    (temporary / "doit-76543210").symlink_to("/")
    before = sorted(temporary.iterdir())
    RunDirectory().remove()
    assert sorted(temporary.iterdir()) == before


def test_a_note_is_gone_when_the_block_has_ended(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = RunDirectory()
    monkeypatch.setenv(VARIABLE, directory.path)
    notes = Path(directory.path) / ".unfinished"
    with unfinished(temporary / "x.partial"):
        assert [note.readlink() for note in notes.iterdir()] == [temporary / "x.partial"]
    assert list(notes.iterdir()) == []
    directory.remove()


def test_without_a_run_or_after_its_end_nothing_is_noted(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with unfinished(temporary / "x.partial"):
        pass
    monkeypatch.setenv(VARIABLE, str(temporary / "gone"))
    with unfinished(temporary / "x.partial"):
        pass
    assert list(temporary.iterdir()) == []
