"""config-new: a Subversion repository and a checkout of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from glassmaster.config.check import check
from glassmaster.config.example import FILES, LINKS
from glassmaster.config.layout import checkout_command, create_command, import_command, make_config_tree
from glassmaster.config.tree import read_config_tree
from glassmaster.errors import GlassmasterError


def svn(*words: str | Path) -> str:
    return subprocess.run(["svn", *map(str, words)], capture_output=True, text=True, check=True).stdout


def test_commands() -> None:
    place = Path("/a b/racks/repository")
    assert create_command(place).argv == ("svnadmin", "create", "/a b/racks/repository")
    assert import_command(Path("/x"), place).argv == (
        "svn", "import", "--quiet", "--non-interactive", "--no-ignore", "--no-auto-props",
        "-m", "one host with one virtual machine, and the checklists", "/x", "file:///a%20b/racks/repository",
    )  # fmt: skip
    assert checkout_command(place, Path("/a b/racks/checkout")).argv == (
        "svn", "checkout", "--quiet", "--non-interactive", "file:///a%20b/racks/repository", "/a b/racks/checkout",
    )  # fmt: skip


def test_it_makes_a_repository_and_a_checkout(tmp_path: Path) -> None:
    checkout = make_config_tree(tmp_path / "räcks a")
    assert checkout == tmp_path / "räcks a/checkout"
    listed = svn("list", "-R", (tmp_path / "räcks a/repository").as_uri()).splitlines()
    assert {line for line in listed if not line.endswith("/")} == {*FILES, *LINKS}
    assert {name: (checkout / name).read_text() for name in FILES} == dict(FILES)
    assert {name: str((checkout / name).readlink()) for name in LINKS} == dict(LINKS)
    assert svn("status", checkout) == ""
    assert check(read_config_tree(checkout), None) == []
    assert [path.name for path in tmp_path.iterdir()] == ["räcks a"]
    assert (tmp_path / "räcks a").stat().st_mode & 0o077 == 0


def test_an_empty_directory_will_do(tmp_path: Path) -> None:
    (tmp_path / "racks").mkdir()
    assert make_config_tree(tmp_path / "racks").is_dir()


@pytest.mark.parametrize("kind", ["full", "file", "link"])
def test_nothing_is_overwritten(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "racks"
    if kind == "full":
        target.mkdir()
        (target / "mine").write_text("x")
    elif kind == "file":
        target.write_text("x")
    else:
        (tmp_path / "elsewhere").mkdir()
        target.symlink_to("elsewhere")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(GlassmasterError, match="not empty"):
        make_config_tree(target)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("program", ["svnadmin", "svn"])
def test_without_subversion_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    if program == "svn":
        (programs / "svnadmin").symlink_to("/usr/bin/svnadmin")
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(GlassmasterError, match=f"the program {program} is not installed"):
        make_config_tree(tmp_path / "racks")
    assert [path.name for path in tmp_path.iterdir()] == ["programs"]


def test_a_checkout_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    svn_or_not = '#!/bin/sh\ncase $1 in\ncheckout) echo no >&2; exit 1 ;;\nesac\nexec /usr/bin/svn "$@"\n'
    (programs / "svn").write_text(svn_or_not)
    (programs / "svn").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    with pytest.raises(GlassmasterError, match="svn ended with status 1"):
        make_config_tree(tmp_path / "racks")
    assert [path.name for path in tmp_path.iterdir()] == ["programs"]


def test_it_is_named_when_it_is_the_repository_or_above(tmp_path: Path) -> None:
    make_config_tree(tmp_path / "racks")
    with pytest.raises(GlassmasterError, match="not a configuration tree") as caught:
        read_config_tree(tmp_path / "racks")
    assert f"name the checkout in it: {tmp_path}/racks/checkout" in str(caught.value)
    with pytest.raises(GlassmasterError, match="not a configuration tree") as caught:
        read_config_tree(tmp_path / "racks/repository")
    assert f"svn checkout file://{tmp_path}/racks/repository DIR" in str(caught.value)


@pytest.mark.parametrize("server", ["pservers/dom0.example.org", "vservers/web"])
def test_root_gets_in_by_a_key_and_nobody_by_a_password(server: str) -> None:
    """NetBSD's sshd lets root in by no means before OpenSSH 7.0 unless told; the words are those of 5.9 to 9."""
    lines = FILES[f"{server}/etc/ssh/sshd_config"].splitlines()
    assert dict(line.split(" ", 1) for line in lines if not line.startswith("#")) == {
        "PermitRootLogin": "without-password", "AuthorizedKeysFile": ".ssh/authorized_keys",
        "PasswordAuthentication": "no", "ChallengeResponseAuthentication": "no", "UsePAM": "yes",
        "Subsystem": "sftp /usr/libexec/sftp-server", "UseDNS": "no",
    }  # fmt: skip


def test_the_virtual_machines_swap_is_left_to_the_overlay() -> None:
    """Overlay domu-base names the whole disk; glassmaster_swap would turn that off, and partition d is never swap."""
    text = FILES["vservers/web/etc/rc.conf"]
    assert "glassmaster_swap" not in text
    overlay = Path(__file__).parents[2] / "overlays/domu-base/etc/defaults"
    assert any("glassmaster_swap_disk=xbd2" in path.read_text() for path in overlay.iterdir())
