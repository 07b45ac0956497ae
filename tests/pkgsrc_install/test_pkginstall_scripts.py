"""The data lines of +INSTALL, and the helpers that it unpacks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc.scripts import (
    WORDS,
    ConfigFile,
    Directory,
    Group,
    Install,
    Permissions,
    User,
    parse_install,
    unpacked_helpers,
)  # fmt: skip

SCRIPT = """\
#!/bin/sh
case "${STAGE},$1" in
UNPACK,|UNPACK,+DIRS)
\t${CAT} > ./+DIRS << 'EOF'
#!/bin/sh
# Lines such as
#\t# DIR: /etc/example m
# are data.
exit 0

EOF
\t${SED} -n "/^\\# DIR: /p" ${SELF} >> ./+DIRS
\t${CHMOD} +x ./+DIRS
\t;;
esac
case "${STAGE},$1" in
UNPACK,|UNPACK,+USERGROUP)
\t/bin/cat > ./+USERGROUP << 'EOF_USERGROUP'
users
EOF_USERGROUP
\t;;
esac
exit 0
# USER: made:made::Made\\ user:/var/made:/bin/sh
# USER: other:made
# GROUP: made
# GROUP: other:99
# DIR: /var/made mo 0750 made made
# DIR: share/made fm
# DIR: left/alone o
# FILE: etc/made.conf c share/examples/made.conf 0640 root made
# FILE: /etc/rc.d/made cr share/examples/rc.d/made 0755
# FILE: etc/made.local c /dev/null
# FILE: not/copied f share/not
# PERMS: bin/made 4511 root wheel
# PERMS: bin/made 4511 root wheel
# PERMS: /usr/pkg/bin/other g+s
# SHELL: bin/made
# SHELL: /usr/pkg/bin/absolute
# INFO: info/made.info
# FONTS: share/fonts ttf
# ICON_THEME: hicolor
"""


def parse(text: str) -> Install:
    return parse_install(text.encode(), "made-1.0", "/usr/pkg")


def test_all_kinds_of_lines() -> None:
    install = parse(SCRIPT)
    assert install.files == [
        ConfigFile("/etc/rc.d/made", "/usr/pkg/share/examples/rc.d/made", True, "0755"),
        ConfigFile("/usr/pkg/etc/made.conf", "/usr/pkg/share/examples/made.conf", False, "0640", "root", "made"),
        ConfigFile("/usr/pkg/etc/made.local", "/dev/null", False),
    ]
    assert install.directories == [Directory("/var/made", "0750", "made", "made"), Directory("/usr/pkg/share/made")]
    assert install.permissions == [
        Permissions("/usr/pkg/bin/other", "g+s"),
        Permissions("/usr/pkg/bin/made", "4511", "root", "wheel"),
    ]
    assert install.users == [User("made", "made", "", "Made user", "/var/made", "/bin/sh"), User("other", "made")]
    assert install.groups == [Group("made"), Group("other", "99")]
    assert install.shells == ["/usr/pkg/bin/made"]
    assert [line.partition(": ")[0] for line in install.caches] == ["share/fonts ttf", "hicolor", "info/made.info"]


def test_helpers_are_unpacked_as_the_shell_would() -> None:
    assert unpacked_helpers(SCRIPT.encode(), "made-1.0") == {
        "+DIRS": b"#!/bin/sh\n# Lines such as\n#\t# DIR: /etc/example m\n# are data.\nexit 0\n\n"
        b"# DIR: /var/made mo 0750 made made\n# DIR: share/made fm\n# DIR: left/alone o\n",
        "+USERGROUP": b"users\n# GROUP: made\n# GROUP: other:99\n"
        b"# USER: made:made::Made\\ user:/var/made:/bin/sh\n# USER: other:made\n",
    }


def test_a_helper_that_is_not_known_is_not_unpacked() -> None:
    assert "+SERVICES" not in unpacked_helpers(SCRIPT.replace("+DIRS", "+SERVICES").encode(), "made-1.0")


def test_backslashes_are_read_as_the_shell_reads_them() -> None:
    install = parse("# FILE: etc/a\\+b c share/a\\ c\\@d 0644\n# DIR: /var/x\\\\y m\n# SHELL: bin/a\\+b\n")
    assert install.files == [ConfigFile("/usr/pkg/etc/a+b", "/usr/pkg/share/a c@d", False, "0644")]
    assert install.directories == [Directory("/var/x\\y")]
    assert install.shells == ["/usr/pkg/bin/a+b"]


def test_no_script_asks_for_nothing() -> None:
    assert parse_install(b"", "made-1.0", "/usr/pkg") == parse_install(b"exit 0\n", "made-1.0", "/usr/pkg")
    assert unpacked_helpers(b"", "made-1.0") == {}


@pytest.mark.parametrize("line", [
    "FILE: etc/made.conf c", "FILE: a c b 0644 root wheel more", "DIR: /var/made", "DIR: a m 0755 root wheel more",
    "PERMS: bin/made", "PERMS: bin/made 4511 root wheel more", "USER: made", "USER: :made", "USER: made:",
    "USER: a:b:c:d:e:f:g", "GROUP: a:b:c", "GROUP: :1", "PERMS: ../../bin/made 4511", "DIR: /../etc m",
    "SHELL: ../bin/made",
])  # fmt: skip
def test_odd_lines_are_named(line: str) -> None:
    with pytest.raises(GlassmasterError) as caught:
        parse(f"# {line}\n")
    assert f"made-1.0: +INSTALL: # {line}" in caught.value.what


@given(st.lists(st.builds("# {}: {}".format, st.sampled_from(WORDS), st.text(max_size=40)), max_size=6))
def test_only_our_own_errors(lines: list[str]) -> None:
    data = "\n".join(lines).encode("utf-8", "surrogatepass")
    try:
        parse_install(data, "noise", "/usr/pkg")
        unpacked_helpers(data, "noise")
    except GlassmasterError:
        return


@given(st.lists(st.sampled_from(SCRIPT.splitlines()), max_size=30))
def test_only_our_own_errors_for_scripts(lines: list[str]) -> None:
    try:
        unpacked_helpers("\n".join(lines).encode(), "noise")
    except GlassmasterError:
        return
