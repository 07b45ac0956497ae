"""/etc/rc from the first mount to the release's own rc."""

from __future__ import annotations

import pytest

from tests.rc.sandbox import Sandbox

LABEL = [
    "# /dev/rwd0d:",
    "type: unknown",
    "8 partitions:",
    "#        size    offset     fstype [fsize bsize cpg/sgs]",
    " a:    131072        63     4.2BSD   1024  8192    16  # (Cyl.      0*-    130*)",
    " b:    131072    131135       swap                     # (Cyl.    130*-    260*)",
    " c:    524225        63     unused      0     0        # (Cyl.      0*-    520*)",
    " d:    524288         0     4.2BSD      0     0        # (Cyl.      0 -    520*)",
    " e:    131072    262207     4.2BSD   1024  8192    16  # (Cyl.    260*-    390*)",
]
LOOK = "mount -t ffs -o ro,nodev,noexec,nosuid /dev/{0} /config"


def looked_into(*partitions: str) -> list[str]:
    return [call for name in partitions for call in (LOOK.format(name), "umount /config")]


def test_a_machine_with_a_configuration_comes_up(sandbox: Sandbox) -> None:
    sandbox.disks(wd0=LABEL)
    sandbox.write("disks/wd0a/other", "")
    sandbox.config("wd0e")
    sandbox.write("disks/wd0e/local/etc/rc.conf", ". /etc/defaults/rc.conf\nhostname=alpha\n")
    sandbox.write("disks/wd0e/global/hosts", "127.0.0.1 localhost\n")
    done = sandbox.boot()
    assert done.status == 0, done.output
    assert done.stages() == [
        "start status=ok recipe=test release=0123456789ab root=/dev/cd0a",
        "config status=ok dev=/dev/wd0e",
        "hidden status=ok",
        "accounts status=ok",
        "etc status=ok union=/config/local/etc",
        "fstab status=ok root=/dev/cd0a",
        "var status=ok from=memory",
        "tmp status=ok from=memory",
        "mounts status=ok at=rc",
    ]
    assert sandbox.calls("mount", "umount", "fsck_ffs", "rc.netbsd") == [
        "mount -t tmpfs -o -s64M,-m0755 tmpfs /memory",
        *looked_into("wd0a", "wd0e"),
        "fsck_ffs -p /dev/rwd0e",
        "mount -t ffs -o noatime /dev/wd0e /config",
        "mount -t tmpfs -o -s32M tmpfs /etc",
        "mount -t union /config/local/etc /etc",
        "mount -t tmpfs -o -s64M tmpfs /var",
        "mount -t tmpfs -o -s64M,-m1777 tmpfs /tmp",
        "rc.netbsd autoboot",
    ]
    assert "hostname=alpha" in sandbox.text("etc/rc.conf")
    assert (sandbox.root / "etc/hosts").readlink().as_posix() == "/config/global/hosts"
    assert sandbox.text("memory/stages").splitlines() == [f"glassmaster: stage={line}" for line in done.stages()]


def test_no_marker_ends_in_a_shell_that_looks_again_when_it_is_left(sandbox: Sandbox) -> None:
    sandbox.disks(wd0=LABEL)
    sandbox.write("disks/wd0a/other", "")
    done = sandbox.boot(stdin="echo typed by a person; mkdir /disks/wd0e; >/disks/wd0e/.glassmaster-config; exit\n")
    lines = done.output.splitlines()
    none = "glassmaster: stage=config status=none disks=wd0 looked=wd0a,wd0e marker=.glassmaster-config"
    at = lines.index(none)
    assert lines[at + 1 : at + 4] == [
        "glassmaster: no partition holds the file .glassmaster-config",
        "glassmaster: this is a shell on the console; leave it (exit) and it will be tried again",
        "typed by a person",
    ]
    assert "config status=ok dev=/dev/wd0e" in done.stages()
    # wd0e could not even be mounted the first time.
    looks = [*looked_into("wd0a"), LOOK.format("wd0e"), *looked_into("wd0a", "wd0e")]
    assert sandbox.calls("mount", "umount")[1 : len(looks) + 1] == looks


def test_a_machine_without_disks_says_so(sandbox: Sandbox) -> None:
    done = sandbox.boot(stdin="kill -9 $PPID\n")
    assert done.stages()[-1] == "config status=none disks=none looked=none marker=.glassmaster-config"
    assert sandbox.calls("rc.netbsd") == []


