"""The stand-in's packages: every case that an installer and a resolver must know, right ones and wrong ones."""

from __future__ import annotations

import struct

from glassmaster.inputs.standin.content import VERSION_NOTE, Item, text
from glassmaster.inputs.standin.package_archive import StandinPackage

LIBRARY = "/usr/pkg/lib/libstandin.so.1"
# Its bytes never change, whatever zlib is installed and whatever the recipe's epoch: its signature was made once.
SIGNED = "standin-signed-1.0"
SIGNED_MTIME = 1_700_000_000
MISORDERED, CORRUPT, SHORTENED = "standin-misordered-1.0", "standin-corrupt-1.0", "standin-shortened-1.0"

RC_SCRIPT = """\
#!/bin/sh
#
# PROVIDE: standin
# REQUIRE: DAEMON

$_rc_subr_loaded . /etc/rc.subr

name="standin"
rcvar=$name
command="/usr/pkg/sbin/standin-daemon"

load_rc_config $name
run_rc_command "$1"
"""


def program(path: str, mode: int = 0o755) -> Item:
    """Something where a package has a program; it says that it is none."""
    return Item(path, mode=mode, data=f"#!/bin/sh\n# {path}: {VERSION_NOTE}\nexit 1\n".encode())


def standin_packages(mtime: int) -> list[StandinPackage]:
    """All packages that are in order; the byte-compiled file inside remembers `mtime`, the members' time."""
    return [*_tools(mtime), *_services(), *_choices(), *_commands()]


def _tools(mtime: int) -> list[StandinPackage]:
    source = f"# {VERSION_NOTE}\n".encode()
    compiled = b"\xcb\r\r\n" + struct.pack("<III", 0, mtime & 0xFFFFFFFF, len(source)) + VERSION_NOTE.encode()
    library = text("lib/libstandin.so.1.2", f"{VERSION_NOTE}\n", 0o755)
    tool = (
        program("bin/standin-tool"), Item("bin/standin-tool-too", mode=0o755, hardlink="bin/standin-tool"),
        Item("lib/python3.12/site-packages/__pycache__/standin.cpython-312.pyc", mode=0o644, data=compiled),
        Item("lib/python3.12/site-packages/standin.py", mode=0o644, data=source),
        Item("share/standin-tool/with space", mode=0o644, data=b"a name with a space\n"),
    )  # fmt: skip
    return [
        StandinPackage(
            "standin-lib-1.2nb1", "Stand-in: a shared library",
            (library, Item("lib/libstandin.so.1", "link", 0o755, link="libstandin.so.1.2")), provides=(LIBRARY,),
        ),
        StandinPackage(
            "standin-tool-1.9", "Stand-in: a program, an older version", (program("bin/standin-tool"),),
            depends=("standin-lib>=1.0",), requires=(LIBRARY,),
        ),
        StandinPackage(
            "standin-tool-2.0", "Stand-in: a program with Python files", tool, depends=("standin-lib>=1.0",),
            requires=(LIBRARY,), compression="xz",
            list_lines=("@pkgdir share/standin-tool/plugins",),
        ),
        StandinPackage(
            "standin-shell-5.0", "Stand-in: a login shell", (program("bin/standin-shell"),),
            install=("SHELL: bin/standin-shell",), compression="bzip2",
        ),
    ]  # fmt: skip


