"""GRUB's images and its menu."""

from __future__ import annotations

import dataclasses
import re
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.images import grub
from glassmaster.recipe.load import load
from glassmaster.recipe.model import Recipe, SerialPort

STANDIN = Path(__file__).parents[2] / "recipes" / "standin.yaml"
COMMON = (
    "boot cat configfile echo gzio halt iso9660 ls minicmd multiboot2 normal part_msdos reboot search search_fs_file "
    "serial sleep terminal test"
)
TEXT = st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=60)


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return load(STANDIN).recipe


def menu(recipe: Recipe) -> str:
    return grub.menu(recipe, "0123456789ab", "netbsd", "boot/xen.gz" if recipe.xen else "").decode()


def with_arguments(recipe: Recipe, arguments: str) -> Recipe:
    return dataclasses.replace(recipe, kernel=dataclasses.replace(recipe.kernel, arguments=arguments))


def commands(text: str) -> list[list[str]]:
    """The menu's lines as words. Within what the menu uses, GRUB's quoting is the shell's (GRUB manual, 6.1)."""
    return [shlex.split(line, comments=True) for line in text.splitlines() if shlex.split(line, comments=True)]


def test_mkimage_commands() -> None:
    early, output = Path("/w/early.cfg"), Path("/w/out")
    bios = grub.mkimage(Path("/t/grub-mkimage"), grub.BIOS, Path("/d/i386-pc"), early, output)
    uefi = grub.mkimage(Path("/t/grub-mkimage"), grub.UEFI, Path("/d/x86_64-efi"), early, output)
    assert " ".join(bios.argv) == (
        "/t/grub-mkimage -O i386-pc-eltorito -d /d/i386-pc -p /boot/grub -c /w/early.cfg -o /w/out "
        f"biosdisk {COMMON} bsd"
    )
    assert " ".join(uefi.argv) == (
        "/t/grub-mkimage -O x86_64-efi -d /d/x86_64-efi -p /boot/grub -c /w/early.cfg -o /w/out "
        f"{COMMON} bsd efi_gop efi_uga fat"
    )


def test_a_core_image_looks_for_its_own_disc() -> None:
    marker = grub.marker_path("0123456789ab")
    assert grub.early_config(marker).splitlines() == [
        "search --no-floppy --file --set=root /boot/grub/0123456789ab.id",
        "set prefix=($root)/boot/grub",
    ]


def test_menu_with_xen(recipe: Recipe) -> None:
    lines = commands(menu(with_arguments(recipe, "a=1 b")))
    entries = [line for line in lines if line[0] == "menuentry"]
    assert [line[1] for line in entries] == [
        "glassmaster stand-in, not NetBSD (0123456789ab)",
        "glassmaster stand-in, not NetBSD, single user (0123456789ab)",
        "glassmaster stand-in, not NetBSD, serial console (0123456789ab)",
    ]
    assert [line[2:] for line in entries] == [
        ["--id", name, "--hotkey", key, "{"] for name, key in (("normal", "n"), ("single", "u"), ("serial", "s"))
    ]
    assert [line[1:] for line in lines if line[0] == "multiboot2"] == [
        ["/boot/xen.gz", "console=vga", "dom0_mem=256M,max:256M"],
        ["/boot/xen.gz", "console=vga", "dom0_mem=256M,max:256M"],
        ["/boot/xen.gz", "console=com1,vga", "com1=115200,8n1", "dom0_mem=256M,max:256M"],
    ]
    assert [line[1:] for line in lines if line[0] == "module2"] == [
        ["/netbsd", "root=cd0a", "console=pc", "a=1", "b"],
        ["/netbsd", "root=cd0a", "console=pc", "-s", "a=1", "b"],
        ["/netbsd", "root=cd0a", "console=xencons", "a=1", "b"],
    ]
    assert ["serial", "--unit=0", "--speed=115200"] in lines
    assert not any(line[0] == "knetbsd" for line in lines)


def test_menu_without_xen(recipe: Recipe) -> None:
    boot = dataclasses.replace(recipe.boot, serial=SerialPort(unit=1, speed=9600), timeout=0)
    lines = commands(menu(dataclasses.replace(recipe, xen=None, boot=boot)))
    assert [line[1:] for line in lines if line[0] == "knetbsd"] == [
        ["/netbsd", "-r", "cd0a"], ["/netbsd", "-r", "cd0a", "-s"], ["/netbsd", "-r", "cd0a", "-h"],
    ]  # fmt: skip
    assert ["serial", "--unit=1", "--speed=9600"] in lines and ["set", "timeout=0"] in lines
    assert not any(line[0] in ("multiboot2", "module2") for line in lines)


def test_second_serial_port_for_xen(recipe: Recipe) -> None:
    boot = dataclasses.replace(recipe.boot, serial=SerialPort(unit=1, speed=38400), root="")
    lines = commands(menu(dataclasses.replace(recipe, boot=boot)))
    assert "com2=38400,8n1" in [line for line in lines if line[0] == "multiboot2"][2]
    assert next(line for line in lines if line[0] == "module2") == ["module2", "/netbsd", "console=pc"]


