""".mtree: our reader against the servers'."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from glassmaster.config.modes import attributes, secrets
from glassmaster.config.tree import read_config_tree
from tests.config.conftest import HOST, Example

READER = Path(__file__).parents[2] / "overlays/machine/libexec/glassmaster/modes.sh"
LINES = [
    "./etc/rc.conf mode=0640", "./etc/rc.conf mode=640 uid=1 gid=2", "  ./etc/rc.conf\tmode=0640\t",
    "./etc//rc.conf mode=600", "././etc/rc.conf mode=600", "./etc type=dir", "./etc/", "./etc/rc.conf", "# x", "",
    "#x mode=9", "./etc/resolv.conf", "./etc/none mode=0600", "etc/rc.conf mode=0600", "/etc/rc.conf", "./../x",
    "./etc/../etc/rc.conf", "./etc/..", "..", "./etc/rc*", "./etc/rc\\056conf", "./etc/rc.conf mode=0800",
    "./etc/rc.conf mode=64", "./etc/rc.conf mode=06400", "./etc/rc.conf mode=", "./etc/rc.conf mode",
    "./etc/rc.conf uname=a:b", "./etc/rc.conf uname=$(id)", "./etc/rc.conf x=1",
    "./etc/rc.conf uname=root gname=wheel mode=0600", "./etc/rc.conf type=", "./etc/rc.conf link=/x",
    "/set mode=0600", "./etc/rc.conf mode=0600 mode=0644", "./etc/rc.conf =1", "./etc/rc.conf uname=a=b",
    "./etc/rc.conf #x",
]  # fmt: skip


def by_sh(tree: Path) -> list[str]:
    run = subprocess.run(
        ["dash", "-c", '. "$1"; gm_mtree "$2" check', "sh", READER, tree], capture_output=True, text=True, timeout=60,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert run.stderr == ""
    return run.stdout.splitlines()


def test_both_readers_find_the_same_mistakes(example: Example) -> None:
    example.write(f"{HOST}/.mtree", "".join(f"{line}\n" for line in LINES))
    server = read_config_tree(example.root).hosts["dom0.example.org"]
    ours = [re.sub(r"^.*/(?=\.mtree:)", "", item.where) + f": {item.what}" for item in attributes(server)[1]]
    assert ours == by_sh(example.root / HOST)
    assert len(ours) > 15


def test_the_rule(example: Example) -> None:
    example.write(f"{HOST}/.mtree", "")
    example.write(f"{HOST}/etc/ssh/ssh_host_rsa_key", "x")
    example.write(f"{HOST}/etc/ssh/ssh_host_rsa_key.pub", "x")
    example.write(f"{HOST}/etc/rc.d/mine", "true\n")
    (example.root / HOST / "etc/rc.d/mine").chmod(0o700)
    found, mistakes = attributes(read_config_tree(example.root).hosts["dom0.example.org"])
    assert not mistakes
    wanted = {"accounts": 0o700, "etc": 0o755, "etc/rc.d/mine": 0o755, "etc/rc.conf": 0o644}
    wanted |= {"etc/ssh/ssh_host_rsa_key": 0o600, "etc/ssh/ssh_host_rsa_key.pub": 0o644}
    assert {path: found[path].mode for path in wanted} == wanted
    assert (found["accounts/master.passwd"].mode, found["accounts/ssh"].mode) == (0o600, 0o755)


@pytest.mark.parametrize(
    ("path", "text", "is_secret"),
    [
        ("etc/www.key", "", True),
        ("etc/ssh/ssh_host_ed25519_key", "", True),
        ("etc/ssh/ssh_host_ed25519_key.pub", "", False),
        ("etc/x", "-----BEGIN OPENSSH PRIVATE KEY-----\n", True),
        ("etc/x", "-----BEGIN CERTIFICATE-----\n", False),
        ("etc/x", "# a file\n-----BEGIN PRIVATE KEY-----\n", True),
        ("etc/ipsec.conf", "", True),
        ("etc/ntp.conf", "key", False),
    ],
)
def test_secrets(example: Example, path: str, text: str, is_secret: bool) -> None:
    example.write(f"{HOST}/{path}", text)
    found = set(secrets(read_config_tree(example.root).hosts["dom0.example.org"]))
    assert (path in found) == is_secret


def test_both_read_a_last_line_without_its_end(example: Example) -> None:
    """Its mode may be a secret's."""
    example.write(f"{HOST}/.mtree", "./etc/rc.conf mode=0600\n./none mode=0600")
    server = read_config_tree(example.root).hosts["dom0.example.org"]
    (said,) = by_sh(example.root / HOST)
    assert said.startswith(".mtree:2: ./none: ") and len(attributes(server)[1]) == 1
