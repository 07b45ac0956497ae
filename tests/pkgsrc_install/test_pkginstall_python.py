"""Byte-compiled Python in a package is what Python takes, as long as its source has the time that it remembers."""

from __future__ import annotations

import os
import py_compile
import subprocess
import sys
from pathlib import Path

import pytest

from glassmaster.inputs.standin.content import Item
from glassmaster.tree.merge import merge
from tests.pkgsrc_install.conftest import EPOCH, Pack, Result, Run

FOLDER = "lib/python/site-packages"
SOURCE, COMPILED = b"SAID = 'source'\n", b"SAID = 'compil'\n"
PLACES = {"cache": f"__pycache__/said.{sys.implementation.cache_tag}.pyc", "source": "said.py"}


@pytest.fixture
def bytecode(tmp_path: Path) -> bytes:
    """Python's own, that remembers a source of EPOCH and this size but says something else."""
    source = tmp_path / "compiled" / "said.py"
    source.parent.mkdir()
    source.write_bytes(COMPILED)
    os.utime(source, (EPOCH, EPOCH))
    made = py_compile.compile(str(source), doraise=True, invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP)
    assert made is not None
    return Path(made).read_bytes()


def said(result: Result, folder: Path, epoch: int = EPOCH) -> str:
    """What Python imports from the image's files, with the times that they have on the image."""
    tree = merge(result.layers, epoch=epoch)
    for place in PLACES.values():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        entry = tree[f"usr/pkg/{FOLDER}/{place}"].entry
        path.write_bytes(result.read(entry.path))
        os.utime(path, (entry.mtime, entry.mtime))
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); import said; print(said.SAID)"
    command = (sys.executable, "-I", "-B", "-c", code)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def install(bytecode: bytes, pack: Pack, run_install: Run, epoch: int = EPOCH) -> Result:
    files = (Item(f"{FOLDER}/{PLACES['cache']}", data=bytecode), Item(f"{FOLDER}/{PLACES['source']}", data=SOURCE))
    return run_install(pack("made-1.0", *files), epoch=epoch)


def test_python_takes_the_compiled_file(bytecode: bytes, pack: Pack, run_install: Run, tmp_path: Path) -> None:
    result = install(bytecode, pack, run_install)
    assert said(result, tmp_path / "as made") == "compil"
    assert said(result, tmp_path / "later", EPOCH + 1) == "compil"
    assert result.installed.notes == []


def test_of_a_source_newer_than_the_epoch_it_is_not_taken_and_the_build_says_so(
    bytecode: bytes, pack: Pack, run_install: Run, tmp_path: Path
) -> None:
    result = install(bytecode, pack, run_install, EPOCH - 1)
    assert said(result, tmp_path / "clamped", EPOCH - 1) == "source"
    assert "their byte-compiled files will not be used" in result.installed.notes[0]