def test_other_roots_have_entries_and_the_first_starts_where_there_is_no_cd(recipe: Recipe) -> None:
    boot = dataclasses.replace(recipe.boot, others={"usb": "sd0a", "disk": "wd0a"})
    other = dataclasses.replace(recipe, boot=boot)
    lines = commands(menu(other))
    entries = [line for line in lines if line[0] == "menuentry"]
    assert [line[3:] for line in entries[3:]] == [
        ["usb", "{"], ["usb-serial", "--hotkey", "1", "{"], ["disk", "{"], ["disk-serial", "--hotkey", "2", "{"],
    ]  # fmt: skip
    assert [line[2:] for line in lines if line[0] == "module2"][3:5] == [
        ["root=sd0a", "console=pc"], ["root=sd0a", "console=xencons"],
    ]  # fmt: skip
    condition = ["if", "[", "$root", "!=", "cd", "-a", "$root", "!=", "cd0", "-a", "$root", "!=", "cd1", "-a"]
    (test,) = [line for line in lines if line[0] == "if"]
    assert (
        test[: len(condition)] == condition and ["set", "default=usb"] in lines and ["set", "default=normal"] in lines
    )
    assert [grub.serial_hotkey(other, medium) for medium in ("cd", "usb", "disk")] == ["s", "1", "2"]
    assert grub.serial_hotkey(recipe, "usb") == "s" and not any(line[0] == "if" for line in commands(menu(recipe)))


def test_a_built_kernel_for_sticks(recipe: Recipe) -> None:
    lines = ("netbsd root on cd0a type cd9660 dumps on none", "netbsd-usb root on sd0a type cd9660 dumps on none")
    build = dataclasses.replace(recipe.kernel.build, config=lines)
    kernel = dataclasses.replace(recipe.kernel, source="built", build=build)
    other = dataclasses.replace(recipe, kernel=kernel, boot=dataclasses.replace(recipe.boot, root=""))
    found = commands(menu(other))
    assert [line[1:] for line in found if line[0] == "module2"][3:] == [
        ["/netbsd-usb", "console=pc"], ["/netbsd-usb", "console=xencons"],
    ]  # fmt: skip
    assert grub.serial_hotkey(other, "usb") == "1" and ["set", "default=netbsd-usb"] in found


def test_more_roots_than_keys(recipe: Recipe) -> None:
    others = {f"root{n}": "sd0a" for n in range(10)}
    with pytest.raises(GlassmasterError, match="room for 9 other roots, not 10"):
        menu(dataclasses.replace(recipe, boot=dataclasses.replace(recipe.boot, others=others)))


@given(TEXT)
def test_no_text_breaks_out_of_its_word(text: str) -> None:
    assert shlex.split(grub.quoted(text)) == [text]
    # Outside of quotes stands nothing but \', which stands for itself.
    assert re.fullmatch(r"('[^']*'|\\')*", grub.quoted(text))


@given(TEXT, TEXT, TEXT)
def test_no_recipe_breaks_out_of_the_menu(title: str, description: str, arguments: str) -> None:
    recipe = load(STANDIN).recipe
    boot = dataclasses.replace(recipe.boot, title=title)
    arguments = arguments.translate(str.maketrans("", "", "'\\\""))
    text = menu(with_arguments(dataclasses.replace(recipe, boot=boot, description=description), arguments))
    # Text that Python takes for several lines (form feed, U+2028) is one line to GRUB.
    lines = [line for line in text.split("\n") if line]
    assert [line.split()[0] for line in lines] == [
        "#", "#", "set", "set", "serial", "terminal_input", "terminal_output",
        *["menuentry", "echo", "multiboot2", "module2", "}"] * 3,
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["a\nb", "a\r", "\n"])
def test_line_breaks_are_refused(recipe: Recipe, text: str) -> None:
    with pytest.raises(GlassmasterError, match="line break"):
        grub.quoted(text)


def test_a_description_of_several_lines_stays_a_comment(recipe: Recipe) -> None:
    text = menu(dataclasses.replace(recipe, description="one\ntwo\r\nthree"))
    assert text.startswith("# one two three\n# Release")


def test_the_longest_kernel_command_line(recipe: Recipe) -> None:
    room = 255 - len("root=cd0a console=xencons ")
    assert "x" * room in menu(with_arguments(recipe, "x" * room))
    with pytest.raises(GlassmasterError, match="`serial` are 256 bytes long") as error:
        menu(with_arguments(recipe, "x" * (room + 1)))
    assert "255" in error.value.why and "kernel.arguments" in error.value.hint


@pytest.mark.parametrize("arguments", ["a='b'", 'a="b c"', "a\\b"])
def test_what_grub_would_alter_is_refused(recipe: Recipe, arguments: str) -> None:
    with pytest.raises(GlassmasterError, match="menu entry `normal` contain") as error:
        menu(with_arguments(recipe, arguments))
    assert "as \\" in error.value.why
    assert recipe.xen is not None
    with pytest.raises(GlassmasterError, match="menu entry `normal` contain"):
        menu(dataclasses.replace(recipe, xen=dataclasses.replace(recipe.xen, arguments=arguments)))


def test_limit_is_in_bytes(recipe: Recipe) -> None:
    with pytest.raises(GlassmasterError, match="bytes long"):
        menu(with_arguments(recipe, "ü" * 200))
