"""Two clones, whatever surrounds them, give the same disc bit for bit; no root is needed."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.build.conftest import Clone

NOBODY = 65534
RESULTS = ("dom0.iso", "dom0.mtree", "dom0.json", "readback.json")
# Not needed for a build, and large.
NOT_COPIED = ("mypy*", "pip*", "setuptools*", "hypothesis*", "ruff*", "grimp*", "__pycache__")


def results(clone: Path) -> dict[str, bytes]:
    return {name: (clone / "out" / "standin" / name).read_bytes() for name in RESULTS}


def test_another_clone_in_other_surroundings(
    first_build: tuple[Clone, str], fresh: Callable[[Path, int], Clone], tmp_path: Path
) -> None:
    other = fresh(Path("much deeper") / "ünder" / "another, name" / "glass master", 0o077)
    surroundings = {
        "TZ": "Pacific/Kiritimati", "LANG": "tr_TR.UTF-8", "LC_ALL": "C", "HOME": str(tmp_path), "PYTHONHASHSEED": "42",
        "USER": "someone", "LOGNAME": "someone",
    }  # fmt: skip
    (tmp_path / ".mtoolsrc").write_text("mtools_no_vfat=1\n")
    result = other.doit("iso", environment=surroundings)
    assert result.returncode == 0, result.stdout
    assert results(other.path) == results(first_build[0].path)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A directory that every user may enter: the run's own temporary directory is closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="glassmaster-test-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def usable_python(user: dict[str, Any]) -> Path:
    """An interpreter of this one's version that the user may start."""
    version = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    for candidate in (Path(sys.executable).resolve(), Path("/usr/bin/python3")):
        with contextlib.suppress(PermissionError):
            if subprocess.run([candidate, "-c", version], cwd="/", env={}, **user).returncode == 0:
                return candidate
    raise AssertionError("no Python that an unprivileged user can start")


@pytest.mark.slow
def test_as_an_unprivileged_user(first_build: tuple[Clone, str], open_folder: Path) -> None:
    is_root = os.geteuid() == 0
    mine = open_folder / "mine"
    shutil.copytree(
        first_build[0].path, mine / "clone", symlinks=True, ignore=shutil.ignore_patterns("build", "out", ".doit.db*")
    )
    # Downloads, and which they are; everything derived from them is made again.
    store = first_build[0].store
    shutil.copytree(store / "sha512", mine / "store" / "sha512")
    shutil.copytree(store / "derived" / "debian", mine / "store" / "derived" / "debian")
    packages = open_folder / "packages"
    shutil.copytree(sysconfig.get_path("purelib"), packages, ignore=shutil.ignore_patterns(*NOT_COPIED))
    if is_root:
        for path in (mine, *mine.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    user: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if is_root else {}
    result = subprocess.run(
        [usable_python(user), "-m", "doit", "iso"],
        cwd=mine / "clone",
        env={
            "PATH": os.environ["PATH"], "HOME": "/nonexistent", "GLASSMASTER_STORE": str(mine / "store"),
            "PYTHONPATH": str(packages), "PYTHONDONTWRITEBYTECODE": "1",
        },
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **user,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout
    owners = {path.stat().st_uid for path in (mine / "clone" / "out").rglob("*")}
    assert owners == {NOBODY if is_root else os.geteuid()} and 0 not in owners
    assert results(mine / "clone") == results(first_build[0].path)


@pytest.mark.slow
def test_a_later_epoch_changes_the_bytes(built: Clone, first_build: tuple[Clone, str]) -> None:
    result = built.doit("iso", environment={"SOURCE_DATE_EPOCH": "1800000000"})
    assert result.returncode == 0, result.stdout
    assert b"time=1800000000.000000000" in built.out("dom0.mtree").read_bytes()
    assert results(built.path)["dom0.iso"] != results(first_build[0].path)["dom0.iso"]
    back = built.doit("iso")
    assert back.returncode == 0, back.stdout
    assert results(built.path) == results(first_build[0].path)


def test_no_name_of_this_machine_is_in_the_results(first_build: tuple[Clone, str]) -> None:
    for name, data in results(first_build[0].path).items():
        for word in (str(first_build[0].path), str(first_build[0].store), os.uname().nodename):
            assert len(word) < 4 or not re.search(rb"\b" + re.escape(word.encode()) + rb"\b", data), (name, word)
