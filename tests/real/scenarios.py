"""What a real release must show: machines for `doit smoke` of a disc with the boot chain, and their disks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from glassmaster.config.layout import make_config_tree

HOST = "dom0.example.org"
URL = "https://svn.example.org/conf"
PASSWORD = "console"
# Of that password, by MD5 as crypt(3) of every NetBSD knows it.
HASH = "$1$realtest$yrbxtkZo16iovz/upZv6h0"
OVERLAYS = ("machine", "dom0", "recording")
DONE = r"^DONE-42"
SAY_DONE = "echo DONE-$((6*7))"
Milestone = dict[str, str]
Scenario = dict[str, Any]


def make_tree(target: Path) -> Path:
    """The tree of config-new, with a small disk, a password for the console, and files to look for; its checkout."""
    checkout = make_config_tree(target)
    host = checkout / "pservers" / HOST
    facts = (host / "host.yaml").read_text()
    for old, new in (
        ("128 ", "64 "),
        ("512 ", "64 "),
        ("256 ", "128 "),
        ("config: 32, swap: 128", "config: 16, swap: 16"),
    ):
        assert old in facts
        facts = facts.replace(old, new)
    (host / "host.yaml").write_text(facts.replace("dom0_memory: 64", "dom0_memory: 512"))
    (host / "accounts/master.passwd").write_text(f"root:{HASH}:0:0::0:0:Charlie &:/root:/bin/sh\n")
    (host / "etc/edition").write_text("Ours.\n")
    (host / "etc/known").write_text("first\n")
    (host / "restart").write_text("local/etc/known inetd\n")
    return checkout


def see(name: str, pattern: str, answer: str = "") -> Milestone:
    """Something that the console must show."""
    return {"name": name, "pattern": pattern, **({"answer": answer} if answer else {})}


def stage(name: str, words: str = "status=ok", answer: str = "") -> Milestone:
    """A line of the boot chain; words is a pattern."""
    return see(f"{name} {words}", f"glassmaster: stage={name} {words}", answer)


def started(root: str = "cd0a") -> list[Milestone]:
    """From the kernel to our rc."""
    return [see("root", f"root on {root}"), stage("start", f"status=ok .*root=/dev/{root}$")]


def up(
    *, config: str, hidden: str = "status=ok", var: str = "status=ok from=/dev/wd0e", domus: bool = True
) -> list[Milestone]:
    """From the configuration to a login that works; config, hidden, var: what their lines say."""
    domu = [
        see("xl", r"recorded: xl create \S*/web\.xl"), see("its root", r"recorded: .*/dev/vnd0d"),
        stage("domu", "status=ok name=web memory=256"),
    ]  # fmt: skip
    return [
        stage("config", config), stage("hidden", hidden), stage("accounts", "status=ok"),
        stage("etc", "status=ok union=/config/local/etc"), stage("fstab"), stage("var", var), stage("tmp"),
        *(stage("mounts", f"status=ok at={at}") for at in ("rc", "root", "mountall")),
        *(domu if domus else []), stage("domus", f"status=ok started={int(domus)} failed=0"),
        see("login", r"login: *$", "root"), see("password", r"Password: *$", PASSWORD),
    ]  # fmt: skip


def shell(*commands: str) -> Milestone:
    """The prompt after the login; what is typed there."""
    return see("shell", r"# *$", "; ".join(commands))


def none(answer: str) -> list[Milestone]:
    """No configuration: a shell on the console, in which something is typed."""
    return [stage("config", "status=none disks=.* marker="), see("console", r"^# *$|[^#]# *$", answer)]


def look() -> list[Milestone]:
    """A login that works: what is mounted, swap, the domUs' images, the release."""
    return [
        shell("mount", "swapctl -l", "ls /images", "glassmaster-release", SAY_DONE),
        see("union", r"/config/local/etc on /etc type union"), see("swap", r"/dev/wd0b"), see("images", r"^base\.img"),
        see("configuration", r"^config_local=1$"), see("done", DONE, "try-ffs ffs1 ffs2"),
        *(see(name, f"recorded: {name} checked twice and written to") for name in ("ffs1", "ffs2")),
    ]  # fmt: skip


def update() -> list[Milestone]:
    """A good revision, one with a mistake, and back to the first."""
    spoil = "commit 3 local/etc/rc.conf 'if true'"
    return [
        shell("commit 2 local/etc/known second && glassmaster-update"),
        see("checkout", f"recorded: svn checkout --force --non-interactive {URL}/pservers/{HOST}@1 "),
        see("change", r"^  local/etc/known"), stage("restart", "status=ok script=inetd"),
        stage("update", "status=ok local=2 global=2", "ls -l /config/local/etc/ssh"),
        see("key", r"^-rw-------.* ssh_host_rsa_key$", f"{spoil}; glassmaster-update; cat /etc/known"),
        see("mistake", r"local/etc/rc\.conf: not sh"), stage("update", 'status=refused why="the configuration has'),
        see("second", r"^second", "glassmaster-update back; cat /etc/known"),
        stage("update", "status=back"), see("first", r"^first", SAY_DONE), see("done", DONE),
    ]  # fmt: skip


