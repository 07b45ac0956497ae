"""Accounts of the disc and of the configuration; files that hide what a new disc has changed."""

from __future__ import annotations

import hashlib

import pytest

from tests.rc.sandbox import MASTER_PASSWD, Sandbox
from tests.rc.test_rc_boot import LABEL

ROOT = "root:$hash:0:0::0:0:Charlie &:/root:/bin/sh\n"
ALICE = "alice:*:1000:100::0:0:Alice:/home/alice:/bin/sh\n"
# As pwd_mkdb: the file takes its place.
PWD_MKDB = 'mv "$2" /etc/master.passwd; : >/etc/pwd.db; : >/etc/spwd.db'


@pytest.fixture
def machine(sandbox: Sandbox) -> Sandbox:
    sandbox.disks(wd0=LABEL)
    sandbox.config("wd0a")
    sandbox.answer("pwd_mkdb", PWD_MKDB)
    return sandbox


def restart(machine: Sandbox) -> None:
    """As after a power cycle: nothing is mounted, and the disc's /etc is as it was."""
    root = machine.root
    machine.write("mounts", "/dev/cd0a on / type cd9660 (read-only, local)\n")
    (root / "config").unlink()
    (root / "config").mkdir()
    back = "rm -rf /etc /var /tmp /memory; for d in etc var tmp memory; do mv /covered/$d/below /$d; done"
    machine.run("/bin/sh", "-c", f"{back}; rm -rf /covered")


def test_entries_of_the_configuration_count(machine: Sandbox) -> None:
    machine.write("disks/wd0a/local/accounts/master.passwd", f"# Ours.\n{ROOT}{ALICE}")
    machine.write("disks/wd0a/local/accounts/group", "wheel:*:0:root,alice\nstaff:*:20:\n")
    done = machine.boot()
    assert "accounts status=ok" in done.stages()
    assert machine.text("etc/master.passwd") == ROOT + MASTER_PASSWD.splitlines(keepends=True)[1] + ALICE
    assert machine.text("etc/group") == "wheel:*:0:root,alice\ndaemon:*:1:daemon\nstaff:*:20:\n"
    assert machine.calls("pwd_mkdb") == ["pwd_mkdb -p /etc/master.passwd.new"]
    kept = machine.root / "disks/wd0a/.glassmaster"
    modes = [path.stat().st_mode & 0o777 for path in (kept, kept / "accounts", kept / "accounts/master.passwd")]
    assert modes == [0o700, 0o700, 0o600]


def test_a_new_disc_s_accounts_come_through(machine: Sandbox) -> None:
    machine.write("disks/wd0a/local/accounts/master.passwd", ALICE)
    machine.boot()
    restart(machine)
    assert machine.text("etc/master.passwd") == MASTER_PASSWD
    new = "_new:*:77:77::0:0:New:/nonexistent:/sbin/nologin\n"
    machine.write("etc/master.passwd", MASTER_PASSWD + new)
    machine.boot()
    assert machine.text("etc/master.passwd") == MASTER_PASSWD + new + ALICE


def test_what_passwd_changed_is_taken_in_and_its_copies_go_away(machine: Sandbox) -> None:
    machine.write("disks/wd0a/local/accounts/master.passwd", ALICE)
    machine.boot()
    restart(machine)
    # vipw has written whole files through the union: alice is gone, bob is new, root has a password.
    bob = "bob:*:1001:100::0:0:Bob:/home/bob:/bin/sh\n"
    for name in ("passwd", "pwd.db", "spwd.db"):
        machine.write(f"disks/wd0a/local/etc/{name}", "")
    machine.write("disks/wd0a/local/etc/master.passwd", ROOT + MASTER_PASSWD.splitlines(keepends=True)[1] + bob)
    done = machine.boot()
    assert "accounts status=taken file=master.passwd" in done.stages()
    assert machine.text("disks/wd0a/local/accounts/master.passwd") == ROOT + bob
    assert machine.text("etc/master.passwd") == ROOT + MASTER_PASSWD.splitlines(keepends=True)[1] + bob
    assert list((machine.root / "disks/wd0a/local/etc").iterdir()) == []
    assert (machine.root / "disks/wd0a/local/accounts/master.passwd").stat().st_mode & 0o777 == 0o600


