"""`doit store`, as a user starts it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from glassmaster.inputs.lock import read_lock
from glassmaster.inputs.store import Store
from tests.commands.conftest import Project

if TYPE_CHECKING:
    from glassmaster.inputs.lock import LockedInput


@pytest.fixture
def own(built: Project, tmp_path: Path) -> Project:
    """A built copy of the repository with a store of its own."""
    shutil.copytree(built.store, tmp_path / "own store", symlinks=True)
    return Project(built.path, tmp_path / "own store")


def inputs(project: Project) -> tuple[LockedInput, ...]:
    return read_lock(project.path / "recipes" / "standin.lock").inputs


def test_list_shows_every_file_with_its_names_and_users(own: Project) -> None:
    text = own.doit("store")
    assert f"recipes/standin.lock: {len(inputs(own))} files" in text
    for item in inputs(own):
        line = next(line for line in text.splitlines() if item.sha512[:12] in line)
        # Lock 1 is this copy's, 2 that of the repository it was copied from.
        assert line.split()[-2:] == ["1,2", item.name] and len(line) <= 80
    assert text == own.doit("store", "list")
    document = json.loads(own.doit("store", "--json"))
    assert {row["sha512"]: row["size"] for row in document["files"]} == {item.sha512: item.size for item in inputs(own)}
    assert document["missing"] == []


def test_a_lock_that_cannot_be_read_is_left_out_and_stops_prune_alone(own: Project) -> None:
    (own.path / "recipes" / "newer.lock").write_text('{"format": 99}')
    text = own.doit("store")
    assert "newer.lock: not a lock that can be used: left out" in text
    assert f"recipes/standin.lock: {len(inputs(own))} files" in text
    own.doit("store", "verify")
    before = sorted(own.store.rglob("*"))
    assert "not a lock that can be used" in own.doit("store", "prune", status=1)
    assert sorted(own.store.rglob("*")) == before


def test_fetch_registers_the_lock(own: Project) -> None:
    register = json.loads((own.store / "register.json").read_text())
    assert [Path(path).name for path in register["locks"]] == ["standin.lock"]


def test_verify_names_what_is_damaged_and_removes_it_when_told(own: Project) -> None:
    text = own.doit("store", "verify")
    assert f"{len(inputs(own))} files, " in text and "all are what" in text
    item = inputs(own)[0]
    path = Store(own.store).path(item.sha512)
    path.write_bytes(b"?" * item.size)
    text = own.doit("store", "verify", status=1)
    assert f"damaged: {item.name}\n    {path}\n1 of {len(inputs(own))} files damaged" in text and path.exists()
    own.doit("store", "verify", "--remove", status=1)
    assert not path.exists()
    assert "1 file not here" in own.doit("store")
    own.doit("store", "verify")


def test_prune_says_what_it_frees(own: Project) -> None:
    assert "nothing to remove" in own.doit("store", "prune")
    stored = Store(own.store).add([b"nobody's"], what="x")
    assert f"would remove sha512/{stored.sha512[:2]}/{stored.sha512[:12]}" in own.doit("store", "prune", "-n")
    assert stored.sha512 in Store(own.store)
    assert "freed 8 B: 1 file, 0 directories derived" in own.doit("store", "prune")
    assert stored.sha512 not in Store(own.store)
    # What is left is all that a build needs.
    (own.path / "build" / "standin" / "inputs.json").unlink()
    own.doit("iso", "locked=yes")


def test_a_bundle_brings_all_to_a_machine_without_a_network(own: Project, tmp_path: Path) -> None:
    text = own.doit("store", "export", str(tmp_path / "bundle.tar"))
    assert f"{len(inputs(own))} files" in text and "of recipes/standin.lock" in text
    lock = own.path / "recipes" / "standin.lock"
    count, before = len(inputs(own)), lock.read_bytes()
    lock.unlink()
    away = Project(own.path, tmp_path / "away")
    text = away.doit("store", "import", str(tmp_path / "bundle.tar"))
    assert f"{count} new files" in text and "wrote recipes/standin.lock" in text
    assert lock.read_bytes() == before
    away.doit("store", "verify")
    assert "the same as in the bundle" in away.doit("store", "import", str(tmp_path / "bundle.tar"))
    lock.write_text("{}")
    assert "was left alone" in away.doit("store", "import", str(tmp_path / "bundle.tar"), status=1)
    assert lock.read_text() == "{}"


def test_mistakes(clone: Project, tmp_path: Path) -> None:
    (tmp_path / "bad.tar").write_bytes(b"x" * 9000)
    (clone.path / "recipes" / "standin.lock").unlink(missing_ok=True)
    assert "did you mean verify?" in clone.doit("store", "verfy", status=3)
    assert "takes one file" in clone.doit("store", "export", status=3)
    assert "takes no 'x'" in clone.doit("store", "prune", "x", status=3)
    assert "belongs to `store prune`" in clone.doit("store", "verify", "-n", status=3)
    assert "there is no lock" in clone.doit("store", "export", "x.tar", status=1)
    assert "everything in the store would go" in clone.doit("store", "prune", status=1)
    assert "not a whole bundle" in clone.doit("store", "import", str(tmp_path / "bad.tar"), status=1)
    assert "no lock is known" in clone.doit("store")


def test_the_words_are_completed(clone: Project) -> None:
    assert "verify" in clone.doit("completion", "bash")
