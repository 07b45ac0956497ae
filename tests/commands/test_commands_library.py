"""glassmaster as a library: the wheel, installed, and a repository made by `doit init`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = ("glassmaster", "pyproject.toml", "README.md", "LICENSE")
TIMEOUT = 600

pytestmark = pytest.mark.slow


def run(argv: list[str], folder: Path, status: int = 0) -> str:
    """Run a program with nothing of this checkout in its way; no index: what is missing cannot be downloaded."""
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "GLASSMASTER_STORE": str(folder.parent / "store"),
    }  # fmt: skip
    result = subprocess.run(
        argv, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=TIMEOUT,
    )  # fmt: skip
    assert result.returncode == status and "Traceback" not in result.stdout, result.stdout
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of what is in the repository."""
    source = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        if (REPOSITORY / name).is_dir():
            shutil.copytree(REPOSITORY / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(REPOSITORY / name, source / name)
    run([sys.executable, "-m", "pip", "wheel", "-q", "--no-build-isolation", "--no-deps", "-w", "dist", "."], source)
    (found,) = (source / "dist").glob("*.whl")
    return found


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the wheel installed, and its requirements borrowed from the Python that runs this."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv/bin/python"
    script = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(run([str(python), "-c", script], folder).strip())
    borrowed = folder / "borrowed"
    borrowed.mkdir()
    # Not the whole directory: an installed glassmaster there must not be found.
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if "glassmaster" not in path.name and path.suffix != ".pth":
            (borrowed / path.name).symlink_to(path)
    (packages / "borrowed.pth").write_text(f"{borrowed}\n")
    run([sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", str(wheel)], folder)
    return python


def test_the_wheel_holds_what_is_needed_at_run_time(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        str(path.relative_to(REPOSITORY))
        for path in (REPOSITORY / "glassmaster").rglob("*")
        if path.is_file() and path.suffix not in (".pyc", ".md")
    }
    assert wanted <= names, wanted - names
    assert not [name for name in names if name.startswith(("tests/", "build/", "out/"))]
    assert {"glassmaster/images/grub.cfg.j2", "glassmaster/inputs/standin/kernel/conf/XEN3_DOM0"} <= names


def test_a_repository_of_ones_own(python: Path, tmp_path: Path) -> None:
    doit = [str(python), "-m", "doit"]
    run([*doit, "init", "racks"], tmp_path)
    racks = tmp_path / "racks"
    where = run([str(python), "-c", "import glassmaster; print(glassmaster.__file__)"], racks)
    assert str(python.parents[1]) in where
    assert "10 to run" in run([*doit, "plan"], racks)
    said = run([*doit, "iso"], racks)
    assert "out/standin/dom0.iso" in said and (racks / "out/standin/dom0.iso").stat().st_size > 1_000_000
    assert "etc/motd" in (racks / "out/standin/dom0.mtree").read_text()
    assert run([*doit, "plan"], racks) == "10 up to date\n"
    assert "done           put in Xen" in run([*doit, "checklist"], racks)
    assert "out/standin/dom0.iso" in run([str(python), "-m", "glassmaster", "iso"], racks)
    assert "no recipe 'nothing'" in run([*doit, "iso", "recipe=nothing"], racks, status=3)


def test_the_checkouts_own_table_beside_the_entry_points(python: Path, tmp_path: Path) -> None:
    """Both name the same commands: no clash, no doubling."""
    for name in ("dodo.py", "pyproject.toml"):
        shutil.copyfile(REPOSITORY / name, tmp_path / name)
    shutil.copytree(REPOSITORY / "recipes", tmp_path / "recipes")
    shutil.copytree(REPOSITORY / "overlays", tmp_path / "overlays")
    shutil.copytree(REPOSITORY / "pkgsets", tmp_path / "pkgsets")
    said = run([str(python), "-m", "doit", "--help"], tmp_path)
    assert said.count(" checklist ") == said.count(" plan ") == said.count(" clean ") == 1
    assert "iso" in run([str(python), "-m", "doit", "list"], tmp_path)
