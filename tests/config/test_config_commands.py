"""config-new, config-check and config-disk as a user starts them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from glassmaster.places import Places
from glassmaster.tree.mtree import Listed, format_mtree

REPOSITORY = Path(__file__).resolve().parents[2]
HOST = "pservers/dom0.example.org"
Doit = Callable[..., str]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """What doit needs of this repository."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("dodo.py", "pyproject.toml"):
        shutil.copyfile(REPOSITORY / name, folder / name)
    for name in ("recipes", "overlays", "pkgsets"):
        shutil.copytree(REPOSITORY / name, folder / name, symlinks=True)
    return folder


@pytest.fixture
def doit(project: Path, tmp_path: Path) -> Doit:
    """Starts doit there, for a user who stands in tmp_path; returns what it says. status: which one it must have."""

    def run(*words: str, status: int = 0) -> str:
        result = subprocess.run(
            [sys.executable, "-m", "doit", *words], cwd=project, text=True, stdin=subprocess.DEVNULL, timeout=120,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={"PATH": f"{tmp_path}/programs:{os.environ['PATH']}", "HOME": str(tmp_path),
                 "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1", "GLASSMASTER_CWD": str(tmp_path)},
        )  # fmt: skip
        assert "Traceback" not in result.stdout and result.returncode == status, result.stdout
        return result.stdout

    return run


def release(project: Path, *paths: str) -> None:
    """As if the stand-in had been built with these files, etc/rc.conf among them."""
    items = [Listed(".", "dir", 0o755, 0, 0, 0, 0, "", "", "", "made", ())]
    items += [Listed(path, "dir", 0o755, 0, 0, 0, 0, "", "", "", "made", ()) for path in ("etc", "images")]
    items += [Listed(path, "file", 0o644, 0, 0, 0, 1, "1" * 64, "", "", "made", ()) for path in (*paths, "etc/rc.conf")]
    place = project / Places("standin").mtree
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(format_mtree(items))


def test_from_nothing_to_a_disk(doit: Doit, tmp_path: Path) -> None:
    said = doit("config-new", "racks")
    assert "racks/checkout is a checkout of racks/repository\n" in said and "doit config-check racks/checkout" in said
    said = doit("config-check", "racks/checkout")
    assert said == "1 host, 1 virtual machine, not against a CD (no recipe=NAME): 0 errors, 0 warnings\n"
    said = doit("config-disk", "host=dom0.example.org", "config=racks/checkout", "recipe=standin", "out=disk.img")
    assert (tmp_path / "disk.img").exists() and "wd0f" in said
    assert said.splitlines()[-2:] == [
        "on the machine itself: glassmaster-prepare -n dom0.example.org -c 128 -s 512 -v 256 -d web:32:128 wd0",
        "glassmaster-update: from nowhere yet; svn=URL says where the servers find the repository",
    ]
    (tmp_path / "racks/checkout" / HOST / "restart").write_text("")
    words = ("config-disk", "host=dom0.example.org", "config=racks/checkout", "out=disk.img")
    said = doit(*words, "svn=https://svn.example.org/conf")
    assert said.splitlines()[-2:] == [
        f"glassmaster-update: from https://svn.example.org/conf/{HOST}, revision 1",
        f"  {HOST} has changes that are not committed",
    ]
    assert "svn=nowhere: not a URL" in doit(*words, "svn=nowhere", status=3)
    doit("config-disk", "host=dom0.example.org", "config=racks/checkout")
    assert (tmp_path / "project/out/standin/disks/dom0.example.org.img").stat().st_size == 1_109_393_408


def test_findings_are_printed_and_counted(doit: Doit, project: Path, tmp_path: Path) -> None:
    doit("config-new", "racks")
    release(project, "images/base.img")
    said = doit("config-check", "racks/checkout", "recipe=standin", status=1)
    kernel = f"{HOST}/domUs/web/domu.conf:8: error: kernel: /netbsd-XEN3_DOMU: there is no /netbsd-XEN3_DOMU"
    assert said.splitlines() == [
        kernel,
        "    -> name one that the release has",
        "1 host, 1 virtual machine, against the CD of standin: 1 error, 0 warnings",
    ]
    data = json.loads(doit("config-check", "racks/checkout", "recipe=standin", "--json", status=1))
    assert [(item["level"], item["where"]) for item in data] == [("error", f"{HOST}/domUs/web/domu.conf:8")]
    release(project, "images/base.img", "netbsd-XEN3_DOMU")
    doit("config-check", "racks/checkout", "recipe=standin")


