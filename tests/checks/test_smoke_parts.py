"""The smoke test's parts, without a machine: QEMU's command line, QMP, the reports, what is waited for."""

from __future__ import annotations

import dataclasses
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from glassmaster.checks.smoke import qemu
from glassmaster.checks.smoke.boot import Boot, Plan, boot
from glassmaster.checks.smoke.console import Expected, Reached
from glassmaster.checks.smoke.qemu import Machine, Monitor, machine_command
from glassmaster.checks.smoke.report import junit, write_reports
from glassmaster.checks.smoke.stick import without_el_torito
from glassmaster.commands.smoke import milestones, smoke
from glassmaster.errors import GlassmasterError
from glassmaster.recipe.load import load

STANDIN = Path(__file__).parents[2] / "recipes" / "standin.yaml"
GOOD = Boot(
    "bios", "", (Reached("GRUB", 1.0, "GNU GRUB"), Reached("Xen", 2.5, "Xen version")), ("GRUB", "Xen"), 3.0, ("x",)
)
BAD = dataclasses.replace(
    GOOD, scenario="uefi", failure="panic \x1b\ufffe <&>", reached=GOOD.reached[:1], last_lines=("a\0", "b")
)
LATE = dataclasses.replace(BAD, reached=GOOD.reached, failure="expected power off, saw reset")
QEMU = (
    "qemu-system-x86_64 -nodefaults -no-user-config -machine q35 -accel tcg,thread=multi -cpu qemu64,-svm -smp 2 "
    "-m 1024 {}"
    "-drive if=none,id=cd,media=cdrom,format=raw,readonly=on,file=/o/a,,b.iso "
    "-device ide-cd,drive=cd,bus=ide.0,bootindex=0 -vga std -display none -nic none "
    "-chardev stdio,id=serial0,signal=off -serial chardev:serial0 "
    "-chardev socket,id=qmp0,server=on,wait=off,path=/w/qmp -mon chardev=qmp0,mode=control "
    "-action reboot=shutdown,shutdown=pause,panic=pause"
)
PFLASH = (
    "-drive if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd "
    "-drive if=pflash,format=raw,unit=1,file=/w/vars "
)


@pytest.mark.parametrize(("firmware", "drives"), [("bios", ""), ("uefi", PFLASH)])
def test_qemus_command_line(firmware: qemu.Firmware, drives: str) -> None:
    machine = Machine(Path("/o/a,b.iso"), firmware, 1024, "qemu64,-svm")
    command = machine_command(machine, Path("/w/qmp"), Path("/w/vars"))
    assert " ".join(command.argv) == QEMU.format(drives)


def test_a_machine_whose_time_goes_by_instructions() -> None:
    machine = Machine(Path("/o/a,b.iso"), "bios", 1024, "qemu64,-svm", counted=True)
    command = machine_command(machine, Path("/w/qmp"), Path("/w/vars"))
    counted = "-accel tcg,thread=single -icount shift=2,sleep=off -cpu qemu64,-svm -smp 1 "
    assert " ".join(command.argv) == QEMU.format("").replace(
        "-accel tcg,thread=multi -cpu qemu64,-svm -smp 2 ", counted
    )


CD = (
    "-drive if=none,id=cd,media=cdrom,format=raw,readonly=on,file=/o/a,,b.iso "
    "-device ide-cd,drive=cd,bus=ide.0,bootindex=0 "
)
STICK = "-drive if=none,id=stick,format=raw,snapshot=on,file=/o/a,,b.iso "
USB = f"-device usb-ehci,id=usb {STICK}-device usb-storage,bus=usb.0,drive=stick,removable=on,bootindex=0 "


@pytest.mark.parametrize(
    ("model", "medium", "drives", "places"),
    [
        ("q35", "cd", CD, ["bus=ide.1", "bus=ide.2"]),
        ("q35", "usb", USB, ["bus=ide.0", "bus=ide.1"]),
        ("q35", "disk", f"{STICK}-device ide-hd,drive=stick,bus=ide.0,bootindex=0 ", ["bus=ide.1", "bus=ide.2"]),
        ("pc", "cd", CD.replace("ide.0", "ide.1,unit=0"), ["bus=ide.0,unit=0", "bus=ide.0,unit=1", "bus=ide.1,unit=1"]),
        ("pc", "usb", USB, ["bus=ide.0,unit=0", "bus=ide.0,unit=1"]),
        (
            "pc", "disk", f"{STICK}-device ide-hd,drive=stick,bus=ide.0,unit=0,bootindex=0 ",
            ["bus=ide.0,unit=1", "bus=ide.1,unit=0"],
        ),
    ],
)  # fmt: skip
def test_media_and_disks(model: qemu.Model, medium: qemu.Medium, drives: str, places: list[str]) -> None:
    disks = tuple(Path(f"/d/{n}") for n in range(len(places)))
    machine = Machine(Path("/o/a,b.iso"), "bios", 1024, "qemu64,-svm", model, medium, disks)
    more = "".join(
        f"-drive if=none,id=disk{n},format=raw,snapshot=on,file=/d/{n} -device ide-hd,drive=disk{n},{place} "
        for n, place in enumerate(places)
    )
    command = machine_command(machine, Path("/w/qmp"), Path("/w/vars"))
    assert " ".join(command.argv) == QEMU.format("").replace("q35", model).replace(CD, drives + more)


