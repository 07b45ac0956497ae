"""glassmaster-update: the new configuration is made and checked in private, and can be taken back."""

from __future__ import annotations

import pytest

from tests.rc.rc_configured import NEITHER, RC_CONFS
from tests.rc.sandbox import Sandbox

RC_CONF = ". /etc/defaults/rc.conf\nhostname=alpha\n"

# /repository/local and /repository/global are what Subversion has. Files come as it makes them: by the umask.
SVN = """
case $1 in
update)
	[ ! -e /unreachable ] || exit 1
	ls -ldn "${3%/*}" | cut -c 1-10 >/next-mode
	for path in "$3"/*; do rm -rf "$path"; done
	(cd "/repository/${3##*/}" && find . -type d -exec mkdir -p "$3/{}" \\; && find . -type f) | while read -r file; do
		cat "/repository/${3##*/}/$file" >"$3/$file"
		[ ! -x "/repository/${3##*/}/$file" ] || chmod u+x "$3/$file"
	done
	cp "/repository/${3##*/}/.mtree" "$3/.mtree" 2>/dev/null || rm -f "$3/.mtree"
	;;
status) cat /conflicts 2>/dev/null ;;
info) [ -e "/repository/$3" ] || [ -e "/repository/${3#/config/}" ] ;;
esac
"""


@pytest.fixture
def machine(sandbox: Sandbox) -> Sandbox:
    for tree in ("local", "global"):
        sandbox.write(f"config/{tree}/.svn/entries", "12\n")
        (sandbox.root / "repository" / tree).mkdir(parents=True)
    sandbox.write("config/local/etc/rc.conf", RC_CONF)
    sandbox.write("repository/local/etc/rc.conf", RC_CONF)
    sandbox.answer("svn", SVN)
    sandbox.answer("svnversion", "printf 7")
    return sandbox


def update(machine: Sandbox, *words: str) -> tuple[int, list[str]]:
    done = machine.run("/usr/sbin/glassmaster-update", *words)
    return done.status, done.stages()


def tree(machine: Sandbox) -> dict[str, tuple[str, int]]:
    """Content and mode of the configuration's files."""
    root = machine.root / "config"
    return {
        str(path.relative_to(root)): (path.read_text(), path.stat().st_mode & 0o7777)
        for name in ("local", "global")
        for path in sorted((root / name).rglob("*"))
        if path.is_file() and ".glassmaster" not in path.parts
    }


def test_an_update_brings_files_with_their_modes_and_takes_old_ones_away(machine: Sandbox) -> None:
    machine.write("config/local/etc/gone.conf", "old\n")
    machine.write("repository/local/etc/new.conf", "new\n")
    machine.write("repository/local/etc/rc.d/ours", "#!/bin/sh\n", mode=0o755)
    machine.write("repository/local/etc/secret", "secret\n")
    machine.write("repository/local/etc/ssh/ssh_host_rsa_key", "key\n")
    machine.write("repository/local/accounts/master.passwd", "root:$h:0:0::0:0:Charlie &:/root:/bin/sh\n")
    machine.write("repository/local/.mtree", "# Ours.\n./etc/secret mode=0640 uname=operator gname=wheel type=file\n")
    machine.write("repository/global/hosts", "127.0.0.1 localhost\n")
    assert update(machine) == (0, ["update status=ok local=7 global=7"])
    found = tree(machine)
    assert {path: mode for path, (_, mode) in found.items() if ".svn" not in path} == {
        "local/.mtree": 0o644,
        "local/accounts/master.passwd": 0o600,
        "local/etc/new.conf": 0o644,
        "local/etc/rc.conf": 0o644,
        "local/etc/rc.d/ours": 0o755,
        "local/etc/secret": 0o640,
        "local/etc/ssh/ssh_host_rsa_key": 0o600,
        "global/hosts": 0o644,
    }
    assert (machine.root / "config/local/accounts").stat().st_mode & 0o777 == 0o700
    assert (machine.root / "config/local/.svn").stat().st_mode & 0o777 == 0o700
    assert machine.calls("chown")[1] == "chown operator:wheel /config/.glassmaster/next/local/./etc/secret"


