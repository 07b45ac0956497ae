"""ssh to a real release with config-new's tree: root gets in by a key of the configuration, nobody by a password."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from glassmaster.checks.smoke.qemu import Machine
from glassmaster.config.disk import Wanted, write_host_disk
from glassmaster.config.layout import write_example
from glassmaster.config.machine import network_of
from glassmaster.config.tree import read_config_tree
from glassmaster.fleet.collect import REPORT
from glassmaster.fleet.line import read_line
from glassmaster.images.grub import HOTKEYS
from tests.real.conftest import Real
from tests.real.guests import SECONDS, guest
from tests.real.scenarios import HASH, HOST
from tests.real.targets import free_port

# All else is as config-new writes it, also the network: 192.0.2.1 at wm0, which QEMU's e1000 is.
HOST_YAML = """\
memory: 960
dom0_memory: 512
disk: {name: wd0, config: 16, swap: 64, var: 64}
"""
# For OpenSSH 6.1, of 6.99.16, which signs with SHA-1 only; a newer one offers more, and that is taken.
OF_OLD = ("HostKeyAlgorithms=+ssh-rsa", "PubkeyAcceptedAlgorithms=+ssh-rsa",
          "KexAlgorithms=+diffie-hellman-group14-sha1")  # fmt: skip


def make_key(folder: Path, name: str) -> Path:
    """A key for this test alone. OpenSSH before 6.5 has no ed25519."""
    key = folder / name
    words = ("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-C", name, "-f", str(key))
    subprocess.run(words, check=True, timeout=60)
    return key


def make_tree(folder: Path, key: Path) -> Path:
    """config-new's tree, a host that runs no virtual machine, with a key for root, and a password of no use."""
    write_example(folder)
    host = folder / "pservers" / HOST
    (host / "host.yaml").write_text(HOST_YAML)
    shutil.rmtree(host / "domUs")
    (host / "accounts/master.passwd").write_text(f"root:{HASH}:0:0::0:0:Charlie &:/root:/bin/sh\n")
    (host / "accounts/ssh/root/authorized_keys").write_text(key.with_suffix(".pub").read_text())
    return folder


def ssh_command(port: int, known: Path, *options: str) -> list[str]:
    """ssh to the machine, with nothing of this user's own; ends with the name of the machine."""
    settings = (
        "BatchMode=yes", "StrictHostKeyChecking=no", f"UserKnownHostsFile={known}", "GlobalKnownHostsFile=/dev/null",
        "IdentitiesOnly=yes", "IdentityAgent=none", "ConnectTimeout=120", *OF_OLD, *options,
    )  # fmt: skip
    words = [word for setting in settings for word in ("-o", setting)]
    return ["ssh", "-F", "none", "-n", "-p", str(port), *words, "root@127.0.0.1"]


def test_the_command_line() -> None:
    words = ssh_command(2222, Path("/k"), "PreferredAuthentications=password")
    assert words[:5] == ["ssh", "-F", "none", "-n", "-p"]
    assert words[-3:] == ["-o", "PreferredAuthentications=password", "root@127.0.0.1"]
    assert "UserKnownHostsFile=/k" in words


def test_the_tree_is_right_and_in_qemus_network(tmp_path: Path) -> None:
    """Without a real release: what the machine below gets can be made."""
    tree = read_config_tree(make_tree(tmp_path / "tree", make_key(tmp_path, "root")))
    write_host_disk(tree, HOST, Wanted(".glassmaster-config", 1_700_000_000, None), tmp_path / "disk.img")
    assert network_of(tree.host(HOST)).address == "192.0.2.1"


@pytest.fixture(scope="session")
def disc(real: Real) -> Real:
    """The dom0's disc as the recipe has it, without virtual machines."""
    path = real.recipe.with_name("ssh.yaml")
    text = {
        "extends": real.recipe.name, "domus": {}, "overlays": ["machine", "dom0"],
        "smoke": {"scenarios": [], "milestones": []},
    }  # fmt: skip
    path.write_text(json.dumps(text))
    made = dataclasses.replace(real, recipe=path)
    print(made.doit("iso"))
    return made


def test_root_logs_in_by_a_key_and_by_nothing_else(disc: Real, tmp_path: Path) -> None:
    right, wrong = make_key(tmp_path, "right"), make_key(tmp_path, "wrong")
    tree = read_config_tree(make_tree(tmp_path / "tree", right))
    disk, known, port = tmp_path / "disk.img", tmp_path / "known_hosts", free_port()
    write_host_disk(tree, HOST, Wanted(".glassmaster-config", 1_700_000_000, None), disk)
    smoke, around = disc.loaded.recipe.smoke, network_of(tree.host(HOST))
    network = f"net={around.net},host={around.router},hostfwd=tcp:127.0.0.1:{port}-{around.address}:22"
    plan = Machine(
        disc.out("dom0.iso"), "bios", smoke.memory, smoke.cpu, model=smoke.machine, disks=(disk,), writes=True
    )

    def ssh(*options: str, command: str = "/usr/sbin/glassmaster-release") -> subprocess.CompletedProcess[str]:
        words = [*ssh_command(port, known, *options), command]
        seconds = int(os.environ.get(SECONDS, "900"))
        return subprocess.run(words, capture_output=True, text=True, timeout=seconds, check=False)

    with guest("ssh", plan, tmp_path / "machine", HOTKEYS["serial"], network) as made:
        try:
            made.stage("config", "status=ok dev=/dev/wd0a")
            made.stage("etc", "status=ok union=/config/local/etc")
            # sshd has made its host keys and listens by then.
            made.wait(r"login: *$")
            got = ssh(f"IdentityFile={right}")
            assert got.returncode == 0, f"{got.stderr}\n{made.tail()}"
            assert "recipe=ssh" in got.stdout.splitlines()
            assert "config_local=" in got.stdout
            # As `doit fleet` asks it.
            told = read_line(ssh(f"IdentityFile={right}", command=REPORT).stdout, "the machine")
            print(told)
            assert (told.host, told.recipe) == (HOST, "ssh")
            for options in (
                (f"IdentityFile={wrong}",),
                ("PubkeyAuthentication=no", "PreferredAuthentications=keyboard-interactive,password"),
            ):
                refused = ssh(*options)
                assert refused.returncode == 255, refused.stdout
                # What it would take is in the brackets: keys alone.
                assert "Permission denied (publickey)." in refused.stderr
        finally:
            print("\n".join(made.stages()))
