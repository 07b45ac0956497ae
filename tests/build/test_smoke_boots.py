"""Real boots of GRUB, Xen and the stand-in's kernel in QEMU: what is reported is what was seen."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

if TYPE_CHECKING:
    from tests.build.conftest import Clone

BIOS_ONLY = "smoke: {firmware: [bios]}\n"


def smoke(clone: Clone, recipe: str = "standin", *, damaged: bool = False) -> tuple[int, str, dict[str, Any]]:
    """Boot; the exit status, what was printed, and smoke.json. damaged: the image as it lies there, not made again."""
    result = clone.doit("run", *(["-s"] if damaged else []), "smoke", f"recipe={recipe}")
    assert "Traceback" not in result.stdout, result.stdout
    report = clone.out("smoke/smoke.json", recipe)
    return result.returncode, result.stdout, json.loads(report.read_bytes()) if report.exists() else {}


def failure(clone: Clone, recipe: str, firmware: str = "bios", *, damaged: bool = False) -> str:
    """Boot what must fail; the reason that is given, after everything that reports it was looked at."""
    status, output, report = smoke(clone, recipe, damaged=damaged)
    assert status == 1, output
    (reason,) = [boot["failure"] for boot in report["boots"] if boot["scenario"] == firmware]
    assert reason and f"{firmware}: {reason.splitlines()[0]}" in output
    assert "does not boot as it should" in output and "milestones in" not in output
    suites = {suite.get("name"): suite for suite in ElementTree.parse(clone.out("smoke/junit.xml", recipe)).getroot()}
    assert suites[firmware].get("failures") == "1"
    assert clone.out(f"smoke/{firmware}/serial.log", recipe).exists()
    return str(reason)


def extent(image: Path, path: str) -> tuple[int, int]:
    """Where a file's bytes are on an image: offset and size."""
    found = subprocess.run(
        ["xorriso", "-indev", image, "-find", path, "-exec", "report_lba"],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ).stdout  # fmt: skip
    match = re.search(r"File data lba: +0 , +(\d+) , +\d+ , +(\d+) ,", found)
    assert match, found
    return int(match[1]) * 2048, int(match[2])


def zero(image: Path, offset: int, size: int) -> None:
    with image.open("r+b") as stream:
        stream.seek(offset)
        stream.write(bytes(size))


def test_the_standin_boots_by_bios_and_uefi(built: Clone) -> None:
    status, output, report = smoke(built)
    assert status == 0, output
    assert report["image"]["sha256"] == json.loads(built.out("dom0.json").read_bytes())["sha256"]
    assert [(boot["scenario"], boot["failure"]) for boot in report["boots"]] == [("bios", ""), ("uefi", "")]
    for boot in report["boots"]:
        assert [item["name"] for item in boot["reached"]] == boot["expected"]
        seconds = [item["seconds"] for item in boot["reached"]]
        assert seconds == sorted(seconds) and seconds[-1] <= boot["seconds"]
        folder = built.out(f"smoke/{boot['scenario']}")
        log = (folder / "serial.log").read_text()
        order = [log.index(word) for word in (
            "GNU GRUB", "Loading Xen", "Xen version 4.17", "glassmaster stand-in kernel (XEN3_DOM0)",
            "console=xencons", "standin: memory: 256 MiB", "standin: powering off",
        )]  # fmt: skip
        assert order == sorted(order)
        for picture in ("screen-01.png", "screen-03.png"):
            assert (folder / picture).read_bytes().startswith(b"\x89PNG")
        assert "qemu-system-x86_64" in (folder / "command.txt").read_text()
        assert json.loads((folder / "timeline.json").read_bytes()) == boot["reached"]
        assert f"{boot['scenario']}: all {len(boot['expected'])} milestones" in output
    suites = ElementTree.parse(built.out("smoke/junit.xml")).getroot()
    assert [(suite.get("failures"), suite.get("skipped")) for suite in suites] == [("0", "0"), ("0", "0")]
    # The image did not change, so there is nothing to boot; what was seen is shown all the same.
    again = built.doit("smoke")
    assert again.returncode == 0 and ".  smoke" not in again.stdout and "uefi: all" in again.stdout