def prepare() -> list[Milestone]:
    """An empty disk: from the shell to a configuration on it, and on to a login."""
    account = f"useradd kept; sync; {SAY_DONE}"
    command = f"glassmaster-prepare -n {HOST} -c 64 -s 64 -v 128 -d web:16:16 wd0"
    return [
        *started(), *none(command), stage("prepare", "status=ok dev=/dev/wd0f for=web"),
        stage("prepare", f"status=ok dev=/dev/wd0a for={HOST}", "exit"),
        *bare(config=r"status=ok dev=/dev/wd0a"), see("shell", r"# *$", account), see("done", DONE),
    ]  # fmt: skip


def bare(config: str) -> list[Milestone]:
    """A configuration without accounts and virtual machines: root has no password, and says so."""
    return [
        item for item in up(config=config, domus=False) if item["name"] not in ("password", "accounts status=ok")
    ]  # fmt: skip


def machines(disk: str, previous: str) -> list[Scenario]:
    """All of them. disk: config-disk's image; previous: the disk that the previous release left."""
    clean, mended = "status=ok dev=/dev/wd0a$", "status=ok dev=/dev/wd0a mended=yes$"
    both = "status=ok from=/dev/wd0e mended=yes$"
    usb = [*started("sd0a"), *up(config=clean), shell(SAY_DONE), see("done", DONE)]
    return [
        {"name": "no-config", "milestones": [*started(), *none("exit"), *none("echo still"), see("shell", "^still")]},
        {"name": "prepared", "disks": ["empty"], "milestones": prepare()},
        {
            "name": "prepared-again", "disks": ["left:prepared"],
            "milestones": [*started(), stage("config", mended), stage("accounts", "status=taken"), stage("var", both),
                           see("login", r"login: *$", "root"), shell("id kept", SAY_DONE),
                           see("account", r"^uid=\d+\(kept\)"), see("done", DONE)],
        },
        {"name": "configured", "disks": [disk], "milestones": [*started(), *up(config=clean), *look()]},
        {
            "name": "dirty", "disks": ["left:configured"],
            "milestones": [*started(), *up(config=mended, var=both), shell(SAY_DONE), see("done", DONE)],
        },
        {
            "name": "updated", "disks": ["left:dirty"],
            "milestones": [*started(), *up(config=mended, var=both), *update()],
        },
        {
            "name": "two-disks", "disks": ["empty", disk],
            "milestones": [*started(), stage("config", "status=ok dev=/dev/wd1a$"), see("login", r"login: *$", "root"),
                           see("password", "Password: *$", PASSWORD), shell(SAY_DONE), see("done", DONE)],
        },
        {"name": "usb", "medium": "usb", "disks": [disk], "milestones": usb},
        # Without a disk: on QEMU's pc OVMF leaves the IDE channels off, and 6.99.16 does not switch them on.
        {"name": "usb-uefi", "medium": "usb", "firmware": "uefi", "milestones": [*started("sd0a"), *none("exit")]},
        {
            "name": "previous", "disks": [previous],
            "milestones": [*started(), *up(config=mended, hidden="status=warn files=etc/edition", var=both),
                           shell(SAY_DONE), see("done", DONE)],
        },
    ]  # fmt: skip


def machines_of_before(disk: str) -> list[Scenario]:
    """The previous release's: it starts with the disk, and once more with the same one."""
    end = [shell(SAY_DONE), see("done", DONE)]
    clean, mended = "status=ok dev=/dev/wd0a$", "status=ok dev=/dev/wd0a mended=yes$"
    again = up(config=mended, var="status=ok from=/dev/wd0e mended=yes$")
    return [
        {"name": "used", "disks": [disk], "milestones": [*started(), *up(config=clean), *end]},
        {"name": "again", "disks": ["left:used"], "milestones": [*started(), *again, *end]},
    ]


def recipe(below: str, edition: str, seconds: int, firmware: Sequence[str], scenarios: Sequence[Scenario]) -> str:
    """A recipe that extends `below`; JSON is YAML."""
    return json.dumps(
        {
            "extends": below,
            "overlays": list(OVERLAYS),
            "variables": {"edition": edition},
            "domus": {name: {"sets": ["etc"], "filesystem": name} for name in ("ffs1", "ffs2")},
            "smoke": {
                "seconds": str(seconds), "firmware": list(firmware), "scenarios": list(scenarios),
                "milestones": [*started(), stage("config", "status=none"), see("console", "# *$")],
            },
        },
        indent=1,
    )  # fmt: skip