def test_more_disks_than_there_is_room_for() -> None:
    machine = Machine(Path("x"), "bios", 64, "qemu64", "pc", "cd", (Path("d"),) * 4)
    with pytest.raises(GlassmasterError, match="room for 3 hard disks, not 4"):
        machine_command(machine, Path("q"), Path("v"))


def test_an_image_without_what_a_cd_has(tmp_path: Path) -> None:
    image = bytearray(18 * 2048)
    image[17 * 2048 : 17 * 2048 + 30] = b"\0CD001\x01EL TORITO SPECIFICATION"
    (tmp_path / "x.iso").write_bytes(image)
    without_el_torito(tmp_path / "x.iso", tmp_path / "stick")
    image[17 * 2048 + 7 : 17 * 2048 + 30] = bytes(23)
    assert (tmp_path / "stick").read_bytes() == image
    with pytest.raises(GlassmasterError, match="no El Torito boot record"):
        without_el_torito(tmp_path / "stick", tmp_path / "again")


def test_milestones_with_and_without_xen() -> None:
    recipe = load(STANDIN).recipe
    assert [item.name for item in milestones(recipe, recipe.smoke.milestones)][:4] == [
        "GRUB's menu",
        "serial-console entry",
        "Xen",
        "stand-in kernel",
    ]
    bare = milestones(dataclasses.replace(recipe, xen=None), recipe.smoke.milestones)
    assert [item.name for item in bare][:3] == ["GRUB's menu", "serial-console entry", "stand-in kernel"]
    assert bare[1].pattern == "Loading the kernel"


def test_nothing_to_boot_is_no_success() -> None:
    loaded = load(STANDIN)
    recipe = dataclasses.replace(loaded.recipe, smoke=dataclasses.replace(loaded.recipe.smoke, firmware=()))
    with pytest.raises(GlassmasterError, match=r"smoke\.firmware"):
        smoke(dataclasses.replace(loaded, recipe=recipe))


def test_junit_counts() -> None:
    root = ElementTree.fromstring(junit([GOOD, BAD, LATE], "out/x.iso"))
    counts = [{key: suite.get(key) for key in ("name", "tests", "failures", "skipped")} for suite in root]
    assert counts == [
        {"name": "bios", "tests": "3", "failures": "0", "skipped": "0"},
        {"name": "uefi", "tests": "3", "failures": "1", "skipped": "1"},
        {"name": "uefi", "tests": "3", "failures": "1", "skipped": "0"},
    ]
    for suite in root:
        assert len(suite) == int(suite.get("tests", "0"))
        assert len(suite.findall("testcase/failure")) == int(suite.get("failures", "0"))
        assert len(suite.findall("testcase/skipped")) == int(suite.get("skipped", "0"))
    assert [case.get("time") for case in root[0]] == ["1.00", "1.50", None]
    failure = root[1].find("testcase[@name='Xen']/failure")
    assert failure is not None and failure.get("message") == "panic \ufffd\ufffd <&>" and failure.text == "a\ufffd\nb"
    assert root[2].find("testcase[@name='ended well']/failure") is not None


def test_reports(tmp_path: Path) -> None:
    write_reports([GOOD, BAD], {"path": "out/x.iso", "sha256": "00"}, tmp_path)
    document = json.loads((tmp_path / "smoke.json").read_bytes())
    assert document["image"] == {"path": "out/x.iso", "sha256": "00"}
    assert [item["failure"] for item in document["boots"]] == [GOOD.failure, BAD.failure]
    assert ElementTree.parse(tmp_path / "junit.xml").getroot().tag == "testsuites"


Answer = Callable[[dict[str, Any]], list[bytes]]


