"""Where a tree comes from in Subversion: asked of the real Subversion, recorded on the disk."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from pathlib import Path

import pytest

from glassmaster.config.disk import places_of, write_host_disk
from glassmaster.config.layout import make_config_tree
from glassmaster.config.subversion import Origin, as_record, origins, url_command, version_command
from glassmaster.config.tree import read_config_tree
from glassmaster.errors import GlassmasterError
from tests.config.conftest import GUEST, HOST
from tests.config.test_config_disk import NAME, WANTED, contents, start_of

SERVED = "https://svn.example.org/conf"
PLACES = (HOST, GUEST, "global")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return make_config_tree(tmp_path / "racks")


def svn(*words: str | Path) -> None:
    subprocess.run(["svn", "-q", *words], check=True, stdin=subprocess.DEVNULL)


def found(root: Path, given: str = "") -> dict[str, Origin]:
    return origins(read_config_tree(root), PLACES, given)


def refused(root: Path, given: str = "") -> str:
    with pytest.raises(GlassmasterError) as caught:
        found(root, given)
    return str(caught.value)


def test_the_commands() -> None:
    assert version_command(Path("a b")).line() == "svnversion -n 'a b'"
    assert url_command(Path("d")).line() == "svn info --non-interactive --no-newline --show-item url d"


def test_a_checkout_says_its_revision_and_the_command_line_where_servers_find_it(checkout: Path) -> None:
    assert found(checkout, f"{SERVED}/") == {place: Origin(f"{SERVED}/{place}", 1) for place in PLACES}
    (checkout / GUEST / "etc/rc.conf").write_text("hostname=web\n")
    assert [origin.changed for origin in found(checkout, SERVED).values()] == [False, True, False]
    assert found(checkout, f"{SERVED}@12")["global"] == Origin(f"{SERVED}/global", 12)
    svn("commit", "-m", "x", checkout)
    svn("update", checkout)
    assert found(checkout, SERVED)[HOST] == Origin(f"{SERVED}/{HOST}", 2)


def test_a_url_of_this_machine_alone_is_not_for_servers(checkout: Path) -> None:
    assert found(checkout) == {}
    url = (checkout.parent / "repository").as_uri()
    assert found(checkout, url)["global"] == Origin(f"{url}/global", 1)


def test_the_url_of_a_checkout_is_its_own(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glassmaster.config.subversion.run", lambda command: (
        b"7" if command == version_command(checkout / command.argv[-1]) else SERVED.encode() + b"/trunk/x"
    ))  # fmt: skip
    assert found(checkout)["global"] == Origin(f"{SERVED}/trunk/x", 7)


def test_a_directory_of_several_revisions_or_of_none_is_refused(checkout: Path) -> None:
    (checkout / HOST / "etc/rc.conf").write_text("hostname=x\n")
    svn("commit", "-m", "x", checkout / HOST)
    said = refused(checkout, SERVED)
    assert f"{checkout / HOST}: not of one revision" in said and "'1:2'" in said and "svn update" in said
    svn("update", checkout)
    shutil.copytree(checkout / GUEST, checkout / "vservers/new", symlinks=True)
    assert "Unversioned directory" in str(refused_of(checkout, "vservers/new"))
    svn("add", checkout / "vservers/new")
    assert "Uncommitted local addition" in str(refused_of(checkout, "vservers/new"))


def refused_of(root: Path, place: str) -> GlassmasterError:
    with pytest.raises(GlassmasterError, match="not of one revision") as caught:
        origins(read_config_tree(root), [place], SERVED)
    return caught.value


def test_without_subversion_the_revision_must_be_named(checkout: Path, tmp_path: Path) -> None:
    svn("export", checkout, tmp_path / "tree")
    assert found(tmp_path / "tree") == {}
    said = refused(tmp_path / "tree", SERVED)
    assert "no Subversion checkout" in said and f"svn={SERVED}@REVISION" in said
    assert found(tmp_path / "tree", f"{SERVED}@3")["global"] == Origin(f"{SERVED}/global", 3)


@pytest.mark.parametrize("given", ["svn.example.org/conf", "https://a b/", "-h://x y", "https://"])
def test_what_is_no_url_is_refused(checkout: Path, given: str) -> None:
    assert "not a URL" in refused(checkout, given)


def test_the_disk_says_where_its_trees_come_from(checkout: Path, tmp_path: Path) -> None:
    tree = read_config_tree(checkout)
    for old, new in (("128 ", "12 "), ("512 ", "4 "), ("256 ", "6 "), ("config: 32, swap: 128", "config: 8, swap: 4")):
        path = checkout / HOST / "host.yaml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
    assert tuple(places_of(tree, NAME)) == PLACES
    wanted = dataclasses.replace(WANTED, origins=origins(tree, places_of(tree, NAME), SERVED))
    facts = write_host_disk(tree, NAME, wanted, tmp_path / "disk.img")
    for letter, place in (("a", HOST), ("f", GUEST)):
        kind, mode, uid, gid, mtime, data = contents(tmp_path / "disk.img", start_of(facts, letter))[
            ".glassmaster/subversion"
        ]
        assert (kind, uid, gid, mtime) == ("r", 0, 0, WANTED.epoch) and mode.endswith("rw-------")
        assert data.decode() == f"local 1 {SERVED}/{place}\nglobal 1 {SERVED}/global\n"
    assert as_record(Origin("a://b", 1), Origin("c://d", 2)) == "local 1 a://b\nglobal 2 c://d\n"
    without = dataclasses.replace(WANTED, origins={})
    facts = write_host_disk(tree, NAME, without, tmp_path / "other.img")
    assert ".glassmaster/subversion" not in contents(tmp_path / "other.img", start_of(facts, "a"))
