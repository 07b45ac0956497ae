"""A configuration tree in Subversion, releases, and lines of machines."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from glassmaster.config.layout import make_config_tree
from glassmaster.config.tree import ConfigTree, read_config_tree

NOW = "2026-11-27T10:00:00Z"
OLD, NEW = "aaaaaaaaaaaa", "bbbbbbbbbbbb"


def line(host: str, **words: str) -> str:
    """What glassmaster-report writes."""
    given = {"host": host, "release": NEW, "recipe": "racks", "since": NOW, "reported": NOW, **words}
    return " ".join(["glassmaster=1", *(f"{key.rstrip('_')}={value}" for key, value in given.items())]) + "\n"


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """Where machines leave their lines."""
    folder = tmp_path / "share"
    folder.mkdir()
    return folder


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    """Two releases, the newer one first by name."""
    folder = tmp_path / "releases"
    for name, release_id, epoch in (("1-new", NEW, 200), ("2-old", OLD, 100)):
        path = folder / "racks" / name / "release.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"format": 1, "recipe": "racks", "release_id": release_id, "epoch": epoch}))
    return folder


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout: revision 1 made it, revision 2 changed global, 3 dom0.example.org."""
    make_config_tree(tmp_path / "conf")
    folder = tmp_path / "conf" / "checkout"
    for place in ("global/hosts", "pservers/dom0.example.org/etc/rc.conf"):
        with (folder / place).open("a") as stream:
            stream.write("# changed\n")
        svn("commit", "--message", "changed", str(folder))
    svn("update", str(folder))
    return folder


@pytest.fixture
def tree(checkout: Path) -> ConfigTree:
    return read_config_tree(checkout)


def svn(*words: str) -> None:
    subprocess.run(["svn", *words, "--quiet", "--non-interactive"], check=True, timeout=60)