def test_subversion_works_where_nobody_else_can_look(machine: Sandbox) -> None:
    update(machine)
    assert machine.text("next-mode") == "drwx------\n"
    assert (machine.root / "config/.glassmaster").stat().st_mode & 0o777 == 0o700
    assert machine.calls("svn")[:4] == [
        "svn update --non-interactive /config/.glassmaster/next/local",
        "svn status /config/.glassmaster/next/local",
        "svn update --non-interactive /config/.glassmaster/next/global",
        "svn status /config/.glassmaster/next/global",
    ]


BROKEN = {
    "rc.conf": ("local/etc/rc.conf", "if true\n", "local/etc/rc.conf: not sh: "),
    "rc.conf that ends the start": ("local/etc/rc.conf", "hostname=alpha\n", f"local/etc/rc.conf: {NEITHER}"),
    "domu": ("local/domUs/web/domu.conf", "memory = 1\n", "local/domUs/web/domu.conf: root is missing"),
    "domu's name": ("local/domUs/Web/domu.conf", "memory = 1\nroot = /i\n", "Web: not a name for a virtual machine"),
    "fstab's root": (
        "local/etc/fstab",
        "# x\n/dev/cd0a / cd9660 ro 0 0\n",
        "local/etc/fstab:2: where / is, is found out",
    ),
    "fstab": ("local/etc/fstab", "/dev/wd0b none swap\n", "local/etc/fstab:1: fewer than four words"),
    "whole accounts": ("local/etc/master.passwd", "", "local/etc/master.passwd: hides every account of the disc"),
    "account": ("local/accounts/master.passwd", "a:b:c\n", "local/accounts/master.passwd:1: not an entry of 10 fields"),
    "group": ("local/accounts/group", "a:*:5:\na:*:6:\n", "local/accounts/group:2: a: given twice"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_configuration_with_a_mistake_is_refused(machine: Sandbox, name: str) -> None:
    path, text, message = BROKEN[name]
    machine.write(f"repository/{path}", text)
    machine.write("repository/global/hosts", "new\n")
    before = tree(machine)
    done = machine.run("/usr/sbin/glassmaster-update")
    assert (done.status, done.stages()) == (1, ['update status=refused why="the configuration has mistakes"'])
    assert message in done.output
    assert tree(machine) == before
    assert not (machine.root / "config/.glassmaster/next").exists()


@pytest.mark.parametrize("text", RC_CONFS)
def test_a_rc_conf_that_would_end_the_start_is_a_mistake(machine: Sandbox, text: str) -> None:
    machine.write("config/local/etc/rc.conf", text)
    done = machine.run("/usr/sbin/glassmaster-update", "check")
    said = f"local/etc/rc.conf{RC_CONFS[text]}" if RC_CONFS[text] else "glassmaster: no mistakes"
    assert (done.status, done.output) == (bool(RC_CONFS[text]), f"{said}\n")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("etc/rc.conf mode=0600", "etc/rc.conf: must begin with ./"),
        ("./etc/missing mode=0600", "./etc/missing: there is no such file or directory"),
        ("./../config mode=0777", "./../config: not a plain path"),
        ("./etc/a\\040b mode=0600", "not a plain path"),
        ("./etc/rc.conf mode=rw", "./etc/rc.conf: mode=rw is not understood"),
        ("./etc/rc.conf mode=0600 flags=schg", "./etc/rc.conf: flags=schg is not understood"),
        ("./etc/rc.conf uname=a:b", "./etc/rc.conf: uname=a:b is not understood"),
    ],
)
def test_a_line_of_mtree_that_is_not_understood_stops_it(machine: Sandbox, line: str, message: str) -> None:
    machine.write("repository/local/.mtree", f"# Ours.\n{line}\n")
    before = tree(machine)
    done = machine.run("/usr/sbin/glassmaster-update")
    assert done.status == 1
    assert ".mtree:2: " in done.output
    assert message in done.output
    assert tree(machine) == before


@pytest.mark.parametrize("status", ["C       etc/rc.conf", " C      etc", "      C etc/x", "M       a\nC       b"])
def test_a_conflict_is_refused(machine: Sandbox, status: str) -> None:
    machine.write("conflicts", f"{status}\n")
    assert update(machine) == (
        1, ['update status=refused why="something in /config/local was changed both here and in Subversion"']
    )  # fmt: skip


def test_what_was_changed_here_alone_is_no_conflict(machine: Sandbox) -> None:
    machine.write("conflicts", "M       etc/rc.conf\n?       etc/Config\n")
    assert update(machine)[0] == 0


