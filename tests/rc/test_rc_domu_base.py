"""A virtual machine comes up with the same chain as a server: its configuration is on xbd1."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rc.sandbox import SHELLS, Sandbox
from tests.rc.test_rc_boot import LOOK, looked_into

# What disklabel says of a disk without a label: one partition over the whole of it, called FFS by the kernel.
BARE = [
    "# /dev/rxbd1d:",
    "type: ESDI",
    "total sectors: 131072",
    "4 partitions:",
    "#        size    offset     fstype [fsize bsize cpg/sgs]",
    " a:    131072         0     4.2BSD      0     0     0  # (Cyl.      0 -     63)",
    " d:    131072         0     unused      0     0        # (Cyl.      0 -     63)",
]
SWAP = [*BARE[:5], " b:    131008        64       swap                     # (Cyl.      0*-     63)", BARE[-1]]


@pytest.fixture(params=SHELLS)
def domu(request: pytest.FixtureRequest, tmp_path: Path) -> Sandbox:
    """The virtual machine `web`, started from an FFS image."""
    made = Sandbox(tmp_path / "root", request.param, ("machine", "domu-base"), "web")
    made.write("mounts", "root_device on / type ffs (read-only, local)\n")
    made.answer(
        "sysctl",
        'case $2 in kern.root_device) echo xbd0 ;; kern.root_partition) echo 0 ;; *) cat "/answers/$2" ;; esac',
    )
    nodes = 'for letter in a b d e; do : >"$1$letter"; : >"r$1$letter"; done'
    made.write("dev/MAKEDEV", f'echo "MAKEDEV $*" >>/calls; {nodes}\n')
    disks(made, xbd0=BARE, xbd1=BARE)
    return made


def disks(domu: Sandbox, **labels: list[str]) -> None:
    domu.disks(**labels)
    domu.answer("hw.disknames", " ".join(labels) + "\n")
    for name in labels:
        for letter in "abde":
            domu.write(f"dev/{name}{letter}", "")
            domu.write(f"dev/r{name}{letter}", "")


def test_a_virtual_machine_finds_its_configuration_on_its_second_disk(domu: Sandbox) -> None:
    domu.config("xbd1a")
    domu.write("disks/xbd1a/local/etc/rc.conf", ". /etc/defaults/rc.conf\nhostname=web1\n")
    done = domu.boot()
    assert done.status == 0, done.output
    assert done.stages() == [
        "start status=ok recipe=test release=0123456789ab root=/dev/xbd0a",
        "config status=ok dev=/dev/xbd1a",
        "hidden status=ok",
        "accounts status=ok",
        "etc status=ok union=/config/local/etc",
        "fstab status=ok root=/dev/xbd0a",
        "var status=ok from=memory",
        "tmp status=ok from=memory",
        "mounts status=ok at=rc",
    ]
    # The root is not looked into.
    assert domu.calls("mount", "umount", "fsck_ffs")[1:5] == [
        *looked_into("xbd1a"),
        "fsck_ffs -p /dev/rxbd1a",
        "mount -t ffs -o noatime /dev/xbd1a /config",
    ]
    assert domu.text("etc/fstab").splitlines()[1] == "/dev/xbd0a / ffs ro 0 0"
    assert domu.calls("rc.netbsd", "MAKEDEV") == ["rc.netbsd autoboot"]
    settings = domu.run("/bin/sh", "-c", ". /etc/rc.conf; echo $hostname $ntpd $cron; cat /etc/glassmaster/release")
    assert settings.output.splitlines()[0] == "web1 NO NO"
    assert "domu=web" in settings.output


def test_its_name_is_the_images_until_a_configuration_says_another(domu: Sandbox) -> None:
    domu.config("xbd1a")
    assert domu.boot().status == 0
    assert domu.run("/bin/sh", "-c", ". /etc/rc.conf; echo $hostname").output == "web\n"


def test_a_labelled_disk_is_looked_into_partition_by_partition(domu: Sandbox) -> None:
    labelled = [*BARE, " e:      1024      1024     4.2BSD   1024  8192    16"]
    disks(domu, xbd0=BARE, xbd1=labelled)
    domu.write("disks/xbd1a/other", "")
    domu.config("xbd1e")
    assert "config status=ok dev=/dev/xbd1e" in domu.boot().stages()
    assert domu.calls("mount", "umount")[1:5] == looked_into("xbd1a", "xbd1e")


def test_without_a_configuration_there_is_a_shell(domu: Sandbox) -> None:
    done = domu.boot(stdin="echo typed; kill -9 $PPID\n")
    assert done.stages()[-1] == "config status=none disks=xbd0,xbd1 looked=xbd1a marker=.glassmaster-config"
    assert "glassmaster: no partition holds the file .glassmaster-config" in done.output
    assert done.output.splitlines()[-1] == "typed"
    assert domu.calls("mount")[1:] == [LOOK.format("xbd1a")]
    assert domu.calls("rc.netbsd") == []


def test_nodes_of_a_fifth_disk_are_made(domu: Sandbox) -> None:
    disks(domu, xbd0=BARE, xbd4=BARE)
    domu.run("/bin/sh", "-c", "rm /dev/*xbd4*")
    domu.config("xbd4a")
    assert "config status=ok dev=/dev/xbd4a" in domu.boot().stages()
    assert domu.calls("MAKEDEV") == ["MAKEDEV xbd4"]


def test_a_labelled_swap_disk_is_used(domu: Sandbox) -> None:
    disks(domu, xbd0=BARE, xbd1=BARE, xbd2=SWAP)
    domu.config("xbd1a")
    assert "swap status=ok dev=/dev/xbd2b" in domu.boot().stages()
    assert domu.text("etc/fstab").splitlines()[2] == "/dev/xbd2b none swap sw 0 0"
    assert "disklabel -R -r xbd2 /memory/swap.label" not in domu.calls()


def test_an_empty_swap_disk_is_labelled(domu: Sandbox) -> None:
    disks(domu, xbd0=BARE, xbd1=BARE, xbd2=BARE)
    domu.config("xbd1a")
    domu.write("dev/rxbd2d", "\0" * 131072)
    domu.answer("disklabel", 'case $1 in -R) ;; *) cat "/answers/label.$1" ;; esac')
    assert "swap status=ok dev=/dev/xbd2b" in domu.boot().stages()
    assert "disklabel -R -r xbd2 /memory/swap.label" in domu.calls()
    assert domu.text("memory/swap.label").splitlines() == [
        *BARE[:3],
        "4 partitions:",
        " b: 131008 64 swap",
        " d: 131072 0 unused 0 0",
    ]
    assert domu.text("etc/fstab").splitlines()[2] == "/dev/xbd2b none swap sw 0 0"


ON_IT = "it has no swap partition b, and there is something on it"


@pytest.mark.parametrize(
    ("content", "answer", "why"),
    [
        ("\0" * 8192 + "superblock" + "\0" * 131072, "", ON_IT),
        ("\0" * 1000, "", ON_IT),
        (None, "", ON_IT),
        ("\0" * 131072, "case $* in xbd2) echo '4 partitions:' ;; *) cat /answers/label.$1 ;; esac",
         "disklabel does not say how large it is"),
        ("\0" * 131072, "case $1 in -R) exit 1 ;; *) cat /answers/label.$1 ;; esac", "it could not be labelled"),
    ],
    ids=["a file system", "too short", "unreadable", "no size", "no label"],
)  # fmt: skip
def test_a_disk_with_anything_on_it_is_not_swapped_to(
    domu: Sandbox, content: str | None, answer: str, why: str
) -> None:
    disks(domu, xbd0=BARE, xbd1=BARE, xbd2=BARE)
    domu.config("xbd1a")
    if content is not None:
        domu.write("dev/rxbd2d", content)
    if answer:
        domu.answer("disklabel", answer)
    done = domu.boot()
    assert f'swap status=refused disk=xbd2 why="{why}"' in done.stages()
    assert "swap" not in domu.text("etc/fstab")
    assert domu.calls("rc.netbsd") == ["rc.netbsd autoboot"]


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        ("glassmaster_swap=/dev/xbd3b", "/dev/xbd3b none swap sw 0 0"),
        ("glassmaster_swap_disk=", "kernfs /kern kernfs rw 0 0"),
    ],
)  # fmt: skip
def test_the_configuration_says_otherwise(domu: Sandbox, setting: str, line: str) -> None:
    disks(domu, xbd0=BARE, xbd1=BARE, xbd2=SWAP)
    domu.config("xbd1a")
    domu.write("disks/xbd1a/local/etc/rc.conf", f". /etc/defaults/rc.conf\n{setting}\n")
    domu.boot()
    assert domu.text("etc/fstab").splitlines()[2] == line


def test_a_virtual_machine_has_nothing_of_a_server(domu: Sandbox) -> None:
    assert not (domu.root / "usr/sbin/glassmaster-domu").exists()
    domu.config("xbd1a")
    domu.boot()
    domu.write("disks/xbd1a/local/etc/rc.conf", "if\n")
    done = domu.run("/usr/sbin/glassmaster-update", "check")
    assert done.status == 1 and done.output.startswith("local/etc/rc.conf: not sh: ")
    domu.write("disks/xbd1a/local/etc/rc.conf", ". /etc/defaults/rc.conf\nhostname=web\n")
    assert domu.run("/usr/sbin/glassmaster-update", "check").output == "glassmaster: no mistakes\n"


def test_xl_shutdown_ends_it_in_order(domu: Sandbox) -> None:
    """It presses the power button, which only powerd makes a shutdown with rc.d's stop scripts."""
    assert domu.run("/bin/sh", "-c", ". /etc/defaults/rc.conf; echo powerd=$powerd").output.endswith("powerd=YES\n")
