"""Packages in an image: files, what +INSTALL would do, and the database, as pkg_add leaves them."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc.accounts import AccountFiles
from glassmaster.inputs.pkgsrc.libraries import require_libraries
from glassmaster.inputs.pkgsrc.pkgdb import ByFile, default_directory
from glassmaster.inputs.pkgsrc.uids import Uids
from glassmaster.inputs.standin.content import Item
from glassmaster.inputs.standin.packages import program
from glassmaster.inputs.store import Store
from glassmaster.tree.entry import Entry
from tests.pkgsrc_install.conftest import BELOW, EPOCH, GROUP, PASSWD, Choose, Pack, Run
from tests.pkgsrc_install.test_pkginstall_btree import Reader

LIB, TOOL, DAEMON, SUITE = "standin-lib-1.2nb1", "standin-tool-2.0", "standin-daemon-4.1", "standin-suite-3.0"


def attributes(entry: Entry) -> tuple[str, str, int, int]:
    return entry.kind, oct(entry.mode), entry.uid, entry.gid


def test_files_links_and_hard_links(choose: Choose, run_install: Run) -> None:
    result = run_install(choose(LIB), choose(TOOL, LIB))
    assert [layer.origin for layer in result.layers] == [f"package:{LIB}", f"package:{TOOL}", "packages"]
    entries = result.entries
    assert attributes(entries["usr/pkg/lib/libstandin.so.1.2"]) == ("file", "0o755", 0, 0)
    assert entries["usr/pkg/lib/libstandin.so.1"].link == "libstandin.so.1.2"
    assert result.read("usr/pkg/share/standin-tool/with space") == b"a name with a space\n"
    names = [entries[f"usr/pkg/bin/{name}"] for name in ("standin-tool", "standin-tool-too")]
    assert {entry.inode for entry in names} == {"usr/pkg/bin/standin-tool"}
    assert attributes(entries["usr/pkg/share/standin-tool/plugins"]) == ("dir", "0o755", 0, 0)
    assert result.installed.accounts == AccountFiles(PASSWD, GROUP)


def test_byte_compiled_python_stays_valid(choose: Choose, run_install: Run) -> None:
    result = run_install(choose(LIB), choose(TOOL, LIB))
    folder = "usr/pkg/lib/python3.12/site-packages"
    source = result.entries[f"{folder}/standin.py"]
    compiled = result.read(f"{folder}/__pycache__/standin.cpython-312.pyc")
    assert struct.unpack_from("<III", compiled, 4) == (0, source.mtime, source.size)
    assert result.installed.notes == []


def test_sources_newer_than_the_epoch_are_noted(choose: Choose, run_install: Run) -> None:
    result = run_install(choose(LIB), choose(TOOL, LIB), epoch=EPOCH - 1)
    [note] = result.installed.notes
    assert note.startswith(
        f"{TOOL}: 1 Python sources are newer than the recipe's epoch, such as /usr/pkg/lib/python3.12/"
    )


def test_setuid_and_configuration(choose: Choose, run_install: Run) -> None:
    result = run_install(choose("standin-sudo-1.0"))
    assert attributes(result.entries["usr/pkg/bin/standin-sudo"]) == ("file", "0o4511", 0, 0)
    sudoers = result.entries["usr/pkg/etc/standin-sudoers"]
    assert attributes(sudoers) == ("file", "0o440", 0, 0)
    assert sudoers.mtime == EPOCH
    example = result.entries["usr/pkg/share/examples/standin-sudo/sudoers"]
    assert sudoers.content == example.content


def test_users_directories_and_rc_scripts(choose: Choose, run_install: Run) -> None:
    result = run_install(choose(DAEMON))
    assert result.installed.rc_scripts == ["/etc/rc.d/standin"]
    assert attributes(result.entries["etc/rc.d/standin"]) == ("file", "0o755", 0, 0)
    assert attributes(result.entries["var/standin"]) == ("dir", "0o750", 1001, 1001)
    assert attributes(result.entries["usr/pkg/etc/standin.conf"]) == ("file", "0o640", 0, 1001)
    assert result.read("usr/pkg/etc/standin.local") == b""
    assert "etc/rc.d" not in result.entries  # it is the release's, and stays as it is
    line = f"standin:{'*' * 13}:1001:1001::0:0:Stand-in daemon:/var/standin:/sbin/nologin\n"
    assert result.installed.accounts == AccountFiles(PASSWD + line, f"{GROUP}standin:*:1001:\n")
    assert result.read("etc/master.passwd").decode() == PASSWD + line
    assert attributes(result.entries["etc/master.passwd"]) == ("file", "0o600", 0, 0)
    assert result.layers[-1].origin == "packages"


def test_a_user_without_a_number_stops(choose: Choose, run_install: Run) -> None:
    with pytest.raises(GlassmasterError, match="the group standin has no recorded number") as caught:
        run_install(choose(DAEMON), uids=Uids())
    assert "  standin: 1000" in caught.value.hint


def test_shells_are_registered_once(choose: Choose, run_install: Run) -> None:
    result = run_install(choose("standin-shell-5.0"))
    assert result.read("etc/shells") == b"/bin/sh\n/usr/pkg/bin/standin-shell\n"
    assert result.installed.shells == "/bin/sh\n/usr/pkg/bin/standin-shell\n"
    again = run_install(choose("standin-shell-5.0"), shells=result.installed.shells)
    assert "etc/shells" not in again.entries
    assert "etc/shells" not in run_install(choose("standin-shell-5.0"), shells=None).entries


def test_what_is_there_already_stays(pack: Pack, run_install: Run) -> None:
    below = {**BELOW, "usr/pkg/etc/a.conf": Entry("usr/pkg/etc/a.conf", "file", 0o644, 0, 0, 1)}
    lines = (
        "FILE: etc/a.conf c share/examples/a.conf 0600",
        "FILE: etc/b.conf c share/examples/none",
        "DIR: /etc/rc.d m",
    )
    example = Item("share/examples/a.conf", data=b"example")
    result = run_install(pack("made-1.0", example, install=lines), below=below.get)
    assert "usr/pkg/etc/a.conf" not in result.entries
    assert "usr/pkg/etc/b.conf" not in result.entries
    assert result.installed.notes == [
        "made-1.0: /usr/pkg/etc/a.conf is there already and stays as it is",
        "made-1.0: /usr/pkg/etc/b.conf is not made: its example /usr/pkg/share/examples/none is missing",
    ]
    counts = "usr/pkg/pkgdb.refcount"
    assert result.read(f"{counts}/files/usr/pkg/etc/a.conf/+PREEXISTING") == b"made-1.0\n"
    assert result.read(f"{counts}/dirs/etc/rc.d/+PREEXISTING") == b"made-1.0\n"
    assert f"{counts}/files/usr/pkg/etc/b.conf/+PREEXISTING" not in result.entries


def test_permissions_reach_all_names_of_a_file_and_other_packages_files(pack: Pack, run_install: Run) -> None:
    first = pack(
        "a-1.0", program("bin/a"), Item("bin/a2", mode=0o755, hardlink="bin/a"), install=("PERMS: bin/a2 4755",)
    )
    second = pack("b-1.0", program("bin/b"), install=("PERMS: bin/a 2755 root wheel", "PERMS: bin/none 4755"))
    result = run_install(first, second)
    own = {entry.path: oct(entry.mode) for entry in result.layers[0].entries if "bin/" in entry.path}
    assert own == {"usr/pkg/bin/a": "0o4755", "usr/pkg/bin/a2": "0o4755"}
    [over] = [entry for entry in result.layers[1].entries if entry.path == "usr/pkg/bin/a"]
    assert (over.mode, over.inode) == (0o2755, "")


def test_modes_and_owners_of_the_packing_list(pack: Pack, run_install: Run) -> None:
    said = (b"bin/b\n", b"@mode u+s,go-r\n@owner sshd\n@group sshd\nbin/b\n")
    entries = run_install(pack("made-1.0", program("bin/a"), program("bin/b"), edit=said)).entries
    assert attributes(entries["usr/pkg/bin/a"]) == ("file", "0o755", 0, 0)
    assert attributes(entries["usr/pkg/bin/b"]) == ("file", "0o4711", 16, 16)


def test_an_owner_that_nobody_knows(pack: Pack, run_install: Run) -> None:
    with pytest.raises(GlassmasterError, match=r"made-1\.0: \+CONTENTS:4: bin/a: unknown user 'stranger'"):
        run_install(pack("made-1.0", replace(program("bin/a"), user="stranger")))


def test_known_commands_are_done(choose: Choose, run_install: Run) -> None:
    result = run_install(choose("standin-exec-1.0"))
    top = "usr/pkg/share/standin-exec"
    assert attributes(result.entries[f"{top}/made"]) == ("dir", "0o755", 0, 0)
    assert result.entries[f"{top}/link"].link == "tool"
    assert attributes(result.entries["usr/pkg/etc/standin-exec"]) == ("file", "0o755", 0, 0)


def test_unknown_commands_stop_unless_harmless(choose: Choose, run_install: Run) -> None:
    with pytest.raises(GlassmasterError, match=r"standin-strange-1\.0: .*@exec %D/bin/standin-strange --set-up"):
        run_install(choose("standin-strange-1.0"))
    run_install(choose("standin-strange-1.0"), harmless=["%D/bin/standin-strange --set-up"])


def test_two_packages_with_one_file(choose: Choose, run_install: Run) -> None:
    with pytest.raises(GlassmasterError) as caught:
        run_install(choose(LIB), choose(TOOL, LIB), choose("standin-clash-1.0"))
    assert caught.value.what == f"standin-clash-1.0: usr/pkg/bin/standin-tool: is a file of {TOOL}, too"


def test_a_package_that_calls_itself_otherwise(choose: Choose, run_install: Run) -> None:
    with pytest.raises(GlassmasterError, match="it calls itself standin-lib"):
        run_install(replace(choose(LIB), name="standin-other-1.0"))


def test_dependencies_come_first_and_once(choose: Choose, run_install: Run) -> None:
    with pytest.raises(GlassmasterError, match=f"{TOOL}: requires {LIB}, which is not installed before it"):
        run_install(choose(TOOL, LIB), choose(LIB))
    with pytest.raises(GlassmasterError, match=f"{LIB}: chosen twice"):
        run_install(choose(LIB), choose(LIB))


def test_the_database_of_each_package(choose: Choose, run_install: Run) -> None:
    mta = "standin-mta-b-1.1"
    chosen = [choose(LIB), choose(DAEMON), choose(mta, automatic=True), choose(TOOL, LIB, automatic=True)]
    result = run_install(*chosen, choose(SUITE, mta, TOOL, DAEMON))
    top = "usr/pkg/pkgdb"
    assert result.read(f"{top}/{LIB}/+REQUIRED_BY") == f"{TOOL}\n".encode()
    assert result.read(f"{top}/{DAEMON}/+REQUIRED_BY") == f"{SUITE}\n".encode()
    assert result.read(f"{top}/{mta}/+INSTALLED_INFO") == b"automatic=yes\n"
    assert f"{top}/{SUITE}/+REQUIRED_BY" not in result.entries
    assert f"{top}/{SUITE}/+INSTALLED_INFO" not in result.entries
    own = {path: entry for path, entry in result.entries.items() if path.startswith(f"{top}/{DAEMON}/")}
    modes = {path.rpartition("/")[2]: oct(entry.mode) for path, entry in own.items()}
    assert modes == {
        "+CONTENTS": "0o644", "+COMMENT": "0o444", "+DESC": "0o444", "+INSTALL": "0o555", "+BUILD_INFO": "0o444",
        "+SIZE_PKG": "0o444", "+SIZE_ALL": "0o444", "+REQUIRED_BY": "0o644",
    }  # fmt: skip
    assert result.read(f"{top}/{DAEMON}/+CONTENTS").startswith(f"@name {DAEMON}\n".encode())


def test_the_index_by_file(choose: Choose, run_install: Run) -> None:
    result = run_install(choose(LIB), choose("standin-exec-1.0"), database="/var/db/pkg")
    records = dict(Reader(result.read("var/db/pkg/pkgdb.byfile.db")).records())
    assert records == {
        b"/usr/pkg/lib/libstandin.so.1\0": b"standin-lib-1.2nb1\0",
        b"/usr/pkg/lib/libstandin.so.1.2\0": b"standin-lib-1.2nb1\0",
        b"/usr/pkg/share/standin-exec/tool\0": b"standin-exec-1.0\0",
        b"/usr/pkg/share/standin-exec/empty\0": b"@pkgdir standin-exec-1.0\0",
    }
    assert attributes(result.entries["var/db/pkg/pkgdb.byfile.db"]) == ("file", "0o644", 0, 0)


def test_a_directory_of_several_packages(pack: Pack, run_install: Run) -> None:
    shared = ("@pkgdir share/shared",)
    result = run_install(pack("a-1.0", program("a"), list_lines=shared), pack("b-2.0", program("b"), list_lines=shared))
    records = dict(Reader(result.read("usr/pkg/pkgdb/pkgdb.byfile.db")).records())
    assert records[b"/usr/pkg/share/shared\0"] == b"@pkgdir a-1.0 b-2.0\0"
    assert sum(entry.path == "usr/pkg/share/shared" for layer in result.layers for entry in layer.entries) == 1


def test_reference_counts(choose: Choose, run_install: Run) -> None:
    result = run_install(choose(DAEMON))
    top = "usr/pkg/pkgdb.refcount"
    found = {path: result.read(path) for path in result.entries if path.startswith(top)}
    token = f"/usr/pkg/pkgdb/{DAEMON}\n".encode()
    assert found == {
        f"{top}/groups/standin/{DAEMON}": token,
        f"{top}/users/standin/{DAEMON}": token,
        f"{top}/dirs/etc/rc.d/{DAEMON}": token,
        f"{top}/dirs/etc/rc.d/+PREEXISTING": f"{DAEMON}\n".encode(),
        f"{top}/dirs/usr/pkg/etc/{DAEMON}": token,
        f"{top}/dirs/var/standin/{DAEMON}": token,
        f"{top}/dirs/var/standin/+PERMISSIONS": b"standin standin 0750\n",
        f"{top}/files/etc/rc.d/standin/{DAEMON}": token,
        f"{top}/files/etc/rc.d/standin/+PERMISSIONS": b"0755  \n",
        f"{top}/files/usr/pkg/etc/standin.conf/{DAEMON}": token,
        f"{top}/files/usr/pkg/etc/standin.conf/+PERMISSIONS": b"0640 root standin\n",
        f"{top}/files/usr/pkg/etc/standin.local/{DAEMON}": token,
        f"{top}/files/usr/pkg/etc/standin.local/+PERMISSIONS": b"0644  \n",
    }


def test_nothing_chosen_is_nothing_made(run_install: Run) -> None:
    result = run_install()
    assert result.layers == []
    assert ByFile().records() == {}


def test_equal_packages_give_equal_layers(choose: Choose, run_install: Run) -> None:
    first = run_install(choose(LIB), choose(DAEMON), choose(TOOL, LIB))
    again = run_install(choose(LIB), choose(DAEMON), choose(TOOL, LIB))
    assert first.layers == again.layers


@pytest.mark.parametrize(
    ("version", "directory"),
    [
        ("6.1.5", "/var/db/pkg"), ("9.4", "/var/db/pkg"), ("9_STABLE", "/var/db/pkg"), ("10.0", "/usr/pkg/pkgdb"),
        ("11.0_RC1", "/usr/pkg/pkgdb"), ("standin-1", "/usr/pkg/pkgdb"),
    ],
)  # fmt: skip
def test_the_databases_place_by_release(version: str, directory: str) -> None:
    assert default_directory(version) == directory


def test_libraries_must_really_be_there(pack: Pack, store: Store) -> None:
    """What a package says it provides is not enough: here it does not hold it."""
    liar = pack("liar-1.0", program("bin/l"), provides=("/usr/pkg/lib/libl.so.1",))
    user = pack("user-1.0", program("bin/u"), requires=("/usr/lib/libc.so.12", "/usr/pkg/lib/libl.so.1"))
    paths = {"usr/lib/libc.so.12", "usr/pkg/bin/l", "usr/pkg/bin/u"}
    require_libraries([liar, user], paths | {"usr/pkg/lib/libl.so.1"}, store)
    with pytest.raises(GlassmasterError) as caught:
        require_libraries([liar, user], paths, store)
    assert caught.value.what == "/usr/pkg/lib/libl.so.1, which user-1.0 needs, is not on the image"
    with pytest.raises(GlassmasterError) as caught:
        require_libraries([user], set(), store)
    assert caught.value.why == "user-1.0 needs /usr/pkg/lib/libl.so.1"
