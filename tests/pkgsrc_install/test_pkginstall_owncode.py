"""The code of a package's own in +INSTALL is noticed; what every such script has is not taken for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc.owncode import OwnCode, own_code, require_known
from glassmaster.inputs.pkgsrc.scripts import HELPERS
from glassmaster.inputs.standin.package_archive import install_script
from glassmaster.inputs.standin.packages import standin_packages

# The forms of pkgsrc's parts, in our words.
HEADER = """\
#!/bin/sh
#
# A header.

SELF="$0"
PKGNAME="$1"
STAGE="$2"
shift 2

CAT="/bin/cat"
MKDIR="/bin/mkdir -p"
GTAR=""
TEST="test"
PWD_CMD="/bin/pwd -P"
CURDIR=`${PWD_CMD}`
: ${PKG_METADATA_DIR=${CURDIR}}
PREFIX="/usr/pkg"
CONF_IGNORE_FILES="*[~#] *.OLD */.made"

case "${PKG_CONFIG:-yes}" in
[Yy][Ee][Ss]|1)
\t_PKG_CONFIG=yes
\t;;
[Nn][Oo]|0)
\t_PKG_CONFIG=yes
\t;;
esac
"""
CALLS = """\
case ${STAGE} in
PRE-INSTALL)
\t#
\t# Unpack what helps.
\t#
\t${SH} ${SELF} ${PKGNAME} UNPACK
\t${TEST} ! -x ./+USERGROUP ||
\t\t{ ./+USERGROUP ADD ${PKG_METADATA_DIR}
\t\t  if ./+USERGROUP CHECK-ADD ${PKG_METADATA_DIR}; then
\t\t\t:
\t\t  else
\t\t\texit 1
\t\t  fi; }
\t${TEST} ! -x ./+DIRS ||
\t\t./+DIRS PERMS ${PKG_METADATA_DIR}
        ;;

POST-INSTALL)
\t${TEST} ! -x ./+PERMS ||
\t\t./+PERMS "${PKG_METADATA_DIR}"
\t# What is never unpacked is never called.
  ${TEST} ! -x ./+OCAML_FINDLIB_REGISTER ||
    ./+OCAML_FINDLIB_REGISTER ADD ${PKG_METADATA_DIR}
