"""The launcher ./doit, on machines made of stand-in programs: what it calls, when, and what it says.

Each test gets a copy of the launcher with a small table and small requirement files, and a PATH on which
dpkg-query, apt-get, sudo, id and Python are scripts that write down how they were called. Nothing is
installed or downloaded.
"""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import stat
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
TIMEOUT = 60

TABLE = """\
# A comment, and an empty line.

command list help --help

task default iso
task iso iso
task smoke iso smoke
task test iso test
task docs extra

group python python3 python3-venv
group iso @apt-lists gcc libold|libnew
group smoke qemu
group test git
group extra
group s3
group dask
"""

# The programs of the system that the launcher may use; everything else is not on its PATH.
TOOLS = ("cat", "cmp", "cp", "env", "find", "flock", "ln", "mkdir", "mv", "readlink", "rm", "sed", "tail")

RECORD = """\
#!/bin/sh
here={here}
name=${{0##*/}}
line="$name $*"
"""

FAKES = {
    "dpkg-query": """\
echo "$line" >>"$here/calls"
shift 2
for package; do
    while read -r status architecture name; do
        [ "$name" != "$package" ] || printf ':%s %s %s;' "$status" "$architecture" "$name"
    done <"$here/packages"
done
""",
    "apt-get": """\
echo "DEBIAN_FRONTEND=$DEBIAN_FRONTEND $line" >>"$here/calls"
case " $* " in
*" update "*)
    [ ! -e "$here/update-fails" ] || exit 100
    mkdir -p "$here/lists"
    echo >"$here/lists/mirror_main_Packages.lz4"
    ;;
*)
    if [ -e "$here/install-fails" ]; then
        echo "E: Unable to locate package"
        exit 100
    fi
    for word; do
        case $word in
        python3) cp "$here/spare-python" "$here/bin/usr-bin-python3" ;;
        esac
        echo "installed amd64 $word" >>"$here/packages"
    done
    ;;
esac
""",
    "sudo": """\
echo "$line" >>"$here/calls"
if [ "$1" = -n ]; then
    [ ! -e "$here/sudo-asks" ] || exit 1
    shift
fi
[ "$1" = true ] || exec "$@"
""",
    "id": 'cat "$here/uid"\n',
}

PYTHON = """\
case "$1 $2 $3" in
"-I -c "*)
    echo "$here/bin/usr-bin-python3"
    ;;
"-I -m venv")
    echo "make venv" >>"$here/calls"
    for directory; do :; done
    mkdir -p "$directory/bin"
    ln -s "$here/bin/usr-bin-python3" "$directory/bin/python"
    ;;
"-m pip install")
    echo "$line" >>"$here/calls"
    echo "PIP_TARGET=${PIP_TARGET-unset} PIP_USER=$PIP_USER PYTHONPATH=${PYTHONPATH-unset}" >>"$here/pip-env"
    if [ -e "$here/gate" ]; then
        read -r _ <"$here/gate"
    fi
    if [ -e "$here/pip-fails" ]; then
        echo "ERROR: no route to the index"
        exit 1
    fi
    ;;
"-m glassmaster"*)
    shift 2
    printf '<%s>' "$@" >>"$here/doit-arguments"
    echo $$ >"$here/doit-process"
    {
        echo "PYTHONPATH=${PYTHONPATH-unset} PYTHONHOME=${PYTHONHOME-unset}"
        echo "PYTHONNOUSERSITE=$PYTHONNOUSERSITE"
        echo "GLASSMASTER_CWD=$GLASSMASTER_CWD PWD=$PWD"
        if [ -e /proc/self/fd/9 ]; then echo "the lock is still held"; fi
    } >>"$here/doit-environment"
    [ ! -e "$here/doit-status" ] || exit "$(cat "$here/doit-status")"
    ;;
*)
    echo "unexpected: $line" >>"$here/calls"
    ;;
esac
"""