@pytest.fixture
def fake_qmp(tmp_path: Path) -> Callable[[Answer], Path]:
    """A QMP server for one connection: greets, then sends for each request what a function makes of it."""

    def start(answer: Answer) -> Path:
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(tmp_path / "qmp"))
        server.listen()

        def serve() -> None:
            with server, server.accept()[0] as connection, connection.makefile("rb") as requests:
                connection.sendall(b'{"QMP": {"version": {}}}\r\n')
                for line in requests:
                    for piece in answer(json.loads(line)):
                        connection.sendall(piece)
                    if b"quit" in line:
                        return

        threading.Thread(target=serve, daemon=True).start()
        return tmp_path / "qmp"

    return start


def done(request: dict[str, Any]) -> bytes:
    return json.dumps({"return": {}, "id": request["id"]}).encode() + b"\r\n"


def test_monitor(fake_qmp: Callable[[Answer], Path]) -> None:
    requests = []

    def answer(request: dict[str, Any]) -> list[bytes]:
        requests.append((request["execute"], request["arguments"]))
        if request["execute"] == "wrong":
            return [
                json.dumps({"error": {"class": "X", "desc": "no such thing"}, "id": request["id"]}).encode() + b"\n"
            ]
        # An event first, the answer in two pieces, an event after it that is for messages().
        whole = b'{"event": "RESUME"}\n' + done(request)
        return [whole[:25], whole[25:], b'{"event": "SHUTDOWN", "data": {"reason": "guest-shutdown"}}\n']

    monitor = Monitor(fake_qmp(answer))
    monitor.call("screendump", filename="x", format="png")
    with pytest.raises(GlassmasterError, match="wrong failed") as error:
        monitor.call("wrong")
    assert error.value.why == "no such thing"
    monitor.close()
    assert requests == [("qmp_capabilities", {}), ("screendump", {"filename": "x", "format": "png"}), ("wrong", {})]


def test_monitor_of_a_machine_that_goes_away(fake_qmp: Callable[[Answer], Path]) -> None:
    monitor = Monitor(fake_qmp(lambda request: [] if request["execute"] == "quit" else [done(request)]))
    with pytest.raises(ConnectionError):
        monitor.call("quit")
    monitor.close()


def test_monitor_of_a_machine_that_says_nothing(
    fake_qmp: Callable[[Answer], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qemu, "ANSWER_SECONDS", 0.05)
    with pytest.raises(TimeoutError):
        Monitor(fake_qmp(lambda request: []))


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    (tmp_path / "x.iso").write_bytes(bytes(1 << 16))
    return Plan(
        "bios", Machine(tmp_path / "x.iso", "bios", 32, "qemu64"), (Expected("never", "never"),), "s", False, 2.0
    )


def fake_qemu(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    (folder / "qemu-system-x86_64").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "qemu-system-x86_64").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_qemus_own_error_is_shown(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_qemu(tmp_path, monkeypatch, 'echo "qemu: no such processor" >&2; exit 1')
    result = boot(plan, tmp_path / "smoke")
    assert result.failure == "QEMU did not start; QEMU said: qemu: no such processor"
    assert (tmp_path / "smoke" / "serial.log").exists()
    assert "no such processor" in (tmp_path / "smoke" / "qemu.log").read_text()


def test_real_qemu_refuses_a_processor(plan: Plan, tmp_path: Path) -> None:
    machine = dataclasses.replace(plan.machine, cpu="no-such-cpu")
    result = boot(dataclasses.replace(plan, machine=machine), tmp_path / "smoke")
    assert result.failure.startswith("QEMU did not start; QEMU said:")
    assert "no-such-cpu" in result.failure


def test_a_disk_is_changed_only_where_that_is_wanted(plan: Plan) -> None:
    machine = dataclasses.replace(plan.machine, disks=(Path("a.img"),))
    command = qemu.machine_command(machine, Path("qmp"), Path("variables")).line()
    assert "id=disk0,format=raw,snapshot=on,file=a.img" in command
    command = qemu.machine_command(dataclasses.replace(machine, writes=True), Path("qmp"), Path("variables")).line()
    assert "id=disk0,format=raw,cache=unsafe,file=a.img" in command


def test_without_qemu(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GlassmasterError, match="not installed"):
        boot(plan, tmp_path / "smoke")


def test_without_ovmf(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qemu, "OVMF_VARIABLES", tmp_path / "none")
    machine = dataclasses.replace(plan.machine, firmware="uefi")
    with pytest.raises(GlassmasterError, match="none is missing") as error:
        boot(dataclasses.replace(plan, machine=machine), tmp_path / "smoke")
    assert "ovmf" in error.value.why