\t;;
esac
"""
FOOTER = "# A footer.\n\nexit 0\n\n"
DATA = "# FILE: etc/made.conf c share/examples/made.conf\n# USER: made:made\n"


def unpack(name: str, word: str = "") -> str:
    reads = f'\t${{SED}} -n "/^\\# {word}: /p" "${{SELF}}" >> ./{name}\n' if word else ""
    return (
        f"# Makes {name}.\ncase \"${{STAGE}},$1\" in\nUNPACK,|UNPACK,{name})\n\t${{CAT}} > ./{name} << 'EOF'\n"
        '#!/bin/sh\nif [ "$1" = ADD ]; then\n\trm -rf "$2"\ncase x in\nEOF\n'
        f"{reads}\t${{CHMOD}} +x ./{name}\n\t;;\nesac\n\n"
    )


UNPACKS = "".join(unpack(name, word) for name, words in HELPERS.items() for word in words[:1])
OWN = 'DB="/var/made/db"\ncase ${STAGE} in\nPOST-INSTALL)\n\t/usr/pkg/bin/made --init "${DB}"\n\t;;\nesac\n'


def found(*parts: str, files: tuple[str, ...] = (), programs: tuple[str, ...] = ()) -> OwnCode:
    return own_code("".join(parts), files, programs.__contains__)


def test_what_every_script_has_is_known() -> None:
    assert found(HEADER, UNPACKS, CALLS, FOOTER, DATA) == OwnCode()
    assert found(HEADER, CALLS, FOOTER) == found(FOOTER) == found("") == OwnCode()
    for package in standin_packages(0):
        if package.name != "standin-own-1.0":
            assert own_code(install_script(package), (), lambda _: False) == OwnCode(), package.name


def test_own_code_is_found_with_its_variables() -> None:
    own = found(HEADER, UNPACKS, CALLS, OWN, FOOTER, DATA)
    assert own.text == OWN
    assert own.digest == found(HEADER, CALLS, OWN, FOOTER).digest  # whatever helpers the script has beside
    assert own.digest != found(HEADER, CALLS, OWN.replace("/db", "/other"), FOOTER).digest


@pytest.mark.parametrize(
    "line",
    [
        "/usr/pkg/bin/made --init", "${PREFIX}/bin/made", "export PKG_CONFIG", "PKG_PREFIX=/elsewhere", 'PATH="/made"',
        'X="$(made)"', 'X="`made`"', "X=1 made", ". /etc/made", "made() {", "if made; then echo; fi",
        "for i in a b; do made $i; done", "cat > /etc/made <<EOF\nmore\nEOF",
        "made ||\n./+DIRS ADD ${PKG_METADATA_DIR}",
        "${LN} -s a b", "exit 1",
    ],
)  # fmt: skip
def test_every_other_line_is_own_code(line: str) -> None:
    assert found(HEADER, line, "\n", UNPACKS, CALLS, FOOTER).text.startswith(line)
    assert found(HEADER, UNPACKS, CALLS, line, "\n", FOOTER).text.startswith(line)


@pytest.mark.parametrize(
    ("known", "changed"),
    [
        ("./+DIRS PERMS ${PKG_METADATA_DIR}", "./+DIRS PERMS ${PKG_METADATA_DIR}; made"),
        ("./+DIRS PERMS ${PKG_METADATA_DIR}", "rm -rf /var/made"),
        ("PRE-INSTALL)", "PRE-INSTALL) made"),
        (":\n", "made\n"),
    ],
)
def test_code_among_the_calls_is_own_code(known: str, changed: str) -> None:
    assert changed.strip() in found(HEADER, CALLS.replace(known, changed, 1), FOOTER).text


def test_code_among_the_unpacking_is_own_code() -> None:
    for line in ("\t${CHMOD} +x ./+DIRS", "UNPACK,|UNPACK,+DIRS)"):
        script = unpack("+DIRS", "DIR").replace(line, f"{line}\n\tmade")
        assert "\tmade" in found(HEADER, script, CALLS, FOOTER).text


def test_a_helper_that_is_not_known_is_own_code() -> None:
    assert "+OCAML_FINDLIB_REGISTER" in found(HEADER, unpack("+OCAML_FINDLIB_REGISTER"), CALLS, FOOTER).text


def test_what_is_never_closed_is_own_code_to_the_end() -> None:
    assert found(HEADER, CALLS, "if made; then\n", FOOTER).text == "if made; then\nexit 0\n"
    assert found(HEADER, CALLS, "cat <<EOF\nmore\n", FOOTER).text.startswith("cat <<EOF\nmore\n")


ALTERNATIVES = """\
if test ${STAGE} = "POST-INSTALL"; then
if test -x /usr/pkg/sbin/pkg_alternatives; then
/bin/cat >/tmp/made_ALTERNATIVES <<EOF
bin/made /usr/pkg/bin/made1
EOF
/usr/pkg/sbin/pkg_alternatives -gs register /tmp/made_ALTERNATIVES
/bin/rm -f /tmp/made_ALTERNATIVES
fi
fi
"""


def test_alternatives_are_nothing_without_the_program() -> None:
    assert found(HEADER, CALLS, ALTERNATIVES, FOOTER) == OwnCode()
    assert found(HEADER, CALLS, ALTERNATIVES, FOOTER, programs=("/usr/pkg/sbin/pkg_alternatives",)).text == ALTERNATIVES
    changed = ALTERNATIVES.replace("/bin/rm -f", "made -f /x;")
    assert found(HEADER, CALLS, changed, FOOTER).text == changed


INDEXES = """\
GIO_MODULES_DIR="/usr/pkg/lib/gio/modules"
case ${STAGE} in
POST-INSTALL)
\t"${GIO_QUERYMODULES}" "${GIO_MODULES_DIR}"
\tXDG_DATA_DIRS= "${GLIB_COMPILE_SCHEMAS}" "${GLIB_SCHEMAS_DIR}"
\t;;
esac
"""


def test_indexes_are_left_out_and_said() -> None:
    assert found(HEADER, CALLS, INDEXES, FOOTER) == OwnCode("", ("gio's list of modules", "compiled GSettings schemas"))
    # A program with a schema does not start without the compiled ones.
    assert found(HEADER, CALLS, INDEXES, FOOTER, files=("share/glib-2.0/schemas/a.gschema.xml",)).text == INDEXES


def test_known_digits_let_it_pass_and_others_do_not() -> None:
    own = found(HEADER, CALLS, OWN, FOOTER)
    require_known({"made-1.0": own, "other-1": OwnCode()}, {"made": own.digest})
    with pytest.raises(GlassmasterError) as caught:
        require_known({"made-1.0": own, "more-2.0": own, "other-1": OwnCode()}, {})
    error = caught.value
    assert error.what == "made-1.0, more-2.0: code of its own in +INSTALL, and nothing of a package is run"
    assert "made-1.0: +INSTALL:\n" in error.why and '\t/usr/pkg/bin/made --init "${DB}"' in error.why
    assert error.hint.endswith(f"own_code:\n  made: {own.digest}\n  more: {own.digest}")
    with pytest.raises(GlassmasterError, match="it is not the code that the recipe knows"):
        require_known({"made-1.0": own}, {"made": "0" * 12})


def test_long_code_is_shortened() -> None:
    with pytest.raises(GlassmasterError, match="code of its own") as caught:
        require_known({"made-1.0": OwnCode("made\n" * 50)}, {})
    assert caught.value.why.endswith("  and 20 more lines")


PARTS = st.sampled_from([HEADER, UNPACKS, CALLS, OWN, ALTERNATIVES, INDEXES, FOOTER, DATA])


@given(st.lists(st.one_of(PARTS, st.text(max_size=30)), max_size=8))
def test_every_text_is_read(parts: list[str]) -> None:
    own_code("\n".join(parts), (), lambda _: False)


@given(st.lists(st.sampled_from([HEADER, UNPACKS, CALLS, FOOTER, DATA]), max_size=6), st.integers(0, 6))
def test_a_command_is_found_wherever_it_stands(parts: list[str], at: int) -> None:
    assert "made --now" in found(*parts[:at], "made --now\n", *parts[at:]).text
