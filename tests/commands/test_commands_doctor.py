"""`doit doctor`: each check, well and ill."""

from __future__ import annotations

import functools
import json
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from glassmaster.checks.smoke.qemu import PROGRAM
from glassmaster.commands import doctor_host, doctor_kvm, doctor_recipe
from glassmaster.commands.doctor import WIDTH, as_text, summary
from glassmaster.commands.finding import Finding, ok
from glassmaster.commands.recipes import recipe_of
from glassmaster.inputs.store import Store

if TYPE_CHECKING:
    from tests.commands.conftest import Project

Program = Callable[[str, str], Path]
TOOL = doctor_host.Tool("sometool", "somepackage", "grub: something", "error")


def test_a_tool(program: Program) -> None:
    (missing,) = doctor_host.tools([TOOL])
    assert (missing.level, missing.remedy) == ("error", "apt-get install somepackage")
    program("sometool", "echo sometool of someone, version 12.34.5-6, free")
    assert list(doctor_host.tools([TOOL])) == [ok("sometool", "12.34.5-6 (grub: something)")]


def test_a_tool_that_tells_its_version_as_an_error(program: Program) -> None:
    program("sometool", "echo usage: sometool 7.8 >&2; exit 1")
    assert list(doctor_host.tools([TOOL])) == [ok("sometool", "7.8 (grub: something)")]


def test_libraries_and_ovmf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        doctor_host, "LIBRARIES", (("libnone.so.9", "libnone9", "nothing"), ("libc.so.6", "libc6", "x"))
    )
    monkeypatch.setattr(doctor_host, "OVMF_CODE", Path("/nonexistent/code.fd"))
    none, libc, ovmf = doctor_host.libraries()
    assert (none.level, none.remedy) == ("error", "apt-get install libnone9") and libc.level == "ok"
    assert (ovmf.level, ovmf.remedy) == ("warning", "apt-get install ovmf") and "code.fd" in ovmf.detail


def test_python_packages(tmp_path: Path) -> None:
    requirements, version = tmp_path / "build.txt", metadata.version("doit")
    requirements.write_text(f"# a comment\ndoit=={version} \\\n    --hash=sha256:00\n")
    assert [item.level for item in doctor_host.python(requirements)] == ["ok", "ok"]
    requirements.write_text("doit==0.0.1\nno-such-package==1.0\n")
    _, other, missing = doctor_host.python(requirements)
    assert other.level == "warning" and f"{version}; {requirements} says 0.0.1" == other.detail
    assert (missing.level, missing.detail) == ("error", "not installed") and str(requirements) in missing.remedy


def test_an_old_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    assert next(doctor_host.python()).level == "error"


def test_packages_where_there_are_no_requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "requires", lambda name: ["doit<0.38,>=0.37", "no-such-package>=3"])
    found = list(doctor_host.python(tmp_path / "none"))
    assert [(item.level, item.what) for item in found[1:]] == [("error", "Python: no-such-package")]


@pytest.mark.parametrize(("free", "level"), [(10**10, "ok"), (10**9, "warning"), (10**6, "error")])
def test_space(free: int, level: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=free))
    found = doctor_host.space("room", tmp_path / "not/there", 5 * 10**9, "the image")
    assert found.level == level and str(tmp_path) in found.detail and bool(found.remedy) == (level != "ok")


def test_the_store(tmp_path: Path) -> None:
    assert doctor_host.store(Store(tmp_path / "none")).detail.endswith("not made yet")
    Store(tmp_path / "store").add([b"12345"], what="a file")
    assert doctor_host.store(Store(tmp_path / "store")).detail.endswith("1 files, 5 bytes")
    (tmp_path / "file").write_text("x")
    found = doctor_host.store(Store(tmp_path / "file"))
    assert found.level == "error" and "GLASSMASTER_STORE" in found.remedy


def test_apts_lists(tmp_path: Path, program: Program) -> None:
    assert doctor_host.apt(["x"], tmp_path).remedy == "apt-get update"
    (tmp_path / "deb_Packages").touch()
    program("apt-get", "echo \"'http://x/pool/x_1.2-3_amd64.deb' x_1.2-3_amd64.deb 12 SHA256:00\"")
    assert doctor_host.apt(["x"], tmp_path) == ok("apt lists", "x 1.2-3")
    assert "apt finds no package y" in doctor_host.apt(["x", "y"], tmp_path).detail
    program("apt-get", "echo E: broken >&2; exit 100")
    assert doctor_host.apt(["x"], tmp_path).level == "error"


def test_sizes() -> None:
    assert [doctor_host.size(n) for n in (999, 1000, 4_707_319_808)] == ["999 bytes", "1.0 kB", "4.7 GB"]


