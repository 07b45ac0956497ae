"""`doit inspect` as a user starts it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.commands.conftest import Project


def test_our_disc(built_once: Project) -> None:
    before = built_once.files()
    text = built_once.doit("inspect", "out/standin/dom0.iso")
    assert built_once.files() == before
    facts = json.loads((built_once.path / "out" / "standin" / "dom0.json").read_text())
    assert text.startswith("out/standin/dom0.iso: ISO 9660 disc\n") and facts["sha256"] in text
    assert f"  release id      {facts['release_id']}\n" in text and "  MBR (boot code: GRUB)\n" in text
    assert "images/small.img: domU image, FFS\n" in text and "    standin-sudo-1.0 " in text
    assert all(len(line) <= 80 for line in text.splitlines() if "SHA-256" not in line)
    report = json.loads(built_once.doit("inspect", "out/standin/dom0.iso", "--json"))
    assert report["tables"][0]["rows"][0][:3] == ["BIOS", "yes", "no emulation"]
    assert [inner["name"] for inner in report["inside"]] == [
        "boot/xen.gz", "netbsd", "netbsd-XEN3_DOMU", "images/base.img", "images/small.img"
    ]  # fmt: skip


def test_long_tables_are_cut(built_once: Project) -> None:
    kernel = "build/standin/mirror/NetBSD-standin-1/amd64/binary/kernel/netbsd-XEN3_DOM0.gz"
    assert "options INCLUDE_CONFIG_FILE" in built_once.doit("inspect", kernel)
    short = built_once.doit("inspect", "out/standin/dom0.mtree")
    assert "(--all shows them)" not in short


def test_mistakes(built_once: Project) -> None:
    assert "nothing that is known here" in built_once.doit("inspect", "dodo.py", status=3)
    assert "its disc is out/standin/dom0.iso" in built_once.doit("inspect", "out/standin", status=3)
    assert "No such file" in built_once.doit("inspect", "no/such", status=3)
    assert "takes the name of one file" in built_once.doit("inspect", status=3)
    assert "cannot be written" in built_once.doit("inspect", "out/standin/dom0.mtree", "-o", "no/such/file", status=3)
