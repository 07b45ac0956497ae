"""A variation that could not run, or that varied nothing, counts as failed, never as passed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from glassmaster.checks.repro import check, tools
from glassmaster.checks.repro.artefacts import release_below
from glassmaster.checks.repro.building import middle_and_last
from glassmaster.checks.repro.matrix import RELEASE, Variation
from glassmaster.checks.repro.result import Repro, Row
from glassmaster.checks.repro.surroundings import Surroundings
from glassmaster.checks.repro.text import line, table, verdict
from tests.repro.toy import make_project, matrix_of

Some = Callable[..., Repro]


@pytest.fixture
def some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, our_code: None) -> Some:
    """Runs a matrix of the given variations for a toy project."""

    def run(*chosen: Variation, python: str = sys.executable) -> Repro:
        monkeypatch.setattr(check, "variations", lambda *_: chosen)
        project = make_project(tmp_path / "project", [])
        matrix = matrix_of(project, tmp_path / "work", python)
        release = release_below(tmp_path / "work/kept/plain", "toy", project.lock)
        return matrix.run(release, lambda row: None, tmp_path / "repro")

    return run


def failure(result: Repro, name: str) -> str:
    row = next(row for row in result.variations if row.name == name)
    assert not row.ran and not row.identical and not result.passed
    assert "FAILED" in line(row)
    return row.failure


def test_surroundings_that_cannot_be_had(some: Some, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    refuses = tmp_path / "bin" / "unshare"
    refuses.write_text("#!/bin/sh\necho unshare: not here >&2\nexit 1\n")
    refuses.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    result = some(Variation("host name", "x", Surroundings(host="x"), facts=("host",)))
    found = failure(result, "host name")
    assert "these surroundings cannot be had here" in found and "unshare: not here" in found
    assert "host name: could not be built, which counts as different" in list(verdict(result))
    assert any("host name" in text and "FAILED" in text for text in table(result))


def test_surroundings_that_are_not_in_effect(some: Some) -> None:
    # The time zone is asked for, and is the plain build's.
    found = failure(some(Variation("time zone", "none", Surroundings(timezone="UTC"), facts=("offset",))), "time zone")
    assert "these surroundings did not take effect" in found and "offset is 0.0, as for the plain build" in found


def test_a_build_that_fails(some: Some, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = tmp_path / "fault"
    fault.mkdir()
    text = "import os\nif os.environ.get('HOME', '').endswith('other'):\n    os.write(2, b'no home')\n    os._exit(9)\n"
    (fault / "sitecustomize.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", f"{os.environ['PYTHONPATH']}:{fault}")
    monkeypatch.setattr(check.Matrix, "_require_effect", lambda *_: None)
    found = failure(some(Variation("HOME", "x", Surroundings(home="other"), facts=("home",))), "HOME")
    assert "it could not be built" in found and "doit ended with status 9" in found and "no home" in found


def test_what_is_edited_meanwhile_is_not_built(some: Some, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = check.Matrix._row

    def row(matrix: check.Matrix, variation: Variation) -> Row:
        (tmp_path / "project" / "dodo.py").write_text("no Python any more")
        return whole(matrix, variation)

    monkeypatch.setattr(check.Matrix, "_row", row)
    assert some(Variation("umask", "x", Surroundings(umask=0o077), facts=("umask",))).variations[-1].identical


def test_a_locale_that_cannot_be_made_is_its_own_failure(some: Some, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "LOCALE_SOURCE", "no_such")
    result = some(
        Variation("locale", "x", Surroundings(locale="tr_TR.ISO-8859-9"), facts=("encoding",)),
        Variation("umask", "x", Surroundings(umask=0o077), facts=("umask",)),
    )
    assert "localedef ended with status" in failure(result, "locale") and result.variations[-1].identical


def test_no_plain_build_no_matrix(some: Some, tmp_path: Path) -> None:
    result = some(Variation("umask", "x"), python="/nonexistent/python")
    assert not result.passed and result.variations == () and result.artefacts == {}
    assert "plain: could not be built, which counts as different" in list(verdict(result))


def test_a_build_that_was_not_killed_is_not_one_that_was(some: Some, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "middle_and_last", lambda tasks: ("no:such",))
    found = failure(some(Variation("resumed", "x", history="resumed")), "resumed")
    assert "it was to be killed in no:such, which did not start" in found


def test_what_lies_in_out_counts(tmp_path: Path, our_code: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "variations", lambda *_: ())
    project = make_project(tmp_path / "project", [])
    out = tmp_path / "project/out/toy"
    out.mkdir(parents=True)
    (out / "sets").write_text("something else")
    (out / "old.img").write_text("left by an older recipe, and nobody's business here")
    matrix = matrix_of(project, tmp_path / "work", sys.executable)
    result = matrix.run(release_below(project.top, "toy", project.lock), lambda row: None, tmp_path / "repro")
    row = result.variations[0]
    assert (row.name, row.identical, result.causes) == (RELEASE, False, (RELEASE,))
    differing = {item.artefact: item for item in row.differing}
    assert set(differing) == {"sets", "dom0.raw", "domu/base", "boot/core.img"}
    assert differing["dom0.raw"].entries == ("only in the plain build",) and differing["dom0.raw"].sha256 == ""
    assert "what lies in out/ is not what a plain build makes" in list(verdict(result))


def test_where_it_is_killed() -> None:
    assert middle_and_last(["a", "b", "c:x", "iso:x"]) == ("c:x", "iso:x")
    assert middle_and_last(["iso:x"]) == ("iso:x",)


def test_the_other_python_is_neither_ours_nor_one_that_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = f"python3.{sys.version_info.minor}"
    for name, text in ((ours, "echo /ours; echo 3"), ("python3.19", "exit 1"), ("python3.18", "echo /o; echo 3.18.1")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    assert tools.other_python() == tools.Interpreter("/o", "3.18.1")
    (tmp_path / "python3.18").unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tools.other_python() is None
