"""Directories that are made over a long time: gone on with, finished once, one maker at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.holdings import holdings
from glassmaster.inputs.kernel.workdir import finish, finished, key_of
from glassmaster.inputs.register import Use
from glassmaster.inputs.store import Store


def test_it_is_made_once_and_gone_on_with(store: Store) -> None:
    def break_off(folder: Path) -> None:
        (folder / "half").write_text("1")
        raise GlassmasterError("no")

    with pytest.raises(GlassmasterError):
        finish(store, "kind", "key", "the thing", break_off, [])
    assert not finished(store, "kind", "key")
    seen = []

    def make(folder: Path) -> None:
        seen.append((folder / "half").read_text())

    folder = finish(store, "kind", "key", "the thing", make, [])
    assert folder == store.derived("kind", "key")
    assert finish(store, "kind", "key", "the thing", make, []) == folder
    assert seen == ["1"]
    assert finished(store, "kind", "key")


WAIT = """
import sys
from pathlib import Path
from glassmaster.inputs.holdings import holdings
from glassmaster.inputs.kernel.workdir import finish
from glassmaster.inputs.register import Use
from glassmaster.inputs.store import Store
def make(folder):
    with (folder / "makers").open("a") as stream:
        stream.write(sys.argv[2])
    print("making", flush=True)
    sys.stdin.readline()
finish(Store(Path(sys.argv[1])), "kind", "key", "the thing", make, [])
print("done", flush=True)
"""


def test_two_that_want_the_same_wait_for_each_other(store: Store) -> None:
    def start(name: str) -> subprocess.Popen[str]:
        argv = [sys.executable, "-c", WAIT, str(store.root), name]
        return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    with start("1") as first:
        assert first.stdin and first.stdout
        assert first.stdout.readline() == "making\n"
        with start("2") as second:
            assert second.stdin and second.stdout
            said = second.stdout.readline()
            assert said.startswith(f"the thing: waiting for another build (process {first.pid}, since 20")
            first.stdin.write("\n")
            first.stdin.flush()
            assert first.stdout.read() == second.stdout.read() == "done\n"
    assert (store.derived("kind", "key") / "makers").read_text() == "1"


def test_a_killed_one_holds_nobody_up(store: Store) -> None:
    argv = [sys.executable, "-c", WAIT, str(store.root), "1"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout and first.stdout.readline() == "making\n"
        first.kill()
    assert not finished(store, "kind", "key")
    finish(store, "kind", "key", "the thing", lambda folder: None, [])
    assert finished(store, "kind", "key")


@pytest.mark.parametrize("name", ["with space", "a,b", "ünï", "a$b", "a:b"])
def test_paths_that_make_cannot_take(name: str, tmp_path: Path) -> None:
    with pytest.raises(GlassmasterError, match="cannot hold kernel sources"):
        finish(Store(tmp_path / name), "kind", "key", "the thing", lambda folder: None, [])


def test_a_link_to_the_store_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "with space").symlink_to("real")
    folder = finish(Store(tmp_path / "with space"), "kind", "key", "the thing", lambda folder: None, [])
    assert folder == tmp_path / "real" / "derived" / "kind" / "key"


def test_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("")
    with pytest.raises(GlassmasterError, match=r"the store .* cannot be written"):
        finish(Store(tmp_path / "store"), "kind", "key", "the thing", lambda folder: None, [])


def test_pruning_keeps_what_a_lock_still_asks_for(store: Store) -> None:
    used, unused = "1" * 128, "2" * 128
    uses = [Use(store.root / "x.lock", "source/sets/src.tgz", used, 5)]
    for key, made_of in (("a", [used]), ("b", [used, unused]), ("c", [unused])):
        finish(store, "kind", key, "the thing", lambda folder: None, made_of)
    with pytest.raises(GlassmasterError):
        finish(store, "kind", "d", "the thing", failing, [used])
    found = {item.path.name: item.kept for item in holdings(store, uses).derived}
    assert found == {"a": True, "b": False, "c": False, "d": True}


def failing(folder: Path) -> None:
    raise GlassmasterError("no")


def test_keys() -> None:
    assert key_of({"a": 1, "b": ["ü"]}) == key_of({"b": ["ü"], "a": 1}) != key_of({"a": 1})
    assert len(key_of({"bytes": "\udcff"})) == 32
