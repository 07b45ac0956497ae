"""The configuration inside a kernel, against what config(1) writes and what `strings | sed | unvis` shows."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.kernel.embedded import ConfigFile, EmbeddedConfig, embedded_config
from glassmaster.inputs.kernel.statements import config_lines, top_config_lines
from glassmaster.inputs.standin.kernel_build import CONFIGS, SOURCES, build_kernel
from tests.kernel.conftest import ELF

# As config(1) of NetBSD writes it on Debian: octal for tabs and backslashes.
LINES = (
    '### START CONFIG FILE "../conf/DOM0CD"',
    "# root on the CD",
    'include\\011"arch/amd64/conf/XEN3_DOM0"',
    "",
    "no config netbsd",
    "config\\011netbsd  root on cd0a type cd9660 dumps on none # ours",
    '### END CONFIG FILE "../conf/DOM0CD"',
    '### (included from "arch/amd64/conf/XEN3_DOM0")',
    '###> include "conf/std"',
    "###> #config netbsd root on wd0a",
    "###> config\\^Inetbsd\\^Iroot on ? type ?",
    '###> options CONSDEVNAME="\\134"xencons\\134""',
    '### (end include "arch/amd64/conf/XEN3_DOM0")',
    '### (included from "conf/std")',
    "###> options INCLUDE_CONFIG_FILE",
    '### (end include "conf/std")',
)
Image = Callable[..., bytes]


def test_the_top_file_and_what_it_includes(image: Image) -> None:
    found = embedded_config(image(*LINES), "netbsd")
    assert found.top == ConfigFile(
        "../conf/DOM0CD",
        (
            "# root on the CD", 'include\t"arch/amd64/conf/XEN3_DOM0"', "", "no config netbsd",
            "config\tnetbsd  root on cd0a type cd9660 dumps on none # ours",
        ),
    )  # fmt: skip
    assert [file.name for file in found.includes] == ["arch/amd64/conf/XEN3_DOM0", "conf/std"]
    assert found.includes[0].lines[3] == 'options CONSDEVNAME="\\"xencons\\""'
    assert top_config_lines(found) == config_lines(found) == ("netbsd root on cd0a type cd9660 dumps on none",)


def test_without_no_config_the_stock_line_holds_as_well(image: Image) -> None:
    found = embedded_config(image(*(line for line in LINES if not line.startswith(("no ", "config")))), "netbsd")
    assert top_config_lines(found) == ()
    assert config_lines(found) == ("netbsd root on ? type ?",)


def test_the_text_is_that_of_strings_and_sed(image: Image, tmp_path: Path) -> None:
    kernel = tmp_path / "netbsd"
    kernel.write_bytes(image(*LINES, before=b"\0"))
    script = f"strings -a {kernel} | sed -n 's/^_CFG_//p'"
    shown = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True).stdout
    decoded = shown.replace("\\011", "\t").replace("\\^I", "\t").replace("\\134", "\\")
    # strings shows no line shorter than four characters, which `_CFG_` alone is not.
    assert embedded_config(kernel.read_bytes(), "netbsd").text() == decoded


@pytest.mark.parametrize("config", CONFIGS)
def test_the_stand_ins_kernel(config: str) -> None:
    found = embedded_config(build_kernel(config), "netbsd")
    assert found.top.name == config
    assert list(found.top.lines) == (SOURCES / "conf" / config).read_text().splitlines()
    assert config_lines(found) == ("netbsd root on ? type ?",)


def test_the_top_file_alone(image: Image) -> None:
    """`options INCLUDE_JUST_CONFIG`: no marks, no included files."""
    found = embedded_config(image("options INCLUDE_JUST_CONFIG", "config netbsd root on sd0a"), "netbsd")
    assert found == EmbeddedConfig(ConfigFile("", ("options INCLUDE_JUST_CONFIG", "config netbsd root on sd0a")), ())
    assert found.text() == "options INCLUDE_JUST_CONFIG\nconfig netbsd root on sd0a\n"


def test_other_strings_of_the_kernel_are_none_of_it(image: Image) -> None:
    kernel = image(*LINES) + b"PCI_CFG_bad\n\0_CFG_\0 _CFG_x\n_CFG_y\n\0"
    assert embedded_config(kernel, "netbsd") == embedded_config(image(*LINES), "netbsd")


def test_what_is_no_utf8_stays(image: Image) -> None:
    found = embedded_config(image(LINES[0], "# M\udcfcller", LINES[6]), "netbsd")
    assert b"# M\xfcller\n" in found.encoded()


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        ((), "netbsd: holds no configuration"),
        (("plain text",), "netbsd: holds no configuration"),
        (LINES[:5], "breaks off"),
        (LINES[:-1], "breaks off"),
        ((*LINES, "more"), "outside of any file: more"),
        ((*LINES[:8], "config netbsd root on wd0a", *LINES[8:]), r"in arch/amd64/conf/XEN3_DOM0: config netbsd"),
        (("### START CONFIG FILE x", *LINES[1:]), "it names no file"),
        ((*LINES[:2], "tab\\", *LINES[2:]), r"line 3: broken"),
    ],
)
def test_what_is_broken(lines: tuple[str, ...], what: str, image: Image) -> None:
    with pytest.raises(GlassmasterError, match=what):
        embedded_config(image(*lines), "netbsd")


def test_two_different_ones(image: Image) -> None:
    other = [line.replace("cd0a", "sd0a") for line in LINES]
    assert embedded_config(image(*LINES) + image(*LINES), "netbsd").includes
    with pytest.raises(GlassmasterError, match="holds 2 configurations"):
        embedded_config(image(*LINES) + image(*other), "netbsd")


PIECES = st.sampled_from([*LINES, "config netbsd root on ?", "\\", "\\M", "", "###> x", "\0", "options A"])


@given(st.lists(PIECES, max_size=12), st.binary(max_size=20), st.booleans())
def test_any_lines_are_a_configuration_or_our_error(lines: list[str], after: bytes, cut: bool) -> None:
    body = b"".join(b"_CFG_" + line.encode() + b"\n" for line in lines) + after
    try:
        found = embedded_config(ELF + (body[: len(body) // 2] if cut else body), "netbsd")
    except GlassmasterError:
        return
    assert isinstance(found.text(), str)
    try:
        config_lines(found)
    except GlassmasterError as error:
        assert "include each other" in str(error)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    with contextlib.suppress(GlassmasterError):
        embedded_config(data.replace(b"!", b"_CFG_config "), "netbsd")


VISIBLE = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=30)


@given(st.lists(VISIBLE, max_size=6), st.lists(st.lists(VISIBLE, max_size=4), max_size=3))
def test_what_config_embeds_comes_back(top: list[str], included: list[list[str]]) -> None:
    def coded(line: str) -> bytes:
        return b"_CFG_" + line.replace("\\", "\\\\").replace("\t", "\\^I").encode() + b"\n"

    expected = EmbeddedConfig(
        ConfigFile("T", tuple(top)),
        tuple(ConfigFile(f"conf/{number}", tuple(lines)) for number, lines in enumerate(included)),
    )
    body = b"".join(coded(line) for line in expected.text().split("\n")[:-1])
    if '### END CONFIG FILE "T"' not in top:
        assert embedded_config(ELF + body + b"\0", "netbsd") == expected
