"""glassmaster-update with the real Subversion: a repository, svnserve on loopback, and nothing readable on the way."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from glassmaster.config.subversion import Origin, as_record
from tests.rc.sandbox import Sandbox
from tests.rc.test_rc_prepare import empty_disk

HOST = "pservers/alpha"
READS = ". /etc/defaults/rc.conf\n"
SECRET = "hash-and-key"
FILES = {
    f"{HOST}/etc/rc.conf": f"{READS}hostname=alpha\n",
    f"{HOST}/etc/openssl/www.key": f"{SECRET}\n",
    f"{HOST}/etc/ssh/ssh_host_rsa_key": f"{SECRET}\n",
    f"{HOST}/accounts/master.passwd": f"root:{SECRET}:0:0::0:0:Charlie &:/root:/bin/sh\n",
    f"{HOST}/etc/rc.d/ours": "#!/bin/sh\n",
    f"{HOST}/.mtree": "./etc/openssl/www.key  mode=0600 uname=root gname=wheel\n",
    "global/hosts": "127.0.0.1 localhost\n",
}
# What changes a file's place, owner or mode: each step of these is looked at.
WATCHED = ("chmod", "cp", "mv", "pax", "rm", "svn")
# Files with a secret that somebody else could read at this moment: through directories that let others in.
LOOK = r"""
find /config -type d ! -perm -0001 -prune -o -type f -perm -0004 -exec grep -l @SECRET@ {} + 2>/dev/null |
	sed "s,^,$1 ," >>/readable