def test_no_subversion_no_update(machine: Sandbox) -> None:
    machine.write("unreachable", "")
    assert update(machine) == (1, ['update status=refused why="svn update of local failed"'])
    machine.run("/bin/sh", "-c", "rm -rf /config/global/.svn /unreachable")
    assert update(machine) == (1, ['update status=refused why="/config/global is no Subversion checkout"'])


def test_back_puts_the_previous_one_in_place_and_again_returns(machine: Sandbox) -> None:
    machine.write("repository/local/etc/rc.conf", RC_CONF.replace("alpha", "beta"))
    machine.write("repository/local/etc/new.conf", "new\n")
    machine.run("/bin/sh", "-c", "chmod -R go-w /config")
    before = tree(machine)
    update(machine)
    after = tree(machine)
    assert after != before
    assert update(machine, "back") == (0, ["update status=back"])
    assert tree(machine) == before
    assert update(machine, "back") == (0, ["update status=back"])
    assert tree(machine) == after


ACCOUNT_FILES = ("master.passwd", "passwd", "pwd.db", "spwd.db", "group", "ptmp")


def test_accounts_that_were_changed_here_do_not_stop_an_update_and_stay(machine: Sandbox) -> None:
    # As passwd(1) leaves them: the next start takes them in.
    for name in ACCOUNT_FILES:
        machine.write(f"config/local/etc/{name}", f"new {name}\n", mode=0o600)
    machine.write("repository/local/etc/rc.conf", RC_CONF.replace("alpha", "beta"))

    def here() -> list[str]:
        return [machine.text(f"config/local/etc/{name}") for name in ACCOUNT_FILES]

    changed = [f"new {name}\n" for name in ACCOUNT_FILES]
    assert machine.run("/usr/sbin/glassmaster-update", "check").output == "glassmaster: no mistakes\n"
    done = machine.run("/usr/sbin/glassmaster-update")
    assert done.stages() == ["update status=ok local=7 global=7"] and here() == changed
    assert "passwd" not in done.output and machine.text("config/local/etc/rc.conf").endswith("beta\n")
    # Not in the copy that back brings back either, nor taken away by it.
    assert not list((machine.root / "config/.glassmaster").rglob("*passwd"))
    machine.write("config/local/etc/master.passwd", "newer\n", mode=0o600)
    assert update(machine, "back") == (0, ["update status=back"])
    assert here() == ["newer\n", *changed[1:]] and machine.text("config/local/etc/rc.conf") == RC_CONF
    # Elsewhere files of these names are like all others.
    machine.write("repository/local/etc/skel/group", "x\n")
    machine.write("repository/global/etc/passwd", "x\n")
    assert update(machine)[0] == 0
    assert machine.text("config/local/etc/skel/group") == machine.text("config/global/etc/passwd") == "x\n"


def test_back_without_a_previous_one_says_so(machine: Sandbox) -> None:
    done = machine.run("/usr/sbin/glassmaster-update", "back")
    assert (done.status, done.output) == (1, "glassmaster: there is no previous configuration\n")


FINISH = ". /libexec/glassmaster/say.sh; . /libexec/glassmaster/switch.sh; gm_finish_switch"


def stop_at(machine: Sandbox, pattern: str, *words: str) -> None:
    """The machine stops when mv is called so; what an update had brought by then stays."""
    machine.instead("mv", f'case $* in {pattern}) kill -9 $PPID; exit 1 ;; esac; exec busybox mv "$@"')
    machine.run("/usr/sbin/glassmaster-update", *words)
    machine.busybox("mv")
    machine.run("/bin/sh", "-c", "rm -rf /memory/updating")


def test_an_interrupted_switch_is_finished_by_the_next_start(machine: Sandbox) -> None:
    machine.write("repository/local/etc/new.conf", "new\n")
    machine.write("repository/local/etc/zz.conf", "new\n")
    stop_at(machine, "*gm-new*")
    assert (machine.root / "config/.glassmaster/ready").is_dir()
    assert machine.run("/bin/sh", "-c", FINISH).stages() == ['switch status=ok why="an update had been interrupted"']
    assert machine.text("config/local/etc/zz.conf") == "new\n"
    assert list((machine.root / "config").rglob("*gm-new*")) == []


