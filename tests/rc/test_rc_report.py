"""glassmaster-report: what runs here on one line, and how it gets to where somebody looks."""

from __future__ import annotations

import pytest

from glassmaster.fleet.line import read_line
from tests.rc.sandbox import SHELLS, Sandbox

REPORT = "/usr/sbin/glassmaster-report"
NOW = "2026-11-27T10:00:00Z"
LINE = (
    f"glassmaster=1 host=alpha.example.org release=0123456789ab recipe=test netbsd=6.99.16 machine=amd64 epoch=1 "
    f"local=unversioned global=unversioned reported={NOW}\n"
)


@pytest.fixture
def machine(sandbox: Sandbox) -> Sandbox:
    """A server that puts its line into a share."""
    sandbox.write("config/local/etc/rc.conf", ". /etc/defaults/rc.conf\nglassmaster_report=/share\n")
    (sandbox.root / "share").mkdir()
    return sandbox


def without(line: str, *keys: str) -> str:
    return " ".join(word for word in line.split() if word.partition("=")[0] not in keys) + "\n"


def test_the_line_says_what_runs_here(machine: Sandbox) -> None:
    done = machine.run("/usr/sbin/glassmaster-release", "-l")
    assert (done.status, done.output) == (0, LINE)
    assert not (machine.root / "memory/report").exists()


def test_it_is_left_on_the_share_under_the_machines_name(machine: Sandbox) -> None:
    done = machine.run(REPORT)
    assert (done.status, done.stages()) == (0, ["report status=ok to=/share"])
    assert machine.text("share/alpha.example.org") == machine.text("memory/report") == LINE
    assert [path.name for path in (machine.root / "share").iterdir()] == ["alpha.example.org"]


def test_the_reader_understands_it(machine: Sandbox) -> None:
    machine.write("memory/stages", "glassmaster: stage=etc status=degraded union=no\n")
    machine.run(REPORT, "boot")
    line = read_line(machine.text("memory/report"), "memory/report")
    assert (line.host, line.release, line.local, line.since) == (
        "alpha.example.org",
        "0123456789ab",
        "unversioned",
        NOW,
    )
    assert line.complaints == ("etc",)


def test_revisions_and_the_place_in_the_tree_come_from_subversion(machine: Sandbox) -> None:
    for tree in ("local", "global"):
        machine.write(f"config/{tree}/.svn/entries", "12\n")
    machine.answer("svnversion", 'case $2 in */local) printf 10:12M ;; *) printf "Unversioned directory" ;; esac')
    machine.answer("svn", "echo 'Path: .'; echo 'URL: https://svn.example.org/conf/pservers/alpha.example.org'")
    machine.run(REPORT)
    line = machine.text("share/alpha.example.org")
    assert " tree=pservers/alpha.example.org " in line
    assert " local=10:12M global=Unversioned_directory " in line


def test_or_from_what_the_disk_was_made_of(machine: Sandbox) -> None:
    url = "https://svn.example.org/conf"
    machine.write("config/.glassmaster/subversion", f"local 12 {url}/vservers/web\nglobal 7 {url}/global\n")
    machine.run(REPORT)
    line = machine.text("share/alpha.example.org")
    assert " tree=vservers/web " in line and " local=12 global=7 " in line


def test_since_when_is_of_the_start_and_of_the_last_update(machine: Sandbox) -> None:
    machine.run(REPORT, "boot")
    assert f" since={NOW} config_since={NOW} " in machine.text("memory/report")
    machine.answer("date", "echo 2026-11-28T10:00:00Z")
    machine.run(REPORT)
    assert f" since={NOW} config_since={NOW} " in machine.text("memory/report")
    machine.run(REPORT, "update")
    assert f" since={NOW} config_since=2026-11-28T10:00:00Z " in machine.text("memory/report")


def test_what_did_not_go_well_is_named_once(machine: Sandbox) -> None:
    lines = [
        "start status=ok",
        "hidden status=warn files=etc/x",
        "domu status=failed name=a",
        "domu status=failed name=b",
    ]
    machine.write("memory/stages", "".join(f"glassmaster: stage={line}\n" for line in [*lines, "report status=failed"]))
    machine.run(REPORT)
    assert " complaints=domu,hidden " in machine.text("memory/report")