"""


@pytest.fixture(params=["dash", pytest.param("busybox", marks=pytest.mark.slow)])
def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> Sandbox:
    """As the other tests have it; the second shell is for test-all, since Subversion takes its time."""
    return Sandbox(tmp_path / "root", request.param)


class Repository:
    """A Subversion repository of this machine, and the checkout in which somebody works on it."""

    def __init__(self, folder: Path) -> None:
        self.path, self.work = folder / "repository", folder / "work"
        svn("create", self.path, program="svnadmin")
        svn("checkout", "-q", self.path.as_uri(), self.work)
        for name, text in FILES.items():
            self.put(name, text)
        (self.work / HOST / "etc/rc.d/ours").chmod(0o755)
        (self.work / HOST / "etc/hosts").symlink_to("/config/global/hosts")
        self.commit()

    def put(self, name: str, text: str) -> None:
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit(self) -> None:
        svn("add", "-q", "--force", *(path for path in self.work.iterdir() if path.name != ".svn"))
        svn("commit", "-q", "-m", "test", self.work)
        svn("update", "-q", self.work)

    @property
    def revision(self) -> int:
        return int(svn("youngest", self.path, program="svnlook"))


class Served:
    """svnserve for whoever connects to a port of loopback, one process for each, as inetd would start it."""

    def __init__(self, root: Path) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"svn://127.0.0.1:{self._listening.getsockname()[1]}"
        self._command = ["svnserve", "-i", "--read-only", "-r", str(root)]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                subprocess.run(self._command, stdin=connection.fileno(), stdout=connection.fileno(), check=False)

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


def svn(*words: str | Path, program: str = "svn") -> str:
    argv = [program, *map(str, words)]
    return subprocess.run(argv, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@pytest.fixture
def url(repository: Repository) -> Iterator[str]:
    served = Served(repository.path)
    yield served.url
    served.close()


@pytest.fixture
def machine(sandbox: Sandbox, repository: Repository, url: str) -> Sandbox:
    """A server whose disk was made by config-disk: the trees with their modes, and where they come from."""
    with_subversion(sandbox)
    for tree, place in (("local", HOST), ("global", "global")):
        svn("export", "-q", f"{repository.path.as_uri()}/{place}", sandbox.root / "config" / tree)
    sandbox.run("/bin/sh", "-c", "umask 022; . /libexec/glassmaster/say.sh; . /libexec/glassmaster/modes.sh;"
                " gm_modes /config/local; gm_modes /config/global; mkdir -m 700 /config/.glassmaster")  # fmt: skip
    origins = (Origin(f"{url}/{place}", repository.revision) for place in (HOST, "global"))
    sandbox.write("config/.glassmaster/subversion", as_record(*origins), mode=0o600)
    return sandbox


def with_subversion(sandbox: Sandbox) -> None:
    for program in ("svn", "svnversion"):
        (sandbox.root / "sbin" / program).unlink()
        sandbox.real(program)


def update(machine: Sandbox, *words: str) -> tuple[int, list[str], str]:
    done = machine.run("/usr/sbin/glassmaster-update", *words, env={"HOME": "/root"})
    return done.status, done.stages(), done.output


def modes(machine: Sandbox) -> dict[str, str]:
    top = machine.root / "config"
    paths = [path for name in ("local", "global") for path in sorted((top / name).rglob("*"))]
    return {
        str(path.relative_to(top)): f"{path.lstat().st_mode & 0o7777:04o}"
        for path in paths
        if path.is_file() and not path.is_symlink() and not {".svn", ".glassmaster"} & set(path.parts)
    }


def watch(machine: Sandbox) -> None:
    """Put a look at the whole configuration before and after each step that changes something."""
    machine.write("libexec/look", LOOK.replace("@SECRET@", SECRET))
    (machine.root / "libexec/real").mkdir()
    for name in WATCHED:
        place = next(machine.root / top / name for top in ("sbin", "bin") if os.path.lexists(machine.root / top / name))
        if place.is_symlink():
            # busybox goes by the name that it is called by.
            (machine.root / "libexec/real" / name).symlink_to("/bin/busybox")
            place.unlink()
        else:
            shutil.move(place, machine.root / "libexec/real" / name)
        script = (
            f'#!/bin/sh\n. /libexec/look "before:{name}"\n/libexec/real/{name} "$@"\nstatus=$?\n'
            f'. /libexec/look "after:{name}"\necho {name} >>/looked\nexit $status\n'
        )
        machine.write(f"sbin/{name}", script.replace(". /libexec/look", "/bin/sh /libexec/look"), mode=0o755)


def test_the_first_update_makes_a_checkout_of_what_the_disk_has(machine: Sandbox, repository: Repository) -> None:
    before = modes(machine)
    status, stages, output = update(machine)
    assert (status, stages) == (0, ["update status=ok local=1 global=1"]), output
    assert modes(machine) == before == {
        "local/.mtree": "0644",
        "local/accounts/master.passwd": "0600",
        "local/etc/openssl/www.key": "0600",
        "local/etc/rc.conf": "0644",
        "local/etc/rc.d/ours": "0755",
        "local/etc/ssh/ssh_host_rsa_key": "0600",
        "global/hosts": "0644",
    }  # fmt: skip
    assert (machine.root / "config/local/etc/hosts").readlink() == Path("/config/global/hosts")
    assert svn("status", "-q", machine.root / "config/local") == ""

    repository.put(f"{HOST}/etc/rc.conf", f"{READS}hostname=alpha\nntpd=YES\n")
    repository.put("global/hosts", "127.0.0.1 localhost\n192.0.2.1 alpha\n")
    repository.commit()
    assert update(machine)[:2] == (0, ["update status=ok local=2 global=2"])
    assert machine.text("config/local/etc/rc.conf") == f"{READS}hostname=alpha\nntpd=YES\n"
    assert machine.text("config/global/hosts").endswith("192.0.2.1 alpha\n")
    assert modes(machine) == before


def test_what_is_newer_in_subversion_comes_with_the_first_update(machine: Sandbox, repository: Repository) -> None:
    repository.put(f"{HOST}/etc/ntp.conf", "server ntp.example.org\n")
    repository.put(f"{HOST}/etc/rc.conf", f"{READS}hostname=beta\n")
    repository.commit()
    status, stages, output = update(machine)
    assert (status, stages) == (0, ["update status=ok local=2 global=2"]), output
    assert "  local/etc/ntp.conf\n  local/etc/rc.conf\n" in output
    assert machine.text("config/local/etc/rc.conf") == f"{READS}hostname=beta\n"


def test_what_was_made_on_the_machine_keeps_its_modes(machine: Sandbox, repository: Repository) -> None:
    made = {
        "etc/ssh/ssh_host_key": 0o600, "etc/skeykeys": 0o600, "etc/made.secret": 0o640, "etc/a b.secret": 0o400,
        "etc/made/by/a-program": 0o444, "etc/named.secret": 0o600,
    }  # fmt: skip
    for name, mode in made.items():
        machine.write(f"config/local/{name}", f"{SECRET}\n", mode=mode)
    (machine.root / "config/local/etc/made").chmod(0o700)
    repository.put(f"{HOST}/etc/ntp.conf", "server ntp.example.org\n")
    repository.put(f"{HOST}/.mtree", FILES[f"{HOST}/.mtree"] + "./etc/named.secret mode=0440\n")
    repository.commit()
    watch(machine)
    machine.write("readable", "")
    assert update(machine)[:2] == (0, ["update status=ok local=2 global=2"])
    found = modes(machine)
    assert {name: found[f"local/{name}"] for name in made} == {
        name: f"{mode:04o}" for name, mode in (made | {"etc/named.secret": 0o440}).items()
    }
    assert (machine.root / "config/local/etc/made").stat().st_mode & 0o777 == 0o700
    assert machine.text("readable") == ""


def test_what_was_changed_on_the_machine_stays_or_is_a_conflict(machine: Sandbox, repository: Repository) -> None:
    machine.write("config/local/etc/rc.conf", f"{READS}hostname=alpha\nlocal=YES\n")
    machine.write("config/local/etc/found.conf", "made here\n")
    assert update(machine)[:2] == (0, ["update status=ok local=1M global=1"])
    assert machine.text("config/local/etc/rc.conf").endswith("local=YES\n")
    assert machine.text("config/local/etc/found.conf") == "made here\n"
    repository.put(f"{HOST}/etc/rc.conf", f"{READS}hostname=beta\n")
    repository.commit()
    status, stages, _ = update(machine)
    assert (status, stages) == (
        1, ['update status=refused why="something in /config/local was changed both here and in Subversion"']
    )  # fmt: skip
    assert machine.text("config/local/etc/rc.conf").endswith("local=YES\n")


def test_accounts_that_were_changed_here_stay_and_those_of_subversion_are_refused(
    machine: Sandbox, repository: Repository
) -> None:
    update(machine)
    changed = machine.write("config/local/etc/master.passwd", f"root:{SECRET}-new:0:0::0:0:Charlie &:/root:/bin/sh\n")
    repository.put(f"{HOST}/etc/ntp.conf", "server ntp.example.org\n")
    repository.commit()
    assert update(machine, "check")[2] == "glassmaster: no mistakes\n"
    assert update(machine)[:2] == (0, ["update status=ok local=2 global=2"]) and "-new:" in changed.read_text()
    assert update(machine, "back")[0] == 0 and "-new:" in changed.read_text()
    changed.unlink()
    repository.put(f"{HOST}/etc/group", "wheel:*:0:root\n")
    repository.commit()
    status, _, output = update(machine)
    assert status == 1 and "local/etc/group: hides every account of the disc" in output


def test_a_mistake_is_refused_and_back_returns(machine: Sandbox, repository: Repository) -> None:
    update(machine)
    good = modes(machine)
    repository.put(f"{HOST}/etc/rc.conf", "if true\n")
    repository.put("global/hosts", "changed\n")
    repository.commit()
    status, stages, output = update(machine)
    assert (status, stages) == (1, ['update status=refused why="the configuration has mistakes"'])
    assert "local/etc/rc.conf: not sh: " in output
    assert machine.text("config/global/hosts") == "127.0.0.1 localhost\n" and modes(machine) == good
    repository.put(f"{HOST}/etc/rc.conf", f"{READS}hostname=gamma\n")
    repository.commit()
    assert update(machine)[:2] == (0, ["update status=ok local=3 global=3"])
    assert update(machine, "back")[:2] == (0, ["update status=back"])
    assert machine.text("config/local/etc/rc.conf") == f"{READS}hostname=alpha\n"
    assert machine.text("config/global/hosts") == "127.0.0.1 localhost\n"
    # The copy of before is a checkout of its revision, and the next update brings the newest again.
    assert update(machine)[:2] == (0, ["update status=ok local=3 global=3"])
    assert machine.text("config/local/etc/rc.conf") == f"{READS}hostname=gamma\n" and modes(machine) == good


def test_no_secret_is_readable_at_any_step(machine: Sandbox, repository: Repository) -> None:
    watch(machine)
    machine.write("readable", "")
    status, stages, output = update(machine)
    assert (status, stages) == (0, ["update status=ok local=1 global=1"]), output
    repository.put(f"{HOST}/accounts/master.passwd", f"root:{SECRET}-2:0:0::0:0:Charlie &:/root:/bin/sh\n")
    repository.put(f"{HOST}/etc/openssl/www.key", f"{SECRET}-2\n")
    repository.put(f"{HOST}/etc/openssl/new.key", f"{SECRET}-2\n")
    repository.put(f"{HOST}/.mtree", FILES[f"{HOST}/.mtree"] + "./etc/openssl/new.key mode=0400\n")
    repository.commit()
    assert update(machine)[:2] == (0, ["update status=ok local=2 global=2"])
    assert update(machine, "back")[0] == 0 and update(machine, "back")[0] == 0
    assert modes(machine)["local/etc/openssl/new.key"] == "0400"
    looked = set(machine.text("looked").split())
    assert set(WATCHED) - {"rm"} <= looked, looked
    assert machine.text("readable") == ""


def test_the_watch_sees_what_is_readable(machine: Sandbox) -> None:
    """Without the private directory, or the modes of the tree, it would be seen."""
    for path in ("usr/sbin/glassmaster-update", "libexec/glassmaster/switch.sh"):
        text = machine.text(path)
        machine.write(path, text.replace("umask 077", "umask 022").replace("chmod 700", "chmod 755"), mode=0o755)
    (machine.root / "config/.glassmaster").chmod(0o755)
    watch(machine)
    machine.write("readable", "")
    update(machine)
    assert re.search(r"^after:svn /config/.glassmaster/next/", machine.text("readable"), re.MULTILINE)


@pytest.mark.parametrize("record", ["", "global 1 svn://127.0.0.1:1/global\n", "local 1\n", None])
def test_a_disk_that_does_not_say_where_from_is_refused(machine: Sandbox, record: str | None) -> None:
    place = machine.root / "config/.glassmaster/subversion"
    place.unlink()
    if record is not None:
        place.write_text(record)
    assert update(machine)[:2] == (1, ['update status=refused why="/config/local is no Subversion checkout"'])


def test_a_repository_that_is_not_there_is_refused(machine: Sandbox) -> None:
    before = modes(machine)
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    record = as_record(*(Origin(f"svn://127.0.0.1:{port}/{place}", 1) for place in (HOST, "global")))
    machine.write("config/.glassmaster/subversion", record)
    assert update(machine)[:2] == (1, ['update status=refused why="svn checkout of local failed"'])
    assert modes(machine) == before
    assert not (machine.root / "config/.glassmaster/next").exists()
    assert not (machine.root / "config/local/.svn").exists()


def test_an_empty_disk_gets_its_first_configuration_from_subversion(sandbox: Sandbox, url: str) -> None:
    with_subversion(sandbox)
    empty_disk(sandbox)
    done = sandbox.run("/usr/sbin/glassmaster-prepare", "-n", "alpha", "-c", "4", "-s", "2", "-r", f"{url}/", "wd0",
                       env={"HOME": "/root"})  # fmt: skip
    assert done.stages() == ["prepare status=ok dev=/dev/wd0a for=alpha"], done.output
    place = sandbox.root / "disks/wd0a"
    assert (place / ".glassmaster-config").exists() and not (place / ".glassmaster/first").exists()
    shutil.copytree(place, sandbox.root / "config", symlinks=True, dirs_exist_ok=True)
    assert modes(sandbox)["local/etc/openssl/www.key"] == modes(sandbox)["local/accounts/master.passwd"] == "0600"
    assert (place / "local/.svn").stat().st_mode & 0o777 == 0o700
    assert svn("status", "-q", place / "local") == svn("status", "-q", place / "global") == ""
    assert update(sandbox)[:2] == (0, ["update status=ok local=1 global=1"])
    refused = sandbox.run("/usr/sbin/glassmaster-prepare", "-n", "beta", "-c", "4", "-s", "2", "-r", url, "wd0",
                          env={"HOME": "/root"})  # fmt: skip
    assert 'prepare status=refused why="the first configuration of beta could not be made"' in refused.stages()
