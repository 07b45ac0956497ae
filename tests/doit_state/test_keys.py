"""Keys and targets: what makes a task run again, and what does not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.doit_plugins.keys import KEY, Key, Tool

if TYPE_CHECKING:
    from tests.doit_state.conftest import Project

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)

COPY = """\
    def copy(source, target):
        Path(target).write_bytes(Path(source).read_bytes().upper())

    def task_copy():
        return {"actions": [(copy, ["in", "out"])], "file_dep": ["in"], "targets": ["out"],
                "uptodate": [Key(level=1), Targets()]}
"""


@given(JSON)
def test_an_equal_value_is_no_change(value: Any) -> None:
    assert Key(part=value).changes({KEY: Key(part=value).now()}) == []


@given(JSON, JSON)
def test_other_values_are_changes_each_by_its_name(old: Any, new: Any) -> None:
    before = {KEY: Key(part=old).now()}
    changes = Key(part=new).changes(before)
    assert bool(changes) == (before[KEY] != Key(part=new).now() or _kinds(before[KEY]) != _kinds(Key(part=new).now()))
    assert all(name.split(".")[0] == "part" for name, _, _ in changes)


def _kinds(value: Any) -> str:
    """For Python 1 is True and 1.0, -0.0 is 0.0; for a key they are different."""
    return repr(sorted(value.items())) if isinstance(value, dict) else repr(value)


def test_nested_values_get_readable_names() -> None:
    key = Key(recipe={"boot": {"timeout": 5, "ports": [1, 2]}}, empty={})
    assert key.now() == {"recipe.boot.timeout": 5, "recipe.boot.ports": [1, 2], "empty": {}}
    saved = {KEY: Key(recipe={"boot": {"timeout": 3}}, gone=None).now()}
    assert key.changes(saved) == [
        ("empty", None, {}),
        ("gone", None, None),
        ("recipe.boot.ports", None, [1, 2]),
        ("recipe.boot.timeout", 3, 5),
    ]


def test_a_part_that_is_not_json_or_has_two_meanings_is_refused() -> None:
    with pytest.raises(TypeError, match=r"part a\.b is not JSON"):
        Key(a={"b": object()}).now()
    with pytest.raises(TypeError, match="part a is not JSON"):
        Key(a=float("nan")).now()
    with pytest.raises(ValueError, match=r"two parts of a key are called a\.b\.c"):
        Key(a={"b": {"c": 1}, "b.c": 2}).now()


def test_a_tool_is_known_by_its_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Tool("compiler").key_value() == {"compiler": None}
    program, inner = tmp_path / "compiler", tmp_path / "lib" / "1" / "cc1"
    inner.parent.mkdir(parents=True)
    program.write_text("one")
    inner.write_text("inner")
    program.chmod(0o755)
    first = Tool("compiler", f"{tmp_path}/lib/*/cc1").key_value()
    assert set(first) == {"compiler", str(inner)} and None not in first.values()
    inner.write_text("other")
    second = Tool("compiler", f"{tmp_path}/lib/*/cc1").key_value()
    assert second["compiler"] == first["compiler"] and second[str(inner)] != first[str(inner)]


def test_only_content_counts(project: Project) -> None:
    project.dodo(COPY)
    source = project.write("in", "one")
    assert project.ran() == ["copy"]
    assert project.ran() == []
    os.utime(source)
    assert project.ran() == []
    # The mtime of before, and the size of before: doit's own checker would see nothing.
    info = source.stat()
    source.write_text("two")
    os.utime(source, ns=(info.st_atime_ns, info.st_mtime_ns))
    assert project.ran() == ["copy"]
    assert (project.path / "out").read_text() == "TWO"


def test_a_touched_file_is_read_once_and_never_again(project: Project) -> None:
    project.dodo(
        COPY
        + """
    import atexit, sys
    from glassmaster.doit_plugins.digests import DIGESTS
    atexit.register(lambda: print("read:", *DIGESTS.hashed, file=sys.stderr))
    """
    )
    source = project.write("in", "one")
    project.doit()
    os.utime(source, (1, 1))
    # Until it has been at rest for a tick it may be read again; some process start later it is not.
    for _ in range(10):
        if "read:\n" in (output := project.doit()):
            break
    else:
        raise AssertionError(output)


@pytest.mark.parametrize("damage", ["flip", "truncate", "replace", "delete"])
def test_a_damaged_output_is_made_again(project: Project, damage: str) -> None:
    project.dodo(COPY)
    project.write("in", "one")
    project.doit()
    out = project.path / "out"
    info = out.stat()
    if damage == "delete":
        out.unlink()
    elif damage == "replace":
        project.write("other", "ONE, but not").replace(out)
    else:
        out.write_text("ONX" if damage == "flip" else "ON")
        os.utime(out, ns=(info.st_atime_ns, info.st_mtime_ns))
    assert project.ran() == ["copy"]
    assert out.read_text() == "ONE"
    assert project.ran() == []
    # With the same content but another file there is nothing to do.
    project.write("other", "ONE").replace(out)
    assert project.ran() == []


def test_everything_below_a_directory_that_is_its_own(project: Project) -> None:
    project.dodo("""
    def fill():
        for name in ("out/one", "out/below/two"):
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(name)
        for stray in Path("out").rglob("stray"):
            stray.unlink()

    def task_fill():
        return {"actions": [fill], "targets": ["out/one"], "uptodate": [Key(), Targets("out", {"theirs"})]}
    """)
    assert project.ran() == ["fill"] and project.ran() == []
    for spoil in (
        lambda: project.write("out/below/two", "damaged"), (project.path / "out/below/two").unlink,
        lambda: project.write("out/below/stray", "x"), (project.path / "out/one").unlink,
    ):  # fmt: skip
        spoil()
        assert project.ran() == ["fill"]
        assert project.ran() == [] and (project.path / "out/below/two").read_text() == "out/below/two"
    project.write("out/theirs/word", "somebody else's")
    assert project.ran() == []


def test_without_targets_damage_is_not_seen(project: Project) -> None:
    """The check can fail: it is `Targets` that sees it."""
    project.dodo(COPY.replace(", Targets()", ""))
    project.write("in", "one")
    project.doit()
    project.write("out", "damaged")
    assert project.ran() == []


def test_a_changed_part_runs_the_task_again(project: Project) -> None:
    project.write("in", "one")
    for level in ("1", "2", "True", "'2'", "{'a': 1}"):
        project.dodo(COPY.replace("level=1", f"level={level}"))
        assert project.ran() == ["copy"], level
        assert project.ran() == [], level


def test_a_directory_as_input_is_one_clear_line(project: Project) -> None:
    project.dodo(COPY)
    (project.path / "in").mkdir()
    for arguments in ((), ("-n", "2"), ("-n", "2", "-P", "thread")):
        output = project.doit("run", *arguments, status=2)
        assert "in: is a directory, and only files can be depended on" in output
    assert "in: is a directory" in project.doit("info", "copy", status=3)


def test_an_input_that_changes_while_the_task_runs_is_not_taken_as_built(project: Project) -> None:
    project.dodo("""
    def copy():
        Path("out").write_text(Path("in").read_text())
        if Path("edit").exists():
            Path("edit").unlink()
            Path("in").write_text("edited meanwhile")

    def task_copy():
        return {"actions": [copy], "file_dep": ["in"], "targets": ["out"], "uptodate": [Targets()]}
    """)
    project.write("in", "one")
    project.write("edit", "")
    assert "copy: in changed while the task ran: the task will run again next time" in project.doit()
    assert (project.path / "out").read_text() == "one"
    assert project.ran() == ["copy"]
    assert (project.path / "out").read_text() == "edited meanwhile"
    assert project.ran() == []


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_parallel_runs_record_the_same(project: Project, method: str) -> None:
    project.write(
        "work.py",
        """
    from pathlib import Path

    def copy(number):
        Path(f"out{number}").write_text(f"made of {number}")
    """,
    )
    project.dodo(f"""
    import multiprocessing
    import work
    multiprocessing.set_start_method({method!r}, force=True)

    def task_copy():
        for number in range(4):
            yield {{"name": str(number), "actions": [(work.copy, [number])], "targets": [f"out{{number}}"],
                    "uptodate": [Key(number=number), Targets()]}}
    """)
    assert project.ran("run", "-n", "2") == [f"copy:{number}" for number in range(4)]
    assert project.ran("run", "-n", "2") == [] == project.ran()
    (project.path / "out2").unlink()
    assert project.ran("run", "-n", "2") == ["copy:2"]
