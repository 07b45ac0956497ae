"""What the stand-in's sets hold: the shapes that real sets have, and the traps in them (facts of NetBSD's own sets)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

VERSION_NOTE = "a file of glassmaster's stand-in release. It is not NetBSD and does nothing."

USERS = (
    ("root", 0, 0), ("toor", 0, 0), ("daemon", 1, 1), ("operator", 2, 5), ("bin", 3, 7), ("games", 7, 13),
    ("postfix", 12, 12), ("named", 14, 14), ("ntpd", 15, 15), ("sshd", 16, 16), ("uucp", 66, 1), ("nobody", 32767, 39),
)  # fmt: skip
GROUPS = (
    ("wheel", 0), ("daemon", 1), ("sys", 3), ("tty", 4), ("operator", 5), ("mail", 6), ("bin", 7), ("kmem", 2),
    ("postfix", 12), ("games", 13), ("named", 14), ("ntpd", 15), ("sshd", 16), ("utmp", 45),
    ("guest", 31), ("nobody", 39),
)  # fmt: skip
RESCUE_PROGRAMS = 150
DEEP = 12
LARGEST_WEIGHT = 1000.0


@dataclass(frozen=True)
class Item:
    """One path of a set. hardlink: the path whose content this name shares. link: a symbolic link's target."""

    path: str
    kind: Literal["file", "dir", "link"] = "file"
    mode: int = 0o444
    user: str = "root"
    group: str = "wheel"
    data: bytes = b""
    link: str = ""
    hardlink: str = ""


def directory(path: str, mode: int = 0o755, user: str = "root", group: str = "wheel") -> Item:
    """A directory."""
    return Item(path, "dir", mode, user, group)


def program(path: str, mode: int = 0o555, group: str = "wheel") -> Item:
    """Something where NetBSD has a program; it says that it is none."""
    return Item(path, mode=mode, group=group, data=f"#!/bin/sh\n# /{path}: {VERSION_NOTE}\nexit 1\n".encode())


def text(path: str, body: str, mode: int = 0o644) -> Item:
    """A configuration file."""
    return Item(path, mode=mode, data=body.encode())


def base() -> list[Item]:
    """The base set: programs, setuid ones, hard links with other modes, links, deep and awkward names."""
    items = [directory(path) for path in (
        ".", "bin", "sbin", "dev", "etc", "etc/mtree", "lib", "libexec", "rescue", "root", "stand", "usr", "usr/bin",
        "usr/lib", "usr/sbin", "usr/share", "var", "var/db", "var/db/obsolete", "kern", "proc", "mnt", "boot",
    )]  # fmt: skip
    items += [directory("tmp", 0o1777), directory("var/tmp", 0o1777), directory("var/mail", 0o1777)]
    items += [
        program(f"bin/{name}") for name in ("cat", "cp", "csh", "date", "ed", "ls", "mkdir", "pax", "rm", "sh", "test")
    ]
    items += [program(f"sbin/{name}") for name in ("init", "mount", "mount_tmpfs", "rcorder", "sysctl", "umount")]
    items += [
        program("usr/bin/su", 0o4555),
        program("usr/bin/login", 0o4555),
        program("usr/bin/write", 0o2555, "tty"),
    ]
    items.append(Item("bin/[", mode=0o555, hardlink="bin/test"))
    # As in real sets: the name listed first has no setuid bit, the other has.
    items += [
        program("usr/bin/chpass", 0o0555),
        Item("usr/bin/passwd", mode=0o4555, hardlink="usr/bin/chpass"),
    ]
    items += rescue()
    items += [
        Item("sys", "link", 0o755, link="usr/src/sys"),
        Item("usr/bin/nawk", "link", 0o755, link="awk"),
        program("usr/bin/awk"),
        Item("usr/tmp", "link", 0o755, link="../var/tmp"),
        text("var/db/obsolete/base", "./bin/gone\n", 0o644),
        program("dev/MAKEDEV"),
    ]
    return items + awkward()


def rescue() -> list[Item]:
    """/rescue: one crunched program under many names."""
    first = "rescue/cat"
    body = random.Random("rescue").randbytes(1 << 18)
    names = [f"rescue/{n:03d}" for n in range(1, RESCUE_PROGRAMS)]
    return [Item(first, mode=0o555, data=body), *(Item(name, mode=0o555, hardlink=first) for name in names)]