def test_kvm_that_is_not_there(tmp_path: Path) -> None:
    found = doctor_kvm.kvm(tmp_path / "kvm")
    assert found.level == "warning" and "not there" in found.detail and found.remedy


def test_kvm_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kvm").touch()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "usermod -aG kvm" in doctor_kvm.kvm(tmp_path / "kvm").remedy


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (f"exit {doctor_kvm.STATUS}", "works"),
        ("exit 0", "QEMU ended with status 0"),
        ("echo failed to initialize kvm: Permission denied >&2; exit 1", "status 1: failed to initialize kvm"),
        ("exec sleep 1000", "no end after 0.2 s"),
    ],
)
def test_kvm_by_what_qemu_does(lines: str, words: str, tmp_path: Path, program: Program) -> None:
    program(PROGRAM, lines)
    (tmp_path / "kvm").touch()
    found = doctor_kvm.kvm(tmp_path / "kvm", 0.2 if "sleep" in lines else 60.0)
    assert words in found.detail and (found.level == "ok") == (words == "works")


def test_kvm_without_qemu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kvm").touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor_kvm.kvm(tmp_path / "kvm").remedy == "apt-get install qemu-system-x86"


def test_the_payload_runs_in_qemu_without_kvm_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same machine, emulated: what the check needs of QEMU is there on hosts without KVM."""
    real = doctor_kvm.machine

    def emulated(image: Path) -> object:
        command = real(image)
        argv = tuple("tcg" if word == "kvm" else word for word in command.argv)
        return type(command)(argv)

    monkeypatch.setattr(doctor_kvm, "machine", emulated)
    (tmp_path / "kvm").touch()
    assert doctor_kvm.kvm(tmp_path / "kvm", 60.0).level == "ok"
    # A payload that gives another answer, so that the check is seen to fail.
    monkeypatch.setattr(doctor_kvm, "PAYLOAD", bytes([0xB0, 0x01, 0xE6, doctor_kvm.PORT, 0xF4]))
    assert "QEMU ended with status 3" in doctor_kvm.kvm(tmp_path / "kvm", 60.0).detail


def recipe(clone: Project, mirrors: list[str], more: str = "") -> None:
    (clone.path / "recipes/real.yaml").write_text(
        f"extends: standin.yaml\nstandin: ~\npackages: ~\n{more}"
        f"release:\n  trust: first-use\n  mirrors: {json.dumps(mirrors)}\n"
    )


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words: object) -> None:
        """Nothing."""


@pytest.fixture
def server(built_once: Project) -> Iterator[str]:
    """The stand-in's mirror by HTTP on the loopback."""
    handler = functools.partial(_Quiet, directory=str(built_once.path / "build/standin/mirror"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


def levels(clone: Project) -> list[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(clone.path)
        return [item.level for item in doctor_recipe.mirrors(recipe_of("real"))]


def test_mirrors(clone: Project, built_once: Project, server: str, tmp_path: Path) -> None:
    file = (built_once.path / "build/standin/mirror").as_uri()
    recipe(clone, [server, file])
    assert levels(clone) == ["ok", "ok"]
    recipe(clone, [file, (tmp_path / "none").as_uri(), "http://127.0.0.1:1"])
    assert levels(clone) == ["ok", "warning", "warning"]
    recipe(clone, [(tmp_path / "none").as_uri()])
    assert levels(clone) == ["error"]


def test_a_mirror_without_the_kernel(clone: Project, server: str) -> None:
    recipe(clone, [server], "kernel:\n  config: NO_SUCH\n")
    assert levels(clone) == ["error"]


def test_the_whole_command(clone: Project, tmp_path: Path) -> None:
    said = clone.doit("doctor", status=None)
    assert "This machine can" in said and "recipe standin" in said and max(map(len, said.splitlines())) <= 200
    recipe(clone, [(tmp_path / "none").as_uri()])
    found = json.loads(clone.doit("doctor", "--json", "recipe=standin,real,nothing", status=1))
    wrong = {item["what"]: item for item in found if item["level"] == "error"}
    assert {"mirror of real", "recipe nothing"} <= wrong.keys() and all(item["remedy"] for item in wrong.values())
    assert not (clone.path / ".doit.db").exists() and not clone.store.exists()


def test_bad_input(clone: Project) -> None:
    assert "recipe=NAME" in clone.doit("doctor", "standin", status=3)
    assert "names no recipe" in clone.doit("doctor", "recipe=,", status=3)


def test_text_is_for_eighty_columns() -> None:
    text = as_text(Finding("warning", "something", "word " * 60, "do this " * 30))
    assert max(map(len, text.splitlines())) <= WIDTH and "-> do this" in text
    assert "1 ok, 1 warnings, 1 errors" in summary(
        [ok("a", "b"), Finding("error", "c", "d"), Finding("warning", "e", "f")]
    )
    assert "cannot build" in summary([Finding("error", "c", "d")])