def test_the_first_disk_with_the_marker_counts(sandbox: Sandbox) -> None:
    sandbox.disks(wd0=LABEL, wd1=LABEL, sd0=LABEL)
    sandbox.write("disks/wd0a/other", "")
    sandbox.config("wd1a")
    sandbox.config("wd1e")
    sandbox.config("sd0a")
    done = sandbox.boot()
    assert "config status=ok dev=/dev/wd1a" in done.stages()
    looks = [*looked_into("wd0a"), LOOK.format("wd0e"), *looked_into("wd1a")]
    assert sandbox.calls("mount", "umount")[1 : len(looks) + 2] == [*looks, "mount -t ffs -o noatime /dev/wd1a /config"]


def test_wedges_come_after_the_partitions_of_their_disk(sandbox: Sandbox) -> None:
    sandbox.disks(sd0=LABEL[:4], dk0=[], dk1=[], dk2=[], sd1=LABEL)
    sandbox.answer(
        "dkctl",
        """case $* in "sd0 listwedges") echo '/dev/rsd0d: 3 wedges:
dk0: EFI system, 262144 blocks at 2048, type: msdos
dk1: type: ffs, 4096 blocks at 264192, type: swap
dk2: config, 4096 blocks at 268288, type: ffs' ;; *) echo "/dev/rsd1d: no wedges configured" ;; esac""",
    )
    sandbox.write("dev/MAKEDEV", 'echo "MAKEDEV $*" >>/calls; : >"$1"\n')
    sandbox.config("dk2")
    done = sandbox.boot()
    assert "config status=ok dev=/dev/dk2" in done.stages()
    calls = [call for call in sandbox.calls("mount", "umount", "MAKEDEV", "fsck_ffs")[1:] if "MAKEDEV sd" not in call]
    assert calls[:4] == ["MAKEDEV dk2", *looked_into("dk2"), "fsck_ffs -p /dev/rdk2"]


@pytest.mark.parametrize("disk", ["wd8", "sd8", "ld4", "xbd7"])
def test_a_disk_that_dev_has_no_nodes_for_is_looked_into(sandbox: Sandbox, disk: str) -> None:
    # disklabel opens the whole disk, mount the partition.
    sandbox.disks(**{disk: LABEL})
    sandbox.config(f"{disk}e")
    sandbox.write("dev/MAKEDEV", 'echo "MAKEDEV $*" >>/calls; : >"r$1d"; : >"$1e"\n')
    sandbox.answer("disklabel", '[ ! -e "/dev/r${1}d" ] || cat "/answers/label.$1"')
    sandbox.answer("mount", 'case $what in /dev/*) [ -e "$what" ] || exit 1 ;; esac')
    assert f"config status=ok dev=/dev/{disk}e" in sandbox.boot().stages()
    assert sandbox.calls("MAKEDEV") == [f"MAKEDEV {disk}"]


def test_a_disc_in_a_stick_is_known_by_its_partition(sandbox: Sandbox) -> None:
    sandbox.answer(
        "sysctl", 'case $2 in kern.root_device) echo sd0 ;; kern.root_partition) echo 4 ;; *) cat "/answers/$2" ;; esac'
    )
    sandbox.disks(wd0=LABEL)
    sandbox.config("wd0a")
    done = sandbox.boot()
    assert done.stages()[0].endswith("root=/dev/sd0e")
    assert sandbox.text("etc/fstab").splitlines()[1] == "/dev/sd0e / cd9660 ro 0 0"


def test_a_file_system_that_fsck_cannot_mend_is_a_person_s(sandbox: Sandbox) -> None:
    sandbox.disks(wd0=LABEL)
    sandbox.config("wd0a")
    sandbox.answer("fsck_ffs", "[ -e /mended ]")
    done = sandbox.boot(stdin=">/mended; exit\n")
    assert 'config status=failed dev=/dev/wd0a why="fsck_ffs -p gave up"' in done.stages()
    assert "glassmaster: /dev/wd0a needs fsck_ffs by hand" in done.output
    assert "config status=ok dev=/dev/wd0a mended=yes" in done.stages()
    assert sandbox.calls("fsck_ffs") == ["fsck_ffs -p /dev/rwd0a"] * 2
    assert sandbox.calls("rc.netbsd") == ["rc.netbsd autoboot"]


@pytest.mark.parametrize(("config", "var"), [("", " mended=yes"), (" mended=yes", "")])
def test_what_fsck_mends_is_said_where_it_was_mended(sandbox: Sandbox, config: str, var: str) -> None:
    sandbox.disks(wd0=LABEL)
    sandbox.config("wd0a")
    sandbox.write("disks/wd0a/local/etc/rc.conf", "glassmaster_var=/dev/wd0e\n")
    sandbox.write("disks/wd0e/log/messages", "kept\n")
    clean, mended = 'echo "$3: file system is clean; not checking"', 'echo "$3: FREE BLK COUNT(S) WRONG (SALVAGED)"'
    sandbox.answer("fsck_ffs", mended if config else clean)
    sandbox.answer("fsck", mended if var else clean)
    done = sandbox.boot()
    assert {f"config status=ok dev=/dev/wd0a{config}", f"var status=ok from=/dev/wd0e{var}"} <= set(done.stages())
    assert "(SALVAGED)" in done.output and "not checking" in done.output


