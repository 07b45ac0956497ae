"""source.tar.gz: all that a release is rebuilt from, the same bytes wherever it is made."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.recipe.load import LoadedRecipe, load
from glassmaster.release.source import commit_of, source_of, write_source

RECIPE = """\
description: a small one
epoch: 2026-01-01
release:
  version: "10.1"
  mirrors: ["http://mirror.invalid"]
  trust: first-use
  sets: [etc]
kernel: {config: XEN3_DOM0}
overlays: [ours]
media: {budget: cd80, volume_id: X}
"""
EPOCH = 1767225600


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=x", "-c", "user.email=x@x.invalid"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def repository(folder: Path, *, track: bool = True) -> Path:
    """A repository with a recipe and an overlay, its lock ignored by git."""
    files = {
        "doit": "#!/bin/sh\n", "recipes/small.yaml": RECIPE, "recipes/small.lock": "{}\n", "README": "text\n",
        "overlays/ours/etc/motd": "hello\n", "overlays/ours.yaml": "{}\n", ".gitignore": "*.lock\n/out/\n",
        "out/small/dom0.iso": "bytes\n", "recipes/__pycache__/x.pyc": "x", ".doit.db": "x",
    }  # fmt: skip
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "doit").chmod(0o755)
    (folder / "overlays/ours/etc/link").symlink_to("motd")
    if track:
        git(folder, "init", "-q")
        git(folder, "add", "doit", "README", "recipes/small.yaml", ".gitignore", "overlays")
        git(folder, "commit", "-q", "-m", "all")
    return folder


def unpack(archive: Path, folder: Path) -> None:
    folder.mkdir()
    subprocess.run(["tar", "-xzf", archive, "-C", folder], check=True)


EXPECTED = {
    ".gitignore", "README", "doit", "overlays/ours.yaml", "overlays/ours/etc/link", "overlays/ours/etc/motd",
    "recipes/small.lock", "recipes/small.yaml",
}  # fmt: skip


def made(folder: Path, monkeypatch: pytest.MonkeyPatch, recipe: str = "recipes/small.yaml") -> Path:
    monkeypatch.chdir(folder)
    target = folder / "out/source.tar.gz"
    source = source_of(load(Path(recipe)))
    write_source(source, "small-0123", EPOCH, target)
    return target


@pytest.mark.parametrize("track", [True, False])
def test_what_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, track: bool) -> None:
    target = made(repository(tmp_path, track=track), monkeypatch)
    with tarfile.open(target) as tar:
        members = {item.name.removeprefix("small-0123/"): item for item in tar}
    assert members.keys() == EXPECTED
    assert {(item.uid, item.gid, item.uname, item.gname, item.mtime) for item in members.values()} == {
        (0, 0, "root", "wheel", EPOCH)
    }
    assert members["doit"].mode == 0o755 and members["README"].mode == 0o644
    assert members["overlays/ours/etc/link"].linkname == "motd"


def test_the_same_bytes_with_other_times_modes_and_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = made(repository(tmp_path / "one"), monkeypatch).read_bytes()
    other = repository(tmp_path / "two")
    for path in other.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    (other / "README").chmod(0o600)
    assert made(other, monkeypatch).read_bytes() == one
    # Unpacked, without git, it makes itself again.
    unpack(tmp_path / "one/out/source.tar.gz", tmp_path / "three")
    assert made(tmp_path / "three/small-0123", monkeypatch).read_bytes() == one


def test_files_as_they_are_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path)
    (folder / "README").unlink()
    (folder / "overlays/ours/etc/motd").write_text("changed\n")
    (folder / "overlays/ours/etc/new").write_text("not tracked\n")
    with tarfile.open(made(folder, monkeypatch)) as tar:
        names = {item.name.removeprefix("small-0123/") for item in tar}
        motd = tar.extractfile("small-0123/overlays/ours/etc/motd")
        assert motd and motd.read() == b"changed\n"
    assert names == EXPECTED - {"README"} | {"overlays/ours/etc/new"}


def test_a_recipe_beside_the_repository_keeps_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path / "glassmaster")
    racks = tmp_path / "racks"
    racks.mkdir()
    (racks / "racks.yaml").write_text("extends: ../glassmaster/recipes/small.yaml\n")
    (racks / "racks.lock").write_text("{}\n")
    monkeypatch.chdir(folder)
    source = source_of(load(Path("../racks/racks.yaml")))
    assert (source.repository, source.recipe) == ("glassmaster", "../racks/racks.yaml")
    assert {"racks/racks.yaml", "racks/racks.lock", "glassmaster/recipes/small.yaml"} <= source.files.keys()
    write_source(source, "top", EPOCH, tmp_path / "s.tar.gz")
    unpack(tmp_path / "s.tar.gz", tmp_path / "again")
    shutil.rmtree(racks)
    monkeypatch.chdir(tmp_path / "again/top/glassmaster")
    again: LoadedRecipe = load(Path("../racks/racks.yaml"))
    assert again.recipe.description == "a small one"


def test_which_commit_it_is(tmp_path: Path) -> None:
    assert commit_of(tmp_path) == {}
    folder = repository(tmp_path / "here")
    found = commit_of(folder)
    assert len(found["commit"]) == 40 and found["modified"] is False
    (folder / "README").write_text("other\n")
    assert commit_of(folder) == {"commit": found["commit"], "modified": True}
    git(tmp_path, "init", "-q", "empty")
    assert commit_of(tmp_path / "empty") == {}


def test_without_a_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path)
    (folder / "recipes/small.lock").unlink()
    with pytest.raises(GlassmasterError, match="there is no lock"):
        made(folder, monkeypatch)


def test_a_broken_repository_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path)
    shutil.rmtree(folder / ".git/refs")
    with pytest.raises(GlassmasterError, match="git ended with status"):
        made(folder, monkeypatch)