@pytest.mark.parametrize("pattern", ["*previous.new*", "*gm-new*"])
def test_there_is_a_way_back_wherever_the_switch_was_interrupted(machine: Sandbox, pattern: str) -> None:
    names = ("first", "second", "third")
    texts = [RC_CONF.replace("alpha", name) for name in names]
    for text in texts[:2]:
        machine.write("repository/local/etc/rc.conf", text)
        assert update(machine)[0] == 0
    machine.write("repository/local/etc/rc.conf", texts[2])
    stop_at(machine, pattern)
    finished = 'switch status=ok why="an update had been interrupted"'
    assert update(machine, "back") == (0, [finished, "update status=back"])
    assert machine.text("config/local/etc/rc.conf") == texts[1]
    # In the way back too.
    stop_at(machine, pattern, "back")
    machine.run("/bin/sh", "-c", FINISH)
    assert machine.text("config/local/etc/rc.conf") == texts[2]
    assert update(machine, "back")[0] == 0 and machine.text("config/local/etc/rc.conf") == texts[1]


@pytest.mark.parametrize("words", [(), ("back",)])
def test_a_full_disk_changes_nothing_and_loses_nothing(machine: Sandbox, words: tuple[str, ...]) -> None:
    machine.write("repository/local/etc/rc.conf", RC_CONF.replace("alpha", "beta"))
    update(machine)
    before = tree(machine)
    machine.write("repository/local/etc/new.conf", "new\n")
    full = 'echo "cp: No space left on device" >&2; exit 1'
    machine.instead("cp", f'case $* in *previous.new*) {full} ;; esac; exec busybox cp "$@"')
    why = "the present configuration could not be kept; is there room on /config?"
    assert update(machine, *words) == (1, [f'update status=refused why="{why}"'])
    assert tree(machine) == before
    assert sorted(path.name for path in (machine.root / "config/.glassmaster").iterdir()) == ["previous"]
    machine.busybox("cp")
    assert update(machine, "back")[0] == 0 and machine.text("config/local/etc/rc.conf") == RC_CONF


def test_what_cannot_be_brought_to_the_disk_does_not_count(machine: Sandbox) -> None:
    machine.write("repository/local/etc/rc.conf", RC_CONF.replace("alpha", "beta"))
    before = tree(machine)
    machine.instead("dd", 'echo "dd: Input/output error" >&2; exit 1')
    status, stages = update(machine)
    assert status == 1 and stages[-1].startswith("update status=refused")
    assert tree(machine) == before


def test_what_goes_away_while_it_is_brought_to_the_disk_does_not_come_back(machine: Sandbox) -> None:
    machine.write("config/local/etc/ptmp", "")
    machine.instead("find", 'busybox rm "$1/local/etc/ptmp"; exec busybox sh -c "$7" sh "$1/local/etc/ptmp"')
    machine.instead("dd", 'echo "dd $*" >>/calls')
    result = machine.run("/bin/sh", "-c", ". /libexec/glassmaster/say.sh; gm_flush /config")
    assert result.status == 0 and machine.calls("dd") == []
    assert not (machine.root / "config/local/etc/ptmp").exists()


def test_what_could_not_be_finished_is_not_written_over(machine: Sandbox) -> None:
    machine.write("repository/local/etc/new.conf", "new\n")
    stop_at(machine, "*gm-new*")
    machine.instead("cp", 'case $* in *gm-new*) exit 1 ;; esac; exec busybox cp "$@"')
    for words in ((), ("back",)):
        status, (stage, refused) = update(machine, *words)
        assert status == 1 and stage == 'switch status=failed why="an interrupted update could not be finished"'
        assert refused.startswith("update status=refused") and "an interrupted update must be finished" in refused
    machine.busybox("cp")
    assert update(machine)[0] == 0 and machine.text("config/local/etc/new.conf") == "new\n"