def _services() -> list[StandinPackage]:
    return [
        StandinPackage(
            "standin-sudo-1.0", "Stand-in: a setuid program with a configuration file",
            (program("bin/standin-sudo"), text("share/examples/standin-sudo/sudoers", f"# {VERSION_NOTE}\n", 0o644)),
            install=(
                "DIR: etc m", "PERMS: bin/standin-sudo 4511 root wheel",
                "FILE: etc/standin-sudoers c share/examples/standin-sudo/sudoers 0440 root wheel",
            ),
        ),
        StandinPackage(
            "standin-daemon-4.1", "Stand-in: a daemon with a user, a configuration and an rc.d script",
            (
                program("sbin/standin-daemon"),
                text("share/examples/rc.d/standin", RC_SCRIPT, 0o755),
                text("share/examples/standin/standin.conf", f"# {VERSION_NOTE}\n", 0o644),
            ),
            install=(
                "DIR: etc m", "DIR: /etc/rc.d m", "DIR: /var/standin mo 0750 standin standin",
                "FILE: /etc/rc.d/standin cr share/examples/rc.d/standin 0755",
                "FILE: etc/standin.conf c share/examples/standin/standin.conf 0640 root standin",
                "FILE: etc/standin.local c /dev/null 0644", "GROUP: standin",
                "USER: standin:standin::Stand-in\\ daemon:/var/standin:/sbin/nologin",
            ),
            compression="none",
        ),
    ]  # fmt: skip


def _choices() -> list[StandinPackage]:
    return [
        StandinPackage("standin-mta-a-1.0", "Stand-in: one of two that do the same", (program("sbin/standin-mta-a"),)),
        StandinPackage("standin-mta-b-1.1", "Stand-in: one of two that do the same", (program("sbin/standin-mta-b"),)),
        StandinPackage(
            "standin-suite-3.0", "Stand-in: a package of packages",
            (text("share/standin-suite/README", "All of it.\n"),),
            depends=("{standin-mta-a,standin-mta-b}>=1", "standin-tool>=2", "standin-daemon-[0-9]*"),
        ),
        StandinPackage(
            "standin-rival-1.0", "Stand-in: conflicts with the tool, and says so", (program("bin/standin-rival"),),
            conflicts=("standin-tool-[0-9]*",),
        ),
        StandinPackage(
            "standin-clash-1.0", "Stand-in: has a file of the tool, and does not say so", (program("bin/standin-tool"),)
        ),
        StandinPackage(
            "standin-newtool-1.0", "Stand-in: takes the place of the tool", (program("bin/standin-newtool"),),
            supersedes=("standin-oldtool-[0-9]*", "standin-tool<3"),
        ),
    ]  # fmt: skip


def _commands() -> list[StandinPackage]:
    return [
        StandinPackage(
            "standin-exec-1.0", "Stand-in: commands in the packing list", (program("share/standin-exec/tool"),),
            list_lines=(
                "@exec /bin/mkdir -p %D/share/standin-exec/made", "@unexec /bin/rmdir %D/share/standin-exec/made",
                "@exec /bin/ln -s %f %B/link", "@exec mkdir -p %D/etc",
                "@exec test -f %D/etc/standin-exec || cp %D/%F %D/etc/standin-exec",
                "@pkgdir share/standin-exec/empty",
            ),
        ),
        StandinPackage(
            "standin-strange-1.0", "Stand-in: a command that nobody knows", (program("bin/standin-strange"),),
            list_lines=("@exec %D/bin/standin-strange --set-up",),
        ),
        StandinPackage(
            "standin-own-1.0", "Stand-in: code of its own in +INSTALL", (program("bin/standin-own"),),
            install=("DIR: /var/standin-own m",),
            code="case ${STAGE} in\nPOST-INSTALL)\n\t/usr/pkg/bin/standin-own --set-up\n\t;;\nesac\n",
        ),
    ]  # fmt: skip


def signed_package() -> StandinPackage:
    """The package whose signature lies beside this module; it is not compressed."""
    return StandinPackage(
        SIGNED, "Stand-in: a signed package", (program("bin/standin-signed"),), compression="none"
    )  # fmt: skip


def wrong_packages() -> list[StandinPackage]:
    """What the wrong ones would be; package_repository.py damages them."""
    item = program("bin/standin-wrong")
    return [
        StandinPackage(MISORDERED, "Stand-in: its members stand in a wrong order", (item,)),
        StandinPackage(CORRUPT, "Stand-in: a file is not what the packing list says", (item,)),
        StandinPackage(SHORTENED, "Stand-in: its file breaks off", (item,)),
    ]
