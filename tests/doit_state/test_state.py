"""The state file: killed at any moment, used by two at once, damaged."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from doit.dependency import JSONCodec
from doit.exceptions import InvalidCommand
from hypothesis import given, settings
from hypothesis import strategies as st

from glassmaster.doit_plugins.lock import StateLock
from glassmaster.doit_plugins.state import FORMAT, StateDB

if TYPE_CHECKING:
    from tests.doit_state.conftest import Project

STEPS = """\
    def make(number):
        Path(f"out{number}").write_text(str(number))

    def hang():
        print("hanging", flush=True)
        input()

    def task_first():
        for number in range(5):
            yield {"name": str(number), "actions": [(make, [number])], "targets": [f"out{number}"],
                   "uptodate": [Key(number=number), Targets()]}

    def task_hang():
        return {"actions": [hang], "task_dep": ["first"], "verbosity": 2, "uptodate": [Key(a=1)]}
"""
FIRST = [f"first:{number}" for number in range(5)]


def opened(path: Path) -> StateDB:
    return StateDB(str(path), JSONCodec())


def wait_for(process: subprocess.Popen[str], words: str) -> str:
    """Read what a process prints until a line with these words; returns the line."""
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            return line
    raise AssertionError(f"ended without: {words}")


def killed(process: subprocess.Popen[str], number: signal.Signals = signal.SIGKILL) -> None:
    process.send_signal(number)
    process.communicate(timeout=60)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_what_finished_before_a_kill_does_not_run_again(project: Project, number: signal.Signals) -> None:
    project.dodo(STEPS)
    process = project.start("hang")
    wait_for(process, "hanging")
    killed(process, number)
    assert project.ran("first") == []


def test_doits_own_backend_loses_it(project: Project) -> None:
    """The check can fail."""
    project.dodo(STEPS)
    process = project.start("--backend", "sqlite3", "hang")
    wait_for(process, "hanging")
    killed(process)
    assert project.ran("--backend", "sqlite3", "first") == FIRST


def test_a_second_doit_waits_and_says_for_whom(project: Project) -> None:
    project.dodo(STEPS)
    one = project.start("hang")
    wait_for(one, "hanging")
    two = project.start("first")
    line = wait_for(two, "waiting for")
    assert f"process {one.pid}, since 20" in line and "state.db" in line
    # It has the lock only after this:
    one.communicate("\n", timeout=60)
    output, _ = two.communicate(timeout=60)
    # What the first one did meanwhile, the second knows.
    assert two.returncode == 0 and ".  first" not in output and "-- first:4" in output


@pytest.mark.parametrize("how", ["option", "environment"])
def test_a_second_doit_need_not_wait(project: Project, how: str) -> None:
    project.dodo(STEPS)
    one = project.start("hang")
    wait_for(one, "hanging")
    arguments = ("--no-wait", "first") if how == "option" else ("first",)
    environment = {"DOIT_NO_WAIT": "1"} if how == "environment" else {}
    output = project.doit(*arguments, status=3, **environment)
    assert f"is in use by another doit (process {one.pid}, since 20" in output
    # Commands that only read do neither.
    assert "first:0" in project.doit("list", "--all", "--status")
    assert "up-to-date" in project.doit("info", "first:0")
    killed(one)
    assert project.ran("--no-wait", "first") == []


def test_doit_forget_waits_too(project: Project) -> None:
    project.dodo(STEPS)
    one = project.start("hang")
    wait_for(one, "hanging")
    assert "in use by" in project.doit("forget", "first", status=3, DOIT_NO_WAIT="1")
    killed(one)
    project.doit("forget", "first")
    assert project.ran("first") == FIRST


def test_a_task_that_runs_doit_on_its_own_project_is_told(project: Project) -> None:
    project.dodo(
        STEPS
        + f"""
    def task_inner():
        return {{"actions": [{[sys.executable, "-m", "doit", "first"]!r}], "verbosity": 2}}
    """
    )
    output = project.doit("inner", status=1)
    assert "A task cannot run tasks of its own project" in output


def _truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 4096)


def _other_version(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(f"pragma user_version = {FORMAT + 1}")
    connection.close()


def _foreign(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("create table doit (task_id text primary key, task_data json)")
    connection.close()


def _garbage(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 64)


def _torn_page(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for page in range(1, len(data) // 4096):
        data[page * 4096 : page * 4096 + 12] = b"\xff" * 12
    path.write_bytes(data)


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [_truncated, _other_version, _foreign, _garbage, _torn_page, _directory])
def test_a_state_file_that_cannot_be_used_is_moved_aside(project: Project, damage: object) -> None:
    assert callable(damage)
    project.dodo(STEPS)
    project.doit("first")
    state = project.path / "state.db"
    for number in (1, 2):
        damage(state)
        output = project.doit("first")
        assert output.count(f": moved to state.db.corrupt-{number}; everything is made again") == 1, output
        assert output.count(".  first") == 5
        assert (project.path / f"state.db.corrupt-{number}").exists()
        assert project.ran("first") == []


def test_one_damaged_record_costs_one_task(project: Project) -> None:
    project.dodo(STEPS)
    project.doit("first")
    with sqlite3.connect(project.path / "state.db") as connection:
        connection.execute("update task set record = x'7bff' where name = 'first:2'")
    connection.close()
    assert project.ran("first") == ["first:2"]


def test_an_empty_file_is_a_new_state(project: Project) -> None:
    project.dodo(STEPS)
    project.write("state.db", "")
    output = project.doit("first")
    assert "moved" not in output and output.count(".  first") == 5


def test_damage_while_another_runs_is_left_to_that_one(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(b"garbage" * 1000)
    holder = os.open(tmp_path / "state.db.lock", os.O_CREAT | os.O_RDWR)
    fcntl.flock(holder, fcntl.LOCK_EX)
    assert not opened(path).in_("task")
    assert path.read_bytes() == b"garbage" * 1000
    os.close(holder)
    opened(path)
    assert (tmp_path / "state.db.corrupt-1").read_bytes() == b"garbage" * 1000


def test_a_record_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    one = opened(path)
    one.set("task", "_values_:", {"a": 1})
    one.set("task", "file", ["digest"])
    assert not opened(path).in_("task")
    one.set("task", "deps:", ("file",))
    other = opened(path)
    assert other.get("task", "_values_:") == {"a": 1} and other.get("task", "file") == ["digest"]
    with one.recording():
        one.set("task", "deps:", ())
        assert opened(path).get("task", "deps:") == ["file"]
    assert opened(path).get("task", "deps:") == []
    assert opened(path).get("task", "file") is None
    one.dump()


def test_a_failure_is_remembered_until_the_task_succeeds_or_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    one = opened(path)
    one.set("task", "deps:", ())
    one.fail("task")
    assert not opened(path).in_("task") and opened(path).failed_at("task") is not None
    one.set("task", "deps:", ())
    assert opened(path).in_("task") and opened(path).failed_at("task") is None
    one.fail("task")
    one.remove_all()
    one.dump()
    assert opened(path).failed_at("task") is None


def test_what_cannot_be_saved_costs_time_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "state.db"
    one = opened(path)
    one._connection.execute("pragma max_page_count = 1")  # as on a full disk
    for number in range(3):
        one.set(f"task{number}", "deps:", ["x" * 10000])
    captured = capsys.readouterr().err
    assert captured.count("cannot be recorded") == 1 and "full" in captured
    assert one.in_("task2") and not opened(path).in_("task2")
    one._connection.execute("pragma max_page_count = 1000000")
    one.dump()
    assert opened(path).in_("task0")


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    state = opened(tmp_path / "state.db")  # reading is possible, nothing is there
    assert not state.in_("task") and not (tmp_path / "state.db").exists()
    with pytest.raises(InvalidCommand, match="cannot be opened"):
        StateLock(tmp_path / "none" / "state.db").try_acquire()


def test_the_lock_is_given_back(tmp_path: Path) -> None:
    one, two = StateLock(tmp_path / "s"), StateLock(tmp_path / "s")
    assert one.try_acquire() and one.try_acquire() and not two.try_acquire()
    assert json.loads((tmp_path / "s.lock").read_text())["pid"] == os.getpid()
    one.release()
    assert two.acquire(wait=False) is False
    two.release()


def test_a_failed_dependency_costs_no_record(project: Project) -> None:
    project.dodo("""
    def task_low():
        return {"actions": ["test ! -e fail"], "uptodate": [Key(a=1), lambda: not Path("fail").exists()]}

    def task_high():
        return {"actions": ["true"], "task_dep": ["low"], "uptodate": [Key(a=1)]}
    """)
    assert project.ran("high") == ["high", "low"]
    project.write("fail", "")
    project.doit("run", "-c", "high", status=2)
    (project.path / "fail").unlink()
    assert project.ran("high") == ["low"]


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"), st.sampled_from(["set", "done", "remove", "fail", "reopen"]), st.integers(0, 9)
        )
    )
)
def test_like_a_dictionary_that_is_saved_when_a_record_is_complete(
    tmp_path_factory: pytest.TempPathFactory, operations: list[tuple[str, str, int]]
) -> None:
    path = tmp_path_factory.mktemp("state") / "state.db"
    state, model, saved = opened(path), {}, {}  # type: StateDB, dict[str, int], dict[str, int]
    for task, what, value in operations:
        match what:
            case "set":
                state.set(task, "result:", value)
                model[task] = value
            case "done":
                state.set(task, "result:", value)
                state.set(task, "deps:", ())
                model[task] = value
                saved = dict(model)
            case "remove":
                state.remove(task)
                model.pop(task, None)
            case "fail":
                state.fail(task)
                model.pop(task, None)
                saved = dict(model)
            case "reopen":  # as after kill -9
                state.lock.release()
                state, model = opened(path), dict(saved)
        assert {name: state.get(name, "result:") for name in "abc" if state.in_(name)} == model
    state.dump()


def test_killed_in_every_task_nothing_recorded_runs_again(project: Project) -> None:
    count = 6
    project.dodo(f"""
    import signal

    def make(number):
        with open("log", "a") as log:
            log.write(str(number))
        Path(f"out{{number}}").write_text("half")
        if Path(f"kill{{number}}").exists():
            Path(f"kill{{number}}").unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        Path(f"out{{number}}").write_text("whole")

    def task_make():
        for number in range({count}):
            yield {{"name": str(number), "actions": [(make, [number])], "targets": [f"out{{number}}"],
                    "uptodate": [Key(number=number), Targets()]}}
    """)
    project.doit()  # all have a record of an earlier success
    project.write("log", "")
    for number in range(count):
        project.write(f"out{number}", "damaged")
        project.write(f"kill{number}", "")
    for _ in range(count):
        project.doit(status=-signal.SIGKILL)
    project.doit()
    # Each ran once and was killed, and once more; what was done stayed done.
    assert (project.path / "log").read_text() == "".join(f"{number}{number}" for number in range(count))
    assert {(project.path / f"out{number}").read_text() for number in range(count)} == {"whole"}
    assert project.ran() == []
    assert not [path.name for path in project.path.iterdir() if "corrupt" in path.name or path.name.endswith("-wal")]
