"""`doit release` that is killed (SIGKILL, with its supervisors): the old one, or the whole new one; then it goes on.

Points are named by a function that is about to be called (or, with a +, has just returned), and by how often it was.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from glassmaster.release.verify import verify_directory
from tests.build.conftest import TIMEOUT
from tests.release.conftest import Released
from tests.release.test_release_step import digests

KILLER = """
import functools as _functools
import os as _os
import signal as _signal


def _kill_at(point):
    from glassmaster import release_steps
    from glassmaster.release import assemble, place

    name, _, number = point.partition(" ")
    calls = iter(range(int(number or 1), 0, -1))
    module = next(item for item in (place, release_steps, assemble) if hasattr(item, name.rstrip("+")))
    function = getattr(module, name.rstrip("+"))

    @_functools.wraps(function)
    def killed(*arguments):
        last = next(calls) == 1
        result = function(*arguments) if name.endswith("+") or not last else None
        if last:
            # The supervisor's caller, which leads the group, its guardian, and this. Whether one of them gets as far
            # as to tidy up is a matter of luck; the next run does it otherwise.
            caller, guardian = _os.getpgrp(), _os.getppid()
            assert int(_os.environ["KILLED_BY"]) not in (caller, guardian)
            for pid in (caller, guardian, _os.getpid()):
                _os.kill(pid, _signal.SIGKILL)
        return result

    setattr(module, name.rstrip("+"), killed)


if "KILL_AT" in _os.environ:
    _kill_at(_os.environ["KILL_AT"])
"""
# From its beginning to the moment after the exchange, when the old one is about to be removed.
POINTS = (
    "write_source",
    "stage_evidence",
    "write_list",
    "seal",
    "_require_good",
    "_fsync 9",
    "_exchange",
    "_exchange+",
)
QUICK = "_exchange+"


def release(released: Released, temporary: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """As ./doit starts it, with the supervisor."""
    return subprocess.run(
        [sys.executable, "-m", "glassmaster", "release"], cwd=released.clone.path, start_new_session=True, text=True,
        env={
            "PATH": os.environ["PATH"], "HOME": str(temporary.parent), "GLASSMASTER_STORE": str(released.clone.store),
            "GLASSMASTER_SIGNING_KEY": str(released.key), "TMPDIR": str(temporary), "KILLED_BY": str(os.getpid()),
            "PYTHONDONTWRITEBYTECODE": "1", **more,
        },
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("point", [QUICK, *(pytest.param(point, marks=pytest.mark.slow) for point in POINTS)])
def test_a_release_that_is_killed(released: Released, tmp_path: Path, point: str) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    old = digests(released.folder)
    with (released.clone.path / "dodo.py").open("a") as stream:
        stream.write(KILLER)  # which is in source.tar.gz: the new one is another
    result = release(released, temporary, KILL_AT=point)
    assert result.returncode == -9, result.stdout
    found = digests(released.folder)
    exchanged = point.endswith("+")
    assert verify_directory(released.folder, released.signers).problems == ()
    assert (found == old) is not exchanged
    again = release(released, temporary)
    assert again.returncode == 0, again.stdout
    new = digests(released.folder)
    assert new != old and (not exchanged or new == found)
    assert verify_directory(released.folder, released.signers).problems == ()
    assert not list(released.folder.parent.glob(".*.partial")) and not list(temporary.iterdir())
    assert "release:standin starts" not in release(released, temporary).stdout


@pytest.mark.slow
@pytest.mark.parametrize("point", ["stage_statements", "_fsync 3", "_fsync+ 30"])
def test_the_first_release_that_is_killed(released: Released, tmp_path: Path, point: str) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with (released.clone.path / "dodo.py").open("a") as stream:
        stream.write(KILLER)
    released.folder.rename(tmp_path / "before")
    result = release(released, temporary, KILL_AT=point)
    assert result.returncode == -9 and not released.folder.exists(), result.stdout
    assert release(released, temporary).returncode == 0
    assert verify_directory(released.folder, released.signers).problems == ()
    assert not list(released.folder.parent.glob(".*.partial")) and not list(temporary.iterdir())
