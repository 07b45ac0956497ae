"""glassmaster-prepare: an empty disk becomes a machine's, and a disk that is not empty stays as it is."""

from __future__ import annotations

import hashlib

import pytest

from tests.rc.sandbox import Sandbox

SECTORS = 40 * 2048  # the sandbox's disk is a sparse file
HEAD = ["# /dev/rwd0d:", "bytes/sector: 512", f"total sectors: {SECTORS}", "", "4 partitions:", " d: 81920 0 unused"]
SMALL = ["-n", "alpha", "-c", "4", "-s", "2"]
# A partition gets its file system: a directory of the sandbox.
NEWFS = 'mkdir -p "/disks/${1#/dev/r}"'


def empty_disk(sandbox: Sandbox) -> None:
    """A first disk with nothing on it."""
    sandbox.disks(wd0=HEAD)
    sandbox.answer("disklabel", 'case $1 in -R) cp "$4" /label ;; *) cat "/answers/label.$1" ;; esac')
    sandbox.answer("newfs", NEWFS)
    disk = sandbox.write("dev/rwd0d", "")
    with disk.open("r+b") as stream:
        stream.truncate(SECTORS * 512)


@pytest.fixture
def machine(sandbox: Sandbox) -> Sandbox:
    empty_disk(sandbox)
    return sandbox


def prepare(machine: Sandbox, *words: str) -> list[str]:
    return machine.run("/usr/sbin/glassmaster-prepare", *words).stages()


def untouched(machine: Sandbox) -> bool:
    return not machine.calls("fdisk", "newfs", "svn", "ftp") and not (machine.root / "label").exists()


def test_an_empty_disk_becomes_the_machine_s(machine: Sandbox) -> None:
    stages = prepare(machine, *SMALL, "-v", "8", "-d", "web:3:1", "-d", "repo:2:1", "wd0")
    assert stages == [
        "prepare status=ok dev=/dev/wd0f for=web",
        "prepare status=ok dev=/dev/wd0h for=repo",
        "prepare status=ok dev=/dev/wd0a for=alpha",
    ]
    calls = machine.calls("fdisk", "disklabel", "newfs", "mount", "umount")
    filled = [(f"mount -t ffs /dev/wd0{letter} /memory/first", "umount /memory/first") for letter in "fha"]
    assert calls[calls.index(f"fdisk -f -i -u -a -0 -s 169/2048/{SECTORS - 2048} wd0") + 1 :] == [
        "disklabel -R -r wd0 /memory/label",
        *[f"newfs /dev/rwd0{letter}" for letter in "aefh"],
        *[call for pair in filled for call in pair],
    ]
    assert machine.text("label").splitlines() == [
        *HEAD[:4],
        "16 partitions:",
        " a: 8192 2048 4.2BSD 0 0 0",
        " b: 4096 10240 swap",
        " e: 16384 14336 4.2BSD 0 0 0",
        " f: 6144 30720 4.2BSD 0 0 0",
        " g: 2048 36864 swap",
        " h: 4096 38912 4.2BSD 0 0 0",
        " i: 2048 43008 swap",
        f" c: {SECTORS - 2048} 2048 unused 0 0",
        f" d: {SECTORS} 0 unused 0 0",
    ]
    assert "hostname=alpha\nglassmaster_swap=/dev/wd0b\nglassmaster_var=/dev/wd0e\n" in machine.text(
        "disks/wd0a/local/etc/rc.conf"
    )
    assert machine.text("disks/wd0f/local/etc/rc.conf").endswith("hostname=web\n")
    assert all((machine.root / f"disks/wd0{letter}/.glassmaster-config").exists() for letter in "afh")
    assert not (machine.root / "disks/wd0e/.glassmaster-config").exists()


def test_swap_of_virtual_machines_begins_with_zeros_whatever_was_there(machine: Sandbox) -> None:
    old = "an old file system" * 10000
    for letter in "bgi":
        machine.write(f"dev/rwd0{letter}", old)
    machine.instead("dd", 'case $* in *of=*) set -- "$@" conv=notrunc ;; esac; exec busybox dd "$@"')
    stages = prepare(machine, *SMALL, "-v", "8", "-d", "web:3:1", "-d", "repo:2:1", "wd0", "wd0")
    assert stages[-1] == "prepare status=ok dev=/dev/wd0a for=alpha"
    assert [machine.text(f"dev/rwd0{letter}")[:131072].strip("\0") for letter in "gi"] == ["", ""]
    assert machine.text("dev/rwd0g")[131072:] == old[131072:]
    assert machine.text("dev/rwd0b") == old  # the label has it as swap already


