"""The storage machine of a real release: a mirror of two iSCSI targets, one of them killed, and a second machine."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from glassmaster.checks.smoke.qemu import Machine
from glassmaster.config.disk import Wanted, write_host_disk
from glassmaster.config.layout import write_example
from glassmaster.config.tree import read_config_tree
from glassmaster.images.grub import HOTKEYS
from tests.real.conftest import Real
from tests.real.guests import Guest, guest
from tests.real.scenarios import HASH
from tests.real.targets import Target, unpack_tgt

HOST = "store.example.org"
HOST_YAML = """\
memory: 512
dom0_memory: 512
disk: {name: wd0, config: 16, swap: 64, var: 64}
"""
RC_CONF = """\
. /etc/defaults/rc.conf
hostname=store.example.org
ifconfig_wm0="inet 10.0.2.15 netmask 255.255.255.0"
glassmaster_swap=/dev/wd0b
glassmaster_var=/dev/wd0e
glassmaster_swap_disk=""
"""
RAID = "START array\n1 2 0\nSTART disks\ntarget1\ntarget2\nSTART layout\n128 1 1 1\nSTART queue\nfifo 100\n"
EXPORTS = "/storage -maproot=root -network 10.0.2.0 -mask 255.255.255.0\n"
MIB = 1 << 20


@pytest.fixture(scope="session")
def disc(real: Real) -> Real:
    """A disc with GENERIC and the storage machine."""
    path = real.recipe.with_name("storage.yaml")
    text = {
        "extends": real.recipe.name, "xen": None, "domus": {}, "overlays": ["machine", "domu-base", "storage"],
        "kernel": {"source": "prebuilt", "config": "GENERIC"}, "boot": {"root": "cd0a"},
        "smoke": {"machine": "pc", "scenarios": [], "milestones": []},
    }  # fmt: skip
    path.write_text(json.dumps(text))
    made = dataclasses.replace(real, recipe=path)
    print(made.doit("iso"))
    return made


def write_disk(folder: Path, targets: list[Target]) -> Path:
    """The hard disk of the storage machine: its configuration, swap, /var."""
    tree = folder / "tree"
    write_example(tree)
    shutil.rmtree(tree / "pservers")
    host = tree / "pservers" / HOST
    named = " ".join(f"10.0.2.2:{target.port},{target.name}" for target in targets)
    for name, text in {
        "host.yaml": HOST_YAML, "etc/rc.conf": f'{RC_CONF}glassmaster_storage_targets="{named}"\n',
        "etc/raid0.conf": RAID, "etc/exports": EXPORTS,
        "accounts/master.passwd": f"root:{HASH}:0:0::0:0:Charlie &:/root:/bin/sh\n",
    }.items():  # fmt: skip
        path = host / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    disk = folder / "disk.img"
    write_host_disk(read_config_tree(tree), HOST, Wanted(".glassmaster-config", 1_700_000_000, None), disk)
    return disk


def digest(machine: Guest, path: str) -> str:
    """SHA-256 of a file."""
    output = machine.do(f"cksum -n -a sha256 {path}")
    # Not at the beginning of a line: a prompt may come late, when a job of the background has ended.
    found = re.search(rf"\b([0-9a-f]{{64}}) {path}$", output, re.M)
    assert found, output
    return found[1]


def rebuilt(machine: Guest) -> None:
    """Until the mirror has two halves again: the target that came back is a new disk, and so a spare."""
    machine.do("while raidctl -s raid0 | grep -q -e 'sd1d: failed' -e reconstructing; do sleep 2; done")


def refused(machine: Guest, command: str) -> str:
    """Run a command that must not do it; why it did not."""
    status, output = machine.ask(command)
    found = re.search(r'stage=storage status=refused why="(.*)"$', output, re.M)
    assert status == 1 and found, output
    return found[1]


def test_the_drill(disc: Real, tmp_path: Path) -> None:
    system = unpack_tgt(tmp_path)
    targets = [Target(system, tmp_path, number, 64 * MIB) for number in (1, 2)]
    for target in targets:
        with target.image.open("wb") as stream:
            stream.truncate(target.size)
    disk = write_disk(tmp_path, targets)
    smoke = disc.loaded.recipe.smoke

    @contextmanager
    def machine(name: str, own: Path) -> Iterator[Guest]:
        plan = Machine(disc.out("dom0.iso"), "bios", 512, smoke.cpu, model=smoke.machine, disks=(own,), writes=True)
        with guest(name, plan, tmp_path / name, HOTKEYS["serial"]) as made:
            try:
                yield made
            finally:
                print(f"== {name}")
                print("\n".join(made.stages()))

    disks = [Path(shutil.copy(disk, tmp_path / f"disk{number}.img")) for number in (1, 2)]
    with ExitStack() as stack:
        for target in targets:
            stack.enter_context(target.running())
        first = stack.enter_context(machine("first", disks[0]))
        first.stage("target", "status=sd[01] number=1")
        first.stage("target", "status=sd[01] number=2")
        first.stage("storage", 'status=refused why="the targets are empty')
        first.login()
        assert "stage=storage status=created" in first.do("glassmaster-storage create 2026")
        assert "stage=storage status=ok good=2 of=2" in first.do("glassmaster-storage start")
        first.do("mkdir -p /var/tmp/nfs && mount -t nfs -o tcp 10.0.2.15:/storage /var/tmp/nfs")
        first.do("dd if=/dev/urandom of=/var/tmp/data bs=64k count=96 2>/dev/null")
        known = digest(first, "/var/tmp/data")
        first.do("cp /var/tmp/data /var/tmp/nfs/data && sync")
        assert digest(first, "/storage/data") == known
        first.do("(while [ ! -e /var/tmp/enough ]; do cp /var/tmp/data /storage/again; sync; done) & true")
        targets[1].kill()
        first.stage("target", "status=lost disk=sd")
        first.do("until raidctl -s raid0 | grep -q 'sd1d: failed'; do sleep 1; done")
        first.do("touch /var/tmp/enough; wait")
        assert re.search(r"/dev/sd\d+d: failed", first.do("glassmaster-storage status"))
        for path in ("/storage/data", "/storage/again", "/var/tmp/nfs/data"):
            assert digest(first, path) == known

        second = stack.enter_context(machine("second", disks[1]))
        second.stage("storage", 'status=refused why="missing: ')
        second.login()
        assert refused(second, "glassmaster-storage start degraded").startswith("another machine uses it: ")

        stack.enter_context(targets[1].running())
        assert "stage=rebuild status=started" in first.do("glassmaster-storage rebuild 2")
        rebuilt(first)
        print(first.do("raidctl -s raid0"))
        assert refused(second, "glassmaster-storage start").startswith("another machine uses it: ")

        first.send(signal.SIGKILL)
        took = second.do("glassmaster-storage start")
        assert "stage=lease status=waiting" in took
        assert "stage=storage status=ok good=2 of=2" in took
        assert digest(second, "/storage/data") == known

        stale = stack.enter_context(machine("stale", disks[0]))
        stale.stage("storage", 'status=refused why="another machine uses it')
        assert "stage=storage status=stopped" in second.do("glassmaster-storage stop")
        stale.login()
        took = stale.do("glassmaster-storage start")
        assert "stage=lease" not in took
        assert "stage=storage status=ok good=2 of=2" in took
        assert digest(stale, "/storage/data") == known
