"""Every check of config-check, with a tree in which it fails."""

from __future__ import annotations

import os
import subprocess

import pytest

from glassmaster.config.check_hidden import record
from glassmaster.config.tree import read_config_tree
from glassmaster.config.view import Release
from glassmaster.errors import GlassmasterError
from glassmaster.tree.mtree import Listed
from glassmaster.tree.path import ancestors
from tests.config.conftest import GUEST, HOST, Example
from tests.rc.rc_configured import RC_CONFS

DOMU = f"{HOST}/domUs/web/domu.conf"
RC = f"{HOST}/etc/rc.conf"
YAML = f"{HOST}/host.yaml"


def listed(path: str, kind: str = "file", sha256: str = "0" * 64) -> Listed:
    return Listed(path, kind, 0o644, 0, 0, 0, 0, sha256 if kind == "file" else "", "", "", "set:base", ())  # type: ignore[arg-type]


def release(*paths: str) -> Release:
    """A CD with these files and the directories above them; etc is always there."""
    folders = {above for path in (*paths, "etc/x") for above in ancestors(path)}
    return with_items(Release("standin", {}), *(listed(path, "dir") for path in folders), *map(listed, paths))


def with_items(cd: Release, *items: Listed) -> Release:
    return Release(cd.name, {**cd.entries, **{item.path: item for item in items}})


WHOLE = ("images/base.img", "netbsd-XEN3_DOMU")


def test_the_example_has_no_remarks(example: Example) -> None:
    assert example.said() == []
    assert example.said(release(*WHOLE)) == []


UNKNOWN = "warning: this cannot be judged without running it"
NO_FILE = "there is no such file or directory"

