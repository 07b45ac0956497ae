"""A real release's virtual machines: a Debian dom0 under Xen starts them by xl, with disks made for them."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
from pathlib import Path

from glassmaster.checks.smoke.boot import Plan, boot
from glassmaster.checks.smoke.console import Expected
from glassmaster.checks.smoke.qemu import Machine
from glassmaster.config.check import check
from glassmaster.config.disk import Wanted, write_host_disk
from glassmaster.config.example import FILES
from glassmaster.config.layout import write_example
from glassmaster.config.tree import read_config_tree
from tests.domuboot.debian_dom0 import add_to_cd, cd_files, make_debian_dom0
from tests.real.conftest import Real
from tests.real.guests import SECONDS

HOST = "dom0.example.org"
# Their images; each is of the same sets and overlays.
KINDS = {"cd": "cd9660", "ffs": "ffs2"}
HOST_YAML = """\
memory: 960
dom0_memory: 512
disk:
  name: wd0
  config: 12
  swap: 4
  var: 6
  domus:
    cd: {config: 8, swap: 16}
    ffs: {config: 8, swap: 16}
"""
CONF = """\
memory = 192
mac = 00:16:3e:00:00:0{number}
bridge = bridge0
root = /images/{name}.img
config = /dev/wd0{config}
swap = /dev/wd0{swap}
kernel = /netbsd-XEN3_DOMU
"""
LETTERS = {"cd": ("f", "g"), "ffs": ("h", "i")}
STAGES = [
    "start status=ok recipe=domus release=ID root=/dev/xbd0a",
    "config status=ok dev=/dev/xbd1a",
    "hidden status=ok",
    "swap status=ok dev=/dev/xbd2b",
    'accounts status=warn why="root has no password"',
    "accounts status=ok",
    "etc status=ok union=/config/local/etc",
    "fstab status=ok root=/dev/xbd0a",
    "var status=ok from=memory",
    "tmp status=ok from=memory",
    *(f"mounts status=ok at={at}" for at in ("rc", "root", "mountall")),
]


def described(number: int, name: str) -> str:
    """A domu.conf."""
    config, swap = LETTERS[name]
    return CONF.format(number=number, name=name, config=config, swap=swap)


def rc_conf(number: int, name: str) -> str:
    """The worked virtual machine's rc.conf, all of it: with that it must come up, and find its swap."""
    text = FILES["vservers/web/etc/rc.conf"]
    for old, new in (("hostname=web.", f"hostname={name}."), ("192.0.2.2 ", f"192.0.2.{number + 1} ")):
        assert old in text
        text = text.replace(old, new)
    return text


def host_tree(target: Path) -> Path:
    """The configuration of a host with a virtual machine of each kind."""
    write_example(target)
    host = target / "pservers" / HOST
    (host / "host.yaml").write_text(HOST_YAML)
    shutil.rmtree(host / "domUs")
    shutil.rmtree(target / "vservers")
    for number, name in enumerate(KINDS, 1):
        for path, text in {
            host / f"domUs/{name}/domu.conf": described(number, name),
            target / f"vservers/{name}/etc/rc.conf": rc_conf(number, name),
        }.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return target


def test_their_tree_is_right(tmp_path: Path) -> None:
    """Without a real release."""
    assert check(read_config_tree(host_tree(tmp_path / "tree")), None) == []


def test_they_come_to_a_login_and_are_shut_down(real: Real, tmp_path: Path) -> None:
    path = real.recipe.with_name("domus.yaml")
    domu = {"sets": ["base", "etc"], "kernel": {"config": "XEN3_DOMU"}, "overlays": ["machine", "domu-base"]}
    kinds = {name: {**domu, "filesystem": filesystem} for name, filesystem in KINDS.items()}
    path.write_text(json.dumps({"extends": real.recipe.name, "overlays": ["machine", "dom0"], "domus": kinds}))
    disc = dataclasses.replace(real, recipe=path)
    print(disc.doit("iso"))
    disk, cd = tmp_path / "disk.img", tmp_path / "dom0.iso"
    wanted = Wanted(".glassmaster-config", 1_700_000_000, None)
    facts = write_host_disk(read_config_tree(host_tree(tmp_path / "tree")), HOST, wanted, disk)
    confs = {name: described(number, name) for number, name in enumerate(KINDS, 1)}
    files = cd_files(facts, confs, dict.fromkeys(KINDS, "login:"))
    add_to_cd(disc.out("dom0.iso"), make_debian_dom0(tmp_path), files, cd)
    ends = [Expected(f"the end of {name}", f"domuboot: {name}: xl ended with status 0") for name in KINDS]
    milestones = (Expected("Linux", "domuboot: Linux"), *ends, Expected("the end", "domuboot: powering off"))
    machine = Machine(cd, "bios", 1024, "qemu64,-svm", disks=(disk,), counted=True)
    seconds = int(os.environ.get(SECONDS, "900")) * 2
    seen = boot(Plan("domus", machine, milestones, "", power_off=True, seconds=seconds), tmp_path / "boot")
    log = (tmp_path / "boot/serial.log").read_text()
    print(log)
    assert seen.failure == ""
    for name in KINDS:
        console = re.findall(rf"^\[ *[\d.]+\] {name}\| (.*)$", log, re.MULTILINE)
        stages = [line.partition("glassmaster: stage=")[2] for line in console if "glassmaster: stage=" in line]
        assert [re.sub("release=[0-9a-f]+", "release=ID", line) for line in stages] == STAGES
        assert f"NetBSD/amd64 ({name}.example.org) (console)" in console
