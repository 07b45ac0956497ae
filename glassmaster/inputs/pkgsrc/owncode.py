"""The code of a package's own in its +INSTALL, told from what pkgsrc's mk/pkginstall puts into every such script.

A script is a row of statements: the header's assignments, a `case` for each helper to unpack, a `case` that calls the
helpers, what the package adds (INSTALL_TEMPLATES), `exit 0`; data lines are comments. Statements are known by the forms
of their lines. What has another form is the package's own: nothing of it is run, so somebody must have looked at it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc.patterns import base_of
from glassmaster.inputs.pkgsrc.scripts import HELPERS

DIGITS = 12
SHOWN = 30

_HERE = re.compile(r"<<(-?)\s*(['\"]?)([A-Za-z_][A-Za-z0-9_]*)\2")
_OPENS = re.compile(r"(?:if|case|for|while|until)\s")
_CLOSES = re.compile(r"(?:fi|esac|done)\b")
_ONE_LINE = re.compile(r".*[\s;](?:fi|esac|done)")

# A word: a variable, perhaps in quotes, or a program.
_W = r"[\"']?(?:\$\{[A-Z_0-9]+\}|\$[A-Z_0-9]+|[a-z0-9/._-]+)[\"']?"
_H = r"\./(\+[A-Z_0-9]+)"
# Assigned by a package, these would change what the helpers do: they are in the environment.
_EXPORTED = r"PATH=|PKG_(?:PREFIX|DESTDIR|METADATA_DIR|REFCOUNT_|CONFIG|RCD_|REGISTER_|CREATE_|UPDATE_)"
_ASSIGNMENT = rf"(?!{_EXPORTED})[A-Z][A-Z0-9_]*=(?:\"(?:[^\"`$]|\$(?!\())*\"|'[^']*'|[A-Za-z0-9/._-]*)"


def _forms(*forms: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{form})" for form in forms))


_HEADER = _forms(
    "shift 2", r"CURDIR=`\$\{PWD_CMD\}`", r": \"?\$\{PKG_METADATA_DIR=\"?\$\{CURDIR\}\"?\}\"?",
    r"case \"?\$\{PKG_CONFIG:-[A-Za-z]*\}\"? in", r"[][A-Za-z0-9|]+\)", "_PKG_CONFIG=(?:yes|no)", ";;", "esac",
)  # fmt: skip
_VARIABLE = _forms(_ASSIGNMENT)
_UNPACK = _forms(
    r"case \"\$\{STAGE\},\$1\" in", r"UNPACK,\|UNPACK,\+[A-Z_0-9]+\)", rf"{_W} > {_H} << '[A-Z_a-z0-9]+'",
    rf"{_W} -n \"/\^\\# [A-Z_]+: /p\" {_W} >> {_H}", rf"{_W} \+x {_H}", ";;", "esac",
)  # fmt: skip
_CALLS = _forms(
    r"case \"?\$\{STAGE\}\"? in", r"(?:PRE|POST)-INSTALL\)", rf"{_W} {_W} {_W} UNPACK", rf"{_W} ! -x {_H} \|\|",
    rf"\{{ {_H} ADD {_W}", rf"if {_H} CHECK-ADD {_W}; then", ":", "else", "exit 1", r"fi; \}",
    rf"{_H}(?: (?:ADD|PERMS|UPDATE|CHECK-ADD|CHECK-PERMS))? {_W}", ";;", "esac",
)  # fmt: skip
# mk/alternatives.mk: calls a program that does it, if that is installed.
_ALTERNATIVES = _forms(
    rf"if {_W} \$\{{STAGE\}} = \"POST-INSTALL\"; then", rf"if {_W} -x /\S+/pkg_alternatives; then",
    rf"{_W} >\S+ALTERNATIVES <<EOF", r"/\S+/pkg_alternatives -gs register \S+ALTERNATIVES",
    rf"{_W} -f \S+ALTERNATIVES", "fi",
)  # fmt: skip
_ALTERNATIVES_PROGRAM = re.compile(r"-x (/\S+/pkg_alternatives);")
# devel/glib2: indexes of what is in a directory.
_INDEXES = {"GIO_QUERYMODULES": "gio's list of modules", "GLIB_COMPILE_SCHEMAS": "compiled GSettings schemas"}
_INDEX = re.compile(rf"(?:XDG_DATA_DIRS= )?\"?\$\{{({'|'.join(_INDEXES)})\}}\"? \"?\$\{{[A-Z_]+\}}\"?")
_MAKES_INDEX = _forms(r"case \"?\$\{STAGE\}\"? in", r"POST-(?:DE)?INSTALL\)", r"\*\)", _INDEX.pattern, ";;", "esac")
SCHEMA = ".gschema.xml"


@dataclass
class _Statement:
    """lines: as they stand; code: without comments, blank lines, indentation and here-documents."""

    lines: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)

    def consists_of(self, forms: re.Pattern[str]) -> bool:
        return all(forms.fullmatch(line) for line in self.code)


@dataclass(frozen=True)
class OwnCode:
    """The code that is the package's own, or "". indexes: what known parts of it would make, for people."""

    text: str = ""
    indexes: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The digits by which a recipe says that somebody has looked at this code."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogateescape")).hexdigest()[:DIGITS]


