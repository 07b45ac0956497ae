"""What needs somebody's look although it is easily passed over: services of overlays, moves, modes, inetd."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.diff.inetd import included, read_inetd
from tests.diff.conftest import RC_CONF, Pairs, World, items, opened, result, script
from tests.diff.test_diff_seeded import security

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n"


@pytest.mark.parametrize("origin", ["overlay:dom0", "packages", "package:own-1.0", "altered:etc", ""])
def test_a_service_of_no_set_may_listen(pairs: Pairs, origin: str) -> None:
    def change(world: World) -> None:
        world.file(origin, "etc/rc.d/mydaemon", script("mydaemon"), 0o555)
        world.file("set:etc", "etc/rc.conf", f"{RC_CONF}mydaemon=YES\n")

    assert security(pairs.compare(change)) == [("mydaemon", "added", "listener")]


def test_a_service_of_a_set_that_does_not_listen(pairs: Pairs) -> None:
    found = pairs.compare(lambda world: world.file("set:etc", "etc/rc.d/quiet", script("quiet", rcvar="-"), 0o555))
    assert security(found) == [] and [item.what for item in items(found, "rc")] == ["quiet"]


@pytest.mark.parametrize(("mode", "rule"), [(0o4555, "setuid"), (0o2555, "setuid"), (0o666, "world-writable")])
def test_what_is_dangerous_at_another_path(pairs: Pairs, mode: int, rule: str) -> None:
    def change(world: World) -> None:
        world.remove("bin/one")
        world.file("set:base", "usr/games/one", "a program\n", mode)

    old, new = pairs.worlds(change)
    old.file("set:base", "bin/one", "a program\n", mode)
    found = result(old.release(), new.release())
    assert security(found) == [("/usr/games/one", "added", rule)]
    assert "moved from /bin/one" in items(found, "security")[0].detail
    assert [decision.name for decision in found.verdict.open] == [f"{rule}:/usr/games/one"]


@pytest.mark.parametrize(
    ("path", "text", "modes", "is_told"),
    [
        ("etc/ssh/ssh_host_rsa_key", KEY, (0o600, 0o644), True),
        ("etc/ssh/ssh_host_rsa_key", KEY, (0o644, 0o600), False),
        ("etc/ssh/ssh_host_rsa_key", KEY, (0o600, 0o400), False),
        ("etc/ssh/ssh_host_rsa_key.pub", "ssh-rsa A\n", (0o600, 0o644), False),
        ("etc/ssh/ssh_host_rsa_key.pub", "ssh-rsa A\n", (0o644, 0o664), True),
        ("root/.ssh/id_ed25519", KEY, (0o600, 0o640), True),
        ("etc/mine", KEY, (0o600, 0o604), True),
        ("etc/mine", "-----BEGIN CERTIFICATE-----\n", (0o600, 0o644), False),
        ("etc/mine", "no key\n", (0o600, 0o644), False),
        ("etc/openssl/private/own", "anything", (0o600, 0o660), True),
    ],
)
def test_the_mode_of_a_key(pairs: Pairs, path: str, text: str, modes: tuple[int, int], is_told: bool) -> None:
    old, new = pairs.worlds(lambda world: world.file("set:etc", path, text, modes[1]))
    old.file("set:etc", path, text, modes[0])
    found = result(old.release(), new.release())
    assert security(found) == ([(f"/{path}", "changed", "keys")] if is_told else [])
    assert found.verdict.exit_status == (2 if is_told else 1)
    if is_told:
        item = items(found, "security")[0]
        assert (item.old, item.new) == (f"{modes[0]:04o} 0:0", f"{modes[1]:04o} 0:0")


def test_another_owner_of_a_key(pairs: Pairs) -> None:
    old, new = pairs.worlds(lambda world: world.file("set:etc", "etc/own.key", KEY, 0o600, uid=7))
    old.file("set:etc", "etc/own.key", KEY, 0o600)
    assert security(result(old.disc(), new.disc())) == [("/etc/own.key", "changed", "keys")]


# --- inetd.conf

OLD = """\
# comment
#ftp stream tcp nowait root /usr/libexec/ftpd ftpd -ll
ntalk dgram udp wait nobody:tty /usr/libexec/ntalkd ntalkd
"""
VALUES = """\
http on # a comment; with a semicolon
\tprotocol=tcp, wait = no,
\tuser = "www;user", # another, one
\texec = /usr/libexec/httpd, args = "-I 80; \\"x\\"" ;
off-service off protocol = tcp;
one on protocol = udp; two on socktype = stream, protocol = tcp; echo stream tcp nowait root internal
"""


def test_both_notations_of_inetd() -> None:
    conf = read_inetd(OLD + VALUES)
    assert conf.services == (
        "ntalk dgram udp wait nobody:tty /usr/libexec/ntalkd ntalkd",
        'http on protocol = tcp, wait = no, user = "www;user", exec = /usr/libexec/httpd, args = "-I 80; \\"x\\""',
        "one on protocol = udp",
        "two on socktype = stream, protocol = tcp",
        "echo stream tcp nowait root internal",
    )
    assert conf.includes == conf.unread == ()


def test_addresses_continued_lines_and_includes_of_inetd() -> None:
    conf = read_inetd(
        "127.0.0.1:\nftp stream tcp nowait root\n\t/usr/libexec/ftpd ftpd\n*:finger stream tcp nowait nobody internal\n"
        '*:\nhttp on protocol = tcp;\n.include "inetd.d/*"\nodd words\nlast on protocol = tcp\n'
    )
    assert conf.services == (
        "127.0.0.1:ftp stream tcp nowait root /usr/libexec/ftpd ftpd",
        "*:finger stream tcp nowait nobody internal",
        "http on protocol = tcp",
    )
    assert conf.includes == ("inetd.d/*",) and conf.unread == ("odd words", "last on protocol = tcp")
    assert included("inetd.d/*", "etc/inetd.conf") == "etc/inetd.d/*"
    assert included("/usr/pkg/etc/inetd/../*", "etc/inetd.conf") == "usr/pkg/etc/*"


@given(st.text("ab \t\n#\"'\\;=,.:on1*"))
def test_whatever_inetd_conf_holds_is_read_to_its_end(text: str) -> None:
    conf = read_inetd(text)
    assert sum(map(len, (*conf.services, *conf.includes, *conf.unread))) <= 3 * len(text) + 8


@pytest.mark.parametrize(
    ("text", "name", "detail"),
    [
        ("http on\n\tprotocol = tcp,\n\texec = /x;\n", "inetd: http", "inetd listens for it"),
        ("127.0.0.1:\nntalk dgram udp wait nobody:tty /usr/libexec/ntalkd ntalkd\n*:\n", "inetd: 127.0.0.1:ntalk", ""),
        ("what is this\n", "inetd: what", "not known"),
        ("http on protocol = tcp\n", "inetd: http", "not known"),
        (".include inetd.d/*\n", "inetd: .include", "not known"),
    ],
)
def test_what_inetd_starts_now(pairs: Pairs, text: str, name: str, detail: str) -> None:
    old, new = pairs.worlds(lambda world: world.file("set:etc", "etc/inetd.conf", OLD + text))
    old.file("set:etc", "etc/inetd.conf", OLD)
    found = result(old.release(), new.disc())
    assert security(found) == [(name, "added", "listener")]
    assert detail in items(found, "security")[0].detail


def test_a_service_that_is_off(pairs: Pairs) -> None:
    old, new = pairs.worlds(lambda world: world.file("set:etc", "etc/inetd.conf", OLD + "x off protocol = tcp;\n"))
    old.file("set:etc", "etc/inetd.conf", OLD)
    assert security(result(old.release(), new.release())) == []


@pytest.mark.parametrize("text", ["http on protocol = tcp;\n", "\0"])
def test_a_file_that_inetd_conf_includes(pairs: Pairs, text: str) -> None:
    def fill_side(world: World, text: str) -> None:
        world.file("set:etc", "etc/inetd.conf", OLD + ".include inetd.d/*\n")
        world.file("overlay:dom0", "etc/inetd.d/own", text)
        world.file("overlay:dom0", "etc/other", text)

    old, new = pairs.worlds(lambda world: fill_side(world, text))
    fill_side(old, "# nothing\n")
    sides = [opened(world.release()) for world in (old, new)]
    found = result(old.folder, new.folder)
    name = "inetd: http" if text != "\0" else "/etc/inetd.d/own"
    assert sides and security(found) == [(name, "added", "listener")]
    assert items(found, "security")[0].paths == ("etc/inetd.d/own",)