def awkward() -> list[Item]:
    """Names and depths that formats have trouble with."""
    top = "usr/share/standin"
    items = [directory(top)]
    deep = top
    for level in range(1, DEEP + 1):
        deep = f"{deep}/level{level}"
        items.append(directory(deep))
    items.append(text(f"{deep}/bottom", "twelve directories down\n"))
    for name in (
        "with space", "tab\there", "back\\slash", "#hash", "star*", "ünï", "ALLCAPS.TXT", "allcaps.txt", "a.b.c.d",
        ".dot",
    ):  # fmt: skip
        items.append(text(f"{top}/{name}", f"the name is {name!r}\n"))
    items.append(text(f"{top}/{'long-' * 19}end", "a long name\n"))
    items += [text(f"{top}/empty", ""), text(f"{top}/empty-too", "")]
    items += [text(f"{top}/same-1", "equal content\n"), text(f"{top}/same-2", "equal content\n", 0o600)]
    items.append(Item(f"{top}/to-nowhere", "link", 0o755, link="../no such file"))
    return items


def etc() -> list[Item]:
    """The etc set: accounts, rc and the directories of /var."""
    passwd = "".join(f"{name}:*:{uid}:{gid}::0:0:{name}:/:/sbin/nologin\n" for name, uid, gid in USERS)
    group = "".join(f"{name}:*:{gid}:\n" for name, gid in GROUPS)
    items = [directory(path) for path in (
        ".", "etc", "etc/defaults", "etc/mtree", "etc/rc.d", "root", "var", "var/log", "var/run", "var/spool",
        "var/cron",
    )]  # fmt: skip
    items += [
        text("etc/master.passwd", passwd, 0o600),
        text("etc/group", group),
        text("etc/shells", "/bin/sh\n/bin/csh\n"),
        text("etc/rc", f"#!/bin/sh\n# /etc/rc: {VERSION_NOTE}\nexit 1\n"),
        text("etc/rc.subr", f"# /etc/rc.subr: {VERSION_NOTE}\n"),
        text("etc/rc.conf", "if [ -r /etc/defaults/rc.conf ]; then\n\t. /etc/defaults/rc.conf\nfi\nrc_configured=NO\n"),
        text("etc/defaults/rc.conf", f"# /etc/defaults/rc.conf: {VERSION_NOTE}\n"),
        text("etc/ttys", f"# /etc/ttys: {VERSION_NOTE}\n"),
        text("etc/motd", "This is glassmaster's stand-in release, not NetBSD.\n"),
        text("root/.profile", f"# /root/.profile: {VERSION_NOTE}\n"),
        directory("var/at", 0o700), directory("var/spool/ftp"), directory("var/spool/ftp/hidden", 0o111),
        Item("var/log/wtmp", mode=0o664, group="utmp"), Item("var/mail/root", mode=0o600),
        directory("var/mail", 0o1777),
    ]  # fmt: skip
    scripts = ("root", "fsck_root", "mountcritlocal", "mountall", "network", "sysdb", "sshd", "cron")
    body = "#!/bin/sh\n# PROVIDE: {0}\n# /etc/rc.d/{0}: {1}\n"
    return items + [text(f"etc/rc.d/{name}", body.format(name, VERSION_NOTE), 0o555) for name in scripts]


def misc() -> list[Item]:
    """A small set in the old format, .tgz."""
    return [directory(path) for path in (".", "etc", "etc/mtree", "usr", "usr/share", "usr/share/dict")] + [
        text("usr/share/dict/words", "stand\nin\n", 0o444)
    ]


def comp(files: int, size: int) -> Iterator[Item]:
    """As many extra files as wanted, of `size` bytes together, unevenly large, the same every time."""
    for path in (".", "etc", "etc/mtree", "usr", "usr/include", "usr/include/standin"):
        yield directory(path)
    chance = random.Random(f"comp {files} {size}")
    # Without a limit one file of 200,000 would be a tenth of all bytes, and each is in memory once.
    weights = [min(chance.paretovariate(1.2), LARGEST_WEIGHT) for _ in range(files)]
    total = sum(weights)
    for number, weight in enumerate(weights):
        if number % 100 == 0:
            yield directory(f"usr/include/standin/{number // 100:04d}")
        path = f"usr/include/standin/{number // 100:04d}/file{number:06d}.h"
        yield Item(path, data=chance.randbytes(int(size * weight / total)))