def test_swap_that_cannot_be_cleared_is_said(machine: Sandbox) -> None:
    machine.instead("dd", 'case $* in *of=*) exit 1 ;; esac; exec busybox dd "$@"')
    why = "/dev/rwd0f could not be cleared"
    assert prepare(machine, *SMALL, "-d", "web:3:1", "wd0") == [f'prepare status=refused why="{why}"']


@pytest.mark.parametrize("size", [0, 1024, SECTORS * 512 - 512])
def test_a_disk_that_cannot_be_read_to_its_end_is_not_empty(machine: Sandbox, size: int) -> None:
    with (machine.root / "dev/rwd0d").open("r+b") as stream:
        stream.truncate(size)
    (stage,) = prepare(machine, *SMALL, "wd0")
    assert stage.startswith("prepare status=refused ") and untouched(machine)


@pytest.mark.parametrize("at", [0, 16 * 1048576 - 1, SECTORS * 512 - 1])
def test_a_disk_with_anything_on_it_is_refused_unless_named_twice(machine: Sandbox, at: int) -> None:
    with (machine.root / "dev/rwd0d").open("r+b") as stream:
        stream.seek(at)
        stream.write(b"x")
    refused = 'prepare status=refused why="there is something on wd0; name it twice and all of it is lost"'
    assert prepare(machine, *SMALL, "wd0") == [refused]
    assert prepare(machine, *SMALL, "wd0", "wd1") == [refused]
    assert untouched(machine)
    assert prepare(machine, *SMALL, "wd0", "wd0") == ["prepare status=ok dev=/dev/wd0a for=alpha"]


def test_a_disk_in_use_is_refused_even_when_named_twice(machine: Sandbox) -> None:
    machine.answer("swapctl", "echo /dev/wd0b 1 2 3")
    assert prepare(machine, *SMALL, "wd0", "wd0") == ['prepare status=refused why="wd0 is used for swap"']
    machine.write("mounts", "/dev/wd0e on /var type ffs (local)\n")
    assert prepare(machine, *SMALL, "wd0", "wd0") == ['prepare status=refused why="a partition of wd0 is mounted"']
    assert untouched(machine)


WEDGES = """echo '/dev/rwd0d: 2 wedges:
dk3: a, 64 blocks at 64, type: ffs
dk14: b, 64 blocks at 128, type: swap'"""
USED: dict[str, tuple[dict[str, str], dict[str, str], str]] = {
    "the root, a stick": (
        {"sysctl": 'case $2 in kern.root_device) echo wd0 ;; *) cat "/answers/$2" ;; esac'},
        {},
        "the root is on wd0",
    ),
    "a wedge, mounted": ({}, {"mounts": "/dev/dk3 on /data type ffs (local)\n"}, "a partition of wd0 is mounted"),
    "a wedge, swap": ({"swapctl": "echo /dev/dk14 1 2 3"}, {}, "wd0 is used for swap"),
    "a part of a RAID": (
        {"hw.disknames": "cd0 wd0 raid1\n", "raidctl": "echo '  /dev/wd0e: optimal'"},
        {},
        "wd0 is a part of raid1",
    ),
    "a virtual machine": (
        {"xl": '[ "$*" = "list web" ]'},
        {"memory/domUs/web.xl": 'disk = [ "phy:/dev/wd0g,xvdb,w" ]\n'},
        "the virtual machine web uses wd0",
    ),
}


@pytest.mark.parametrize("name", USED)
def test_a_disk_in_use_is_refused_whatever_uses_it(machine: Sandbox, name: str) -> None:
    answers, files, why = USED[name]
    machine.answer("dkctl", WEDGES)
    for program, text in answers.items():
        machine.answer(program, text)
    for path, text in files.items():
        machine.write(path, text)
    assert prepare(machine, *SMALL, "wd0", "wd0") == [f'prepare status=refused why="{why}"'] and untouched(machine)