DAEMON = MASTER_PASSWD.splitlines(keepends=True)[1]
CUT_OFF = {
    "empty": ("master.passwd", "", "master.passwd has no entry root"),
    "without root": ("master.passwd", DAEMON, "master.passwd has no entry root"),
    "cut off in a line": ("master.passwd", ROOT + DAEMON[:12], "master.passwd has lines that are no entries"),
    "cut off in the last word": ("master.passwd", ROOT + DAEMON[:-3], "the end of master.passwd is missing"),
    "blocks that were never written": ("master.passwd", ROOT + "\0" * 64, "master.passwd has zeros instead of text"),
    "a group, empty": ("group", "", "group has no entry wheel"),
    "a group, cut off": ("group", "wheel:*:0:root\ndae", "group has lines that are no entries"),
}


@pytest.mark.parametrize("name", CUT_OFF)
def test_a_file_that_was_cut_off_does_not_wipe_the_accounts(machine: Sandbox, name: str) -> None:
    file, text, why = CUT_OFF[name]
    kept = {"master.passwd": ROOT + ALICE, "group": "wheel:*:0:root,alice\n"}
    for entries in kept:
        machine.write(f"disks/wd0a/local/accounts/{entries}", kept[entries])
    machine.boot()
    restart(machine)
    for copy in ("passwd", "pwd.db", "spwd.db") if file == "master.passwd" else ():
        machine.write(f"disks/wd0a/local/etc/{copy}", "")
    machine.write(f"disks/wd0a/local/etc/{file}", text)
    done = machine.boot()
    refused = "/config/.glassmaster/accounts/refused"
    assert f'accounts status=warn file={file} why="{why}; not taken in" kept={refused}' in done.stages()
    assert "accounts status=ok" in done.stages()
    assert {entries: machine.text(f"disks/wd0a/local/accounts/{entries}") for entries in kept} == kept
    assert machine.text("etc/master.passwd") == ROOT + DAEMON + ALICE
    # Nothing of them hides the accounts; what was refused can be looked at, by root.
    assert list((machine.root / "disks/wd0a/local/etc").iterdir()) == []
    place = machine.root / refused.removeprefix("/").replace("config", "disks/wd0a", 1)
    assert (place / file).read_text() == text and place.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("left", [("ptmp",), ("pwd.db", "spwd.db", "ptmp")])
def test_what_an_interrupted_passwd_has_left_hides_no_accounts(machine: Sandbox, left: tuple[str, ...]) -> None:
    # pwd_mkdb puts master.passwd in its place last.
    machine.write("disks/wd0a/local/accounts/master.passwd", ROOT)
    for name in left:
        machine.write(f"disks/wd0a/local/etc/{name}", "half")
    stages = machine.boot().stages()
    why = f'why="{left[0]} was left by something interrupted; not taken in"'
    assert f"accounts status=warn file=master.passwd {why} kept=/config/.glassmaster/accounts/refused" in stages
    assert list((machine.root / "disks/wd0a/local/etc").iterdir()) == []
    assert machine.text("disks/wd0a/local/accounts/master.passwd") == ROOT
    assert {path.name for path in (machine.root / "disks/wd0a/.glassmaster/accounts/refused").iterdir()} == set(left)


def test_what_came_by_subversion_since_the_last_start_stays(machine: Sandbox) -> None:
    bob = "bob:*:1001:100::0:0:Bob:/home/bob:/bin/sh\n"
    entries = "disks/wd0a/local/accounts/master.passwd"
    machine.write(entries, ALICE + bob)
    machine.boot()
    restart(machine)
    # useradd has made carol and userdel taken bob away; then an update has brought dave, and another shell for alice.
    carol, dave = (bob.replace("bob", name).replace("1001", "1002") for name in ("carol", "dave"))
    machine.write("disks/wd0a/local/etc/master.passwd", MASTER_PASSWD + ALICE + carol)
    machine.write(entries, ALICE.replace("/bin/sh", "/bin/ksh") + bob + dave)
    assert "accounts status=taken file=master.passwd" in machine.boot().stages()
    assert machine.text(entries) == ALICE.replace("/bin/sh", "/bin/ksh") + carol + dave


