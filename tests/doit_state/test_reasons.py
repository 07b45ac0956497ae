"""Why a task would run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.doit_state.conftest import Project

DODO = """\
    import json
    from dataclasses import asdict
    from doit.cmd_base import DoitCmdBase
    from doit.control import TaskControl

    def build(fail):
        Path("out").write_text("made")
        return not Path("fail").exists()

    def task_build():
        return {"actions": [(build, [1])], "file_dep": FILES, "targets": ["out"],
                "uptodate": [Key(recipe={"timeout": TIMEOUT, "title": "x"}), Targets(),
                             lambda: not Path("no").exists()]}

    def task_always():
        return {"actions": [(build, [1])]}

    def task_group():
        return {"actions": None, "task_dep": ["build"]}
"""
COMMAND = """\
    import json
    from dataclasses import asdict
    from doit.cmd_base import DoitCmdBase
    from doit.control import TaskControl
    from glassmaster.doit_plugins.reasons import reasons

    class Why(DoitCmdBase):
        def _execute(self):
            tasks = TaskControl(self.task_list).tasks
            found = reasons(tasks[self.sel_tasks[0]], self.dep_manager, tasks)
            print(json.dumps([{**asdict(reason), "text": str(reason)} for reason in found]))
            return 0
"""


def prepared(project: Project, files: str = "['in']", timeout: int = 5) -> None:
    with (project.path / "pyproject.toml").open("a") as stream:
        if not (project.path / "why.py").exists():
            stream.write('why = "why:Why"\n')
    project.write("why.py", COMMAND)
    project.dodo(DODO.replace("FILES", files).replace("TIMEOUT", str(timeout)))


def why(project: Project, task: str = "build") -> list[Any]:
    """(kind, what) or (kind, what, old, new) of each reason. Asking twice changes nothing."""
    first, second = project.doit("why", task), project.doit("why", task)
    assert first == second
    return [
        (item["kind"], item["what"], *([item["old"], item["new"]] if item["kind"] == "key-changed" else []))
        for item in json.loads(first)
    ]


def test_each_reason(project: Project) -> None:
    prepared(project)
    source = project.write("in", "one")
    assert why(project) == [("never-ran", "")]
    project.doit("build")
    assert why(project) == []
    source.write_text("two")
    assert why(project) == [("file-changed", "in")]
    source.unlink()
    assert why(project) == [("file-missing", "in")]
    source.write_text("one")
    assert why(project) == []
    project.write("out", "damaged")
    assert why(project) == [("target-changed", "out")]
    (project.path / "out").unlink()
    assert why(project) == [("target-missing", "out")]
    project.write("out", "made")
    project.write("no", "")
    assert why(project) == [("condition-false", "<lambda>")]
    (project.path / "no").unlink()
    prepared(project, files="['other']", timeout=6)
    project.write("other", "")
    assert why(project) == [
        ("key-changed", "recipe.timeout", 5, 6), ("file-added", "other"), ("file-removed", "in"),
    ]  # fmt: skip


def test_a_failure_is_a_reason_until_it_is_mended(project: Project) -> None:
    prepared(project)
    project.write("in", "one")
    project.doit("build")
    project.write("fail", "")
    project.write("in", "two")
    project.doit("build", status=1)
    assert why(project) == [("last-run-failed", "")]
    (project.path / "fail").unlink()
    project.doit("build")
    assert why(project) == []


def test_what_always_runs_and_what_never_does(project: Project) -> None:
    prepared(project)
    project.write("in", "one")
    assert why(project, "always") == [("always", "")]
    assert why(project, "group") == []
    (project.path / "in").unlink()
    (project.path / "in").mkdir()
    assert [kind for kind, _ in why(project)] == ["file-unusable"]


def test_reasons_read_as_sentences(project: Project) -> None:
    prepared(project)
    project.write("in", "one")
    project.doit("build")
    prepared(project, timeout=6)
    project.write("in", "two")
    texts = [item["text"] for item in json.loads(project.doit("why", "build"))]
    assert texts == ["recipe.timeout: 5 -> 6", "in: file changed"]