# What is written to a file (or "old" -> "new" in it), and all that is then said.
SPOILT = {
    "domu.conf": (
        DOMU, "memory = 256", "memory = lots",
        [f"{DOMU}:2: error: memory: must be a number from 1 to 1048576"],
    ),
    "domu.conf without a root": (DOMU, "root   =", "#", [f"{DOMU}: error: root is missing"]),
    "domu.conf, mac": (
        DOMU, "00:16:3e:00:00:01", "01:16:3e:00:00:01",
        [f"{DOMU}:3: error: mac: must be six pairs of lower-case hexadecimal digits, not multicast"],
    ),
    "memory, at the start": (
        YAML, "memory: 2048", "memory: 700",
        [f"{YAML}: error: memory: dom0 and what starts by itself take 768 MiB, the host has 700"],
    ),
    "host.yaml, a key": (YAML, "dom0_memory", "dom0_memry", [f"{YAML}:3: error: dom0_memry: there is no such setting"]),
    "host.yaml, a value": (
        YAML, "config: 128", "config: much",
        [f"{YAML}:6: error: disk.config: 'much' cannot be used (expected a whole number, 1 or more)"],
    ),
    "host.yaml, a name": (
        YAML, "web:", "web.example:",
        [f"{YAML}:10: error: disk.domus.web.example: not a name for a virtual machine"],
    ),
    "host.yaml, YAML": (YAML, "memory: 2048", "memory: [", None),
    "partition of another use": (
        DOMU, "swap   = /dev/wd0g", "swap   = /dev/wd0e",
        [
            f"{DOMU}:7: error: swap: /dev/wd0e is the host's var already ({RC}:12)",
            f"{DOMU}:7: error: swap: host.yaml makes /dev/wd0e for the host's var",
            f"{YAML}: warning: /dev/wd0g is made for web's swap, and nothing uses it",
        ],
    ),
    "partition that is not made": (
        DOMU, "swap   = /dev/wd0g", "swap   = /dev/wd0h",
        [
            f"{DOMU}:7: error: swap: host.yaml makes no /dev/wd0h",
            f"{YAML}: warning: /dev/wd0g is made for web's swap, and nothing uses it",
        ],
    ),
    "rc.conf, a word of its own": (RC, "sshd=YES", "echo x", [f"{RC}:8: {UNKNOWN}"]),
    "rc.conf, a command": (
        RC, "sshd=YES", "sshd=`id`", [f"{RC}:8: {UNKNOWN}"]
    ),
    "rc.conf, blanks": (RC, "sshd=YES", "sshd = YES", [f"{RC}:8: error: sshd: blanks beside the = are not allowed"]),
    "rc.conf, twice": (
        RC, "sshd=YES", "hostname=x", [f"{RC}:8: warning: hostname: given again, the first is in line 5"]
    ),
    "rc.conf, no end": (
        RC, "sshd=YES", 'sshd="YES',
        [f"{RC}:8: {UNKNOWN}", f"{RC}:13: error: not sh: Syntax error: Unterminated quoted string"],
    ),
    "fstab, too short": (
        f"{GUEST}/etc/fstab", "", "/dev/wd1a /data\n",
        [f"{GUEST}/etc/fstab:1: error: fewer than four words"],
    ),
    "fstab, root": (
        f"{GUEST}/etc/fstab", "", "# x\n/dev/cd0a / cd9660 ro\n",
        [f"{GUEST}/etc/fstab:2: error: where / is, is found out at each start"],
    ),
    "whole accounts": (
        f"{GUEST}/etc/group", "", "wheel:*:0:root\n", [f"{GUEST}/etc/group: error: hides every account of the disc"]
    ),
    "an account": (
        f"{GUEST}/accounts/group", "", "wheel:*:0:\nwheel:*:0:\nx:1\n",
        [
            f"{GUEST}/accounts/group:2: error: wheel: given twice",
            f"{GUEST}/accounts/group:3: error: not an entry of 4 fields",
        ],
    ),
    "a script": (f"{HOST}/etc/rc.d/mine", "", "if true\n", None),
    "mtree, a path": (
        f"{HOST}/.mtree", "./accounts/ssh/root/authorized_keys ", "./accounts/ssh/root/keys ",
        [f"{HOST}/.mtree:4: error: ./accounts/ssh/root/keys: {NO_FILE}"],
    ),
    "mtree, an absolute path": (
        f"{HOST}/.mtree", "./accounts/ssh/root/authorized_keys ", "/etc/passwd ",
        [f"{HOST}/.mtree:4: error: /etc/passwd: must begin with ./"],
    ),
    "mtree, a way out": (
        f"{HOST}/.mtree", "./accounts/ssh/root/authorized_keys ", "./../x ",
        [f"{HOST}/.mtree:4: error: ./../x: not a plain path"],
    ),
    "mtree, a mode": (
        f"{HOST}/.mtree", "0600 uname=root gname=wheel\n./accounts/ssh/root ", "0800\n./accounts/ssh/root ",
        [f"{HOST}/.mtree:2: error: ./accounts/master.passwd: mode=0800 is not understood"],
    ),
    "mtree, a word": (
        f"{HOST}/.mtree", "mode=0700 uname", "mode=0700 flags=schg uname",
        [f"{HOST}/.mtree:3: error: ./accounts/ssh/root: flags=schg is not understood"],
    ),
    "secret that is open": (
        f"{HOST}/.mtree", "master.passwd  mode=0600", "master.passwd  mode=0644",
        [f"{HOST}/.mtree:2: error: accounts/master.passwd is a secret, and mode 0644 lets everybody at it"],
    ),
    "secret without a mode": (
        f"{GUEST}/etc/racoon/psk.txt", "", "192.0.2.3 secret\n",
        [f"{GUEST}/etc/racoon/psk.txt: error: a secret without a mode in .mtree"],
    ),
    "secret by what is in it": (
        "global/tls/server.pem", "", "-----BEGIN RSA PRIVATE KEY-----\n",
        ["global/tls/server.pem: error: a secret without a mode in .mtree"],
    ),
    "a name": (
        f"{HOST}/domUs/Web/domu.conf", "", "memory = 1\nroot = /i\n",
        [f"{HOST}/domUs/Web: error: Web: not a name for a virtual machine"],
    ),
    "no domu.conf": (
        f"{HOST}/domUs/db/README", "", "x",
        [f"{HOST}/domUs/db: warning: has no domu.conf: no virtual machine is started"],
    ),
    "nothing to fill it with": (
        f"{HOST}/domUs/db/domu.conf", "", "memory = 1\nroot = /i\nconfig = /dev/wd1a\n",
        [f"{HOST}/domUs/db/domu.conf:3: error: config: there is no vservers/db to fill it with"],
    ),
    "a mac again": (
        f"{HOST}/domUs/db/domu.conf", "", "memory = 1\nroot = /i\nmac = 00:16:3e:00:00:01\nbridge = bridge0\n",
        [f"{DOMU}:3: error: mac: 00:16:3e:00:00:01 is db's already ({HOST}/domUs/db/domu.conf:3)"],
    ),
    "memory, all together": (
        f"{HOST}/domUs/db/domu.conf", "", "memory = 2000\nroot = /i\nautostart = no\n",
        [f"{YAML}: warning: memory: dom0 and all virtual machines take 2,768 MiB, the host has 2,048"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_wrong_is_said(example: Example, name: str) -> None:
    path, old, new, wanted = SPOILT[name]
    if old:
        example.change(path, old, new)
    else:
        example.write(path, new)
    said = example.said()
    if wanted is None:  # the words are a shell's or a YAML reader's
        assert said and all(line.startswith(f"{path}:") and " error: " in line for line in said)
    else:
        assert said == wanted


def test_links(example: Example) -> None:
    (example.root / f"{HOST}/etc/a").symlink_to("/config/global/none")
    (example.root / f"{HOST}/etc/b").symlink_to("rc.conf")
    (example.root / f"{HOST}/etc/c").symlink_to("../usr/none")
    (example.root / f"{HOST}/etc/d").symlink_to("/dev/null")
    (example.root / f"{GUEST}/loop").symlink_to("loop")
    (example.root / "global/e").symlink_to("hosts")
    nothing = "leads to nothing: there is no"
    first = f"{HOST}/etc/a: error: the link to /config/global/none {nothing} /config/global/none"
    last = f"{GUEST}/loop: error: the link to loop {nothing} /config/local/loop"
    assert example.said() == [first, last]
    # Only a release can tell what is not on /config.
    of_cd = f"{HOST}/etc/c: error: the link to ../usr/none {nothing} /usr"
    assert example.said(release(*WHOLE)) == [first, of_cd, last]
    example.write("global/none", "")
    assert example.said() == [last]


def test_images_and_kernels(example: Example) -> None:
    assert example.said(release("images/other.img")) == [
        f"{DOMU}:5: error: root: /images/base.img: there is no /images/base.img",
        f"{DOMU}:8: error: kernel: /netbsd-XEN3_DOMU: there is no /netbsd-XEN3_DOMU",
    ]
    # Where glassmaster-rollout puts them is no part of the tree.
    example.change(DOMU, "/images/base.img", "/config/images/base.img")
    assert example.said() == []
    example.change(DOMU, "/config/images/base.img", "/config/roots/base.img")
    assert example.said() == [f"{DOMU}:5: error: root: /config/roots/base.img: there is no /config/roots"]
    example.add(RC, "glassmaster_images=/config/roots\n")
    assert example.said() == []
    # Below something that the host mounts: that cannot be known.
    example.change(DOMU, "/config/roots/base.img", "/data/images/base.img")
    disk = "/dev/wd0b none swap sw\n/dev/wd0e /var ffs rw 1 2\n"
    example.change(RC, "glassmaster_", "#")
    example.write(f"{HOST}/etc/fstab", f"{disk}/dev/wd1e /data ffs rw 1 2\n")
    assert example.said(release("netbsd-XEN3_DOMU")) == []


def test_the_same_machine_on_two_hosts(example: Example) -> None:
    other = "pservers/spare.example.org"
    for path in ("host.yaml", "etc/rc.conf", ".mtree", "accounts/master.passwd", "accounts/ssh/root/authorized_keys"):
        example.write(f"{other}/{path}", (example.root / HOST / path).read_bytes())
    example.write(f"{other}/domUs/web/domu.conf", (example.root / DOMU).read_bytes())
    twice = f"{other}/domUs/web/domu.conf:3: error: mac: web starts by itself here and on another host, with one mac"
    assert example.said() == [f"{twice} ({DOMU}:3)"]
    example.add(f"{other}/domUs/web/domu.conf", "autostart = no\n")
    assert example.said() == []


def test_a_partition_for_two(example: Example) -> None:
    for name in ("a", "b"):
        example.write(f"{HOST}/domUs/{name}/domu.conf", "memory = 1\nroot = /dev/wd1e\ndata = /dev/wd1f\n")
    where = f"{HOST}/domUs/b/domu.conf:3"
    assert example.said() == [f"{where}: error: data: /dev/wd1f is a's data already ({HOST}/domUs/a/domu.conf:3)"]


def test_a_fstab_is_taken_whole(example: Example) -> None:
    example.write(f"{HOST}/etc/fstab", "/dev/wd0b none swap sw\n/dev/wd0e /var ffs rw,noatime 1 2\n")
    assert example.said() == [
        f"{RC}:11: warning: glassmaster_swap means nothing: there is an etc/fstab",
        f"{RC}:12: warning: glassmaster_var means nothing: there is an etc/fstab",
    ]
    example.change(RC, "glassmaster_", "#")
    assert example.said() == []
    example.add(f"{HOST}/etc/fstab", "/dev/wd0e /data ffs rw 1 2\n")
    assert (
        f"{HOST}/etc/fstab:3: error: data: /dev/wd0e is the host's var already ({HOST}/etc/fstab:2)" in example.said()
    )


def test_too_many_partitions(example: Example) -> None:
    rooms = "".join(f"    x{number}: {{}}\n" for number in range(6))
    example.add(YAML, rooms)
    assert any("17 partitions are asked for" in line for line in example.said())


def test_what_hides_the_cd(example: Example) -> None:
    old = with_items(release(*WHOLE), listed("etc/rc.conf", sha256="1" * 64))
    new = with_items(old, listed("etc/rc.conf", sha256="2" * 64))
    assert example.said(old) == []  # seen for the first time, as a server does
    host = read_config_tree(example.root).hosts["dom0.example.org"]
    example.write(f"{HOST}/.hides", record(host, old))
    assert example.said(old) == []
    hides = "hides a file of the CD that is not the one it was made from (/etc/rc.conf of standin)"
    assert example.said(new) == [f"{RC}: warning: {hides}"]
    example.add(RC, "ntpd=YES\n")  # written anew: by somebody who knows this CD
    assert example.said(new) == []


def test_what_hides_a_directory_of_the_cd(example: Example) -> None:
    cd = release(*WHOLE, "etc/ssh")
    cd = with_items(cd, listed("etc/X11", "dir"))
    example.write(f"{HOST}/etc/X11", "x")
    example.write(f"{HOST}/etc/ssh/sshd_config", "x")
    assert example.said(cd) == [
        f"{HOST}/etc/X11: error: this file hides a directory of the CD",
        f"{HOST}/etc/ssh: error: this directory hides a file of the CD",
    ]


def test_a_record_that_is_none(example: Example) -> None:
    example.write(f"{HOST}/.hides", "x\n")
    cd = release(*WHOLE)
    assert example.said(cd) == [f"{HOST}/.hides:1: error: not of the form SHA256 SHA256 PATH"]


@pytest.mark.parametrize("text", RC_CONFS)
def test_a_rc_conf_that_would_end_the_start(example: Example, text: str) -> None:
    example.write(f"{GUEST}/etc/rc.conf", text)
    errors = [said.replace("error: ", "") for said in example.said() if ": error: " in said]
    assert errors == ([f"{GUEST}/etc/rc.conf{RC_CONFS[text]}"] if RC_CONFS[text] else [])


def test_a_last_line_without_an_end_counts(example: Example) -> None:
    example.add(f"{HOST}/.mtree", "./etc/rc.conf mode=0640")
    assert example.said() == []
    example.add(f"{HOST}/.mtree", "\n./etc/none mode=0640")
    assert len(example.said()) == 1


def test_without_host_yaml_and_rc_conf(example: Example) -> None:
    (example.root / YAML).unlink()
    (example.root / RC).unlink()
    assert example.said() == [
        f"{HOST}: warning: has no etc/rc.conf: the disc's own, with its host name, would be used",
        f"{HOST}: warning: has no host.yaml: memory and partitions cannot be checked",
    ]


def test_other_directories_are_refused(example: Example) -> None:
    with pytest.raises(GlassmasterError, match="not a configuration tree"):
        read_config_tree(example.root / "pservers")
    example.write("pservers/README", "x")
    with pytest.raises(GlassmasterError, match="not a directory"):
        read_config_tree(example.root)


def test_names_of_servers(example: Example) -> None:
    (example.root / "vservers/a b").mkdir()
    with pytest.raises(GlassmasterError, match="not a name for a server"):
        read_config_tree(example.root)


def test_a_disk_that_is_too_small(example: Example) -> None:
    example.change(YAML, "  name: wd0", "  name: wd0\n  size: 900")
    said = example.said()
    assert len(said) == 1 and said[0].startswith(f"{YAML}: error: ") and "the partitions take" in said[0]


def test_what_is_no_file(example: Example) -> None:
    (example.root / YAML).unlink()
    (example.root / YAML).symlink_to("/etc/passwd")
    assert f"{YAML}: error: not a file" in example.said()
    os.mkfifo(example.root / HOST / "fifo")
    with pytest.raises(GlassmasterError, match="neither a file, a directory nor a symbolic link"):
        read_config_tree(example.root)


@pytest.mark.parametrize("name", [b"a\xff", b"link"])
def test_names_that_are_no_text(example: Example, name: bytes) -> None:
    (example.root / "global" / os.fsdecode(name)).symlink_to(os.fsdecode(b"\xff"))
    with pytest.raises(GlassmasterError, match=r"not UTF-8|no plain text"):
        read_config_tree(example.root)


def test_many_levels(example: Example) -> None:
    here = os.open(example.root / "global", os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    try:
        assert example.said() == []
    finally:
        # pytest cannot: Python removes directories by recursion.
        subprocess.run(["rm", "-r", example.root / "global/d"], check=True)
