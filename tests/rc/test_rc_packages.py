"""Machines that take packages from a repository, and the machine that builds and serves them."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from tests.rc.sandbox import SHELLS, Sandbox

URL = "http://repo.example.org/packages/All"
LIST = "mailserver = alpha beta\n\nshells/bash *\nmail/exim mailserver # for all of them\nshells/bash\n"


def programs(made: Sandbox, *names: str) -> None:
    for name in names:
        shutil.copy(made.root / "sbin/ftp", made.root / "sbin" / name)


@pytest.fixture(params=SHELLS)
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Sandbox:
    made = Sandbox(tmp_path / "root", request.param, ("machine", "domu-base", "pkgclient"), "web")
    programs(made, "pkg_chk", "pkg_add")
    made.answer("pkg_chk", 'echo "PKG_PATH=$PKG_PATH" >>/calls')
    made.write("config/local/etc/rc.conf", f". /etc/defaults/rc.conf\nglassmaster_repository={URL}/\n")
    made.write("config/global/pkgchk.conf", LIST)
    made.write("mounts", "<above>:/config/packages/pkg on /usr/pkg type union (local)\n")
    return made


def packages(client: Sandbox, *words: str) -> tuple[int, list[str]]:
    done = client.run("/usr/sbin/glassmaster-packages", *words)
    return done.status, done.stages()


def test_packages_are_brought_up_to_date(client: Sandbox) -> None:
    ok = f"pkgclient status=ok list=/config/global/pkgchk.conf from={URL}"
    assert packages(client, "update") == (0, [ok])
    assert client.calls() == [f"pkg_chk -a -u -b -k -C /config/global/pkgchk.conf -P {URL}", f"PKG_PATH={URL}"]
    client.write("config/local/pkgchk.conf", "www/nginx\n")
    client.forget()
    assert packages(client, "check") == (0, [])
    assert client.calls("pkg_chk") == [f"pkg_chk -a -u -q -b -C /config/local/pkgchk.conf -P {URL}"]


def test_pkg_chk_itself_comes_from_the_repository(client: Sandbox) -> None:
    (client.root / "sbin/pkg_chk").unlink()
    client.answer("pkg_add", "cp /sbin/ftp /sbin/pkg_chk")
    assert packages(client, "update")[0] == 0
    assert client.calls("pkg_add") == ["pkg_add pkg_chk"]
    (client.root / "sbin/pkg_chk").unlink()
    client.answer("pkg_add", "exit 1")
    why = f"pkg_chk is not here, and could not be had from {URL}"
    assert packages(client, "update") == (1, [f'pkgclient status=refused why="{why}"'])


def test_a_package_that_fails(client: Sandbox) -> None:
    client.answer("pkg_chk", "exit 1")
    failed = f"pkgclient status=failed list=/config/global/pkgchk.conf from={URL}"
    assert packages(client, "update") == (1, [failed])


def test_what_must_be_there_first(client: Sandbox) -> None:
    client.write("mounts", "/dev/xbd0a on / type ffs (read-only, local)\n")
    why = "nothing is over /usr/pkg, which is read-only; see glassmaster_packages in rc.conf"
    assert packages(client, "update") == (1, [f'pkgclient status=refused why="{why}"'])
    (client.root / "config/global/pkgchk.conf").unlink()
    why = "there is no pkgchk.conf in /config/local or /config/global"
    assert packages(client, "update") == (1, [f'pkgclient status=refused why="{why}"'])
    for value, why in (
        ("repo.example.org", "glassmaster_repository: repo.example.org: must begin with http://, ftp:// or /"),
        ("", "glassmaster_repository in rc.conf is empty"),
    ):
        client.write("config/local/etc/rc.conf", f". /etc/defaults/rc.conf\nglassmaster_repository={value}\n")
        assert packages(client, "update") == (1, [f'pkgclient status=refused why="{why}"'])
    assert client.calls("pkg_chk") == []
    assert packages(client)[0] == 1


def test_nothing_happens_at_the_start_unless_told(client: Sandbox) -> None:
    read = ". /etc/defaults/rc.conf; echo $glassmaster_pkg_update $glassmaster_packages"
    assert client.run("/bin/sh", "-c", f">>/etc/fstab; {read}").output == "NO /config/packages\n"


MAKE = """
case $1 in
show-var) echo "${PWD##*/}-1.0" ;;
package-install) [ -e /broken/"${PWD##*/}" ] || echo package >"/data/www/packages/All/${PWD##*/}-1.0.tgz"; echo built ;;
esac
"""


@pytest.fixture(params=SHELLS)
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Sandbox:
    made = Sandbox(tmp_path / "root", request.param, ("machine", "domu-base", "pkgrepo"), "repo")
    programs(made, "make", "pkg_info")
    made.real("gzip")
    made.answer("make", MAKE)
    made.answer("pkg_info", 'echo "PKGNAME=${2%.tgz}"; echo')
    made.write("config/global/pkgchk.conf", LIST)
    made.write("mounts", "/dev/xbd3a on /data type ffs (local)\n")
    for name in ("shells/bash", "mail/exim"):
        made.write(f"data/pkgsrc/{name}/Makefile", "")
    return made


def build(repository: Sandbox, *words: str) -> tuple[int, list[str]]:
    done = repository.run("/usr/sbin/glassmaster-build-packages", *words)
    assert not (repository.root / "data/work/building").exists()
    return done.status, done.stages()


def summary(repository: Sandbox) -> str:
    return gzip.decompress((repository.root / "data/www/packages/All/pkg_summary.gz").read_bytes()).decode()


def test_what_pkgchk_conf_names_is_built_once(repository: Sandbox) -> None:
    assert build(repository) == (
        0,
        ["package status=ok name=bash-1.0", "package status=ok name=exim-1.0", "pkgrepo status=ok good=2 failed=0"],
    )
    assert repository.calls("make") == [
        "make show-var VARNAME=PKGNAME", "make package-install clean CLEANDEPENDS=yes",
    ] * 2  # fmt: skip
    assert summary(repository) == "PKGNAME=bash-1.0\n\nPKGNAME=exim-1.0\n\n"
    assert repository.text("data/log/bash-1.0") == "built\n"
    repository.forget()
    assert build(repository)[1][0] == "package status=ok name=bash-1.0 already=built"
    assert repository.calls("make") == ["make show-var VARNAME=PKGNAME"] * 2


def test_one_that_fails_does_not_stop_the_others(repository: Sandbox) -> None:
    repository.write("broken/bash", "")
    assert build(repository) == (
        1,
        [
            'package status=failed name=bash-1.0 why="see /data/log/bash-1.0"',
            "package status=ok name=exim-1.0",
            "pkgrepo status=failed good=1 failed=1",
        ],
    )
    assert summary(repository) == "PKGNAME=exim-1.0\n\n"


def test_names_that_are_none(repository: Sandbox) -> None:
    assert build(repository, "../etc", "none/none", "a b") == (
        1,
        [
            'package status=failed name=../etc why="not a package of pkgsrc"',
            'package status=failed name=none/none why="there is no /data/pkgsrc/none/none"',
            'package status=failed name="a b" why="not a package of pkgsrc"',
            "pkgrepo status=failed good=0 failed=3",
        ],
    )


def test_a_summary_that_fails_leaves_the_old_one(repository: Sandbox) -> None:
    build(repository, "shells/bash")
    repository.answer("pkg_info", "exit 1")
    assert build(repository)[1][-2:] == ["summary status=failed", "pkgrepo status=failed good=2 failed=0"]
    assert summary(repository) == "PKGNAME=bash-1.0\n\n"


def test_without_data_tree_or_list(repository: Sandbox) -> None:
    (repository.root / "config/global/pkgchk.conf").unlink()
    assert build(repository) == (1, ['pkgrepo status=refused why="there is no /config/global/pkgchk.conf"'])
    assert build(repository, "shells/bash")[0] == 0
    shutil.rmtree(repository.root / "data/pkgsrc")
    assert build(repository) == (1, ['pkgrepo status=refused why="there is no /data/pkgsrc"'])
    repository.write("mounts", "")
    why = "nothing is mounted on /data; the configuration's fstab says what"
    assert build(repository) == (1, [f'pkgrepo status=refused why="{why}"'])


def test_it_serves_what_it_builds(repository: Sandbox) -> None:
    read = ". /etc/defaults/rc.conf; echo $httpd $httpd_flags $httpd_wwwdir"
    assert repository.run("/bin/sh", "-c", f">>/etc/fstab; {read}").output == "YES -X /data/www\n"
    assert "PACKAGES=\t\t/data/www/packages\n" in repository.text("etc/mk.conf")