@dataclass
class Machine:
    """A computer as the launcher sees it: a repository, a PATH of scripts, and what they wrote down."""

    here: Path
    repository: Path
    environment: dict[str, str] = field(default_factory=dict)

    def script(self, name: str, text: str) -> Path:
        """Puts a program on the PATH that starts by knowing its name and its arguments."""
        path = self.here / "bin" / name
        path.write_text(RECORD.format(here=self.here) + text)
        path.chmod(0o755)
        return path

    def remove(self, name: str) -> None:
        """Takes a program off the PATH."""
        (self.here / "bin" / name).unlink()

    def flag(self, name: str, text: str = "") -> None:
        """Sets one of the switches that the scripts look at."""
        (self.here / name).write_text(text)

    def unflag(self, name: str) -> None:
        """Takes a switch back."""
        (self.here / name).unlink()

    def installed(self, *packages: str, architecture: str = "amd64", status: str = "installed") -> None:
        """Makes dpkg-query know these packages."""
        with (self.here / "packages").open("a") as file:
            file.writelines(f"{status} {architecture} {package}\n" for package in packages)

    def forget(self, *packages: str) -> None:
        """Makes dpkg-query know nothing of these packages."""
        path = self.here / "packages"
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if line.split()[2] not in packages))

    def start(self, *arguments: str, launcher: Path | None = None, cwd: Path | None = None) -> subprocess.Popen[str]:
        """Starts the launcher without waiting for it."""
        return subprocess.Popen(
            [launcher or self.repository / "doit", *arguments],
            cwd=cwd or self.repository, env=self.environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *arguments: str, status: int = 0, launcher: Path | None = None, cwd: Path | None = None) -> list[str]:
        """Runs the launcher to its end, checks its status, and returns the lines that it said."""
        process = self.start(*arguments, launcher=launcher, cwd=cwd)
        output, said = process.communicate(timeout=TIMEOUT)
        assert (process.returncode, output) == (status, ""), said
        return said.splitlines()

    def calls(self) -> list[str]:
        """What was called since the last time this was asked."""
        path = self.here / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def warm(self, *arguments: str) -> None:
        """Brings everything in place for a command line, and forgets how."""
        self.run(*arguments)
        self.calls()
        (self.here / "doit-arguments").unlink()
        (self.here / "doit-environment").unlink()

    def read(self, name: str) -> str:
        """The content of one of the files that the scripts write."""
        return (self.here / name).read_text()

    @property
    def stamp(self) -> Path:
        """The file that vouches for .venv."""
        return self.repository / ".venv/installed-at"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A Debian machine, used by root, where all packages but the Python ones are installed."""
    here = tmp_path / "machine"
    repository = here / "repository"
    requirements = repository / "requirements"
    requirements.mkdir(parents=True)
    (here / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None, tool
        (here / "bin" / tool).symlink_to(found)
    machine = Machine(here, repository, {"PATH": str(here / "bin"), "HOME": str(here)})
    for name, text in FAKES.items():
        machine.script(name, text)
    machine.script("usr-bin-python3", PYTHON)
    ours_for = {"/usr/bin/python3": here / "bin/usr-bin-python3", "/var/lib/apt/lists": here / "lists"}
    text = (TOP / "doit").read_text()
    for fixed, ours in ours_for.items():
        assert fixed in text
        text = text.replace(fixed, str(ours))
    (repository / "doit").write_text(text)
    (repository / "doit").chmod(0o755)
    (requirements / "debian.txt").write_text(TABLE)
    (requirements / "build.txt").write_text("doit==1\n")
    (requirements / "test.txt").write_text("pytest==1\n")
    for name in ("extra", "s3", "dask"):
        (requirements / f"{name}.txt").write_text(f"{name}==1\n")
    (here / "lists").mkdir()
    machine.flag("lists/mirror_main_Packages")
    machine.flag("uid", "0\n")
    machine.installed("dpkg", "gcc", "libold", "qemu", "git")
    return machine


def pip_calls(calls: list[str]) -> list[str]:
    """The requirement files that pip was given, in order."""
    return [call.rsplit("/", 1)[1] for call in calls if " -m pip install " in call]


def apt_calls(calls: list[str]) -> list[str]:
    """The apt-get calls alone."""
    return [call for call in calls if " apt-get " in call]


# ---- the second start


def test_second_start_asks_dpkg_once_and_installs_nothing(machine: Machine) -> None:
    machine.warm("iso")
    assert machine.run("iso") == []
    [call] = machine.calls()
    assert call.startswith("dpkg-query -W ")
    assert call.endswith(" dpkg @apt-lists gcc libold libnew")


def test_commands_ask_nobody(machine: Machine) -> None:
    machine.warm("list")
    for arguments in (["list"], ["help", "iso"], ["--help"], ["nonsense"], ["recipe=other.yaml", "nonsense"]):
        assert machine.run(*arguments) == []
    assert machine.calls() == []


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ([], "gcc"),
        (["recipe=other.yaml"], "gcc"),
        (["iso:standin"], "gcc"),
        (["-n", "2"], "gcc"),
        (["-n", "2", "iso", "recipe=other.yaml"], "gcc"),
        (["run", "smoke"], "qemu"),
        (["smo*"], "qemu"),
    ],
)
def test_which_tasks_need_which_packages(machine: Machine, arguments: list[str], asked: str) -> None:
    machine.warm("list")
    machine.run(*arguments)
    [call] = machine.calls()
    assert asked in call.split()
    assert "git" not in call.split()


def test_doit_gets_arguments_environment_and_its_status_comes_back(machine: Machine) -> None:
    machine.environment |= {"PYTHONPATH": "/elsewhere", "PYTHONHOME": "/elsewhere"}
    machine.flag("doit-status", "1")
    machine.run("iso", "a b", "", "recipe=*", status=1)
    assert machine.read("doit-arguments") == "<iso><a b><><recipe=*>"
    assert machine.read("doit-environment").splitlines() == [
        "PYTHONPATH=unset PYTHONHOME=unset",
        "PYTHONNOUSERSITE=1",
        f"GLASSMASTER_CWD={machine.repository} PWD={machine.repository}",
    ]


def test_doit_takes_the_launchers_place(machine: Machine) -> None:
    # So that signals reach it, and nothing stays between it and its caller.
    process = machine.start("list")
    process.communicate(timeout=TIMEOUT)
    assert int(machine.read("doit-process")) == process.pid


def test_any_directory_and_a_link_to_the_launcher_will_do(machine: Machine) -> None:
    elsewhere = machine.here / "else where"
    elsewhere.mkdir()
    (elsewhere / "build-it").symlink_to(machine.repository / "doit")
    machine.run("list", launcher=elsewhere / "build-it", cwd=elsewhere)
    assert f"GLASSMASTER_CWD={elsewhere} PWD={machine.repository}" in machine.read("doit-environment")


# ---- Debian packages

INSTALLING = "doit: installing the Debian packages that requirements/debian.txt asks for and that are missing"
INSTALL = "install --no-install-recommends"
APT = "DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600"


def test_missing_packages_are_installed_by_root(machine: Machine) -> None:
    machine.warm("list")
    machine.forget("gcc", "libold")
    assert machine.run("smoke") == [f"{INSTALLING}: gcc libold"]
    assert apt_calls(machine.calls()) == [f"{APT} update", f"{APT} {INSTALL} gcc libold"]
    assert machine.run("smoke") == []
    assert apt_calls(machine.calls()) == []


def test_a_removed_package_and_one_of_another_architecture_count_as_missing(machine: Machine) -> None:
    machine.warm("list")
    machine.forget("gcc", "qemu")
    machine.installed("gcc", status="config-files")
    machine.installed("gcc", status="not-installed")
    machine.installed("gcc", "qemu", architecture="i386")
    assert machine.run("smoke") == [f"{INSTALLING}: gcc qemu"]


def test_packages_for_all_architectures_and_other_names_count(machine: Machine) -> None:
    machine.warm("list")
    machine.forget("gcc", "libold")
    machine.installed("gcc", architecture="all")
    machine.installed("libnew")
    assert machine.run("iso") == []
    assert apt_calls(machine.calls()) == []


def test_no_package_lists(machine: Machine) -> None:
    machine.warm("list")
    (machine.here / "lists/mirror_main_Packages").unlink()
    machine.flag("update-fails")
    said = machine.run("iso")
    assert [line.split(":")[0] for line in said] == ["doit", "doit"]
    assert "note: apt-get update failed" in said[1]
    machine.unflag("update-fails")
    assert len(machine.run("iso")) == 1
    assert apt_calls(machine.calls()) == [f"{APT} update", f"{APT} update"]
    assert machine.run("iso") == []


def test_no_package_lists_and_not_root(machine: Machine) -> None:
    machine.warm("list")
    (machine.here / "lists/mirror_main_Packages").unlink()
    machine.flag("uid", "1000\n")
    machine.remove("sudo")
    [note] = machine.run("iso")
    assert note.startswith("doit: note: apt has no package lists")
    assert apt_calls(machine.calls()) == []


def test_an_update_that_fails_does_not_stop_the_installation(machine: Machine) -> None:
    machine.warm("list")
    machine.forget("gcc")
    machine.flag("update-fails")
    machine.run("iso")
    assert apt_calls(machine.calls())[-1].endswith(f"{INSTALL} gcc")


def test_sudo_without_a_password(machine: Machine) -> None:
    machine.warm("list")
    machine.forget("gcc")
    machine.flag("uid", "1000\n")
    machine.run("iso")
    calls = machine.calls()
    assert "sudo -n true" in calls
    assert [call for call in calls if "install" in call] == [
        f"sudo -n env {APT} {INSTALL} gcc",
        f"{APT} {INSTALL} gcc",
    ]


@pytest.mark.parametrize(("sudo", "reason"), [(False, "there is no sudo"), (True, "no terminal to ask on")])
def test_without_root_it_says_what_to_install(machine: Machine, sudo: bool, reason: str) -> None:
    machine.forget("gcc", "libold", "qemu")
    machine.flag("uid", "1000\n")
    machine.flag("sudo-asks")
    if not sudo:
        machine.remove("sudo")
    what, why, hint = machine.run("smoke", status=3)
    assert what == "doit: these Debian packages are needed: gcc libold qemu"
    assert reason in why
    assert "apt-get update && apt-get install -y --no-install-recommends gcc libold qemu;" in hint
    assert "GLASSMASTER_NO_INSTALL=1" in hint
    assert not (machine.repository / ".venv").exists()
    assert apt_calls(machine.calls()) == []


def test_with_a_terminal_sudo_may_ask(machine: Machine) -> None:
    machine.warm("list")
    machine.forget("gcc")
    machine.flag("uid", "1000\n")
    machine.flag("sudo-asks")
    keyboard, terminal = pty.openpty()
    try:
        finished = subprocess.run(
            [machine.repository / "doit", "iso"], cwd=machine.repository, env=machine.environment,
            stdin=terminal, stdout=terminal, stderr=terminal, timeout=TIMEOUT, check=False,
        )  # fmt: skip
    finally:
        os.close(keyboard)
        os.close(terminal)
    assert finished.returncode == 0
    assert f"sudo env {APT} {INSTALL} gcc" in machine.calls()


def test_no_install_leaves_packages_alone(machine: Machine) -> None:
    machine.forget("gcc")
    for name in ("dpkg-query", "apt-get", "sudo"):
        machine.remove(name)
    machine.environment["GLASSMASTER_NO_INSTALL"] = "1"
    [said] = machine.run("iso")
    assert said.startswith("doit: installing Python packages")
    assert machine.read("doit-arguments") == "<iso>"


def test_other_systems(machine: Machine) -> None:
    machine.remove("dpkg-query")
    assert len(machine.run("list")) == 1
    what, why, hint = machine.run("iso", status=3)
    assert what.endswith("needed: gcc libold")
    assert "not Debian" in why
    assert "GLASSMASTER_NO_INSTALL=1" in hint


def test_packages_that_cannot_be_installed(machine: Machine) -> None:
    machine.warm("list")
    machine.forget("gcc")
    machine.flag("install-fails")
    said = machine.run("iso", status=3)
    assert said[1] == "doit: Debian packages could not be installed: gcc"
    assert "  | E: Unable to locate package" in said
    assert machine.stamp.exists()
    assert not (machine.here / "doit-arguments").exists()


# ---- Python and .venv


def test_python_is_installed_where_there_is_none(machine: Machine) -> None:
    (machine.here / "bin/usr-bin-python3").rename(machine.here / "spare-python")
    said = machine.run("list")
    assert said[0] == f"{INSTALLING}: python3 python3-venv"
    assert machine.stamp.exists()


def test_python_and_the_tasks_packages_are_named_together(machine: Machine) -> None:
    machine.remove("usr-bin-python3")
    machine.forget("gcc")
    machine.flag("uid", "1000\n")
    machine.remove("sudo")
    what, _, _ = machine.run("iso", status=3)
    assert what == "doit: these Debian packages are needed: python3 python3-venv gcc"


def test_another_python_on_path_will_do(machine: Machine) -> None:
    python = machine.here / "bin/usr-bin-python3"
    python.rename(machine.here / "bin/python3.12")
    machine.script("usr-bin-python3", "exit 1\n")
    text = (machine.here / "bin/python3.12").read_text()
    (machine.here / "bin/python3.12").write_text(text.replace("usr-bin-python3", "python3.12"))
    machine.run("list")
    assert (machine.repository / ".venv/bin/python").resolve().name == "python3.12"


def test_no_python_at_all(machine: Machine) -> None:
    machine.remove("usr-bin-python3")
    machine.environment["GLASSMASTER_NO_INSTALL"] = "1"
    what, why, _ = machine.run("list", status=3)
    assert what == "doit: no Python to make .venv with"
    assert "3.11" in why


def test_first_start_makes_the_venv_by_hash(machine: Machine) -> None:
    machine.environment |= {"PIP_TARGET": "/elsewhere", "PIP_USER": "1", "PYTHONPATH": "/elsewhere"}
    [said] = machine.run("list")
    assert "installing Python packages into .venv from requirements/: build.txt (there is none" in said
    make, pip = machine.calls()
    assert make == "make venv"
    assert {"--require-hashes", "--no-deps", "--only-binary"} < set(pip.split())
    assert pip_calls([pip]) == ["wanted-build.txt"]
    assert machine.read("pip-env") == "PIP_TARGET=unset PIP_USER=0 PYTHONPATH=unset\n"
    assert (machine.repository / ".venv/installed-build.txt").read_text() == "doit==1\n"


def test_tests_add_their_requirements(machine: Machine) -> None:
    machine.warm("iso")
    [said] = machine.run("test")
    assert "build.txt test.txt" in said
    calls = machine.calls()
    assert "make venv" not in calls
    assert pip_calls(calls) == ["wanted-build.txt", "wanted-test.txt"]
    assert machine.run("test") == machine.run("iso") == []


@pytest.mark.parametrize("name", ["build.txt", "test.txt"])
def test_changed_requirements_are_installed_from_nothing(machine: Machine, name: str) -> None:
    machine.warm("test")
    (machine.repository / ".venv/left-over").touch()
    (machine.repository / "requirements" / name).write_text("other==2\n")
    [said] = machine.run("test")
    assert f"requirements/{name} changed" in said
    calls = machine.calls()
    assert "make venv" in calls
    assert pip_calls(calls) == ["wanted-build.txt", "wanted-test.txt"]
    assert not (machine.repository / ".venv/left-over").exists()


def test_changed_test_requirements_do_not_matter_to_a_build(machine: Machine) -> None:
    machine.warm("test")
    (machine.repository / "requirements/test.txt").write_text("other==2\n")
    assert machine.run("iso") == []


def test_a_group_gets_the_requirements_of_its_name(machine: Machine) -> None:
    machine.warm("iso")
    [said] = machine.run("docs")
    assert "build.txt extra.txt (what is to be done needs extra.txt)" in said
    assert pip_calls(machine.calls()) == ["wanted-build.txt", "wanted-extra.txt"]
    [said] = machine.run("test")
    assert "build.txt test.txt" in said
    assert machine.run("docs") == machine.run("test") == machine.run("iso") == []


@pytest.mark.parametrize(
    ("words", "remote", "file"),
    [
        (["iso"], "s3://bucket/store", "s3.txt"),
        (["list", "s3://bucket/x"], "", "s3.txt"),
        (["list", "published=s3://bucket/x"], "", "s3.txt"),
        (["iso", "executor=dask://127.0.0.1:8786"], "", "dask.txt"),
    ],
)
def test_what_the_command_line_names_may_need_a_library(
    machine: Machine, words: list[str], remote: str, file: str
) -> None:
    machine.warm("iso")
    if remote:
        machine.environment["GLASSMASTER_REMOTE"] = remote
    [said] = machine.run(*words)
    assert f"build.txt {file}" in said
    assert machine.run(*words) == []


def test_another_kind_of_remote_store_needs_none(machine: Machine) -> None:
    machine.warm("iso")
    machine.environment["GLASSMASTER_REMOTE"] = "https://cache.example.org/s3:/store"
    assert machine.run("iso") == []


def test_after_a_failed_installation_nothing_is_trusted(machine: Machine) -> None:
    machine.flag("pip-fails")
    said = machine.run("list", status=3)
    assert "doit: the Python packages of requirements/build.txt could not be installed into .venv" in said
    assert "  | ERROR: no route to the index" in said
    assert not machine.stamp.exists()
    machine.unflag("pip-fails")
    machine.calls()
    machine.run("list")
    assert "make venv" in machine.calls()
    assert machine.stamp.exists()


def test_a_failed_addition_is_not_trusted_by_builds_either(machine: Machine) -> None:
    machine.warm("iso")
    machine.flag("pip-fails")
    machine.run("test", status=3)
    machine.unflag("pip-fails")
    machine.calls()
    machine.run("iso")
    assert "make venv" in machine.calls()


def test_a_killed_installation_is_not_trusted(machine: Machine) -> None:
    os.mkfifo(machine.here / "gate")
    process = machine.start("list")
    # Whoever opens the gate for writing waits until pip reads from it: then the installation is half done.
    with (machine.here / "gate").open("w"):
        process.kill()
        process.communicate(timeout=TIMEOUT)
    machine.unflag("gate")
    machine.calls()
    machine.run("list")
    assert "make venv" in machine.calls()


def test_a_moved_repository_gets_a_new_venv(machine: Machine) -> None:
    machine.warm("list")
    machine.repository = machine.repository.rename(machine.here / "moved here")
    [said] = machine.run("list")
    assert "the repository was moved" in said
    assert "make venv" in machine.calls()
    assert machine.run("list") == []


def test_a_python_that_went_away_gets_a_new_venv(machine: Machine) -> None:
    machine.warm("list")
    python = machine.repository / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nowhere/python3.11")
    [said] = machine.run("list")
    assert "its Python is gone" in said
    assert "make venv" in machine.calls()


@pytest.mark.parametrize("in_the_way", ["a file for .venv", "a directory for its lock"])
def test_a_directory_that_cannot_be_written(machine: Machine, in_the_way: str) -> None:
    if in_the_way == "a file for .venv":
        (machine.repository / ".venv").touch()
    else:
        (machine.repository / ".venv/lock").mkdir(parents=True)
    what, _, hint = machine.run("list", status=3)
    assert what == f"doit: {machine.repository}/.venv cannot be written"
    assert "owner" in hint


def test_two_first_starts_at_once_install_once(machine: Machine) -> None:
    os.mkfifo(machine.here / "gate")
    first = machine.start("list")
    with (machine.here / "gate").open("w") as gate:
        second = machine.start("list")
        assert second.stderr is not None
        ready, _, _ = select.select([second.stderr], [], [], TIMEOUT)
        assert ready, "the second start neither waited nor went on"
        waiting = second.stderr.readline()
        gate.write("go\n")
    assert waiting == "doit: another ./doit is installing what is missing: waiting for it\n"
    for process in (first, second):
        process.communicate(timeout=TIMEOUT)
        assert process.returncode == 0
    calls = machine.calls()
    assert calls.count("make venv") == len(pip_calls(calls)) == 1
    assert "the lock is still held" not in machine.read("doit-environment")


# ---- the files themselves


def table() -> dict[str, dict[str, list[str]]]:
    """The real table, as kind of line -> name -> the rest."""
    lines: dict[str, dict[str, list[str]]] = {"command": {}, "task": {}, "group": {}}
    for line in (TOP / "requirements/debian.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            kind, name, *rest = line.split()
            assert name not in lines[kind], f"{kind} {name} is there twice"
            assert kind == "group" or not lines["group"], "groups come last: the table is read once"
            lines[kind][name] = rest
    return lines


def test_the_table_is_sound() -> None:
    groups = table()["group"]
    used = {group for wanted in table()["task"].values() for group in wanted}
    assert used | {"python"} == set(groups)
    name = r"[a-z0-9][a-z0-9.+-]+"
    for packages in groups.values():
        for package in packages:
            assert package == "@apt-lists" or re.fullmatch(rf"{name}(\|{name})*", package)


def test_the_table_knows_every_task() -> None:
    # A task that needs no packages has a line without groups.
    code = [TOP / "dodo.py", *sorted((TOP / "glassmaster").rglob("*.py"))]
    tasks = {name for path in code for name in re.findall(r"^def task_(\w+)", path.read_text(), re.MULTILINE)}
    assert {name.replace("_", "-") for name in tasks} <= {name.replace("_", "-") for name in table()["task"]}


def pins(name: str) -> dict[str, str]:
    """The requirements of a file, name -> version with all its hashes."""
    text = (TOP / "requirements" / name).read_text()
    assert "://" not in text, "a requirement file must not say where from"
    hashes = r"\\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+"
    entries = re.findall(rf"^([\w.-]+)==(\S+) ({hashes})", text, re.MULTILINE)
    assert len(entries) == len(re.findall(r"^[^\s#]", text, re.MULTILINE)), "a requirement without hashes"
    return {package: version + found for package, version, found in entries}


def test_what_tests_run_with_holds_what_builds_run_with() -> None:
    build = pins("build.txt")
    assert {"doit", "pycdlib", "pyyaml", "jinja2", "libarchive-c", "requests"} <= set(build)
    assert build.items() <= pins("test.txt").items()


def test_all_requirements_can_be_installed_together() -> None:
    found: dict[str, str] = {}
    for path in sorted((TOP / "requirements").glob("*.in")):
        for package, pin in pins(f"{path.stem}.txt").items():
            assert found.setdefault(package, pin) == pin, f"{package}: {path.stem}.txt has another version"


@pytest.mark.parametrize("name", ["doit", ".ci/run"])
def test_scripts_are_executable_and_shellcheck_has_nothing_to_say(name: str) -> None:
    path = TOP / name
    assert path.stat().st_mode & stat.S_IXUSR
    finished = subprocess.run(["shellcheck", path], stdout=subprocess.PIPE, text=True, check=False)
    assert (finished.returncode, finished.stdout) == (0, "")
