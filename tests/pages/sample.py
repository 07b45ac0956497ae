"""A comparison as a page gets it, with something of everything."""

from __future__ import annotations

import difflib
import hashlib

from glassmaster.diff.model import (
    Change,
    Decision,
    Group,
    Item,
    Result,
    Room,
    Section,
    Side,
    State,
    TreeDiff,
    Verdict,
)

EPOCH, LATER = 1_760_000_000, 1_764_000_000
OLD_RC = "# /etc/rc.conf\nhostname=web1\nsshd=YES\nntpd=YES\ninetd=NO\nxencommons=YES\ndomus=YES\nwscons=NO\n"
NEW_RC = OLD_RC.replace("inetd=NO", "inetd=YES").replace("wscons=NO\n", "wscons=NO\nsavecore=NO\n")
OLD_PASSWD = "root:*:0:0::0:0:Charlie:/root:/bin/sh\ntoor:*:0:0::0:0:Bourne:/root:/bin/sh\n"
NEW_PASSWD = OLD_PASSWD + "_chrony:*:1004:1004::0:0:Chrony:/var/chroot:/sbin/nologin\n"


def state(seed: str, origin: str, *, size: int = 1000, mode: int = 0o644, uid: int = 0, mtime: int = EPOCH) -> State:
    """A file."""
    return State("file", mode, uid, 0, mtime, size, hashlib.sha256(seed.encode()).hexdigest(), origin=origin)


def changed(path: str, origins: tuple[str, str], *, grow: int = 0, note: str = "", text: bool = False) -> Change:
    """A file with another content."""
    old, new = state(f"{path} 1", origins[0], size=1000), state(f"{path} 2", origins[1], size=1000 + grow, mtime=LATER)
    grade = "text" if text else "recompiled" if note else "data"
    return Change(path, "changed", old, new, ("content", "mtime"), grade=grade, note=note)  # type: ignore[arg-type]


def unified(path: str, old: str, new: str) -> str:
    """What the model holds of a text."""
    lines = difflib.unified_diff(old.splitlines(True), new.splitlines(True), path, path, n=3)
    return "".join(lines)


