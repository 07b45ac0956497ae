"""Overlays: files, templates, owners, rules, and their mistakes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.accounts import Accounts
from glassmaster.inputs.overlay import OverlayRules, overlay_layer, read_rules, require_needed
from glassmaster.inputs.overlay_sources import overlay_files, overlay_state
from glassmaster.tree.blob import new_blob
from glassmaster.tree.entry import Entry
from glassmaster.tree.layer import Layer

EPOCH = 1_000_000


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """overlays/dom0 below the current directory, with one file."""
    monkeypatch.chdir(tmp_path)
    made = tmp_path / "overlays" / "dom0"
    (made / "etc").mkdir(parents=True)
    (made / "etc" / "rc").write_text("#!/bin/sh\n")
    return made


@pytest.fixture
def blob_path(tmp_path: Path) -> Path:
    return tmp_path / "build" / "overlay-dom0.blob"


def beside(suffix: str, text: str | bytes) -> None:
    data = text.encode() if isinstance(text, str) else text
    Path(f"overlays/dom0{suffix}").write_bytes(data)


def layer(accounts: Accounts, blob_path: Path, name: str = "dom0") -> Layer:
    with new_blob(blob_path) as blob:
        return overlay_layer(name, {"vars": {"host": "alpha"}}, accounts, EPOCH, blob)


def entries(accounts: Accounts, blob_path: Path) -> dict[str, Entry]:
    return {entry.path: entry for entry in layer(accounts, blob_path).entries}


def refused(accounts: Accounts, blob_path: Path) -> GlassmasterError:
    with pytest.raises(GlassmasterError) as caught:
        layer(accounts, blob_path)
    # Nothing half-written: the blob's folder holds neither it nor anything partial.
    assert list(blob_path.parent.iterdir()) == []
    return caught.value


def text(entry: Entry) -> str:
    assert entry.content is not None
    return entry.content.blob.read_bytes()[entry.content.offset :][: entry.content.size].decode()


def test_files_templates_and_links(tree: Path, accounts: Accounts, blob_path: Path) -> None:
    (tree / "etc" / "rc.conf.j2").write_text("hostname={{ vars.host }}\n")
    (tree / "etc" / "start").write_text("#!/bin/sh\n")
    (tree / "etc" / "start").chmod(0o700)
    (tree / "etc" / "rc").chmod(0o600)
    (tree / ".hidden").write_text("x")
    (tree / "etc" / "link").symlink_to(".//a/./b/")
    found = entries(accounts, blob_path)
    assert {path: entry.mode for path, entry in found.items()} == {
        ".hidden": 0o644, "etc/rc": 0o644, "etc/rc.conf": 0o644, "etc/start": 0o755, "etc/link": 0o755,
    }  # fmt: skip
    assert all((entry.uid, entry.gid, entry.mtime) == (0, 0, EPOCH) for entry in found.values())
    assert text(found["etc/rc.conf"]) == "hostname=alpha\n"
    assert found["etc/link"].link == ".//a/./b/"


def test_the_checkouts_permissions_and_times_do_not_matter(tree: Path, accounts: Accounts, blob_path: Path) -> None:
    before = layer(accounts, blob_path)
    (tree / "etc" / "rc").chmod(0o664)
    os.utime(tree / "etc" / "rc", (5, 5))
    (tree / "etc").chmod(0o700)
    assert layer(accounts, blob_path) == before


def test_owners_and_modes(tree: Path, accounts: Accounts, blob_path: Path) -> None:
    beside(
        ".mtree",
        "/set uname=root gname=tty\n"
        "./etc/rc mode=0600 uname=operator\n"
        "./config type=dir uid=7 gname=wheel\n"
        "./etc/mail type=link link=../var/mail\\040box\n",
    )
    found = entries(accounts, blob_path)
    rc, config, mail = found["etc/rc"], found["config"], found["etc/mail"]
    assert (rc.kind, rc.mode, rc.uid, rc.gid) == ("file", 0o600, 2, 4)
    assert text(rc) == "#!/bin/sh\n"
    assert (config.kind, config.mode, config.gid) == ("dir", 0o755, 0)
    assert (mail.kind, mail.link) == ("link", "../var/mail box")


def test_numbers_and_links_of_the_overlay(tree: Path, accounts: Accounts, blob_path: Path) -> None:
    (tree / "link").symlink_to("target")
    beside(".mtree", "./etc/rc uid=7 gid=8\n./link type=link gid=9\n")
    found = entries(accounts, blob_path)
    assert (found["etc/rc"].uid, found["etc/rc"].gid) == (7, 8)
    assert (found["link"].link, found["link"].gid) == ("target", 9)


def test_rules(accounts: Accounts, blob_path: Path) -> None:
    beside(".yaml", "delete:\n  - /etc/rc.d/root\n  - etc/old\nmove:\n  /etc/rc: /etc/rc.netbsd\nruntime: [/var/run]\n")
    found = layer(accounts, blob_path)
    assert found.origin == "overlay:dom0"
    assert found.deleted == ("etc/rc.d/root", "etc/old")
    assert found.moved == {"etc/rc": "etc/rc.netbsd"}
    assert read_rules("dom0").runtime == ("/var/run",)
    assert read_rules("other") == OverlayRules()


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("./etc/rcc type=file", "etc/rcc: there is no such file in the overlay"),
        ("./etc/rc type=dir", "etc/rc: is a file in the overlay, not a dir"),
        ("./etc/rc uname=nobody", "unknown user 'nobody'"),
        ("./etc/rc gname=nobody", "unknown group 'nobody'"),
        ("./etc/rc mode=rwx", "etc/rc: mode=rwx: expected an octal mode"),
        ("./etc/rc uid=-1", "etc/rc: uid=-1: expected a number"),
        ("./etc/rc gid=4294967296", "etc/rc: gid=4294967296: larger than 4294967295"),
        ("./etc/rc link=x", "etc/rc: link=TARGET belongs to links"),
        ("./etc/new type=link", "etc/new: link=TARGET belongs to links"),
        ("./etc/new mode=0755", "etc/new: type=(none) cannot be put on an image"),
        ("./etc/new type=fifo", "etc/new: type=fifo cannot be put on an image"),
        ("./etc/rc mdoe=0755", "etc/rc: mdoe: there is no such keyword"),
        ("./etc/../../x type=dir", "`..` in a path"),
        ("./etc/new type=link link=\\777", "vis(3)"),
    ],
)
def test_mistakes_in_the_mtree(line: str, what: str, accounts: Accounts, blob_path: Path) -> None:
    beside(".mtree", f"# owners\n{line}\n")
    error = refused(accounts, blob_path)
    assert error.what.startswith("overlays/dom0.mtree:2: ")
    assert what in error.what


def test_a_path_listed_twice(accounts: Accounts, blob_path: Path) -> None:
    beside(".mtree", "./etc/rc mode=0600\netc/rc mode=0644\n")
    error = refused(accounts, blob_path)
    assert error.what == "overlays/dom0.mtree:2: etc/rc: listed twice"
    assert error.why == "first at overlays/dom0.mtree:1"


def test_an_mtree_that_is_not_text(accounts: Accounts, blob_path: Path) -> None:
    beside(".mtree", b"./etc/rc uname=\xe9\n")
    with pytest.raises(GlassmasterError, match=r"overlays/dom0\.mtree: not UTF-8 text"):
        layer(accounts, blob_path)


@pytest.mark.parametrize(
    ("yaml", "what", "hint"),
    [
        ("delte: [/etc/rc]", "overlays/dom0.yaml:1: delte: there is no such setting", "did you mean delete?"),
        ("\ndelete: /etc/rc", "overlays/dom0.yaml:2: delete: expected a list", ""),
        ("move: [/etc/rc]", "overlays/dom0.yaml:1: move: expected `key: value` lines", ""),
        ("delete: [", "this is not YAML", ""),
        ("delete: [../x]", "overlays/dom0.yaml: '../x': `..` in a path", ""),
        ("delete: [/]", "overlays/dom0.yaml: '/': the root itself cannot be deleted or moved", ""),
        ("move: {/: /old}", "overlays/dom0.yaml: '/': the root itself", ""),
        ("move: {/etc: .}", "overlays/dom0.yaml: '.': the root itself", ""),
    ],
)
def test_mistakes_in_the_rules(yaml: str, what: str, hint: str, accounts: Accounts, blob_path: Path) -> None:
    beside(".yaml", yaml + "\n")
    error = refused(accounts, blob_path)
    assert what in error.what
    assert hint in error.hint


@pytest.mark.parametrize(
    ("template", "what"),
    [
        ("a\n{% if %}\n", "rc.conf.j2:2: the template is broken"),
        ("a\n{{ vars.hots }}\n", "rc.conf.j2:2: "),
        ("a\n{{ 1 / 0 }}\n", "rc.conf.j2:2: the template failed"),
    ],
)
def test_a_broken_template(template: str, what: str, tree: Path, accounts: Accounts, blob_path: Path) -> None:
    (tree / "etc" / "rc.conf.j2").write_text(template)
    assert what in refused(accounts, blob_path).what
    (tree / "etc" / "rc.conf.j2").write_text("right\n")
    assert "etc/rc.conf" in entries(accounts, blob_path)


def test_a_file_and_its_template(tree: Path, accounts: Accounts, blob_path: Path) -> None:
    (tree / "etc" / "rc.j2").write_text("x")
    assert "etc/rc is made twice" in refused(accounts, blob_path).what


def test_a_template_of_a_file_and_a_directory_of_the_same_name(tree: Path, accounts: Accounts, blob_path: Path) -> None:
    (tree / "etc.j2").write_text("x")
    assert "etc/rc: lies below etc, which is no directory" in refused(accounts, blob_path).what


def test_a_line_below_a_file(accounts: Accounts, blob_path: Path) -> None:
    beside(".mtree", "./etc/rc/below type=dir\n")
    assert "etc/rc/below: lies below etc/rc" in refused(accounts, blob_path).what


def test_special_files(tree: Path, accounts: Accounts, blob_path: Path) -> None:
    os.mkfifo(tree / "etc" / "pipe")
    error = refused(accounts, blob_path)
    assert error.what == "overlays/dom0/etc/pipe: neither a file, a directory nor a symbolic link"


def test_names_and_targets_that_are_not_utf_8(tree: Path, accounts: Accounts, blob_path: Path) -> None:
    (tree / "link").symlink_to("caf\udce9")
    assert "overlays/dom0/link: the symbolic link's target" in refused(accounts, blob_path).what
    (tree / "link").unlink()
    (tree / "caf\udce9").write_text("x")
    assert "overlays/dom0: 'caf\\udce9': this name is not UTF-8 text" in refused(accounts, blob_path).what


def test_a_linked_directory_is_a_link(tree: Path, accounts: Accounts, blob_path: Path) -> None:
    (tree / "also").symlink_to("etc")
    assert set(entries(accounts, blob_path)) == {"etc/rc", "also"}


def test_an_unknown_overlay(accounts: Accounts, blob_path: Path) -> None:
    with pytest.raises(GlassmasterError, match="no overlay 'dom1'") as caught:
        layer(accounts, blob_path, "dom1")
    assert caught.value.hint == "there are: dom0"


def test_what_an_overlay_depends_on(tree: Path) -> None:
    (tree / "etc" / "link").symlink_to("rc")
    os.mkfifo(tree / "pipe")
    beside(".mtree", "")
    beside(".yaml", "")
    names = ["overlays/dom0.mtree", "overlays/dom0.yaml", "overlays/dom0/etc/rc"]
    assert sorted(map(str, overlay_files("dom0"))) == names


def test_the_state_of_an_overlay(tree: Path) -> None:
    (tree / "link").symlink_to("./etc")
    before = overlay_state("dom0")
    assert any(line.endswith("-> ./etc") for line in before)
    (tree / "etc" / "rc").chmod(0o664)
    assert overlay_state("dom0") == before
    (tree / "etc" / "rc").chmod(0o755)
    assert overlay_state("dom0") != before
    (tree / "etc" / "rc").chmod(0o644)
    (tree / "link").unlink()
    (tree / "link").symlink_to("etc")
    assert overlay_state("dom0") != before


def test_an_overlay_comes_after_those_that_it_needs() -> None:
    beside(".yaml", "needs: [machine]\n")
    require_needed(["other", "machine", "dom0"])
    for names in (["dom0"], ["dom0", "machine"]):
        with pytest.raises(GlassmasterError, match="overlay dom0: needs the overlay machine before it") as caught:
            require_needed([*names, "last"])
        assert caught.value.hint == "overlays: [machine, dom0, last]"
