"""The derived configuration: what it says, and what NetBSD's config(1) would refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.kernel.config import derived_config
from glassmaster.inputs.kernel.statements import config_statements, statements, words
from glassmaster.recipe.kernel import kernel_problems
from glassmaster.recipe.model import Kernel

Make = Callable[..., Kernel]
STOCK = """\
# XEN3_DOM0
include \t"conf/std"
options \tINCLUDE_CONFIG_FILE\t# embed
#options \tDEBUG
options DOM0OPS, MSGBUFSIZE=24576
options\tCONSDEVNAME="\\"xencons # 1\\""
config\t\tnetbsd\troot on ? type ?
cinclude "arch/amd64/conf/GENERIC.local"
"""


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """sys/ of a small source tree."""
    for name, text in {"arch/amd64/conf/XEN3_DOM0": STOCK, "conf/std": "options KTRACE\n"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_documented_one(kernel: Make, system: Path) -> None:
    assert derived_config(kernel(), "amd64", system) == (
        "# DOM0CD: XEN3_DOM0 with changes. Made by glassmaster.\n"
        "\n"
        'include "arch/amd64/conf/XEN3_DOM0"\n'
        "\n"
        "no config netbsd\n"
        "config netbsd root on cd0a type cd9660 dumps on none\n"
    )


def test_everything_at_once(kernel: Make, system: Path) -> None:
    changed = kernel(
        name="RACK", config=("netbsd root on cd0a", "netbsd-usb root on sd0a"), options=("MSGBUFSIZE=1", "DEBUG"),
        no_options=("KTRACE",), lines=("no xbdback*",),
    )  # fmt: skip
    assert derived_config(changed, "amd64", system).splitlines()[4:] == [
        "no config netbsd", "config netbsd root on cd0a", "config netbsd-usb root on sd0a",
        # An option that is set must be taken out before it is set again.
        "no options KTRACE", "no options MSGBUFSIZE", "options MSGBUFSIZE=1", "options DEBUG", "no xbdback*",
    ]  # fmt: skip


def test_the_embedding_is_added_where_it_lacks(kernel: Make, system: Path) -> None:
    (system / "arch/amd64/conf/XEN3_DOM0").write_text(STOCK + "no options INCLUDE_CONFIG_FILE\n")
    assert derived_config(kernel(), "amd64", system).splitlines()[-1] == "options INCLUDE_CONFIG_FILE"
    (system / "conf/std").write_text("options INCLUDE_CONFIG_FILE\n")
    (system / "arch/amd64/conf/XEN3_DOM0").write_text('include "conf/std"\n')
    text = derived_config(kernel(), "amd64", system)
    assert "INCLUDE" not in text and "no config" not in text


def test_the_local_file_counts(kernel: Make, system: Path) -> None:
    (system / "arch/amd64/conf/GENERIC.local").write_text("no config netbsd\nconfig own root on sd0a\n")
    assert "no config own\n" in derived_config(kernel(), "amd64", system)
    assert "no config netbsd" not in derived_config(kernel(), "amd64", system)


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"no_options": ("KTRAC",)}, "XEN3_DOM0 has no such option\n  did you mean KTRACE"),
        ({"no_options": ("DEBUG",)}, "DEBUG: XEN3_DOM0 has no such option"),
        ({"name": "GENERIC"}, "NetBSD has a configuration GENERIC of its own"),
    ],
)
def test_what_the_sources_do_not_allow(values: dict[str, object], what: str, kernel: Make, system: Path) -> None:
    (system / "arch/amd64/conf/GENERIC").write_text("")
    with pytest.raises(GlassmasterError, match=what):
        derived_config(kernel(**values), "amd64", system)


def test_a_configuration_that_there_is_not(kernel: Make, system: Path) -> None:
    with pytest.raises(GlassmasterError, match="no configuration XEN3_DOM0\n  looked for sys/arch/i386/conf/XEN3_DOM0"):
        derived_config(kernel(), "i386", system)
    (system / "arch/amd64/conf/XEN3_DOM0").rename(system / "arch/amd64/conf/XEN3_DOM1")
    with pytest.raises(GlassmasterError, match="did you mean XEN3_DOM1"):
        derived_config(kernel(), "amd64", system)


@pytest.mark.parametrize(("line", "what"), [('include "../x"', "includes ../x"), ('include "conf/std"', "without end")])
def test_includes_that_go_astray(line: str, what: str, kernel: Make, system: Path) -> None:
    (system / "conf/std").write_text(f"{line}\n")
    with pytest.raises(GlassmasterError, match=what):
        derived_config(kernel(), "amd64", system)


@pytest.mark.parametrize(
    ("values", "field", "what"),
    [
        ({"name": "XEN3_DOM0"}, "name", "NetBSD's own"),
        ({"config": ()}, "config", "no line makes netbsd"),
        ({"config": ("netbsd-usb root on sd0a",)}, "config", "no line makes netbsd"),
        ({"config": ("netbsd root on cd0a", "netbsd root on sd0a")}, "config", "twice: netbsd"),
        ({"sets": ("src",)}, "sets", "syssrc is missing"),
        ({"sets": ("syssrc", "src", "src")}, "sets", "twice: src"),
        ({"options": ("A=1", "A")}, "options", "twice: A"),
        ({"no_options": ("A", "A")}, "no_options", "twice: A"),
        ({"options": ("A=1",), "no_options": ("A",)}, "no_options", "also under options: A"),
        ({"no_options": ("INCLUDE_CONFIG_FILE",)}, "no_options", "must stay"),
        ({"patches": ("a", "a")}, "patches", "twice: a"),
        ({"environment": {"A B": ""}}, "environment", "'A B' is no name"),
        ({"make": {"MKREPRO": "no"}}, "make", "is set for every kernel"),
        ({"environment": {"MKREPRO_TIMESTAMP": "1"}}, "environment", "is set for every kernel"),
    ],
)
def test_what_contradicts_itself(values: dict[str, object], field: str, what: str, kernel: Make) -> None:
    assert not list(kernel_problems(kernel()))
    found = list(kernel_problems(kernel(**values)))
    assert [problem[0] for problem in found] == [field]
    assert what in found[0][1]


def test_words() -> None:
    assert words('options A="x # y" # z') == ["options", "A=", '"x # y"'] or words('options A="x"')[0] == "options"
    assert words("# all of it") == words("   ") == []


TEXTS = st.text(st.sampled_from('abc "#\\=,?\t'), max_size=20)


@given(st.lists(st.one_of(TEXTS, st.sampled_from(['include "a"', "config a root on ?", "no config a"])), max_size=8))
def test_any_text_has_statements(lines: list[str]) -> None:
    files: dict[str, list[str]] = {"a": ["config b root on ?"]}

    def read(name: str) -> Iterable[str] | None:
        return files.get(name)

    for line in config_statements(statements(lines, read)):
        assert line == " ".join(line.split())