def own_code(script: str, files: Collection[str], has_program: Callable[[str], bool]) -> OwnCode:
    """Find the package's own code in a +INSTALL.

    files: the package's, as its list has them. has_program: whether the image will have one at this absolute path.
    """
    own: list[str] = []
    variables: list[str] = []
    indexes: list[str] = []
    in_header = True
    for statement in _statements(script):
        if statement.consists_of(_VARIABLE):
            # By itself it does nothing; after the header it belongs to the package's own code, if there is any.
            variables += [] if in_header else statement.lines
        elif _is_calls(statement):
            in_header = False
        elif found := _indexes(statement, files):
            indexes += found
        elif not (_is_known(statement) or _calls_nothing(statement, has_program)):
            own += [*variables, *statement.lines]
            variables = []
    return OwnCode("".join(f"{line}\n" for line in own), tuple(indexes))


def _is_calls(statement: _Statement) -> bool:
    return len(statement.code) > 1 and statement.consists_of(_CALLS)


def _is_known(statement: _Statement) -> bool:
    if statement.code == ["exit 0"] or statement.consists_of(_HEADER):
        return True
    helpers = {name for line in statement.code for name in re.findall(r"\+[A-Z_0-9]+\b", line)}
    return statement.consists_of(_UNPACK) and helpers <= HELPERS.keys()


def _calls_nothing(statement: _Statement, has_program: Callable[[str], bool]) -> bool:
    programs = _ALTERNATIVES_PROGRAM.findall("\n".join(statement.code))
    return bool(programs) and statement.consists_of(_ALTERNATIVES) and not any(map(has_program, programs))


def _indexes(statement: _Statement, files: Collection[str]) -> list[str]:
    """What a statement would make that is an index and nothing else; [] if it is not such a statement."""
    names = [match[1] for line in statement.code if (match := _INDEX.fullmatch(line))]
    if not statement.consists_of(_MAKES_INDEX):
        return []
    if "GLIB_COMPILE_SCHEMAS" in names and any(file.endswith(SCHEMA) for file in files):
        return []  # programs do not start without them
    return [_INDEXES[name] for name in dict.fromkeys(names)]


def _statements(script: str) -> Iterator[_Statement]:
    """The script's commands, compound ones whole. What is never closed goes on to the end."""
    now, depth, ends = _Statement(), 0, ""
    for line in script.split("\n"):
        code = line.strip()
        if ends:
            now.lines.append(line)
            if line.lstrip("\t") != ends:
                continue
            ends = ""
        elif code and not code.startswith("#"):
            now.lines.append(line)
            now.code.append(code)
            opens = bool(_OPENS.match(code))
            depth += opens - bool(_CLOSES.match(code) or (opens and _ONE_LINE.fullmatch(code)))
            here = _HERE.search(code)
            ends = here[3] if here else ""
        if now.code and depth <= 0 and not ends:
            yield now
            now, depth = _Statement(), 0
    if now.code:
        yield now


def require_known(found: Mapping[str, OwnCode], known: Mapping[str, str]) -> None:
    """Raise GlassmasterError if a package (by its name with version) has own code that `known` does not list.

    known: names without versions, each with the digits of the code. All packages are named at once.
    """
    unknown = {name: own for name, own in found.items() if own.text and known.get(base_of(name)) != own.digest}
    if not unknown:
        return
    names = list(unknown)
    changed = "; it is not the code that the recipe knows" if base_of(names[0]) in known else ""
    why = []
    for name, own in unknown.items():
        lines = own.text.splitlines()
        why += [f"{name}: +INSTALL:", *(f"  {line}" for line in lines[:SHOWN])]
        why += [f"  and {len(lines) - SHOWN} more lines"] if len(lines) > SHOWN else []
    lines = [f"  {base_of(name)}: {own.digest}" for name, own in unknown.items()]
    raise GlassmasterError(
        f"{', '.join(names)}: code of its own in +INSTALL, and nothing of a package is run{changed}",
        why="\n".join(why),
        hint="\n".join([
            "what it does to files can be done by an overlay; if that is so, or the image does without it, add",
            "to the recipe's packages:", "own_code:", *lines,
        ]),
    )  # fmt: skip
