"""A host in QEMU: its command line, and the network around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from glassmaster.config.machine import DEFAULT, Interactive, Network, interactive_command, lets_root_in, network_of
from glassmaster.config.tree import Server, read_config_tree
from tests.config.conftest import HOST, Example

RC = f"{HOST}/etc/rc.conf"


def test_the_command_line() -> None:
    network = Network("192.0.2.0/24", "192.0.2.1", "192.0.2.254")
    machine = Interactive(Path("o/dom0.iso"), Path("o/a,b.img"), 1024, "qemu64,-svm", "q35", network, 2222)
    assert interactive_command(machine).argv == (
        "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-machine", "q35", "-accel", "tcg,thread=multi",
        "-cpu", "qemu64,-svm", "-smp", "2", "-m", "1024",
        "-drive", "if=none,id=cd,media=cdrom,format=raw,readonly=on,file=o/dom0.iso",
        "-device", "ide-cd,drive=cd,bootindex=0",
        "-drive", "if=none,id=disk0,format=raw,file=o/a,,b.img", "-device", "ide-hd,drive=disk0,bus=ide.1",
        "-netdev", "user,id=net0,net=192.0.2.0/24,host=192.0.2.254,hostfwd=tcp:127.0.0.1:2222-192.0.2.1:22",
        "-device", "e1000,netdev=net0", "-vga", "std", "-display", "none",
        "-chardev", "stdio,id=serial0,mux=on,signal=off", "-serial", "chardev:serial0",
        "-mon", "chardev=serial0,mode=readline", "-no-reboot",
    )  # fmt: skip


def test_another_machine_and_network() -> None:
    argv = interactive_command(Interactive(Path("c"), Path("d"), 512, "kvm64", "pc", DEFAULT, 22)).argv
    assert "ide-hd,drive=disk0,bus=ide.0,unit=1" in argv
    assert "user,id=net0,net=10.0.2.0/24,hostfwd=tcp:127.0.0.1:22-10.0.2.15:22" in argv


@pytest.mark.parametrize(
    ("interface", "wanted"),
    [
        ("inet 192.0.2.1 netmask 255.255.255.0", Network("192.0.2.0/24", "192.0.2.1", "192.0.2.254")),
        ("inet 192.0.2.1 netmask 255.255.255.128", Network("192.0.2.0/25", "192.0.2.1")),
        ("inet 192.0.2.1 netmask 0xffffff00", Network("192.0.2.0/24", "192.0.2.1", "192.0.2.254")),
        ("inet 192.0.2.1 netmask 0xFFFFFFF0", Network("192.0.2.0/28", "192.0.2.1")),
        ("inet 192.0.2.1 netmask 0xff00ff00", DEFAULT),
        ("inet 192.0.2.1/28", Network("192.0.2.0/28", "192.0.2.1")),
        ("inet 192.0.2.1", Network("192.0.2.0/24", "192.0.2.1", "192.0.2.254")),
        ("dhcp", DEFAULT),
        ("inet 192.0.2.300", DEFAULT),
        ("inet 192.0.2.1 netmask x", DEFAULT),
    ],
)
def test_the_network_of_a_host(example: Example, interface: str, wanted: Network) -> None:
    example.change(RC, "inet 192.0.2.1 netmask 255.255.255.0", interface)
    assert network_of(read_config_tree(example.root).hosts["dom0.example.org"]) == wanted


def test_whether_a_key_lets_root_in(example: Example) -> None:
    def host() -> Server:
        return read_config_tree(example.root).hosts["dom0.example.org"]

    assert not lets_root_in(host())
    example.add(f"{HOST}/accounts/ssh/root/authorized_keys", "  # no\n\nssh-rsa AAAA root\n")
    assert lets_root_in(host())
    (example.root / HOST / "accounts/ssh/root/authorized_keys").unlink()
    assert not lets_root_in(host())
