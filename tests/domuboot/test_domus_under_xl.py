"""The stand-in's domUs, started by xl under a Debian dom0 from the configurations that we made, with their disks."""

from __future__ import annotations

import fcntl
import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from glassmaster.checks.smoke.boot import Plan, boot
from glassmaster.checks.smoke.console import Expected
from glassmaster.checks.smoke.qemu import Machine
from glassmaster.config.disk import DiskFacts, Wanted, write_host_disk
from glassmaster.config.layout import write_example
from glassmaster.config.tree import read_config_tree
from tests.domuboot.debian_dom0 import add_to_cd, cd_files, make_debian_dom0

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
    "gone-bridge": "memory = 48\nroot = /images/small.img\nmac = 00:16:3e:00:00:03\nbridge = bridge9\n",
    "gone-kernel": "memory = 48\nroot = /images/small.img\nkernel = /netbsd-GONE\n",
}
# xl numbers them so: xen-vbd-interface(7).
XVDA, XVDB, XVDC = 51712, 51728, 51744
# The dom0 starts one after the other.
ORDER = ("gone-image", "web", "gone-bridge", "gone-kernel", "small")
SECTORS_OF_A_MEBIBYTE, SECTOR = 2048, 512
CONNECTED = 4  # xen/include/public/io/xenbus.h


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
    (tree / "vservers/small/etc/rc.conf").write_text(". /etc/defaults/rc.conf\nhostname=small.example.org\n")
    facts = write_host_disk(read_config_tree(tree), HOST, Wanted(".glassmaster-config", 1_700_000_000, None), target)
    return facts, {name: (host / f"domUs/{name}/domu.conf").read_text() for name in ("web", "small")}


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
    with (shared / "domuboot.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            with tempfile.TemporaryDirectory(prefix="glassmaster-") as name:
                work = Path(name)
                disk, cd = work / "disk.img", work / "dom0.iso"
                facts, described = host_disk(work, disk)
                files = cd_files(facts, described | WRONG, dict.fromkeys(ORDER, ""))
                add_to_cd(clone.out("dom0.iso"), make_debian_dom0(work), files, cd)
                booted = boot(plan(cd, disk), folder)
            reached = {item.name: item.seconds for item in booted.reached}
            (folder / "seen.json").write_text(json.dumps([booted.failure, reached]))
    failure, reached = json.loads((folder / "seen.json").read_bytes())
    images = {path.name: path.stat().st_size for path in clone.out("domu").glob("*.img")}
    return Seen(failure, reached, (folder / "serial.log").read_text(), images)


def report(name: str, seen: Seen) -> list[str]:
    """What the stand-in kernel says of what it got: all lines but those of addresses."""
    told = ("xen: ", "page tables: ", "p2m: ", "module: ", "start-info: ", "current ", "maximum ")
    left_out = tuple(f"standin: {word}" for word in told)
    return [line for line in seen.console(name) if not line.startswith(left_out)]


def disk(number: int, mode: str, sectors: int) -> str:
    return f"standin: disk: {number} mode {mode}, backend state {CONNECTED}, {sectors} sectors of {SECTOR} bytes"


def test_the_dom0_starts_them_all_and_powers_off(seen: Seen, capsys: pytest.CaptureFixture[str]) -> None:
    assert seen.failure == "", seen.log
    running = re.findall(r"^\[ *[\d.]+\] (\S+) +\d+ +\d+ +\d+ +[-a-z]{6} ", seen.log, re.MULTILINE)
    assert running == ["Domain-0"], "a virtual machine was left over"
    with capsys.disabled():
        print("\ndomUs under xl: " + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in seen.reached.items()))


def test_a_machine_with_configuration_and_swap(seen: Seen) -> None:
    """The one of config-new's example."""
    assert report("web", seen) == [
        "glassmaster stand-in kernel (XEN3_DOMU): this is not NetBSD",
        "standin: role: domU",
        "standin: command line: root=xbd0a",
        "standin: memory: 256 MiB (65536 pages)",
        "standin: vcpus: 1",
        disk(XVDA, "r", seen.images["base.img"] // SECTOR),
        disk(XVDB, "w", 8 * SECTORS_OF_A_MEBIBYTE),
        disk(XVDC, "w", 4 * SECTORS_OF_A_MEBIBYTE),
        "standin: net: 0 mac 00:16:3e:00:00:01",
        "standin: powering off",
    ]
    assert seen.dom0("web").endswith("domuboot: web: xl ended with status 0")


def test_a_machine_with_an_ffs_image_and_two_processors(seen: Seen) -> None:
    assert report("small", seen) == [
        "glassmaster stand-in kernel (XEN3_DOMU): this is not NetBSD",
        "standin: role: domU",
        "standin: command line: root=xbd0a answer=42",
        "standin: memory: 48 MiB (12288 pages)",
        "standin: vcpus: 2",
        disk(XVDA, "r", seen.images["small.img"] // SECTOR),
        disk(XVDB, "w", 6 * SECTORS_OF_A_MEBIBYTE),
        "standin: net: 0 mac 00:16:3e:00:00:02",
        "standin: powering off",
    ]
    assert seen.dom0("small").endswith("domuboot: small: xl ended with status 0")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gone-image", "Disk vdev=xvda failed to stat: /dev/vnd1d: No such file or directory"),
        ("gone-bridge", "Could not find bridge device bridge9"),
        ("gone-kernel", "/netbsd-GONE"),
    ],
)
def test_a_wrong_configuration_is_refused(seen: Seen, name: str, reason: str) -> None:
    """And the others are started all the same."""
    assert seen.console(name) == []
    assert reason in seen.dom0(name)
    assert re.search(f"domuboot: {name}: xl ended with status [1-9]", seen.dom0(name))