def test_a_configuration_that_cannot_be_written_is_a_person_s(sandbox: Sandbox) -> None:
    sandbox.disks(wd0=LABEL)
    sandbox.config("wd0a")
    sandbox.answer("mount", "case $options in noatime) [ -e /mended ] || exit 1 ;; esac")
    done = sandbox.boot(stdin=">/mended; exit\n")
    assert 'config status=failed dev=/dev/wd0a why="it cannot be mounted for writing"' in done.stages()
    assert "config status=ok dev=/dev/wd0a" in done.stages()


def test_a_refused_union_becomes_a_copy_and_is_said(sandbox: Sandbox) -> None:
    sandbox.disks(wd0=LABEL)
    sandbox.config("wd0a")
    sandbox.write("disks/wd0a/local/etc/ntp.conf", "server ntp.example.org\n")
    sandbox.answer(
        "mount", '[ "$type" != union ] || { echo "mount_union: /etc: Operation not supported" >&2; exit 1; }'
    )
    done = sandbox.boot()
    why = 'why="mount_union: /etc: Operation not supported; changes in /etc will be lost"'
    assert f"etc status=degraded copy=/config/local/etc {why}" in done.stages()
    assert sandbox.text("etc/ntp.conf") == "server ntp.example.org\n"
    assert sandbox.calls("rc.netbsd") == ["rc.netbsd autoboot"]


def test_a_server_s_image_has_a_host_name_and_says_nothing_of_a_virtual_machine(sandbox: Sandbox) -> None:
    assert "hostname=dom0\n" in sandbox.text("etc/rc.conf")
    lines = sandbox.run("/usr/sbin/glassmaster-release").output.splitlines()[1:]
    assert lines and all(line.partition("=")[2] for line in lines)
    assert not any(line.startswith("domu=") for line in lines)


def test_again_after_single_user_mode_mounts_nothing(sandbox: Sandbox) -> None:
    sandbox.disks(wd0=LABEL)
    sandbox.config("wd0a")
    sandbox.boot()
    sandbox.forget()
    assert sandbox.boot().status == 0
    assert sandbox.calls() == ["rc.netbsd autoboot"]


def test_swap_var_and_tmp_from_the_disk_by_settings(sandbox: Sandbox) -> None:
    sandbox.disks(wd0=LABEL)
    sandbox.config("wd0a")
    settings = "glassmaster_swap=/dev/wd0b\nglassmaster_var=/dev/wd0e\nglassmaster_tmp=/dev/wd0f\n"
    sandbox.write("disks/wd0a/local/etc/rc.conf", f". /etc/defaults/rc.conf\n{settings}")
    sandbox.write("disks/wd0e/log/messages", "kept\n")
    sandbox.write("var/log/messages", "the disc's\n")
    sandbox.write("var/db/new/thing", "new\n")
    sandbox.write("var/db/pkg/xl-1/+CONTENTS", "")
    sandbox.write("var/db/pkg.refcount/dirs/var/xl/xl-1", "")
    done = sandbox.boot()
    assert "var status=ok from=/dev/wd0e" in done.stages()
    assert "tmp status=ok from=/dev/wd0f" in done.stages()
    assert sandbox.text("etc/fstab").splitlines()[2:5] == [
        "/dev/wd0b none swap sw 0 0",
        "/dev/wd0e /var ffs rw,noatime 1 2",
        "/dev/wd0f /tmp ffs rw,noatime 1 2",
    ]
    assert sandbox.text("disks/wd0e/log/messages") == "kept\n"
    assert sandbox.text("disks/wd0e/db/new/thing") == "new\n"
    assert not list((sandbox.root / "disks/wd0e/db").glob("pkg*"))
    # The release's own rc mounts both, after its fsck.
    last = [
        "fsck -t ffs -p /dev/rwd0e",
        "mount -t ffs /dev/wd0e /memory/var",
        "umount /memory/var",
        "rc.netbsd autoboot",
    ]
    assert sandbox.calls("fsck", "mount", "umount", "rc.netbsd")[-4:] == last
    read = sandbox.run("/bin/sh", "-c", ". /etc/defaults/rc.conf; echo $no_swap $rc_configured $random_seed")
    assert read.output == "NO YES YES\n"


