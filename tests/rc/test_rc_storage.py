"""The storage machine: a mirror of iSCSI targets, which one machine uses at a time."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.rc.sandbox import SHELLS, Finished, Sandbox

RAID = """START array
1 2 0
START disks
 target1
target2
START layout
128 1 1 1
START queue
fifo 100
"""
ONE, TWO = "10.0.0.1,iqn.2026-01.org.example:one", "10.0.0.2,iqn.2026-01.org.example:two"
# Target 10.0.0.N becomes the next disk when it is logged in to; those of /down cannot be reached.
ISCSICTL = """
case $1 in
add_target)
	echo "Added Target ${3##*.}, Portal ${3##*.} "
	;;
login)
	[ ! -e "/down/$3" ] || exit 1
	set -- $(cat /answers/hw.disknames)
	echo "$* sd$(($# - 1))" >/answers/hw.disknames
	echo "Created Session $(($# - 1)), Connection 1"
	;;
logout) sed -i 's/ sd[0-9]*$//' /answers/hw.disknames ;;
esac
"""
RAIDCTL = """
case $1 in
-s) echo Components:
	sed -n 's,^ *\\(/dev/[a-z]*[0-9][a-p]*\\)$,           \\1: optimal,p' /memory/storage/raid0.conf |
		sed 's,missing\\(.\\): optimal,missing\\1: failed,'
	echo "No spares." ;;
esac
"""
LOGOUT = [
    "iscsictl logout -I 1", "iscsictl remove_target -n iqn.2026-01.org.example:one",
    "iscsictl logout -I 2", "iscsictl remove_target -n iqn.2026-01.org.example:two",
]  # fmt: skip
OWNER = "store.4142434445464748"
INITIATOR = "iqn.1994-04.org.netbsd:iscsi.store:4142434445464748"
READ_IN = "for part in say disks memory storage lease; do . /libexec/glassmaster/$part.sh; done"


def record(owner: str, number: int) -> str:
    return f"glassmaster-storage {owner} {number}".ljust(511) + "\n"


@pytest.fixture(params=SHELLS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Sandbox:
    """The storage machine with two targets, empty but for the mirror's own label."""
    made = Sandbox(tmp_path / "root", request.param, ("machine", "domu-base", "storage"), "store")
    for name in ("iscsictl", "iscsid", "modload", "raidctl", "halt", "hostname"):
        shutil.copy(made.root / "sbin/ftp", made.root / "sbin" / name)
    for name in ("mountd", "nfsd"):
        made.write(f"etc/rc.d/{name}", f'#!/bin/sh\necho "{name} $*" >>/calls\n', mode=0o755)
    made.write("dev/MAKEDEV", 'echo "MAKEDEV $*" >>/calls\n')
    made.answer("iscsictl", ISCSICTL)
    made.answer("raidctl", RAIDCTL)
    made.answer("hostname", "echo store")
    made.answer("hw.disknames", "xbd0 xbd1\n")
    made.write("dev/urandom", "ABCDEFGH")
    made.write("dev/console", "")
    for disk in ("sd1", "sd2"):
        made.write(f"dev/r{disk}d", "\0" * 16384 + "RAIDframe label" + "\0" * 65536)
    made.write("etc/raid0.conf", RAID)
    made.write("etc/exports", "/storage -network 10.0.0.0\n")
    settings(made, f'glassmaster_storage_targets="{ONE} {TWO}"')
    made.write("disks/raid0d/data", "kept")
    (made.root / "storage").mkdir()
    made.write("libexec/glassmaster/storage-alive", '#!/bin/sh\necho "storage-alive $*" >>/calls\n', mode=0o755)
    return made


def settings(store: Sandbox, *lines: str) -> None:
    text = "".join(f"{line}\n" for line in (". /etc/defaults/rc.conf", *lines))
    store.write("config/local/etc/rc.conf", text)


def storage(store: Sandbox, *words: str) -> Finished:
    return store.run("/usr/sbin/glassmaster-storage", *words)


def on_target(store: Sandbox, disk: str) -> str:
    return (store.root / f"dev/r{disk}d").read_bytes()[8192:8704].decode().rstrip("\0")


def put(store: Sandbox, disk: str, text: str) -> None:
    path = store.root / f"dev/r{disk}d"
    data = path.read_bytes()
    path.write_bytes(data[:8192] + text.encode() + data[8704:])


def refused(why: str) -> str:
    return f'storage status=refused why="{why}"'