@pytest.mark.slow
def test_other_machines(built: Clone) -> None:
    """Sticks and disks by BIOS and by UEFI, and machines that have hard disks of their own."""
    (built.path / "full.img").write_bytes(bytes(1 << 20))
    built.recipe(
        "many",
        """\
boot: {others: {usb: sd0a}}
smoke:
  firmware: []
  scenarios:
    - {name: usb, medium: usb, milestones: [{name: its root, pattern: 'command line: root=sd0a console=xencons'}]}
    - {name: usb-uefi, medium: usb, firmware: uefi}
    - {name: disk, medium: disk}
    - {name: disk-uefi, medium: disk, firmware: uefi}
    - {name: two-disks, disks: [full.img, empty]}
    - name: answered
      power_off: no
      milestones: [{name: dom0, pattern: 'standin: role: dom0', answer: hello}]
""",
    )
    status, output, report = smoke(built, "many")
    assert status == 0, output
    assert [boot["scenario"] for boot in report["boots"]] == [
        "usb", "usb-uefi", "disk", "disk-uefi", "two-disks", "answered",
    ]  # fmt: skip
    assert (built.path / "full.img").read_bytes() == bytes(1 << 20)
    (built.path / "full.img").unlink()
    missing = built.doit("smoke", "recipe=many")
    assert missing.returncode and "full.img" in missing.stdout and "Traceback" not in missing.stdout


@pytest.mark.slow
def test_a_stick_whose_partition_table_is_damaged(built: Clone) -> None:
    """UEFI could start it as a CD all the same; on a real stick it would not."""
    built.recipe("stick", "smoke: {firmware: [], seconds: 20, scenarios: [{name: usb, medium: usb, firmware: uefi}]}\n")
    assert built.doit("iso", "recipe=stick").returncode == 0
    zero(built.out("dom0.iso", "stick"), 446, 64)
    assert "GRUB's menu" in failure(built, "stick", "usb", damaged=True)


@pytest.mark.slow
def test_other_memory_and_arguments_are_seen(built: Clone) -> None:
    """Nothing of what the kernel prints is canned."""
    arguments = "answer=42 name=two;words $x (a|b) {c} #d &"
    name = built.recipe(
        "changed",
        f"""\
kernel: {{arguments: "{arguments}"}}
xen: {{arguments: "dom0_mem=192M,max:192M"}}
boot: {{root: wd7e}}
smoke:
  firmware: [bios]
  milestones:
    - name: the exact command line
      pattern: '^standin: command line: {re.escape(f"root=wd7e console=xencons {arguments}")}$'
    - {{name: the exact memory, pattern: '^standin: memory: 192 MiB \\(49152 pages\\)$'}}
    - {{name: the exact limit, pattern: '^standin: maximum reservation: 192 MiB'}}
""",
    )
    status, output, _ = smoke(built, name)
    assert status == 0, output
    log = built.out("smoke/bios/serial.log", name).read_text()
    assert "standin: memory: 192 MiB" in log and "256 MiB" not in log


@pytest.mark.slow
def test_a_kernel_of_zeros(built: Clone) -> None:
    built.recipe("bios", BIOS_ONLY)
    assert built.doit("iso", "recipe=bios").returncode == 0
    image = built.out("dom0.iso", "bios")
    zero(image, *extent(image, "/netbsd"))
    reason = failure(built, "bios", damaged=True)
    assert reason.startswith("the console shows: ") and "anic on CPU" in reason
    report = json.loads(built.out("smoke/smoke.json", "bios").read_bytes())
    # What was booted is what is named: not the image that was once built.
    assert report["image"]["sha256"] != json.loads(built.out("dom0.json", "bios").read_bytes())["sha256"]
    assert report["boots"][0]["reached"][-1]["name"] == "Xen"


@pytest.mark.slow
def test_a_hypervisor_of_zeros(built: Clone) -> None:
    built.recipe("bios", BIOS_ONLY)
    assert built.doit("iso", "recipe=bios").returncode == 0
    image = built.out("dom0.iso", "bios")
    zero(image, *extent(image, "/boot/xen.gz"))
    assert failure(built, "bios", damaged=True).startswith("the console shows: error: ")


@pytest.mark.slow
def test_a_panic(built: Clone) -> None:
    built.recipe("panic", "kernel: {arguments: standin.panic}\n" + BIOS_ONLY)
    assert failure(built, "panic") == "the console shows: panic: asked for by standin.panic"