def test_all_is_on_the_disk_before_the_name_that_counts(machine: Sandbox) -> None:
    machine.write("repository/local/etc/new.conf", "new\n")
    for name in ("find", "mv", "dd", "rm"):
        machine.instead(name, f'echo "{name} $*" >>/calls; exec busybox {name} "$@"')
    assert update(machine)[0] == 0
    state = "/config/.glassmaster"
    calls = [call.split(" -type f")[0] for call in machine.calls("sync", "find", "mv", "rm") if ".gm-new" not in call]
    flush = [call for call in calls if call.startswith(("sync", f"find {state}/previous.new", "find /config", "mv"))]
    ready = [call for call in calls if call == f"rm -rf {state}/ready"]
    order = [
        "sync ", f"find {state}/previous.new {state}/next", f"mv {state}/next {state}/ready",
        f"mv {state}/previous.new {state}/previous", "sync ", "find /config/local /config/global",
    ]  # fmt: skip
    assert [call for call in flush if call in order] == order
    assert calls.index("find /config/local /config/global") < calls.index(ready[-1])
    # dd of NetBSD waits for its standard output; once for each file.
    files = sum(len(list((machine.root / "config").glob(f"{top}/**/[!.]*.conf"))) for top in ("local", "global"))
    assert files == 2 and len(machine.calls("dd")) >= 2 * files


def test_what_the_change_names_is_started_again(machine: Sandbox) -> None:
    for name in ("ntpd", "sshd", "named"):
        machine.write(f"etc/rc.d/{name}", f'#!/bin/sh\necho "{name} $*" >>/calls\n[ {name} != sshd ]\n', mode=0o755)
    machine.write(
        "repository/local/restart", "# Ours.\nlocal/etc/ntp.conf ntpd\nlocal/etc/ssh/* sshd ntpd\nlocal/etc/x named\n"
    )
    machine.write("repository/local/etc/ntp.conf", "server ntp.example.org\n")
    machine.write("repository/local/etc/ssh/sshd_config", "UseDNS no\n")
    assert update(machine)[1] == [
        "restart status=ok script=ntpd",
        "restart status=failed script=sshd",
        "update status=ok local=7 global=7",
    ]
    assert machine.calls("ntpd", "sshd", "named") == ["ntpd restart", "sshd restart"]
    machine.forget()
    assert update(machine)[1] == ["update status=ok local=7 global=7"]
    assert machine.calls("ntpd", "sshd", "named") == []


def test_what_is_not_enabled_is_not_started_again(machine: Sandbox) -> None:
    # As rc.subr answers; one without a variable of its own is always on, and what is not of rc.subr is not asked.
    script = """#!/bin/sh
echo "NAME $*" >>/calls
run_rc_command() {
	case $1 in
	rcvar) echo "# NAME"; case NAME in ntpd) echo '$ntpd=YES' ;; named) echo '$named=NO' ;; esac ;;
	restart) [ NAME != named ] ;;
	esac
}
run_rc_command "$1"
"""
    for name in ("ntpd", "named", "mountall"):
        machine.write(f"etc/rc.d/{name}", script.replace("NAME", name), mode=0o755)
    machine.write("etc/rc.d/ours", '#!/bin/sh\necho "ours $*" >>/calls\n', mode=0o755)
    machine.write("repository/local/restart", "local/etc/new.conf ntpd named mountall ours none\n")
    machine.write("repository/local/etc/new.conf", "new\n")
    assert update(machine)[1] == [
        "restart status=ok script=mountall",
        'restart status=skipped script=named why="not enabled"',
        "restart status=failed script=none",
        "restart status=ok script=ntpd",
        "restart status=ok script=ours",
        "update status=ok local=7 global=7",
    ]
    restarts = [call for call in machine.calls("ntpd", "named", "mountall", "ours") if "rcvar" not in call]
    assert restarts == ["mountall restart", "ntpd restart", "ours restart"]
    assert "ours rcvar" not in machine.calls()


def test_two_at_a_time_are_one_too_many(machine: Sandbox) -> None:
    (machine.root / "memory/updating").mkdir()
    done = machine.run("/usr/sbin/glassmaster-update")
    assert (done.status, done.output) == (1, "glassmaster: another glassmaster-update is running (/memory/updating)\n")


def test_check_and_release(machine: Sandbox) -> None:
    assert machine.run("/usr/sbin/glassmaster-update", "check").output == "glassmaster: no mistakes\n"
    machine.write("config/local/etc/fstab", "x\n")
    assert machine.run("/usr/sbin/glassmaster-update", "check").status == 1
    lines = machine.run("/usr/sbin/glassmaster-release").output.splitlines()
    image = ["release_id=0123456789ab", "recipe=test", "netbsd=6.99.16", "machine=amd64", "epoch=1"]
    assert lines[1:] == [*image, "config_local=7", "config_global=7"]