def test_a_mirror_that_nobody_uses_is_taken_mounted_and_served(store: Sandbox) -> None:
    done = storage(store, "start")
    assert (done.status, done.stages()) == (
        0,
        [
            f"target status=sd1 number=1 target={ONE}",
            f"target status=sd2 number=2 target={TWO}",
            f"storage status=ok good=2 of=2 owner={OWNER}",
        ],
    )
    calls = [call for call in store.calls() if not call.startswith(("sysctl", "storage-alive", "hostname"))]
    assert calls == [
        "MAKEDEV iscsi0",
        "iscsictl version",
        f"iscsictl set_node_name -n {INITIATOR}",
        "iscsictl add_target -a 10.0.0.1 -n iqn.2026-01.org.example:one",
        "iscsictl login -P 1",
        "iscsictl add_target -a 10.0.0.2 -n iqn.2026-01.org.example:two",
        "iscsictl login -P 2",
        "sleep 5",
        "MAKEDEV raid0",
        "raidctl -c /memory/storage/raid0.conf raid0",
        "raidctl -s raid0",
        "raidctl -P raid0",
        "fsck -t ffs -p /dev/rraid0d",
        "mount -t ffs -o noatime /dev/raid0d /storage",
        "mountd forcestart",
        "nfsd forcestart",
    ]
    beats = [f"storage-alive beat {OWNER} {disk}" for disk in ("sd1", "sd2")]
    assert sorted(store.calls("storage-alive")) == [*beats, "storage-alive watch"]
    assert store.text("memory/storage/disks") == "sd1 sd2\n"
    assert store.text("memory/storage/raid0.conf") == RAID.replace(" target1", "/dev/sd1d").replace(
        "target2", "/dev/sd2d"
    )
    assert on_target(store, "sd1") == on_target(store, "sd2") == record(OWNER, 1)
    assert (store.root / "dev/rsd1d").read_bytes()[16384:16399] == b"RAIDframe label"
    assert (store.root / "storage").readlink() == Path("/disks/raid0d")
    # Again: it is there.
    assert storage(store, "start").stages() == []


def test_stopping_frees_it_last(store: Sandbox) -> None:
    storage(store, "start")
    store.forget()
    assert storage(store, "stop").stages() == ["storage status=stopped"]
    calls = [call for call in store.calls() if not call.startswith("sysctl")]
    assert calls == ["nfsd forcestop", "mountd forcestop", "umount /storage", "raidctl -u raid0", *LOGOUT]
    assert on_target(store, "sd1") == on_target(store, "sd2") == record("free", 0)
    store.forget()
    assert storage(store, "start").status == 0
    assert store.calls("sleep") == ["sleep 5"]


def test_what_cannot_be_unmounted_stays_ours(store: Sandbox) -> None:
    storage(store, "start")
    store.write("sbin/umount", "#!/bin/sh\nexit 1\n", mode=0o755)
    assert storage(store, "stop").status == 1
    assert on_target(store, "sd1") == record(OWNER, 1)
    assert "raidctl -u raid0" not in store.calls()


def test_a_dead_machine_s_mirror_is_taken_after_waiting(store: Sandbox) -> None:
    for disk in ("sd1", "sd2"):
        put(store, disk, record("old.1", 77))
    done = storage(store, "start")
    assert done.status == 0
    assert store.calls("sleep") == ["sleep 40", "sleep 5"]
    assert 'lease status=waiting seconds=40 records="sd1: old.1 77; sd2: old.1 77"' in done.stages()


def test_a_living_machine_s_mirror_is_left_alone(store: Sandbox) -> None:
    for disk in ("sd1", "sd2"):
        put(store, disk, record("old.1", 77))
    beat = record("old.1", 78).rstrip("\n")
    store.answer("sleep", f"printf '%s\\n' '{beat}' | dd of=/dev/rsd2d bs=512 seek=16 conv=notrunc 2>/dev/null")
    done = storage(store, "start")
    assert done.status == 1
    assert done.stages()[-1] == refused("another machine uses it: sd1: old.1 77; sd2: old.1 78")
    assert store.calls("raidctl", "mount", "storage-alive", "mountd") == []
    assert store.calls("iscsictl")[-4:] == LOGOUT
    assert on_target(store, "sd1") == record("old.1", 77)