def test_accounts_that_pwd_mkdb_refuses_leave_the_disc_s(machine: Sandbox) -> None:
    machine.write("disks/wd0a/local/accounts/master.passwd", "alice:too:few:fields\n")
    machine.answer("pwd_mkdb", "exit 1")
    done = machine.boot()
    assert "accounts status=failed" in done.stages()
    assert machine.text("etc/master.passwd") == MASTER_PASSWD
    assert not (machine.root / "etc/master.passwd.new").exists()


PACKAGED = "mailer:*:1000:1000::0:0:Mailer:/nonexistent:/sbin/nologin\n"


def test_accounts_of_packages_get_into_the_databases(machine: Sandbox) -> None:
    # The image's master.passwd has them; its passwd, made with the release's databases, has not.
    machine.write("etc/master.passwd", MASTER_PASSWD + PACKAGED)
    assert "accounts status=ok" in machine.boot().stages()
    assert machine.calls("pwd_mkdb") == ["pwd_mkdb -p /etc/master.passwd.new"]
    assert machine.text("etc/master.passwd") == MASTER_PASSWD + PACKAGED
    assert (machine.root / "etc/pwd.db").exists() and not (machine.root / "etc/master.passwd.new").exists()


def test_databases_that_know_all_accounts_are_left_alone(machine: Sandbox) -> None:
    assert "accounts status=ok" in machine.boot().stages()
    assert machine.calls("pwd_mkdb") == []
    assert not (machine.root / "etc/master.passwd.new").exists()


def test_accounts_of_packages_come_also_where_the_configurations_are_refused(machine: Sandbox) -> None:
    machine.write("etc/master.passwd", MASTER_PASSWD + PACKAGED)
    machine.write("disks/wd0a/local/accounts/master.passwd", "alice:too:few:fields\n")
    machine.answer("pwd_mkdb", f'if grep -q alice "$2"; then exit 1; fi; {PWD_MKDB}')
    assert "accounts status=failed" in machine.boot().stages()
    assert machine.text("etc/master.passwd") == MASTER_PASSWD + PACKAGED
    assert (machine.root / "etc/pwd.db").exists()


def test_a_root_without_a_password_is_said(machine: Sandbox) -> None:
    machine.write("etc/master.passwd", MASTER_PASSWD.replace("*ROOT", ""))
    assert 'accounts status=warn why="root has no password"' in machine.boot().stages()


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_file_that_hides_a_changed_one_is_reported_until_it_is_looked_at(machine: Sandbox) -> None:
    base = "disks/wd0a/local/.glassmaster/base"
    machine.write("etc/ntp.conf", "old\n")
    machine.write("etc/same.conf", "same\n")
    for name in ("ntp.conf", "same.conf", "only ours.conf"):
        machine.write(f"disks/wd0a/local/etc/{name}", "ours\n")
    assert "hidden status=ok" in machine.boot().stages()
    # A digest of a secret is one: nobody else can read any of them.
    memory = machine.root / "memory"
    made = {path.name: path.stat().st_mode & 0o777 for path in memory.iterdir() if digest("ours\n") in path.read_text()}
    assert made == {"local.digests": 0o600, "compared": 0o600, "base": 0o600}
    assert (memory / "etc.digests").stat().st_mode & 0o777 == 0o600
    ours = digest("ours\n")
    first = [f"{digest('old' + chr(10))} {ours} etc/ntp.conf", f"- {ours} etc/only ours.conf"]
    same = f"{digest('same' + chr(10))} {ours} etc/same.conf"
    assert machine.text(base).splitlines() == [*first, same]

    restart(machine)
    machine.write("etc/ntp.conf", "new\n")
    changed = (
        'hidden status=warn files=etc/ntp.conf why="the disc has another version of these than when they were made"'
    )
    assert changed in machine.boot().stages()
    assert machine.text(base).splitlines() == [*first, same]

    assert machine.run("/usr/sbin/glassmaster-update", "seen").status == 0
    restart(machine)
    assert "hidden status=ok" in machine.boot().stages()

    # A file that was changed here was made from what the disc has now.
    restart(machine)
    machine.write("etc/same.conf", "other\n")
    machine.write("disks/wd0a/local/etc/same.conf", "ours, changed\n")
    assert "hidden status=ok" in machine.boot().stages()
    assert (
        f"{digest('other' + chr(10))} {digest('ours, changed' + chr(10))} etc/same.conf"
        in machine.text(base).splitlines()
    )