def test_services_of_packages_are_off_unless_an_overlay_or_the_machine_says_otherwise(sandbox: Sandbox) -> None:
    sandbox.write("etc/fstab", "")
    show = "echo $mailer $xencommons"
    read = sandbox.run("/bin/sh", "-c", f". /etc/defaults/rc.conf; {show}")
    assert read.output == "NO YES\n"  # the virtual machines of a dom0 need xencommons
    read = sandbox.run("/bin/sh", "-c", f". /etc/defaults/rc.conf; mailer=YES; {show}")
    assert read.output == "YES YES\n"
    (sandbox.root / "etc/defaults/packages.conf").unlink()
    assert sandbox.run("/bin/sh", "-c", f". /etc/defaults/rc.conf; {show}").output == "YES\n"


def test_a_var_that_cannot_be_used_is_in_memory(sandbox: Sandbox) -> None:
    sandbox.disks(wd0=LABEL)
    sandbox.config("wd0a")
    sandbox.write("disks/wd0a/local/etc/rc.conf", "glassmaster_var=/dev/wd0e\n")
    sandbox.answer("fsck", "exit 8")
    done = sandbox.boot()
    why = 'why="it cannot be checked or mounted, /var is in memory"'
    assert f"var status=failed from=/dev/wd0e {why}" in done.stages()
    assert "var status=ok from=memory" in done.stages()


def test_an_fstab_of_the_configuration_is_taken_whole(sandbox: Sandbox) -> None:
    sandbox.disks(wd0=LABEL)
    sandbox.config("wd0a")
    sandbox.write("disks/wd0a/local/etc/fstab", "# Ours.\n/dev/wd0b none swap sw 0 0\nkernfs /kern kernfs rw 0 0\n")
    done = sandbox.boot()
    assert "fstab status=ok root=/dev/cd0a" in done.stages()
    assert sandbox.calls("mount")[-4:-2] == ["mount -t procfs procfs /proc", "mount -t ptyfs ptyfs /dev/pts"]


def test_an_fstab_that_says_where_the_root_is_is_reported(sandbox: Sandbox) -> None:
    sandbox.disks(wd0=LABEL)
    sandbox.config("wd0a")
    sandbox.write("disks/wd0a/local/etc/fstab", "/dev/cd1a / cd9660 ro 0 0\n")
    done = sandbox.boot()
    assert 'fstab status=failed why="etc/fstab says that / is /dev/cd1a, it is /dev/cd0a"' in done.stages()


def test_the_mounts_are_looked_at_again_after_root_and_mountall(sandbox: Sandbox) -> None:
    sandbox.disks(wd0=LABEL)
    sandbox.config("wd0a")
    sandbox.boot()
    assert sandbox.run("/libexec/glassmaster/mounts", "root").stages() == ["mounts status=ok at=root"]
    kept = [
        line for line in sandbox.text("mounts").splitlines() if " on /etc " not in line and " on /config " not in line
    ]
    sandbox.write("mounts", "\n".join(kept))
    done = sandbox.run("/libexec/glassmaster/mounts", "mountall")
    assert (done.status, done.stages()) == (1, ["mounts status=failed at=mountall gone=/config,/etc"])


def test_a_tmp_that_newfs_has_made_is_opened_to_all(sandbox: Sandbox) -> None:
    sandbox.write("etc/rc.subr", 'load_rc_config() { :; }\nrun_rc_command() { eval "$start_cmd"; }\n')
    (sandbox.root / "tmp").chmod(0o755)
    sandbox.run("/bin/sh", "/etc/rc.d/glassmaster", "start")
    assert (sandbox.root / "tmp").stat().st_mode & 0o7777 == 0o755  # the disc's own
    sandbox.write("mounts", sandbox.text("mounts") + "/dev/wd0f on /tmp type ffs (local)\n")
    sandbox.run("/bin/sh", "/etc/rc.d/glassmaster", "start")
    assert (sandbox.root / "tmp").stat().st_mode & 0o7777 == 0o1777


def test_packages_of_this_machine_alone(sandbox: Sandbox) -> None:
    sandbox.disks(wd0=LABEL)
    sandbox.config("wd0a")
    sandbox.boot()
    sandbox.forget()
    done = sandbox.run("/libexec/glassmaster/packages", "/config/packages")
    assert done.stages() == ["packages status=ok over=/config/packages pkgdb=/var/db/pkg"]
    covered = ["mount -t union /config/packages/pkg /usr/pkg", "mount -t union /config/packages/pkgdb /var/db/pkg"]
    assert sandbox.calls() == covered
    again = sandbox.run("/libexec/glassmaster/packages", "/config/packages")
    assert (again.status, sandbox.calls()) == (0, covered)
    sandbox.write("etc/glassmaster/settings", "pkgdb=/usr/pkg/pkgdb\n")
    sandbox.write("mounts", "")
    sandbox.forget()
    sandbox.run("/libexec/glassmaster/packages", "/data/packages")
    assert sandbox.calls() == ["mount -t union /data/packages/pkg /usr/pkg"]