def own_tree(files: int) -> TreeDiff:
    """The release's tree; `files` of the set comp differ."""
    sets = ("set:base", "set:base")
    link = State("link", 0o777, 0, 0, EPOCH, link="/usr/bin/vi", origin="set:base")
    setuid = state("su", "package:sudo-1.9.16", size=220_000, mode=0o4755)
    changes = [
        Change("bin/view", "removed", link, None),
        changed("bin/cat", sets, note="recompiled only"),
        Change(
            "etc/rc.conf",
            "changed",
            state("a", "overlay:dom0"),
            state("b", "overlay:dom0", size=1012),
            ("content",),
            grade="text",
        ),
        Change(
            "usr/bin/at",
            "metadata",
            state("at", "set:base"),
            state("at", "set:base", mode=0o4755, uid=2),
            ("mode", "uid"),
        ),
        Change("usr/pkg/bin/sudo", "added", None, setuid),
        Change(
            "usr/share/doc/new.txt",
            "moved",
            state("doc", "set:base"),
            state("doc", "set:base"),
            (),
            "usr/share/doc/old.txt",
        ),
        *(
            Change(
                f"usr/share/man/man{n}/intro.{n}",
                "metadata",
                state("m", "set:base"),
                state("m", "set:base", mtime=LATER),
                ("mtime",),
            )
            for n in range(1, 9)
        ),
        *(
            changed(f"usr/include/x{n % 97:02}/header-{n:05}.h", ("set:comp", "set:comp"), grow=n % 7)
            for n in range(files)
        ),
        changed("netbsd", ("kernel:XEN3_DOM0", "kernel:XEN3_DOM0"), grow=4096),
    ]
    groups = (
        Group(
            "set:base",
            "set:base",
            "set:base",
            4310,
            4309,
            96_400_000,
            96_900_000,
            removed=1,
            changed=1,
            moved=1,
            metadata=9,
            only_time=8,
        ),
        Group("set:comp", "set:comp", "set:comp", 9120, 9120, 171_000_000, 172_400_000, changed=files),
        Group("set:etc", "set:etc", "set:etc", 212, 212, 1_400_000, 1_400_000),
        Group("set:man", "set:man", "set:man", 5100, 5100, 21_000_000, 21_000_000),
        Group("kernel:XEN3_DOM0", "kernel:XEN3_DOM0", "kernel:XEN3_DOM0", 1, 1, 18_300_000, 18_304_096, changed=1),
        Group("xen", "xen:4.17", "xen:4.18", 1, 1, 1_100_000, 1_200_000),
        Group("package:sudo", "", "package:sudo-1.9.16", 0, 40, 0, 3_900_000, added=1),
        Group("package:screen", "package:screen-4.9", "package:screen-4.9", 25, 25, 1_900_000, 1_900_000),
        Group("domu:web", "domu:web", "domu:web", 1, 1, 61_000_000, 64_000_000),
        Group("overlay:dom0", "overlay:dom0", "overlay:dom0", 61, 61, 91_000, 91_012, changed=1),
        Group("grub", "grub", "grub", 2, 2, 1200, 1200),
    )
    rooms = tuple(Room(group.name, "usr", group.old_bytes, group.new_bytes) for group in groups)
    sections = (
        Section(
            "security",
            (
                Item("/usr/pkg/bin/sudo", "added", "", "4755 root:wheel", "setuid", ("usr/pkg/bin/sudo",)),
                Item("/usr/bin/at", "changed", "0644 root:wheel", "4755 operator:wheel", "setuid", ("usr/bin/at",)),
                Item("inetd", "starts", "NO", "YES", "listeners", ("etc/rc.conf",)),
            ),
        ),
        Section(
            "packages",
            (
                Item("sudo", "added", "", "1.9.16"),
                Item("screen", "up", "4.9", "4.9.1"),
                Item("curl", "down", "8.11", "8.10"),
            ),
        ),
        Section("kernel", (Item("options DIAGNOSTIC", "removed", "yes", ""), Item("wm*", "added", "", "at pci?"))),
        Section("xen", (Item("Xen", "up", "4.17", "4.18"),)),
        Section(
            "etc",
            (
                Item("/etc/rc.conf", "changed", "", "", "", ("etc/rc.conf",), unified("etc/rc.conf", OLD_RC, NEW_RC)),
                Item(
                    "/etc/master.passwd",
                    "changed",
                    "",
                    "",
                    "",
                    ("etc/master.passwd",),
                    unified("etc/master.passwd", OLD_PASSWD, NEW_PASSWD),
                ),
            ),
        ),
        Section(
            "elf", tuple(Item(f"/usr/lib/lib{n}.so", "recompiled") for n in range(55)), ("12 more could not be read",)
        ),
        Section("size", (Item("image", "changed", "402 MB of 703 MB", "411 MB of 703 MB"),)),
    )
    return TreeDiff(
        "", 20_100, 20_101, tuple(changes), groups, rooms, sections, ("times later than the epoch were not compared",)
    )


def domu_tree() -> TreeDiff:
    """A domU image's tree."""
    changes = (changed("etc/motd", ("overlay:domu", "overlay:domu"), grow=5, text=True),)
    groups = (
        Group("set:base", "set:base", "set:base", 900, 900, 50_000_000, 50_000_000),
        Group("overlay:domu", "overlay:domu", "overlay:domu", 9, 9, 4000, 4005, changed=1),
    )
    sections = (
        Section("etc", (Item("/etc/motd", "changed", "", "", "", ("etc/motd",), unified("etc/motd", "a\n", "b\n")),)),
    )
    return TreeDiff("images/web.img", 950, 950, changes, groups, (), sections)


def result(files: int = 40, *, outcome: str = "decision") -> Result:
    """The whole."""
    decisions: tuple[Decision, ...] = (
        Decision("setuid:/usr/pkg/bin/sudo", "setuid", "", "/usr/pkg/bin/sudo is a new setuid program"),
        Decision("listeners:inetd", "listeners", "", "inetd starts at boot", "listeners"),
    )
    if outcome == "allowed":
        decisions = decisions[1:]
    trees: tuple[TreeDiff, ...] = (own_tree(files), domu_tree())
    verdict = Verdict(outcome, ("setuid", "kernel-root", "listeners"), decisions)  # type: ignore[arg-type]
    if outcome == "same":
        trees, verdict = (TreeDiff("", 20_100, 20_100, (), trees[0].groups),), Verdict("same", ("setuid",))
    old = Side(
        "out/racks-10.1",
        "release",
        "racks",
        "4b1c09aa21fe",
        "Racks 10.1",
        False,
        20_100,
        371_191_012,
        402_000_000,
        737_280_000,
    )
    new = Side(
        "out/racks-10.2",
        "release",
        "racks",
        "9d7730e1b2c4",
        "Racks 10.2",
        False,
        20_101,
        381_095_108,
        411_000_000,
        737_280_000,
    )
    return Result(old, new, trees, verdict)
