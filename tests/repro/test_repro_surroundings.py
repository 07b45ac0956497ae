"""The commands that set up surroundings, and what they are checked by."""

from __future__ import annotations

import dataclasses
import json
import os
import site
import sys
from pathlib import Path

import pytest

from glassmaster.checks.repro import check
from glassmaster.checks.repro.check import FACTS
from glassmaster.checks.repro.matrix import ALL, variations
from glassmaster.checks.repro.surroundings import Builder, Inherited, Room, Surroundings, command, environment, prefix
from glassmaster.errors import GlassmasterError
from glassmaster.run import Command, run

ROOT, SOMEBODY = Builder(0, 0), Builder(1000, 100)
ROOM = Room(
    Path("/w/run"), Path("/dev/shm/real"), Path("/w/run/clone"), Path("/w/run/store"), Path("/w/run/home"),
    Path("/w/run/tmp"), Path("/w/to:o,ls/etc"), Path("/w/tools/locales"),
)  # fmt: skip
FIXED = ("setarch", "--addr-no-randomize")
LAST = ("sh", "-c", 'umask 0022 && cd "$0" && exec "$@"', "/w/run/clone")
UNPRIVILEGED = (
    "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all,+dac_read_search",
    "--ambient-caps=-all,+dac_read_search",
)  # fmt: skip
OVERLAY = r"mount -t overlay overlay -o 'lowerdir=/w/to\:o\,ls/etc:/etc' /etc"
BIND = "mount --bind /dev/shm/real /w/run"


@pytest.mark.parametrize(
    ("around", "builder", "expected"),
    [
        (Surroundings(), ROOT, (*FIXED, *LAST)),
        (Surroundings(random_addresses=True), SOMEBODY, LAST),
        (Surroundings(personality=True), ROOT, ("setarch", "linux32", "--uname-2.6", "--addr-no-randomize", *LAST)),
        (Surroundings(personality=True, random_addresses=True), ROOT, ("setarch", "linux32", "--uname-2.6", *LAST)),
        (Surroundings(umask=0o077), ROOT, (*FIXED, "sh", "-c", 'umask 0077 && cd "$0" && exec "$@"', "/w/run/clone")),
        (Surroundings(other_user=True), ROOT, (*UNPRIVILEGED, *FIXED, *LAST)),
        (Surroundings(other_user=True), SOMEBODY, ("unshare", "--map-root-user", *FIXED, *LAST)),
        (
            Surroundings(host="other"), ROOT,
            ("unshare", "--uts", "sh", "-c", 'hostname other && exec "$@"', "sh", *FIXED, *LAST),
        ),
        (
            Surroundings(tmpfs=True), SOMEBODY,
            ("unshare", "--map-root-user", "--mount", "sh", "-c", f'{BIND} && exec "$@"', "sh",
             "unshare", "--user", "--map-user=1000", "--map-group=100", *FIXED, *LAST),
        ),
        (
            Surroundings(tmpfs=True, shuffled=True, host="h", other_user=True), ROOT,
            ("unshare", "--mount", "--uts", "sh", "-c", f'hostname h && {BIND} && {OVERLAY} && exec "$@"', "sh",
             *UNPRIVILEGED, *FIXED, *LAST),
        ),
        (
            Surroundings(days=3, other_user=True), SOMEBODY,
            ("unshare", "--map-root-user", "--mount", "sh", "-c", f'{OVERLAY} && exec "$@"', "sh", *FIXED, *LAST),
        ),
    ],
)  # fmt: skip
def test_each_surrounding_is_a_part_of_the_command_line(
    around: Surroundings, builder: Builder, expected: tuple[str, ...]
) -> None:
    assert prefix(around, ROOM, builder) == expected


def test_variables_are_those_of_the_room_and_of_the_variation() -> None:
    around = Surroundings(timezone="X-1", locale="tr", hash_seed=7)
    found = environment(around, ROOM, Inherited("python", {"SOURCE_DATE_EPOCH": "5"}))
    assert found == {
        "SOURCE_DATE_EPOCH": "5", "HOME": "/w/run/home", "TMPDIR": "/w/run/tmp", "GLASSMASTER_STORE": "/w/run/store",
        "TZ": "X-1", "LC_ALL": "tr", "LANG": "tr", "LOCPATH": "/w/tools/locales", "PYTHONHASHSEED": "7",
        "PYTHONNOUSERSITE": "1",
    }  # fmt: skip


def test_packages_of_the_users_own_are_found_under_another_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/given")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "7")
    assert check._inherited() == {"PYTHONPATH": "/given", "SOURCE_DATE_EPOCH": "7"}
    monkeypatch.setattr(site, "getusersitepackages", lambda: "/home/x/packages")
    monkeypatch.setattr(sys, "path", [*sys.path, "/home/x/packages"])
    assert check._inherited()["PYTHONPATH"] == "/given:/home/x/packages"


def test_the_interpreter_is_ours_or_the_other_one() -> None:
    ours = command(Surroundings(), ROOM, ROOT, Inherited("/ours"), ["-m", "x"])
    assert ours.argv[-3:] == ("/ours", "-m", "x")
    assert command(Surroundings(python="/other"), ROOM, ROOT, Inherited("/ours"), ["x"]).argv[-2:] == ("/other", "x")


def test_all_together_varies_what_each_varies() -> None:
    matrix = variations("/usr/bin/python3.99", "3.99")
    together = next(item for item in matrix if item.name == ALL)
    changed = {
        field.name for field in dataclasses.fields(Surroundings)
        if getattr(together.around, field.name) != getattr(Surroundings(), field.name)
    }  # fmt: skip
    assert changed == {field.name for field in dataclasses.fields(Surroundings)}
    assert set(together.facts) == {fact for item in matrix for fact in item.facts}
    assert len({item.name for item in matrix}) == len(matrix) == 20
    alone = [item for item in matrix if item is not together]
    for item in alone:
        own = [
            f
            for f in dataclasses.fields(Surroundings)
            if getattr(item.around, f.name) != getattr(Surroundings(), f.name)
        ]
        assert len(own) == (1 if item.history == "clean" and item.name != "again" else 0), item


def test_without_another_python_none_is_varied() -> None:
    assert "Python" not in [item.name for item in variations()]
    assert next(item for item in variations() if item.name == ALL).around.python == ""


def facts(environment: dict[str, str]) -> dict[str, object]:
    found: dict[str, object] = json.loads(run(Command((sys.executable, str(FACTS), "0", "/usr/lib"), environment)))
    return found


def test_facts_are_those_of_the_process() -> None:
    found = facts({"TZ": "<+0130>-01:30", "HOME": "/nonexistent", "PYTHONHASHSEED": "0"})
    assert (found["offset"], found["home"], found["user"]) == (5400.0, "/nonexistent", os.getuid())
    assert (found["directory"], found["host"]) == (str(Path.cwd()), os.uname().nodename)
    assert facts({"PYTHONHASHSEED": "1"})["hash"] != found["hash"] == facts({"PYTHONHASHSEED": "0"})["hash"]
    assert isinstance(found["days"], int) and found["days"] > 20000


def test_a_locale_that_is_not_there_is_an_error() -> None:
    with pytest.raises(GlassmasterError, match="unsupported locale setting"):
        try:
            facts({"LC_ALL": "xx_XX.UTF-8"})
        except GlassmasterError as error:
            raise GlassmasterError(error.why) from error
