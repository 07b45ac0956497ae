"""/etc/rc from the first mount to the release's own rc."""

from __future__ import annotations

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