def test_of_two_that_start_at_once_the_later_record_counts(store: Sandbox) -> None:
    other = record("other.2", 1).rstrip("\n")
    store.answer("sleep", f"printf '%s\\n' '{other}' | dd of=/dev/rsd1d bs=512 seek=16 conv=notrunc 2>/dev/null")
    assert storage(store, "start").stages()[-1] == refused("another machine was quicker")
    assert store.calls("raidctl", "mount") == []
    assert on_target(store, "sd1") == record("other.2", 1)


def test_a_record_that_cannot_be_read_stops_it(store: Sandbox) -> None:
    store.write("dev/rsd2d", "short")
    assert storage(store, "start").stages()[-1] == refused("the record on a target cannot be read")
    assert store.calls("raidctl", "mount") == []


def test_a_missing_target_needs_a_person(store: Sandbox) -> None:
    store.write("down/1", "")
    shutil.copy(store.root / "dev/rsd2d", store.root / "dev/rsd1d")
    done = storage(store, "start")
    why = f"missing: {ONE}; another machine may be using it (glassmaster-storage start degraded)"
    assert (done.status, done.stages()[-1]) == (1, refused(why))
    assert store.calls("raidctl", "mount") == []
    done = storage(store, "start", "degraded")
    assert done.stages()[-1] == f"storage status=degraded good=1 of=2 owner={OWNER}"
    # The second target is the second component, whatever the disk is called.
    assert "/dev/missing1\n/dev/sd1d\n" in store.text("memory/storage/raid0.conf")


def test_degraded_by_the_configuration(store: Sandbox) -> None:
    settings(store, f'glassmaster_storage_targets="{ONE} {TWO}"', "glassmaster_storage_degraded=YES")
    store.write("down/2", "")
    assert storage(store, "start").stages()[-1] == f"storage status=degraded good=1 of=2 owner={OWNER}"


def test_no_target_at_all(store: Sandbox) -> None:
    store.write("down/1", "")
    store.write("down/2", "")
    assert storage(store, "start", "degraded").stages()[-1] == refused("no target can be reached")


def test_an_initiator_that_does_not_start(store: Sandbox) -> None:
    store.answer("iscsictl", "exit 1")
    assert storage(store, "start").stages() == [refused("the iSCSI initiator does not start")]
    assert store.calls("modload", "iscsid") == ["modload iscsi", "iscsid "]
    assert len(store.calls("sleep")) == 9


def test_an_initiator_of_a_module(store: Sandbox) -> None:
    store.answer("iscsid", ">/loaded")
    store.answer("iscsictl", f"case $1 in version) [ -e /loaded ]; exit ;; esac\n{ISCSICTL}")
    assert storage(store, "start").status == 0
    assert store.calls("modload", "iscsid") == ["modload iscsi", "iscsid "]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("raidctl", "raidctl refuses the mirror; a component with another history is not used"),
        ("fsck", "fsck of the mirror gave up; mend it by hand: fsck_ffs /dev/rraid0d"),
        ("mount", "the mirror cannot be mounted"),
    ],
)
def test_what_fails_is_put_down_and_freed(store: Sandbox, answer: str, why: str) -> None:
    store.answer(answer, "case $1 in -c) exit 1 ;; *) false ;; esac" if answer == "raidctl" else "exit 1")
    done = storage(store, "start")
    assert (done.status, done.stages()[-1]) == (1, f'storage status=failed why="{why}"')
    assert store.calls("mountd", "nfsd") == []
    assert on_target(store, "sd1") == record("free", 0)
    assert ("raidctl -u raid0" in store.calls()) == (answer != "raidctl")


def test_no_good_component(store: Sandbox) -> None:
    store.answer("raidctl", "case $1 in -s) echo '  /dev/sd1d: failed' ;; esac")
    assert storage(store, "start").stages()[-1] == 'storage status=failed why="no component of the mirror is good"'
    assert store.calls("mount") == []


@pytest.mark.parametrize(
    ("targets", "raid", "why"),
    [
        ("", RAID, "glassmaster_storage_targets in rc.conf names no target"),
        (ONE, None, "there is no /etc/raid0.conf"),
        ("10.0.0.1", RAID, "10.0.0.1: must be ADDRESS,NAME"),
        (f"{ONE} {TWO} {TWO}", RAID, "/etc/raid0.conf: target3 must stand there once, under START disks"),
        (ONE, RAID + "target1\n", "/etc/raid0.conf: target1 must stand there once, under START disks"),
        (ONE, RAID + "/dev/sd0d\n", "/etc/raid0.conf: names a disk; only target1 to target1 may stand there"),
    ],
)
def test_mistakes_of_the_configuration(store: Sandbox, targets: str, raid: str | None, why: str) -> None:
    settings(store, f'glassmaster_storage_targets="{targets}"')
    (store.root / "etc/raid0.conf").unlink()
    if raid is not None:
        store.write("etc/raid0.conf", raid)
    assert storage(store, "start").stages() == [refused(why)]
    assert store.calls("iscsictl") == []


