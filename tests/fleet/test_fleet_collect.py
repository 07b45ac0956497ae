"""Lines are collected from a share, over HTTP and by ssh; one that fails keeps no other from being seen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.fleet import collect as module
from glassmaster.fleet.collect import Collected, collect, ssh_command
from tests.fleet.conftest import line
from tests.inputs.badserver import BadServer, serving


def hosts(found: list[Collected]) -> dict[str, str]:
    """By name: the host that the line names, or what is wrong."""
    return {item.name: item.line.host if item.line else item.trouble for item in found}


def test_a_share_has_a_file_for_each(share: Path) -> None:
    for name in ("beta", "alpha"):
        (share / name).write_text(line(name))
    (share / ".gamma.new").write_text("half a li")
    (share / "notes for people.txt").write_text("x")
    assert hosts(collect([str(share)], [])) == {"alpha": "alpha", "beta": "beta"}
    assert hosts(collect([share.as_uri()], [])) == {"alpha": "alpha", "beta": "beta"}


def test_what_is_no_line_is_said_beside_the_others(share: Path, tmp_path: Path) -> None:
    (share / "alpha").write_text(line("alpha"))
    (share / "bad").write_bytes(b"\xff\xfe")
    (share / "large").write_bytes(b"x" * 10_000_000)
    (share / "link").symlink_to("/etc/passwd")
    (share / "folder").mkdir()
    os.mkfifo(share / "pipe")
    found = hosts(collect([str(share)], []))
    assert found.pop("alpha") == "alpha"
    assert set(found) == {"bad", "large", "link", "folder", "pipe"}
    assert found["link"] == f"{share}/link: cannot be read: Too many levels of symbolic links"
    assert "not the line of a machine" in found["bad"] and "more than 4,096" in found["large"]


def test_a_share_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GlassmasterError, match="cannot be read"):
        collect([str(tmp_path / "nowhere")], [])


def test_over_http_each_machine_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    files = {"/lines/alpha": line("alpha").encode(), "/lines/beta": b"<html>", "/lines/large": b"x" * 50_000}
    with serving(BadServer(files, seed=0, trouble=0)) as server:
        names = ["alpha", "beta", "gamma", "large"]
        found = hosts(collect([f"{server.url}/lines/"], names))
        assert found == hosts(collect([f"{server.url}/lines/{{host}}"], names))
    assert found["alpha"] == "alpha" and "gamma" not in found
    assert "not the line of a machine" in found["beta"] and "more than 4,096" in found["large"]


def test_a_server_that_fails_is_no_machine_that_has_not_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(module, "TIMEOUT", (0.5, 0.5))
    # Every request meets a fault: 500, or an answer that breaks off.
    with serving(BadServer({"/alpha": line("alpha").encode()}, seed=1, trouble=1)) as server:
        found = collect([server.url], ["alpha"])
    assert [item.name for item in found] == ["alpha"] and found[0].trouble


def test_how_a_machine_is_asked_by_ssh() -> None:
    command = ssh_command("alpha", "root", "2222")
    assert command.line() == (
        "ssh -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=5 "
        "-o ServerAliveCountMax=2 -p 2222 root@alpha '/usr/sbin/glassmaster-release -l'"
    )
    assert command.inherited == ("SSH_AUTH_SOCK",)
    assert ssh_command("alpha").line().endswith("ServerAliveCountMax=2 alpha '/usr/sbin/glassmaster-release -l'")


def test_each_is_asked_by_ssh_and_one_that_does_not_answer_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    answer = line("alpha").strip()
    program.write_text(
        f'#!/bin/sh\ncase $* in *root@alpha*) echo "{answer}" ;; *) echo "ssh: no route" >&2; exit 255 ;; esac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    found = hosts(collect(["ssh://root@{host}"], ["alpha", "beta"]))
    assert found == {"alpha": "alpha", "beta": "ssh ended with status 255: ssh: no route"}


@pytest.mark.parametrize("url", ["ssh://root@alpha", "ssh:", "ssh://-oProxyCommand=x@{host}", "ssh://{host}:x"])
def test_what_is_no_way_by_ssh_is_refused(url: str) -> None:
    with pytest.raises(GlassmasterError, match="not understood"):
        collect([url], ["alpha"])
