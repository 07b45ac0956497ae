"""Every class of change, seeded one at a time, is found; and nothing else is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from glassmaster.diff.model import Result
from glassmaster.diff.releases import Terms, compare_releases
from tests.diff.conftest import (
    CONFIG,
    EPOCH,
    GROUP,
    GRUB,
    PASSWD,
    RC_CONF,
    Pairs,
    World,
    items,
    kernel,
    only,
    opened,
    result,
    script,
)  # fmt: skip

Both = Callable[[Pairs, Callable[[World], None]], Result]
BOTH = pytest.mark.parametrize("compared", [Pairs.compare, Pairs.bare], ids=["described", "bare"])


@BOTH
def test_nothing_changed(pairs: Pairs, compared: Both) -> None:
    found = compared(pairs, lambda world: None)
    assert found.verdict.outcome == "same" and found.verdict.exit_status == 0
    assert found.tree.changes == () and not any(section.items for section in found.tree.sections)


@BOTH
def test_a_file_is_added_removed_changed_and_moved(pairs: Pairs, compared: Both) -> None:
    def change(world: World) -> None:
        world.file("set:base", "usr/added", "new\n")
        world.remove("bin/ls")
        world.file("set:base", "bin/cat", "another program\n", 0o555)
        world.remove("usr/share/doc/one")
        world.file("set:base", "usr/share/doc/two", "one text\n" * 40)

    found = compared(pairs, change)
    seen = {(item.path, item.change) for item in found.tree.changes}
    assert seen == {
        ("usr/added", "added"), ("bin/ls", "removed"), ("bin/cat", "changed"), ("usr/share/doc/two", "moved"),
    }  # fmt: skip
    moved = next(item for item in found.tree.changes if item.change == "moved")
    assert moved.moved_from == "usr/share/doc/one" and moved.fields == ()
    assert found.verdict.exit_status == 1


@BOTH
def test_only_metadata(pairs: Pairs, compared: Both) -> None:
    def change(world: World) -> None:
        world.file("set:base", "bin/cat", "program bin/cat\n", 0o755)
        world.file("set:base", "bin/ls", "program bin/ls\n", 0o555, uid=5, gid=6)
        world.file("set:base", "usr/share/doc/one", "one text\n" * 40, mtime=EPOCH - 9)

    found = compared(pairs, change)
    assert {item.path: (item.change, item.fields) for item in found.tree.changes} == {
        "bin/cat": ("metadata", ("mode",)),
        "bin/ls": ("metadata", ("uid", "gid")),
        "usr/share/doc/one": ("metadata", ("mtime",)),
    }
    assert [item.path for item in found.tree.changes if item.only_time] == ["usr/share/doc/one"]


def test_names_of_one_file(pairs: Pairs) -> None:
    def change(world: World) -> None:
        world.file("set:base", "bin/second", "the same file\n")
        world.file("set:base", "bin/first", "the same file\n")

    found = pairs.compare(change)
    assert {(item.path, item.change, item.fields) for item in found.tree.changes} == {
        ("bin/first", "metadata", ("names",)), ("bin/second", "metadata", ("names",)),
    }  # fmt: skip


@BOTH
def test_a_link_leads_elsewhere(pairs: Pairs, compared: Both) -> None:
    found = compared(pairs, lambda world: world.link("set:base", "sys", "usr/src/elsewhere"))
    (item,) = found.tree.changes
    assert (item.path, item.change, item.fields) == ("sys", "changed", ("link",))


@BOTH
def test_a_file_becomes_a_link(pairs: Pairs, compared: Both) -> None:
    def change(world: World) -> None:
        world.remove("bin/ls")
        world.link("set:base", "bin/ls", "cat")

    (item,) = compared(pairs, change).tree.changes
    assert (item.change, item.fields) == ("changed", ("kind", "link", "mode"))


@BOTH
@pytest.mark.parametrize(
    ("name", "old", "new", "kind"),
    [
        ("sudo", "1.9.14", "1.9.15", "up"),
        ("sudo", "1.9.14", "1.9.14nb1", "up"),
        ("sudo", "1.9.14", "1.9.14rc1", "down"),
        ("screen", "4.9.1nb2", "4.9.1nb10", "up"),
        ("screen", "4.9.1nb2", "4.10.0", "up"),
        ("sudo", "1.9.14", "", "removed"),
        ("git", "", "2.43.0", "added"),
    ],
)  # fmt: skip
def test_packages(pairs: Pairs, compared: Both, name: str, old: str, new: str, kind: str) -> None:
    def change(world: World) -> None:
        if old:
            del world.layers[f"package:{name}-{old}"]
            world.remove(f"usr/pkg/pkgdb/{name}-{old}/+CONTENTS")
        if new:
            world.package(name, new)

    item = only(compared(pairs, change), "packages")
    assert (item.what, item.change, item.old, item.new) == (name, kind, old, new)
    assert item.rule == ("package-down" if kind == "down" else "")


@BOTH
def test_a_package_is_rebuilt(pairs: Pairs, compared: Both) -> None:
    item = only(compared(pairs, lambda world: world.package("sudo", "1.9.14", "compiled anew\n")), "packages")
    assert (item.what, item.change, item.detail) == ("sudo", "changed", "1 file of the same version differ")


@BOTH
def test_the_kernels_configuration(pairs: Pairs, compared: Both) -> None:
    def change(world: World) -> None:
        config = CONFIG.replace("MAXUSERS=32", "MAXUSERS=64").replace("pseudo-device vnd", "pseudo-device cgd")
        config = config.replace("no options INET6", "options IPSEC").replace("xbd* at xenbus?", "xennet* at xenbus?")
        world.file("kernel:DOM0", "netbsd", kernel(config), 0o555)

    found = {item.what: (item.change, item.old, item.new) for item in items(compared(pairs, change), "kernel")}
    assert found == {
        "/netbsd: options IPSEC": ("added", "", "set"),
        "/netbsd: options INET6": ("added", "", "set"),
        "/netbsd: options MAXUSERS": ("changed", "32", "64"),
        "/netbsd: pseudo-device vnd": ("removed", "set", ""),
        "/netbsd: pseudo-device cgd": ("added", "", "set"),
        "/netbsd: xbd* at xenbus?": ("removed", "set", ""),
        "/netbsd: xennet* at xenbus?": ("added", "", "set"),
    }


@BOTH
def test_root_and_dumps_of_the_kernel(pairs: Pairs, compared: Both) -> None:
    def change(world: World) -> None:
        config = CONFIG.replace("root on cd0a type cd9660 dumps on none", "root on wd0a type ffs dumps on wd0b")
        world.file("kernel:DOM0", "netbsd", kernel(config), 0o555)

    found = compared(pairs, change)
    assert [(item.what, item.old, item.new, item.rule) for item in items(found, "kernel")] == [
        ("/netbsd: root of config netbsd", "cd0a type cd9660", "wd0a type ffs", "kernel-root"),
        ("/netbsd: dumps of config netbsd", "none", "wd0b", "kernel-root"),
    ]
    assert found.verdict.exit_status == 2


def test_a_kernel_without_a_configuration(pairs: Pairs) -> None:
    found = pairs.compare(lambda world: world.file("kernel:DOM0", "netbsd", b"\x7fELFnothing", 0o555))
    item = only(found, "kernel")
    assert (item.what, item.rule) == ("/netbsd", "kernel-root") and "holds no configuration" in item.detail
    assert found.verdict.exit_status == 2


@BOTH
def test_the_version_of_xen(pairs: Pairs, compared: Both) -> None:
    def change(world: World) -> None:
        del world.layers["xen:4.17.5"]
        world.file("xen:4.18.0", "boot/xen.gz", b"\x7fELF\0xen\x004.18.0\0", 0o444)

    item = only(compared(pairs, change), "xen")
    assert (item.old, item.new, item.rule) == ("4.17.5", "4.18.0", "xen")


@BOTH
def test_the_boot_menu(pairs: Pairs, compared: Both) -> None:
    def change(world: World) -> None:
        text = GRUB.replace("timeout=5", "timeout=9").replace("dom0_mem=512M", "dom0_mem=1G").replace("0123", "4567")
        text += "menuentry 'Memory test' --id test {\n\tlinux /boot/memtest\n}\n"
        world.file("grub", "boot/grub/grub.cfg", text, 0o444)

    found = {item.what: (item.change, item.old, item.new) for item in items(compared(pairs, change), "boot")}
    assert found == {
        "timeout": ("changed", "5", "9"),
        "entry NetBSD/Xen: /boot/xen.gz": ("changed", "dom0_mem=512M", "dom0_mem=1G"),
        "entry Memory test": ("added", "", "in the menu"),
        "entry Memory test: /boot/memtest": ("added", "", ""),
    }


@BOTH
def test_texts_in_etc(pairs: Pairs, compared: Both) -> None:
    def change(world: World) -> None:
        world.file("set:etc", "etc/ntp.conf", "server 192.0.2.1\nserver 192.0.2.2\n")
        world.file("overlay:dom0", "etc/extra.conf", "mine\n")

    found = {item.what: item for item in items(compared(pairs, change), "etc")}
    assert found["/etc/ntp.conf"].detail == (
        "--- old/etc/ntp.conf\n+++ new/etc/ntp.conf\n@@ -1 +1,2 @@\n server 192.0.2.1\n+server 192.0.2.2\n"
    )
    assert found["/etc/extra.conf"].detail == "--- /dev/null\n+++ new/etc/extra.conf\n@@ -0,0 +1 @@\n+mine\n"


@BOTH
def test_what_starts_stops_and_moves(pairs: Pairs, compared: Both) -> None:
    def change(world: World) -> None:
        world.file("set:etc", "etc/rc.conf", RC_CONF.replace("sshd=NO", "sshd=YES"))
        world.remove("etc/rc.d/cron")
        world.file("set:etc", "etc/rc.d/late", script("late", "REQUIRE: sshd", rcvar="-"), 0o555)

    found = {(item.what, item.change): (item.old, item.new) for item in items(compared(pairs, change), "rc")}
    assert found == {
        ("sshd", "starts"): ("sshd=NO", "sshd=YES, after network"),
        ("late", "starts"): ("not there", "always, after sshd"),
        ("cron", "stops"): ("cron=YES, after network", "not there"),
    }


@BOTH
def test_a_script_that_moves(pairs: Pairs, compared: Both) -> None:
    def change(world: World) -> None:
        world.file("set:etc", "etc/rc.d/cron", script("cron", "BEFORE: network"), 0o555)

    item = only(compared(pairs, change), "rc")
    assert (item.what, item.change, item.old, item.new) in (
        ("cron", "moved", "after network", "first"), ("network", "moved", "first", "after cron"),
    )  # fmt: skip


@BOTH
def test_users_and_groups(pairs: Pairs, compared: Both) -> None:
    def change(world: World) -> None:
        text = PASSWD.replace("/bin/sh", "/bin/csh") + "backup:*:50:50::0:0:Backups:/var/backup:/sbin/nologin\n"
        world.file("set:etc", "etc/master.passwd", text, 0o600)
        world.file("set:etc", "etc/group", GROUP + "backup:*:50:\n")

    found = {item.what: (item.change, item.old, item.new) for item in items(compared(pairs, change), "accounts")}
    assert found == {
        "user root": ("changed", "shell /bin/sh", "shell /bin/csh"),
        "user backup": ("added", "", "uid 50, gid 50, home /var/backup, shell /sbin/nologin"),
        "group backup": ("added", "", "gid 50, members none"),
    }


def security(found: Result) -> list[tuple[str, str, str]]:
    """What stands under security: subject, kind and rule."""
    return [(item.what, item.change, item.rule) for item in items(found, "security")]


@BOTH
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda w: w.file("set:base", "bin/cat", "program bin/cat\n", 0o4555), ("/bin/cat", "added", "setuid")),
        (lambda w: w.file("set:base", "bin/new", "x\n", 0o2555), ("/bin/new", "added", "setuid")),
        (
            lambda w: w.file("set:base", "usr/bin/su", "program usr/bin/su\n", 0o4555, uid=7),
            ("/usr/bin/su", "added", "setuid"),
        ),
        (lambda w: w.file("set:base", "usr/bin/su", "program usr/bin/su\n", 0o555), ("/usr/bin/su", "removed", "")),
        (lambda w: w.file("set:base", "usr/bin/su", "another\n", 0o4555), ("/usr/bin/su", "changed", "")),
        (lambda w: w.file("set:base", "bin/cat", "program bin/cat\n", 0o557), ("/bin/cat", "added", "world-writable")),
        (lambda w: w.directory("set:base", "tmp", 0o777), ("/tmp", "added", "world-writable")),
        (
            lambda w: w.file("set:etc", "etc/rc.conf", RC_CONF.replace("sshd=NO", "sshd=YES")),
            ("sshd", "added", "listener"),
        ),
        (
            lambda w: w.file("set:etc", "etc/inetd.conf", "ftp stream tcp nowait root /usr/libexec/ftpd ftpd -ll\n"),
            ("inetd: ftp", "added", "listener"),
        ),
        (
            lambda w: w.file("set:etc", "etc/ssh/ssh_host_rsa_key", "-----BEGIN RSA PRIVATE KEY-----\n", 0o600),
            ("/etc/ssh/ssh_host_rsa_key", "added", "keys"),
        ),
        (
            lambda w: w.file("overlay:dom0", "root/.ssh/authorized_keys", "ssh-rsa A\n"),
            ("/root/.ssh/authorized_keys", "added", "keys"),
        ),
        (
            lambda w: w.file("set:etc", "etc/mine", "-----BEGIN CERTIFICATE-----\n"),
            ("/etc/mine", "added", "keys"),
        ),
        (
            lambda w: w.file("set:etc", "etc/master.passwd", PASSWD.replace("$1$x", "$1$y"), 0o600),
            ("user root", "changed", "accounts"),
        ),
        (
            lambda w: w.file("set:etc", "etc/master.passwd", PASSWD + "toor::0:0::0:0:::\n", 0o600),
            ("user toor", "added", "accounts"),
        ),
        (
            lambda w: w.file("set:etc", "etc/group", GROUP.replace("root", "root,daemon", 1)),
            ("group wheel", "changed", "accounts"),
        ),
    ],
    ids=[
        "setuid", "setgid", "other-owner", "setuid-lost", "setuid-content", "writable", "writable-dir", "service",
        "inetd", "host-key", "authorized", "certificate", "password", "uid-0", "wheel",
    ],
)  # fmt: skip
def test_security(
    pairs: Pairs, compared: Both, change: Callable[[World], None], expected: tuple[str, str, str]
) -> None:
    found = compared(pairs, change)
    assert security(found) == [expected]
    assert found.verdict.exit_status == (2 if expected[2] else 1)


def test_a_packages_service_may_listen(pairs: Pairs) -> None:
    def change(world: World) -> None:
        world.file("packages", "etc/rc.d/mydaemon", script("mydaemon"), 0o555)
        world.file("set:etc", "etc/rc.conf", f"{RC_CONF}mydaemon=YES\n")

    assert security(pairs.compare(change)) == [("mydaemon", "added", "listener")]


def test_programs(pairs: Pairs, program: Callable[..., bytes]) -> None:
    def fill_old(world: World) -> None:
        for name in ("recompiled", "changed", "needs"):
            world.file("set:base", f"lib/{name}.so", program("int one(void) { return 1; }"), 0o444)

    def change(world: World) -> None:
        world.file("set:base", "lib/recompiled.so", program("int one(void) { return 1; }", build_id="02"), 0o444)
        world.file("set:base", "lib/changed.so", program("int one(void) { return 2; }", build_id="03"), 0o444)
        needs = program("int one(void) { return 1; }", libraries=("libextra.so.7",))
        world.file("set:base", "lib/needs.so", needs, 0o444)

    old, new = pairs.worlds(lambda world: None)
    fill_old(old)
    change(new)
    found = result(old.release(), new.release())
    grades = {item.path: item.grade for item in found.tree.changes}
    assert grades == {"lib/recompiled.so": "recompiled", "lib/changed.so": "elf", "lib/needs.so": "elf"}
    said = {item.what: item for item in items(found, "elf")}
    assert (
        "section .text differs" in said["/lib/changed.so"].detail
        and "build id: 01 -> 03" in said["/lib/changed.so"].detail
    )
    assert said["/lib/needs.so"].new == "now needs libextra.so.7"
    assert found.tree.section("elf").remarks[0].startswith("1 program or library is recompiled only")


def test_sizes_and_the_budget(pairs: Pairs) -> None:
    old, new = pairs.worlds(lambda world: world.file("overlay:dom0", "big", b"x" * 3_000_000))
    sides = [opened(world.release()) for world in (old, new)]
    sides[1] = dataclasses.replace(sides[1], side=dataclasses.replace(sides[1].side, budget=2_000_000))
    found = compare_releases(sides[0], sides[1], Terms(), pairs.folder)
    said = {item.what: item for item in items(found, "size")}
    assert said["image"].rule == "budget" and said["overlay:dom0"].detail == "+3,000,000 bytes"
    assert [decision.name for decision in found.verdict.open] == ["budget:image"]
    assert "does not fit" in found.tree.section("size").remarks[0]