def test_no_name_of_anything_makes_a_second_word(machine: Sandbox) -> None:
    machine.answer("hostname", "printf 'a b\\nrelease=x'")
    machine.write("etc/glassmaster/release", "x\nrelease_id=a b\\033[0m\n")
    machine.run(REPORT)
    words = machine.text("memory/report").split()
    assert machine.text("memory/report").count("\n") == 1
    assert "host=a_b_release_x" in words and "release=a_b_033_0m" in words


def test_a_url_gets_it_by_put(machine: Sandbox) -> None:
    machine.write("config/local/etc/rc.conf", "glassmaster_report=https://fleet.example.org/lines/\n")
    assert machine.run(REPORT).status == 0
    assert machine.calls("curl") == [
        "curl -fsS -m 60 -T /memory/report https://fleet.example.org/lines/alpha.example.org"
    ]
    machine.answer("curl", "exit 22")
    done = machine.run(REPORT)
    why = 'report status=failed to=https://fleet.example.org/lines/ why="curl could not put it there"'
    assert (done.status, done.stages()) == (1, [why])
    (machine.root / "sbin/curl").unlink()
    assert 'why="curl is not installed"' in machine.run(REPORT).output


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("/nowhere", "/nowhere is not there"),
        ("/dev/null", "/dev/null is not there"),
        ("share", "glassmaster_report is neither a directory nor a URL"),
    ],
)
def test_what_cannot_be_is_said(machine: Sandbox, where: str, why: str) -> None:
    machine.write("config/local/etc/rc.conf", f"glassmaster_report={where}\n")
    done = machine.run(REPORT)
    assert (done.status, done.stages()) == (1, [f'report status=failed to={where} why="{why}"'])
    assert machine.text("memory/report") == LINE


def test_nowhere_is_no_complaint(machine: Sandbox) -> None:
    machine.write("config/local/etc/rc.conf", "")
    done = machine.run(REPORT)
    assert (done.status, done.output) == (0, "")
    assert machine.text("memory/report") == LINE


@pytest.mark.parametrize("shell", SHELLS)
def test_the_recipe_says_where_and_rc_conf_has_the_last_word(
    tmp_path_factory: pytest.TempPathFactory, shell: str
) -> None:
    made = Sandbox(tmp_path_factory.mktemp("fleet") / "root", shell, report="/from-the-recipe")
    for name in ("from-the-recipe", "mine"):
        (made.root / name).mkdir()
    made.run(REPORT)
    assert (made.root / "from-the-recipe/alpha.example.org").exists()
    made.write("config/local/etc/rc.conf", "glassmaster_report=/mine\n")
    made.run(REPORT)
    assert (made.root / "mine/alpha.example.org").exists()


def test_when_the_machine_has_come_up_it_reports_and_nobody_waits(machine: Sandbox) -> None:
    machine.write("etc/rc.subr", 'load_rc_config() { :; }\nrun_rc_command() { eval "$start_cmd"; wait; }\n')
    done = machine.run("/bin/sh", "-c", "_rc_subr_loaded=; . /etc/rc.d/glassmaster_report start")
    assert done.stages() == ["report status=ok to=/share"]
    assert " since=" in machine.text("share/alpha.example.org")


def test_an_update_reports_the_new_configuration(machine: Sandbox) -> None:
    for tree in ("local", "global"):
        machine.write(f"config/{tree}/.svn/entries", "12\n")
    machine.answer("svnversion", "printf 13")
    done = machine.run("/usr/sbin/glassmaster-update")
    assert done.stages() == ["report status=ok to=/share", "update status=ok local=13 global=13"]
    assert " local=13 global=13 " in machine.text("share/alpha.example.org")
    machine.write("config/local/etc/rc.conf", ". /etc/defaults/rc.conf\nglassmaster_report=/nowhere\n")
    done = machine.run("/usr/sbin/glassmaster-update")
    assert done.status == 0 and done.stages()[-1] == "update status=ok local=13 global=13"
