"""The stand-in's domUs, started by xl under a Debian dom0 from the configurations that we made, with their disks."""

from __future__ import annotations

import fcntl
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from glassmaster.checks.smoke.boot import Plan, boot
from glassmaster.checks.smoke.console import Expected
from glassmaster.checks.smoke.qemu import Machine
from glassmaster.config.disk import DiskFacts, Wanted, write_host_disk
from glassmaster.config.domuconf import read_domuconf
from glassmaster.config.layout import write_example
from glassmaster.config.tree import read_config_tree
from glassmaster.config.xl import xl_configuration
from tests.domuboot.debian_dom0 import add_to_cd, make_debian_dom0

if TYPE_CHECKING:
    from tests.build.conftest import Clone

pytestmark = pytest.mark.slow

HOST = "dom0.example.org"
HOST_YAML = """\
memory: 1024
dom0_memory: 512
disk:
  name: wd0
  config: 12
  swap: 4
  var: 6
  domus:
    web: {config: 8, swap: 4}
    small: {config: 6, swap: 2}
"""
SMALL = """\
memory = 48
vcpus = 2
mac = 00:16:3e:00:00:02
bridge = bridge0
root = /images/small.img
config = /dev/wd0h
kernel = /netbsd-XEN3_DOMU
arguments = root=xbd0a answer=42
"""
# Each is wrong in one thing; with that put right it is a machine that starts.
WRONG = {
    "gone-image": "memory = 48\nroot = /images/gone.img\n",
    "gone-kernel": "memory = 48\nroot = /images/small.img\nkernel = /netbsd-GONE\n",
}
# The dom0 starts one after the other.
ORDER = ("gone-image", "web", "gone-kernel", "small")
MEBIBYTE, SECTOR = 1 << 20, 512


@dataclass(frozen=True)
class Seen:
    """What a boot of the dom0 showed. images: sizes in bytes of the images that were attached, by name."""

    failure: str
    reached: Mapping[str, float]
    log: str
    images: Mapping[str, int]

    def console(self, name: str) -> list[str]:
        """What a virtual machine said."""
        return re.findall(rf"^\[ *[\d.]+\] {name}\| (.*)$", self.log, re.MULTILINE)

    def dom0(self, name: str) -> str:
        """What the dom0 said while it started one."""
        found = re.search(rf"domuboot: {name}: xl create\n(.*?domuboot: {name}: xl ended .*?)$", self.log, re.M | re.S)
        assert found, self.log
        return found[1]


def host_disk(folder: Path, target: Path) -> tuple[DiskFacts, dict[str, str]]:
    """Write the hard disk of a host with two virtual machines; also returns their domu.conf."""
    tree = folder / "tree"
    write_example(tree)
    host = tree / "pservers" / HOST
    (host / "host.yaml").write_text(HOST_YAML)
    (host / "domUs/small").mkdir()
    (host / "domUs/small/domu.conf").write_text(SMALL)
    (tree / "vservers/small/etc").mkdir(parents=True)
    (tree / "vservers/small/etc/rc.conf").write_text("hostname=small.example.org\n")
    facts = write_host_disk(read_config_tree(tree), HOST, Wanted(".glassmaster-config", 1_700_000_000, None), target)
    return facts, {name: (host / f"domUs/{name}/domu.conf").read_text() for name in ("web", "small")}


def cd_files(facts: DiskFacts, described: Mapping[str, str]) -> dict[str, str]:
    """What init.sh reads: the xl configurations, and which devices they want."""
    attached: list[tuple[str, str, str]] = []

    def attach(path: str, access: str) -> str:
        attached.append((f"/dev/vnd{len(attached) + 1}d", access, path))
        return attached[-1][0]

    files = {
        f"{name}.xl": xl_configuration(name, read_domuconf(described[name].encode(), name), attach) for name in ORDER
    }
    files["attach"] = "".join(" ".join(words) + "\n" for words in attached)
    files["slots"] = "".join(f"/dev/wd0{place.partition.letter} {place.start}\n" for place in facts.places)
    files["machines"] = "".join(f"{name}\n" for name in ORDER)
    return files


def plan(cd: Path, disk: Path) -> Plan:
    ends = [Expected(f"the end of {name}", f"domuboot: {name}: xl ended with status") for name in ORDER]
    milestones = (
        Expected("Xen", r"Xen version \d+\.\d+"), Expected("Linux", "domuboot: Linux"),
        Expected("Xen's daemons", "domuboot: ready"), *ends, Expected("the end", "domuboot: powering off"),
    )  # fmt: skip
    machine = Machine(cd, "bios", 1024, "qemu64,-svm", disks=(disk,))
    return Plan("domus", machine, milestones, "", power_off=True, seconds=600)


@pytest.fixture(scope="session")
def seen(first_build: tuple[Clone, str], shared: Path) -> Seen:
    """One boot, once in a test run."""
    clone, _ = first_build
    folder = shared / "domuboot"
    result = folder / "seen.json"
    with (shared / "domuboot.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not result.exists():
            folder.mkdir()
            disk, cd = folder / "disk.img", folder / "dom0.iso"
            facts, described = host_disk(folder, disk)
            add_to_cd(clone.out("dom0.iso"), make_debian_dom0(folder), cd_files(facts, described | WRONG), cd)
            booted = boot(plan(cd, disk), folder / "boot")
            images = {path.name: path.stat().st_size for path in clone.out("domu").glob("*.img")}
            reached = {item.name: item.seconds for item in booted.reached}
            made = Seen(booted.failure, reached, (folder / "boot/serial.log").read_text(), images)
            result.write_text(json.dumps(asdict(made)))
    return Seen(**json.loads(result.read_text()))


def test_the_dom0_starts_them_all_and_powers_off(seen: Seen, capsys: pytest.CaptureFixture[str]) -> None:
    assert seen.failure == "", seen.log
    with capsys.disabled():
        print("\ndomUs under xl: " + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in seen.reached.items()))