@pytest.mark.slow
def test_a_core_image_of_zeros(built: Clone) -> None:
    built.recipe("bios", "smoke: {firmware: [bios], seconds: 8}\n")
    assert built.doit("iso", "recipe=bios").returncode == 0
    image = built.out("dom0.iso", "bios")
    with image.open("rb") as stream:
        stream.seek(0x1B0)
        block = int.from_bytes(stream.read(8), "little") // 4 - 1
    zero(image, block * 2048, 20_000)
    assert "GRUB's menu" in failure(built, "bios", damaged=True)


@pytest.mark.slow
def test_a_machine_that_does_not_power_off(built: Clone) -> None:
    built.recipe(
        "hold",
        """\
kernel: {arguments: standin.hold}
smoke:
  firmware: [bios]
  seconds: 30
  milestones: [{name: holding, pattern: 'standin: holding'}]
""",
    )
    assert failure(built, "hold") == "not reached within 30 s: power off"


@pytest.mark.slow
def test_a_milestone_that_never_comes(built: Clone) -> None:
    text = "{firmware: [uefi], milestones: [{name: a login, pattern: '^login:'}]}"
    built.recipe("never", f"smoke: {text}\n")
    assert failure(built, "never", "uefi") == "the machine ended (power off) before: a login"


@pytest.mark.slow
def test_milestones_in_another_order(built: Clone) -> None:
    items = "[{name: later, pattern: 'standin: memory'}, {name: earlier, pattern: 'standin: role'}]"
    built.recipe("order", f"smoke: {{firmware: [bios], milestones: {items}}}\n")
    assert failure(built, "order") == "the machine ended (power off) before: earlier"


@pytest.mark.slow
def test_without_power_off_the_last_milestone_is_the_end(built: Clone) -> None:
    text = "{firmware: [bios], power_off: no, milestones: [{name: dom0, pattern: 'standin: role: dom0'}]}"
    built.recipe("early", f"kernel: {{arguments: standin.hold}}\nsmoke: {text}\n")
    status, output, _ = smoke(built, "early")
    assert status == 0, output


@pytest.mark.slow
def test_too_little_memory_for_xen(built: Clone) -> None:
    built.recipe("small", "smoke: {firmware: [bios], memory: 128}\n")
    assert failure(built, "small")


@pytest.mark.slow
def test_an_image_that_is_cut_off(built: Clone) -> None:
    built.recipe("cut", "smoke: {firmware: [bios], seconds: 60}\n")
    assert built.doit("iso", "recipe=cut").returncode == 0
    image = built.out("dom0.iso", "cut")
    offset, size = extent(image, "/netbsd")
    with image.open("r+b") as stream:
        stream.truncate(offset + size // 2 // 2048 * 2048)
    assert failure(built, "cut", damaged=True)


@pytest.mark.slow
def test_a_scenario_takes_up_the_disks_that_another_one_left(built: Clone) -> None:
    """The stand-in's kernel writes nothing to a disk; what is handed on is a copy all the same, and stays."""
    (built.path / "full.img").write_bytes(b"a configuration".ljust(1 << 20, b"\0"))
    built.recipe(
        "handed",
        """\
smoke:
  firmware: []
  scenarios:
    - {name: first, disks: [full.img, empty]}
    - {name: second, disks: ['left:first:2', 'left:first']}
    - {name: third, disks: ['left:second:2']}
""",
    )
    status, output, _ = smoke(built, "handed")
    assert status == 0, output
    for disk in ("first/disk-1.img", "second/disk-2.img"):
        assert built.out(f"smoke/{disk}", "handed").read_bytes() == (built.path / "full.img").read_bytes()
    empty = built.out("smoke/first/disk-2.img", "handed").stat()
    assert (empty.st_size, empty.st_blocks) == (512 << 20, 0)
    assert not list(built.out("smoke/third", "handed").glob("disk-*"))
    assert "cache=unsafe" in built.out("smoke/second/command.txt", "handed").read_text()
    assert "snapshot=on" in built.out("smoke/third/command.txt", "handed").read_text()
    assert not list((built.path / "build/handed").glob(".smoke-*"))
    assert built.doit("clean", "smoke", "recipe=handed").returncode == 0
    assert not built.out("smoke", "handed").exists()