def test_warnings_alone_are_no_failure(doit: Doit, tmp_path: Path) -> None:
    doit("config-new", "racks")
    (tmp_path / f"racks/checkout/{HOST}/host.yaml").unlink()
    assert "0 errors, 1 warning" in doit("config-check", "racks/checkout")


def test_seen(doit: Doit, project: Path, tmp_path: Path) -> None:
    doit("config-new", "racks")
    release(project, "images/base.img", "netbsd-XEN3_DOMU")
    doit("config-check", "racks/checkout", "recipe=standin", "--seen")
    place = project / Places("standin").mtree
    place.write_text(place.read_text().replace("1" * 64, "2" * 64))
    assert "etc/rc.conf: warning: hides a file of the CD" in doit("config-check", "racks/checkout", "recipe=standin")
    doit("config-check", "racks/checkout", "recipe=standin", "--seen")
    assert "0 warnings" in doit("config-check", "racks/checkout", "recipe=standin")
    assert (tmp_path / f"racks/checkout/{HOST}/.hides").read_text().startswith("- ")


def test_bad_input(doit: Doit, tmp_path: Path) -> None:
    assert "takes one directory" in doit("config-new", status=3)
    assert "takes one directory" in doit("config-check", "a", "b", status=3)
    assert "not a configuration tree" in doit("config-check", "nowhere", status=3)
    assert "host= is missing" in doit("config-disk", status=3)
    assert "config-disk takes no 'x'" in doit("config-disk", "x", status=3)
    doit("config-new", "racks")
    assert "not empty" in doit("config-new", "racks", status=3)
    assert "no recipe 'stand'" in doit("config-check", "racks/checkout", "recipe=stand", status=3)
    assert "build it: ./doit mtree:standin" in doit("config-check", "racks/checkout", "recipe=standin", status=3)
    assert "--seen needs recipe=NAME" in doit("config-check", "racks/checkout", "--seen", status=3)
    assert "there is no pservers/x" in doit("config-disk", "host=x", "config=racks/checkout", status=3)


def test_boot_starts_qemu_with_the_disk(doit: Doit, project: Path, tmp_path: Path) -> None:
    doit("config-new", "racks")
    words = ("boot", "host=dom0.example.org", "config=racks/checkout", "recipe=standin")
    assert "build it: ./doit iso recipe=standin" in doit(*words, status=3)
    iso = project / Places("standin").iso
    iso.parent.mkdir(parents=True)
    iso.touch()
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "qemu-system-x86_64").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nexit 7\n')
    (programs / "qemu-system-x86_64").chmod(0o755)
    said = doit(*words, status=7).splitlines()
    disk = "out/standin/disks/dom0.example.org.img"
    keys = "accounts/ssh/root/authorized_keys"
    assert said[1] == f"ssh -p 2222 root@127.0.0.1 gets to 192.0.2.1, when there is a key in {keys}"
    assert f"if=none,id=disk0,format=raw,file={disk}" in said
    # keep=yes leaves the disk as the machine has left it.
    (project / disk).write_text("used")
    doit(*words, "keep=yes", status=7)
    assert (project / disk).read_text() == "used"
    assert "-p 99 " in doit(*words, "ssh=99", status=7)
    assert (project / disk).stat().st_size > 1000
    assert "expected the number of a port" in doit(*words, "ssh=x", status=3)
    (project / "out/standin/disks/x.img").touch()
    assert "there is no pservers/x" in doit("boot", "host=x", "config=racks/checkout", "keep=yes", status=3)


def test_roles_numbers_are_those_of_images(doit: Doit, tmp_path: Path) -> None:
    doit("config-new", "racks")
    (tmp_path / "racks/checkout/global/uids.mk").write_text("PKG_UID.standin=1000\n")
    said = doit("config-check", "racks/checkout", status=1)
    assert "global/uids.mk:1: error: PKG_UID.standin: 1000, and pkgsets/uids.yaml has 32000" in " ".join(said.split())
