"""Users and groups of packages: their numbers come from the recorded ones, and from nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc.accounts import AccountFiles, with_packages
from glassmaster.inputs.pkgsrc.scripts import Group, User
from glassmaster.inputs.pkgsrc.uids import Uids, read_uids
from tests.pkgsrc_install.conftest import GROUP, PASSWD

FILES = AccountFiles(PASSWD, GROUP)
UIDS = Uids({"svn": 1010, "www": 1011}, {"svn": 1010, "www": 1012})


def add(*users: User, groups: tuple[Group, ...] = (), uids: Uids = UIDS, package: str = "svn-1.0") -> AccountFiles:
    return with_packages(FILES, [(package, users, groups)], uids)


def test_users_and_groups_are_put_at_the_end() -> None:
    full = User("www", "svn", "", "The web", "/var/www", "/bin/ksh")
    files = add(User("svn", "svn"), full, groups=(Group("svn"), Group("www", "1012")))
    stars = "*" * 13
    assert files.master_passwd == (
        f"{PASSWD}svn:{stars}:1010:1010::0:0:svn user:/nonexistent:/sbin/nologin\n"
        f"www:{stars}:1011:1010::0:0:The web:/var/www:/bin/ksh\n"
    )
    assert files.group == f"{GROUP}svn:*:1010:\nwww:*:1012:\n"
    assert files.accounts().uid("www", "") == 1011


def test_the_default_description_names_the_package() -> None:
    files = add(User("www", "wheel"), package="web-server-2.0nb1")
    assert ":web-server www user:" in files.master_passwd


def test_odd_characters_stay_as_they_are() -> None:
    assert ":{0} %s:" in add(User("svn", "wheel", "", "{0} %s")).master_passwd


def test_what_the_release_has_stays_as_it_is() -> None:
    assert add(User("sshd", "sshd", "16"), groups=(Group("sshd"),)) == FILES


def test_two_packages_may_want_the_same() -> None:
    one = ((User("svn", "svn"),), (Group("svn"),))
    files = with_packages(FILES, [("a-1", *one), ("b-1", *one)], UIDS)
    assert files.master_passwd.count("svn:") == 1
    assert files.group.count("svn:") == 1


def test_a_last_line_without_its_end_is_ended() -> None:
    files = with_packages(AccountFiles(PASSWD.rstrip("\n"), GROUP), [("a-1", [User("svn", "wheel")], [])], UIDS)
    assert files.master_passwd.startswith(f"{PASSWD}svn:")


def test_all_that_is_not_recorded_is_named_with_the_lines_to_add() -> None:
    users = (User("new", "newgroup"), User("fixed", "wheel", "77"), User("second", "wheel"))
    with pytest.raises(GlassmasterError) as caught:
        add(*users, groups=(Group("newgroup"),), uids=Uids({"old": 1000}, {}, "pkgsets/uids.yaml"))
    assert caught.value.what == "svn-1.0: the group newgroup has no recorded number"
    assert caught.value.hint.splitlines() == [
        "add to pkgsets/uids.yaml:", "users:", "  new: 1001", "  fixed: 77", "  second: 1002",
        "groups:", "  newgroup: 1000",
    ]  # fmt: skip


@pytest.mark.parametrize(("user", "what"), [
    (User("svn", "nobodys"), "belongs to the group nobodys, which nobody makes"),
    (User("svn", "wheel", "99"), "was built for a user svn with the number 99, here it has 1010"),
    (User("sshd", "wheel", "99"), "was built for a user sshd with the number 99, here it has 16"),
    (User("svn", "wheel", "x"), "not the name and number of an account"),
    (User("s vn", "wheel"), "not the name and number of an account"),
    (User("svn", "wheel", "", "a\nroot::0:0"), "odd characters"),
])  # fmt: skip
def test_refused(user: User, what: str) -> None:
    with pytest.raises(GlassmasterError, match=r"svn-1\.0: ") as caught:
        add(user)
    assert what in caught.value.what


def test_a_number_that_is_taken() -> None:
    with pytest.raises(GlassmasterError, match="users: svn: the number 16 is sshd's in this image"):
        add(User("svn", "wheel"), uids=Uids({"svn": 16}))


def test_a_recorded_number_that_the_release_contradicts() -> None:
    with pytest.raises(GlassmasterError, match="users: sshd: 1016 is recorded, the release gives it 16"):
        add(User("sshd", "sshd"), uids=Uids({"sshd": 1016}))


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "uids.yaml"
    path.write_text(text)
    return path


def test_the_file_of_numbers(tmp_path: Path) -> None:
    path = write(tmp_path, "# kept for ever\nusers:\n  svn: 1000\n  yes: 1001\ngroups:\n  svn: 1000\n")
    assert read_uids(path) == Uids({"svn": 1000, "yes": 1001}, {"svn": 1000}, str(path))
    assert read_uids(write(tmp_path, "")) == Uids(file=str(path))
    assert read_uids(tmp_path / "none.yaml").users == {}


@pytest.mark.parametrize(("text", "what"), [
    ("user:\n  a: 1\n", ":1: unknown key 'user'"),
    ("users: 5\n", ":1: expected lines of name: number"),
    ("users:\n  a: 1\n  b: 1\n", ":3: b: 1 is a's number already"),
    ("users:\n  a: 0\n", ":2: a: expected a number from 1 to 32766"),
    ("users:\n  a: 32767\n", ":2: a: expected a number"),
    ("users:\n  a: 0x10\n", ":2: a: expected a number"),
    ("users:\n  a b: 10\n", ":2: 'a b' is not the name"),
    ("users:\n  a: [1]\n", ":2: a: expected a number"),
    ("users:\n  a: 10\n  a: 11\n", ":3"),
    ("- a\n", ":1"),
])  # fmt: skip
def test_a_file_of_numbers_that_is_refused(text: str, what: str, tmp_path: Path) -> None:
    with pytest.raises(GlassmasterError) as caught:
        read_uids(write(tmp_path, text))
    assert f"uids.yaml{what}" in caught.value.what