def test_empty_targets_are_left_empty_until_they_are_made_a_mirror(store: Sandbox) -> None:
    for disk in ("sd1", "sd2"):
        store.write(f"dev/r{disk}d", "\0" * 65536)
    why = "the targets are empty (glassmaster-storage create SERIAL makes the mirror)"
    assert storage(store, "start").stages()[-1] == refused(why)
    assert store.calls("raidctl") == []
    assert on_target(store, "sd1") == on_target(store, "sd2") == ""
    # Nor does the record of one that was not finished count as something.
    put(store, "sd1", record("free", 0))
    assert storage(store, "start").stages()[-1] == refused(why)
    assert storage(store, "create", "2026").stages()[-1] == "storage status=created serial=2026"
    assert store.calls("raidctl", "newfs") == [
        "raidctl -C /memory/storage/raid0.conf raid0", "raidctl -I 2026 raid0", "raidctl -v -i raid0",
        "newfs -I /dev/rraid0d", "raidctl -u raid0",
    ]  # fmt: skip
    assert on_target(store, "sd1") == record("free", 0)


def test_a_target_with_anything_on_it_is_made_a_mirror_only_when_told_twice(store: Sandbox) -> None:
    done = storage(store, "create", "2026")
    assert done.stages()[-1] == refused("there is something on sd1; give SERIAL twice and all of it is lost")
    assert store.calls("raidctl", "newfs") == []
    assert on_target(store, "sd1") == ""
    assert storage(store, "create", "2026", "2026").status == 0
    assert storage(store, "create", "x").stages() == [refused("SERIAL must be a number")]


def test_a_target_that_comes_back_is_rebuilt(store: Sandbox) -> None:
    store.write("down/2", "")
    storage(store, "start", "degraded")
    (store.root / "down/2").unlink()
    store.forget()
    assert storage(store, "rebuild", "2").stages() == [f"rebuild status=started target={TWO} old=/dev/missing2"]
    assert store.calls("raidctl")[1:] == ["raidctl -a /dev/sd2d raid0", "raidctl -F /dev/missing2 raid0"]
    assert store.text("memory/storage/disks") == "sd1 sd2\n"
    assert on_target(store, "sd2") == record(OWNER, 0)
    assert f"storage-alive beat {OWNER} sd2" in store.calls()
    # A target whose disk is still there is rebuilt in place.
    store.forget()
    assert storage(store, "rebuild", "1").stages() == [f"rebuild status=started target={ONE} old=/dev/sd1d"]
    assert store.calls("raidctl")[1:] == ["raidctl -R /dev/sd1d raid0"]
    assert storage(store, "rebuild", "3").stages() == [refused("there is no target 3")]


def test_a_target_that_is_still_away_is_not_rebuilt(store: Sandbox) -> None:
    store.write("down/2", "")
    storage(store, "start", "degraded")
    store.forget()
    assert storage(store, "rebuild", "2").stages() == [refused("target 2 cannot be reached")]
    assert store.calls("raidctl") == ["raidctl -s raid0"]


def test_a_record_on_what_is_not_all_zeros_makes_nothing_empty(store: Sandbox) -> None:
    blank = f"{READ_IN}; storage_blank sd1"
    (store.root / "memory/storage").mkdir()
    store.write("dev/rsd1d", "\0" * 65536)
    assert store.run("/bin/sh", "-c", blank).status == 0
    for other in (record("free", 1), record("old.1", 0), "x".ljust(511) + "\n"):
        put(store, "sd1", other)
        assert store.run("/bin/sh", "-c", blank).status == 1
    store.write("dev/rsd1d", "\0" * 65535)
    assert store.run("/bin/sh", "-c", blank).status == 1


def test_a_target_that_another_machine_uses_is_not_rebuilt(store: Sandbox) -> None:
    store.write("down/2", "")
    storage(store, "start", "degraded")
    (store.root / "down/2").unlink()
    put(store, "sd2", record("other.2", 5))
    beat = record("other.2", 6).rstrip("\n")
    store.answer("sleep", f"printf '%s\\n' '{beat}' | dd of=/dev/rsd2d bs=512 seek=16 conv=notrunc 2>/dev/null")
    store.forget()
    assert storage(store, "rebuild", "2").stages()[-1] == refused("another machine uses it: sd2: other.2 6")
    assert store.calls("raidctl") == ["raidctl -s raid0"]


