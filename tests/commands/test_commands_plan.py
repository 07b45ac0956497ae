"""`doit plan`: what would run and why, and that it leaves no trace."""

from __future__ import annotations

import fcntl
import json
import shutil
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from doit.exceptions import InvalidCommand

from glassmaster.doit_plugins import looking
from glassmaster.doit_plugins.outlook import Outlook
from glassmaster.doit_plugins.plan import as_data, as_text

if TYPE_CHECKING:
    from tests.commands.conftest import Project


def plan(project: Project, *words: str) -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in json.loads(project.doit("plan", "--json", *words))["tasks"]}


def test_before_the_first_run(project: Project) -> None:
    found = plan(project)
    assert list(found) == ["part:a", "part:b", "join"]
    assert {item["will"] for item in found.values()} == {"run"}
    assert all(item["reasons"][0]["kind"] == "never-ran" and not item["missing"] for item in found.values())


def test_nothing_to_do_after_a_run(project: Project) -> None:
    project.doit()
    assert {item["will"] for item in plan(project).values()} == {"up to date"}
    assert project.doit("plan") == "3 up to date\n"


def test_a_changed_file_runs_its_task_and_perhaps_the_next(project: Project) -> None:
    project.doit()
    (project.path / "a.txt").write_text("another")
    found = plan(project)
    assert [(item["will"], item["after"]) for item in found.values()] == [
        ("run", []),
        ("up to date", []),
        ("may run", ["part:a"]),
    ]
    assert found["part:a"]["reasons"] == [{"kind": "file-changed", "what": "a.txt", "old": None, "new": None}]
    text = project.doit("plan")
    assert "run         part:a" in text and "a.txt" in text and "if something else comes out of part:a" in text
    assert "part:b" not in text and "part:b" in project.doit("plan", "--all")


def test_a_changed_key_is_a_diff(project: Project) -> None:
    project.doit()
    dodo = project.path / "dodo.py"
    dodo.write_text(dodo.read_text().replace("width=3", "width=4"))
    (reason,) = plan(project, "part:a")["part:a"]["reasons"]
    assert reason == {"kind": "key-changed", "what": "width", "old": 3, "new": 4}
    assert "width: 3 -> 4" in project.doit("plan", "part:a")


def test_a_damaged_output(project: Project) -> None:
    project.doit()
    (project.path / "out" / "a" / "part").write_text("damaged")
    assert plan(project)["part:a"]["reasons"][0]["kind"] == "target-changed"


def test_an_input_that_nobody_makes(project: Project) -> None:
    (project.path / "b.txt").unlink()
    found = plan(project)
    assert found["part:b"]["missing"] == ["b.txt"] and not found["join"]["missing"]
    assert "no task makes what is missing" in project.doit("plan")


@pytest.mark.parametrize("ran", [False, True])
def test_it_writes_nothing(project: Project, ran: bool) -> None:
    if ran:
        project.doit()
        (project.path / "a.txt").write_text("another")
    before = project.files()
    project.doit("plan")
    project.doit("plan", "--json", "--all")
    assert project.files() == before


def test_it_waits_for_nobody(project: Project) -> None:
    project.doit()
    with (project.path / ".doit.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert project.doit("plan", DOIT_NO_WAIT="1") == "3 up to date\n"


def test_a_damaged_state_is_left_as_it_is(project: Project) -> None:
    (project.path / ".doit.db").write_bytes(b"no database")
    before = project.files()
    text = project.doit("plan")
    assert "nothing is known of earlier runs" in text and "3 to run" in text
    assert project.files() == before


def test_a_copy_of_a_state_that_is_being_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state, copies = tmp_path / "state", []
    state.write_bytes(b"1")
    real = shutil.copyfile

    def copyfile(source: Path, target: Path) -> None:
        real(source, target)
        copies.append(target)
        if len(copies) < 3:
            state.write_bytes(b"1" * (1 + len(copies)))

    monkeypatch.setattr(shutil, "copyfile", copyfile)
    folder = tmp_path / "copy"
    folder.mkdir()
    assert looking.copy(state, folder).read_bytes() == state.read_bytes() and len(copies) == 3
    monkeypatch.setattr(looking, "TRIES", 0)
    with pytest.raises(InvalidCommand, match="another process"):
        looking.copy(state, folder)


def test_what_is_still_in_sqlites_log_is_seen(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "state")
    connection.execute("pragma journal_mode = wal")
    connection.execute("create table t (x)")
    connection.commit()
    (tmp_path / "copy").mkdir()
    copied = sqlite3.connect(looking.copy(tmp_path / "state", tmp_path / "copy"))
    assert copied.execute("select count(*) from t").fetchone() == (0,)
    copied.close()
    connection.close()


def test_time_from_history_and_bytes() -> None:
    items = [
        Outlook("a", "run", (), (), (), 2.0), Outlook("b", "run", (), (), (), None),
        Outlook("c", "may run", (), ("a",), (), 5.0),
    ]  # fmt: skip
    text = as_text(items, {"x.tgz": 1000, "y.tgz": 500}, ["a remark"], show_all=False)
    assert "about 2.0 s, and 1 of unknown time" in text and "1,500 bytes to fetch: x.tgz, y.tgz" in text
    assert text.endswith("a remark") and all(len(line) <= 80 for line in text.splitlines())
    data = as_data(items, {"x.tgz": 1000}, [])
    assert data["seconds"] == 2.0 and data["fetch"]["bytes"] == 1000
    assert as_data([], {}, [])["seconds"] is None


def test_bytes_of_a_recipe(built: Project, tmp_path: Path) -> None:
    def fetch() -> dict[str, Any]:
        data: dict[str, Any] = json.loads(built.doit("plan", "--json"))["fetch"]
        return data

    assert fetch() == {"bytes": 0, "files": {}, "remarks": []}
    elsewhere = type(built)(built.path, tmp_path / "empty")
    missing = json.loads(elsewhere.doit("plan", "--json"))
    rows = json.loads((built.path / "build/standin/inputs.json").read_text())["inputs"]
    assert missing["fetch"]["bytes"] == sum(row["size"] for row in rows)
    (built.path / "recipes/standin.lock").unlink()
    assert "known once there is a lock" in built.doit("plan")


def test_bad_input(clone: Project) -> None:
    assert "did you mean iso?" in clone.doit("plan", "isoo", status=3)
    assert "did you mean standin?" in clone.doit("plan", "recipe=standn", status=3)
    assert "--jsno" in clone.doit("plan", "--jsno", status=3)
    assert "there is no task 'isoo'" in clone.doit("info", "isoo", status=3)
