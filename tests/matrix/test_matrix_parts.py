"""What a worker does, without Dask; and that nothing else than what it delivered is taken."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tarfile
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.matrix import cell
from glassmaster.matrix.deliver import deliver
from glassmaster.matrix.engine import _outcome, run
from glassmaster.matrix.gather import Outcome, gather, table

# In the place of glassmaster: what is run is what came.
MAIN = """\
import os, pathlib, sys
pathlib.Path("out/x").mkdir(parents=True)
said = [*sys.argv[1:], os.environ["SAID"], os.environ.get("PYTHONPATH", "none")]
pathlib.Path("out/x/dom0.iso").write_text(" ".join(said))
print("a line")
sys.exit(int(os.environ["STATUS"]))
"""
DELIVER = """\
import json, pathlib, sys
print("noise")
print(json.dumps([["dom0.iso", len(pathlib.Path("out/x/dom0.iso").read_text()), " ".join(sys.argv[1:])]]))
"""


def archive(*more: tuple[str, str]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        own = [("source/here/glassmaster/__main__.py", MAIN), ("source/here/glassmaster/matrix/deliver.py", DELIVER)]
        for name, text in [*own, *more]:
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return stream.getvalue()


def build(status: int, data: bytes) -> dict[str, object]:
    return cell.build(
        "x", data, "here", "recipes/x.yaml", ["iso", "domu"], "file:///r", {"SAID": "it", "STATUS": str(status)}
    )


def test_a_worker_runs_what_came_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    found = build(0, archive())
    assert (found["status"], found["said"]) == (0, "a line")
    words = "iso domu recipe=recipes/x.yaml locked=yes it none"
    assert found["files"] == [["dom0.iso", len(words), "x file:///r"]]
    assert list(tmp_path.iterdir()) == []


def test_a_failed_build_delivers_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    found = build(1, archive())
    assert (found["status"], found["said"], found["files"]) == (1, "a line", [])
    assert list(tmp_path.iterdir()) == []


def test_nothing_of_an_archive_leads_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "work"))
    (tmp_path / "work").mkdir()
    with pytest.raises(ValueError, match="leads out"):
        build(0, archive(("../../evil", "x")))
    assert [path.name for path in tmp_path.rglob("*")] == ["work"]


def test_the_module_that_is_sent_imports_nothing_of_ours() -> None:
    text = Path(cell.__file__).read_text()
    assert "from glassmaster" not in text and "import glassmaster" not in text


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def delivered(here: Path) -> tuple[Outcome, str]:
    """Two files of a recipe, delivered from elsewhere and removed there."""
    results = (here / "results").as_uri()
    for name, text in (("dom0.iso", "disc"), ("domu/a b.img", "image")):
        path = here / "out/x" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    files = tuple(deliver("x", results))
    for name, _, _ in files:
        (here / "out/x" / name).unlink()
    return Outcome("x", 0, "", files), results


def test_what_was_delivered_is_taken(here: Path) -> None:
    outcome, results = delivered(here)
    assert [name for name, _, _ in outcome.files] == ["dom0.iso", "domu/a b.img"]
    assert gather(outcome, results) == outcome
    assert (here / "out/x/domu/a b.img").read_text() == "image"
    assert hashlib.sha512(b"disc").hexdigest() == outcome.files[0][2]


def test_what_is_another_file_by_now_is_not(here: Path) -> None:
    outcome, results = delivered(here)
    (here / "results/x/dom0.iso").write_text("disk")
    found = gather(outcome, results)
    assert found.status == 1 and "not what the worker delivered" in found.said
    assert not (here / "out/x/dom0.iso").exists()


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "a/../../../x"])
def test_no_name_of_a_worker_leads_out(here: Path, name: str) -> None:
    _, results = delivered(here)
    assert gather(Outcome("x", 0, "", ((name, 4, "0" * 128),)), results).status == 1
    assert not (here.parent / "x").exists()


def test_the_table_has_what_each_cost() -> None:
    rows = [Outcome("b", 1, "x", worker="w"), Outcome("a", 0, "", (("f", 2_000_000, ""),), 3.26, 1.5, 80_000_000, "w")]
    lines = table(rows).splitlines()
    assert lines[1].split("  ")[0] == "a" and "3.3 s" in lines[1] and "1 files, 2.0 MB" in lines[1]
    assert "FAILED" in lines[2] and json.dumps(lines)


class Future:
    """What Dask gives: a result, or what was raised."""

    def __init__(self, result: dict[str, object] | BaseException) -> None:
        self._result = result

    def result(self) -> dict[str, object]:
        if isinstance(self._result, BaseException):
            raise self._result
        return self._result


def test_a_scheduler_that_ends_is_a_failure_of_what_was_not_built(tmp_path: Path) -> None:
    lost = _outcome("x", Future(CancelledError("the scheduler\nis gone")))
    assert (lost.status, lost.said) == (1, "CancelledError: the scheduler is gone")
    done = {"name": "x", "status": 0, "said": "", "files": [["dom0.iso", 4, "ab"]]}
    assert _outcome("x", Future(done)) == Outcome("x", 0, "", (("dom0.iso", 4, "ab"),))


def test_dask_without_its_library_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(GlassmasterError, match="Dask's library is not installed"):
        list(run("dask://127.0.0.1:1", []))


@pytest.mark.parametrize("executor", ["127.0.0.1:8786", "tcp://127.0.0.1:8786", "dask:"])
def test_what_is_no_executor_is_refused(executor: str) -> None:
    with pytest.raises(GlassmasterError, match="not understood"):
        list(run(executor, []))


def test_nobody_there_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glassmaster.matrix.engine.CONNECT", 1)
    with pytest.raises(GlassmasterError, match="nobody who builds"):
        list(run("dask://127.0.0.1:9", []))