class TestSignsOfLife:
    """The real programs; sleep is where the world changes."""

    @pytest.fixture
    def mine(self, store: Sandbox) -> Sandbox:
        overlay = Path(__file__).parents[2] / "overlays/storage/libexec/glassmaster/storage-alive"
        shutil.copy(overlay, store.root / "libexec/glassmaster/storage-alive")
        store.write("memory/storage/disks", "sd1 sd2\n")
        store.write("memory/storage/sessions", "1 iqn.2026-01.org.example:one sd1\n2 iqn.2026-01.org.example:two sd2\n")
        for disk in ("sd1", "sd2"):
            put(store, disk, record("me.1", 1))
        return store

    def test_they_are_given_until_another_takes_over(self, mine: Sandbox) -> None:
        other = record("other.2", 1).rstrip("\n")
        takes = f"printf '%s\\n' '{other}' | dd of=/dev/rsd2d bs=512 seek=16 conv=notrunc 2>/dev/null"
        mine.answer("sleep", f'[ "$(grep -c "^sleep" /calls)" -lt 4 ] || {takes}')
        done = mine.run("/libexec/glassmaster/storage-alive", "beat", "me.1", "sd2")
        assert done.stages() == ['storage status=ended why="another machine has taken over: sd2: other.2 1"']
        assert mine.calls("sleep", "halt") == ["sleep 5"] * 4 + ["halt -n -q"]
        assert mine.text("memory/storage/beat.sd2") == "4\n"
        assert on_target(mine, "sd1") == record("me.1", 1) and on_target(mine, "sd2") == record("other.2", 1)

    def test_they_end_with_the_use_of_the_target(self, mine: Sandbox) -> None:
        mine.answer("sleep", '[ "$(grep -c "^sleep" /calls)" -lt 3 ] || echo sd1 >/memory/storage/disks')
        assert mine.run("/libexec/glassmaster/storage-alive", "beat", "me.1", "sd2").stages() == []
        assert (mine.calls("halt"), on_target(mine, "sd2")) == ([], record("me.1", 3))

    def test_a_target_that_cannot_be_read_gets_none(self, mine: Sandbox) -> None:
        beat = f"{READ_IN}; lease_beat me.1 9 sd1"
        assert mine.run("/bin/sh", "-c", beat).status == 0
        assert on_target(mine, "sd1") == record("me.1", 9)
        (mine.root / "dev/rsd1d").unlink()
        assert mine.run("/bin/sh", "-c", beat).status == 1

    def watched(self, mine: Sandbox, beats: str) -> Finished:
        """The watch, with sh that gives signs of life in interval $n; it ends when there are none for long."""
        mine.answer("sleep", f'n=$(grep -c "^sleep" /calls); {beats}')
        return mine.run("/libexec/glassmaster/storage-alive", "watch")

    def test_without_them_the_machine_ends(self, mine: Sandbox) -> None:
        done = self.watched(mine, '[ "$n" -gt 3 ] || for d in 1 2; do echo "$n" >/memory/storage/beat.sd$d; done')
        assert done.stages() == ['storage status=ended why="no target took a sign of life for 25 seconds"']
        assert mine.calls("sleep", "halt") == ["sleep 5"] * 8 + ["halt -n -q"]
        assert mine.calls("iscsictl") == []

    def test_one_target_is_enough_and_the_other_s_session_ends(self, mine: Sandbox) -> None:
        beats = ((3, "sd1"), (8, "sd2"))
        first, second = (f'[ "$n" -gt {n} ] || echo "$n" >/memory/storage/beat.{disk}' for n, disk in beats)
        done = self.watched(mine, f"{first}; {second}")
        assert done.stages() == [
            "target status=lost disk=sd1", 'storage status=ended why="no target took a sign of life for 25 seconds"'
        ]  # fmt: skip
        assert mine.calls("iscsictl") == ["iscsictl logout -I 1"]
        assert mine.text("memory/storage/disks") == "sd2\n"
        assert mine.text("memory/storage/sessions") == "2 iqn.2026-01.org.example:two sd2\n"
        assert mine.calls("sleep", "halt") == ["sleep 5"] * 13 + ["halt -n -q"]
