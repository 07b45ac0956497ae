"""Each variation finds the fault that is seeded for it, no other one does, and it is named."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from glassmaster.checks.repro import check
from glassmaster.checks.repro.artefacts import release_below
from glassmaster.checks.repro.matrix import AGAIN, ALL, RELEASE, variations
from glassmaster.checks.repro.result import Repro, read_result, write_result
from glassmaster.checks.repro.text import verdict
from glassmaster.run import Command, run
from tests.repro.leaks import LEAKS
from tests.repro.toy import make_project, matrix_of

# What the catalogue must call the fault that a variation finds; the first of what is likely.
NAMED = {
    "directory": "a path", "HOME": "a path", "time zone": "a local time", "locale": "a text of the locale",
    "umask": "a mode cut by the umask", "host name": "a host name", "user": "a uid", "jobs": "an order",
    "hash seed": "an order", "tmpfs": "an order", "listing": "an order", "clock": "a date", "addresses": "a pointer",
    "kernel": "the name of the kernel or machine", "Python": "Python's version",
    "warm store": "something that was left over", "resumed": "something that was left over",
    "incremental": "something that was left over",
}  # fmt: skip
# These are not surroundings, and all together is a clean build.
NOT_TOGETHER = {"leaks/warm store", "leaks/incremental"}


def checked(top: Path, leaks: list[str], *, quick: bool = False) -> Repro:
    """The matrix for a toy project with these faults, which was built before as its user would."""
    project = make_project(top / "project", leaks)
    run(Command((sys.executable, "-m", "doit", "iso", "domu"), {"PYTHONPATH": str(Path.cwd())}, project.top))
    matrix = matrix_of(project, top / "work", sys.executable, quick=quick)
    return matrix.run(release_below(project.top, "toy", project.lock), lambda row: None, top / "repro")


def differing(result: Repro) -> dict[str, set[str]]:
    return {row.name: {item.artefact for item in row.differing} for row in result.variations}


@pytest.mark.usefixtures("our_code")
def test_every_fault_is_found_by_its_variation_alone(tmp_path: Path) -> None:
    result = checked(tmp_path, list(LEAKS))
    assert not result.passed
    assert {row.name: row.failure for row in result.variations if row.failure} == {}
    found = differing(result)
    names = [name for name in found if name not in (RELEASE, AGAIN, ALL)]
    assert set(names) | {"Python"} == set(LEAKS) == set(NAMED) and len(names) >= 17
    assert {name: found[name] for name in names} == {name: {f"leaks/{name}"} for name in names}
    assert found[AGAIN] == set()
    assert found[ALL] == {f"leaks/{name}" for name in names} - NOT_TOGETHER
    assert set(result.causes) == set(names)
    rows = {row.name: row for row in result.variations}
    assert {name: rows[name].differing[0].sources[0].what for name in names} == {name: NAMED[name] for name in names}
    # diffoscope says what it is, for causes only.
    assert not any(item.reports or item.problems for item in rows[ALL].differing)
    for name in names:
        texts = [tmp_path / path for path in rows[name].differing[0].reports]
        assert [path.suffix for path in texts] == [".txt", ".html"] and not rows[name].differing[0].problems
    clock = (tmp_path / rows["clock"].differing[0].reports[0]).read_text()
    assert "-built in 20" in clock and "+built in 20" in clock
    said = "\n".join(verdict(result))
    assert "it differs by: clock (400 days later)\n  leaks/clock\n    likely a date: " in said
    assert "different for no other reason: release, all together" in said
    write_result(tmp_path / "repro.json", result)
    assert read_result(tmp_path / "repro.json") == result


@pytest.mark.usefixtures("our_code")
@pytest.mark.parametrize(("leak", "named"), [("seconds", "a date"), ("random", "a random number, seconds, or a race")])
def test_what_differs_by_itself_is_told_from_what_is_varied(
    tmp_path: Path, leak: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = tuple(item for item in variations() if item.name in (AGAIN, "umask", "clock"))
    monkeypatch.setattr(check, "variations", lambda *_: some)
    result = checked(tmp_path, [leak, "umask"])
    assert result.causes == (AGAIN, "umask")
    rows = {row.name: row for row in result.variations}
    assert rows[AGAIN].differing[0].sources[0].what == named
    assert {item.artefact for item in rows["umask"].differing} == {f"leaks/{leak}", "leaks/umask"}


@pytest.mark.usefixtures("our_code")
def test_quick_finds_it_and_says_how_to_go_on(tmp_path: Path) -> None:
    result = checked(tmp_path, ["host name"], quick=True)
    assert [row.name for row in result.variations] == [RELEASE, "incremental", "resumed", ALL]
    assert result.causes == (ALL,) and result.quick
    assert "it differs with everything varied: `doit repro` finds out by what" in "\n".join(verdict(result))


@pytest.mark.usefixtures("our_code")
def test_without_a_fault_all_is_identical(tmp_path: Path) -> None:
    result = checked(tmp_path, [], quick=True)
    assert result.passed and result.causes == () and list(verdict(result)) == []
    assert all(row.identical and row.ran for row in result.variations)
    assert set(result.artefacts) == {"sets", "boot/core.img", "domu/base", "dom0.raw", "lock/toy.lock"}
    assert not (tmp_path / "repro").exists()


def test_what_is_made_of_a_release_is_not_part_of_it(tmp_path: Path) -> None:
    out = tmp_path / "out/standin"
    for name in ("dom0.iso", "published.json", "release/dom0.iso", "kept/0123456789ab/rebuilds/x.json", "diff.json"):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(name)
    assert [name for name, _ in release_below(tmp_path, "standin", Path("no.lock")).files()] == ["dom0.iso"]