def test_what_others_use_does_not_matter(machine: Sandbox) -> None:
    machine.answer("dkctl", WEDGES)
    machine.answer("hw.disknames", "cd0 wd0 raid0\n")
    machine.answer("raidctl", "echo '/dev/wd1e: optimal'; echo /dev/wd01e")
    machine.answer("swapctl", "echo /dev/dk1 1 2 3; echo /dev/dk31 1 2 3; echo /dev/wd0z; echo /dev/wd10b")
    machine.answer("xl", '[ "$*" = "list web" ]')
    machine.write("memory/domUs/web.xl", 'disk = [ "phy:/dev/wd1g,xvdb,w" ]\n')
    machine.write("memory/domUs/stopped.xl", 'disk = [ "phy:/dev/wd0g,xvdb,w" ]\n')
    assert prepare(machine, *SMALL, "wd0") == ["prepare status=ok dev=/dev/wd0a for=alpha"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["wd0"], "-n HOST must be given: letters, digits, dots and hyphens"),
        (["-n", "a b", "wd0"], "-n HOST must be given: letters, digits, dots and hyphens"),
        (["-n", "a", "-c", "1G", "wd0"], "1G is no size in MiB"),
        (["-n", "a", "sd0"], "there is no disk sd0"),
        (["-n", "a", "-c", "64", "wd0"], "the disk has 40 MiB, partition a would end after them"),
        ([*SMALL, "-d", "web:3", "wd0"], "-d web:3: must be NAME:CONFIG:SWAP, in MiB"),
        ([*SMALL, "-d", "We:3:1", "wd0"], "-d We:3:1: not a name for a virtual machine"),
        ([*SMALL, *[word for n in range(7) for word in ("-d", f"v{n}:1:1")], "wd0"],
         "there are no more letters for partitions"),
        ([*SMALL, "-N", "a.example", "-r", "http://a", "wd0"], "-N a.example: must be the address of a name server"),
        ([*SMALL, "-N", "192.0.2.53", "wd0"], "-N is for -r and -t"),
        ([*SMALL, "-r", "http://a", "-t", "http://b", "wd0"], "-r and -t: one of them"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_before_anything_is_written(machine: Sandbox, words: list[str], why: str) -> None:
    quoted = f'"{why}"' if " " in why else why
    assert prepare(machine, *words) == [f"prepare status=refused why={quoted}"]
    assert untouched(machine)


def test_the_first_configuration_from_subversion(machine: Sandbox) -> None:
    machine.answer("svn", 'mkdir -p "$4/etc/ssh" "$4/.svn" && echo "$3" >"$4/from" && >"$4/etc/ssh/ssh_host_rsa_key"')
    url = "https://svn.example.org/conf"
    assert prepare(machine, *SMALL, "-d", "web:3:1", "-r", f"{url}/", "wd0")[-1].startswith("prepare status=ok")
    assert machine.text("disks/wd0a/local/from") == f"{url}/pservers/alpha\n"
    assert machine.text("disks/wd0a/global/from") == f"{url}/global\n"
    assert machine.text("disks/wd0e/local/from") == f"{url}/vservers/web\n"
    local = machine.root / "disks/wd0a/local"
    modes = {
        name: (local / name).stat().st_mode & 0o777 for name in ("etc", "from", ".svn", "etc/ssh/ssh_host_rsa_key")
    }
    assert modes == {"etc": 0o755, "from": 0o644, ".svn": 0o700, "etc/ssh/ssh_host_rsa_key": 0o600}


def test_a_configuration_that_cannot_be_fetched_leaves_no_marker(machine: Sandbox) -> None:
    machine.answer("svn", "exit 1")
    refused = 'prepare status=refused why="the first configuration of alpha could not be made"'
    assert prepare(machine, *SMALL, "-r", "https://svn.example.org/conf", "wd0") == [refused]
    assert not (machine.root / "disks/wd0a/.glassmaster-config").exists()
    assert "/memory/first" not in machine.text("mounts")


def test_the_first_configuration_from_a_tar_with_its_digest(machine: Sandbox) -> None:
    machine.answer("ftp", 'echo archive >"$2"')
    machine.answer("tar", 'mkdir -p "$4/local/etc" "$4/global" && echo from the tar >"$4/global/hosts"')
    url = "http://www.example.org/conf"
    digest = hashlib.sha256(b"archive\n").hexdigest()
    assert prepare(machine, *SMALL, "-t", url, "-x", "0" * 64, "wd0")[-1].startswith("prepare status=refused")
    assert machine.calls("tar") == []
    assert not (machine.root / "memory/first.tar").exists()
    assert prepare(machine, *SMALL, "-t", url, "-x", digest, "wd0", "wd0")[-1].startswith("prepare status=ok")
    assert not (machine.root / "memory/first.tar").exists()
    assert machine.calls("ftp")[-1] == f"ftp -o /memory/first.tar {url}/alpha.tar"
    assert machine.text("disks/wd0a/global/hosts") == "from the tar\n"


@pytest.mark.parametrize(("ftp", "tar"), [('echo part >"$2"; exit 1', ""), ('echo archive >"$2"', "exit 1")])
def test_a_tar_that_came_in_part_or_cannot_be_read_goes_away(machine: Sandbox, ftp: str, tar: str) -> None:
    machine.answer("ftp", ftp)
    machine.answer("tar", tar)
    assert prepare(machine, *SMALL, "-t", "http://www.example.org/conf", "wd0")[-1].startswith("prepare status=refused")
    assert not (machine.root / "memory/first.tar").exists()


# As on the shell of a machine without a configuration: the root is a disc, and only /memory can be written.
READ_ONLY_HOME = 'case $* in */.glassmaster) [ "${1#/disc}" = "$1" ] || exit 1 ;; esac; exec busybox mkdir "$@"'


def test_names_are_found_from_a_shell_without_a_configuration(machine: Sandbox) -> None:
    look = 'cat /etc/resolv.conf; echo "$HOME $TMPDIR"; [ -d "$HOME" ] && [ -d "$TMPDIR" ] && ls /etc/rc'
    machine.answer("svn", f'{{ {look}; }} >>/seen 2>&1; mkdir -p "$4"')
    machine.instead("mkdir", READ_ONLY_HOME)
    words = ("/usr/sbin/glassmaster-prepare", *SMALL, "-N", "192.0.2.53", "-r", "https://svn.example.org/conf", "wd0")
    done = machine.run(*words, env={"HOME": "/disc"})
    assert done.stages() == ["prepare status=ok dev=/dev/wd0a for=alpha"], done.output
    seen = ["nameserver 192.0.2.53", "/memory/home /memory/tmp", "/etc/rc"]
    assert machine.text("seen").splitlines() == seen * 2
    # /etc is the disc's again, for what the start makes of it.
    assert machine.calls("mount", "umount")[0] == "mount -t tmpfs -o -s32M tmpfs /etc"
    assert machine.calls("mount", "umount")[-1] == "umount /etc"
    assert not (machine.root / "etc/resolv.conf").exists() and (machine.root / "etc/rc").exists()


def test_a_home_that_can_be_written_stays(machine: Sandbox) -> None:
    machine.answer("svn", 'echo "$HOME" >>/seen; mkdir -p "$4"')
    words = ("/usr/sbin/glassmaster-prepare", *SMALL, "-r", "https://svn.example.org/conf", "wd0")
    assert machine.run(*words, env={"HOME": "/root"}).status == 0
    assert set(machine.text("seen").split()) == {"/root"} and list((machine.root / "root").iterdir()) == []


def test_a_machine_with_a_configuration_has_its_own_name_server(machine: Sandbox) -> None:
    machine.write("mounts", "<above>:/config/local/etc on /etc type union (local)\n")
    (stage,) = prepare(machine, *SMALL, "-N", "192.0.2.53", "-r", "http://a", "wd0")
    assert "this machine has a configuration; write /etc/resolv.conf" in stage and untouched(machine)


def test_the_options_are_printed(machine: Sandbox) -> None:
    for words in ((), ("-n", "alpha")):
        done = machine.run("/usr/sbin/glassmaster-prepare", *words)
        lines = done.output.splitlines()
        assert done.status == 1 and lines[0].startswith("glassmaster-prepare [options] DISK"), done.output
        assert lines[3].startswith("  -n HOST") and lines[-1].startswith("  -N ADDRESS") and untouched(machine)
