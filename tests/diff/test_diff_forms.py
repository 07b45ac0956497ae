"""The forms of a result: one screen, sections, Markdown, JSON by its schema; and one path in detail."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from glassmaster.diff import bytewise, details
from glassmaster.diff.markdown import markdown
from glassmaster.diff.model import SECTIONS, Result, dumps, from_json, to_json
from glassmaster.diff.terminal import NAMES, screen, section
from glassmaster.errors import GlassmasterError
from tests.diff.conftest import CONFIG, GRUB, PASSWD, RC_CONF, Pairs, World, fill, kernel, opened, script

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs/diff.schema.json").read_text())


def much(world: World) -> None:
    """Something in every section."""
    world.file("set:base", "bin/cat", "another\n", 0o4555)
    world.package("sudo", "1.9.15")
    world.package("git", "2.43.0")
    world.file("kernel:DOM0", "netbsd", kernel(CONFIG.replace("cd0a", "wd0a")), 0o555)
    world.file("xen:4.17.5", "boot/xen.gz", b"\x7fELF\0xen\x004.18\0", 0o444)
    world.file("grub", "boot/grub/grub.cfg", GRUB.replace("512M", "1G"), 0o444)
    world.file("set:etc", "etc/rc.conf", RC_CONF.replace("sshd=NO", "sshd=YES"))
    world.file("set:etc", "etc/rc.d/new", script("new", rcvar="-"), 0o555)
    world.file("set:etc", "etc/master.passwd", PASSWD.replace("Charlie", "Roland"), 0o600)
    for number in range(40):
        world.file(f"overlay:number{number}", f"usr/many/{number}", f"{number}\n" * 50)
        world.file("overlay:dom0", f"etc/many/{number}", f"{number}\n")


def test_json_is_what_the_schema_says_and_comes_back(pairs: Pairs) -> None:
    found = pairs.compare(much)
    document = json.loads(dumps(found))
    jsonschema.validate(document, SCHEMA, cls=jsonschema.Draft202012Validator)
    assert from_json(document, "x") == found
    assert dumps(from_json(document, "x")) == dumps(found)
    assert document == json.loads(json.dumps(to_json(found)))
    assert {name for name in SECTIONS if found.tree.section(name).items} == set(SECTIONS) - {"elf", "hidden"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.pop("verdict"),
        lambda d: d.update(format=2),
        lambda d: d["trees"][0].update(extra=1),
        lambda d: d["trees"][0]["changes"][0].update(change="odd"),
        lambda d: d["verdict"].update(outcome="trouble"),
    ],
)
def test_the_schema_refuses_what_is_no_result(pairs: Pairs, spoil: Callable[[dict[str, object]], object]) -> None:
    document = json.loads(dumps(pairs.compare(much)))
    spoil(document)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA, cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize("text", ["{}", "[]", '{"format": 9}', '{"format": 1, "old": {"form": 1}}', "null"])
def test_another_document_is_an_error(text: str) -> None:
    with pytest.raises(GlassmasterError, match=r"x\.json: not a comparison of this version"):
        from_json(json.loads(text), "x.json")


def test_one_screen_first(pairs: Pairs) -> None:
    text = screen(pairs.compare(much), "./doit diff old new")
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80 and len(lines) <= 60, text
    assert "verdict  3 decisions to take" in lines
    assert "      --accept 'kernel-root:/netbsd: root of config netbsd'" in lines
    assert any(line.startswith("  Packages: 1 added") for line in lines)
    assert any(re.match(r"      and \d+ origins more with \d+ changes", line) for line in lines)


def test_the_first_screen_of_the_same(pairs: Pairs) -> None:
    text = screen(pairs.compare(lambda world: None), "./doit diff old new")
    assert "verdict  same: no path differs\n" in text and "more:" not in text


@pytest.mark.parametrize("name", NAMES)
def test_every_section_on_demand(pairs: Pairs, name: str) -> None:
    text = section(pairs.compare(much), name)
    titles: dict[str, str] = {
        "paths": "grub: ~1",
        "all": "Security",
        **{str(key): title for key, title in SECTIONS.items()},
    }
    assert text.startswith(titles[name]) or text == f"nothing of the kind: {name}\n"
    assert (text == f"nothing of the kind: {name}\n") == (name in ("elf", "hidden"))


def test_markdown_shows_everything_and_nothing_breaks_it(pairs: Pairs) -> None:
    def change(world: World) -> None:
        much(world)
        world.file("set:base", "bin/`odd` *name* <b>|\n", "x\n", 0o4755)
        world.file("set:etc", "etc/fence", "```\nnot the end\n```\n")

    text = markdown(pairs.compare(change))
    assert text.startswith("# Changes\n\n- old: old (") and "**open**: Security: /bin/cat added" in text
    assert "## Packages" in text and "- added: `git`: `2.43.0`" in text
    assert r"\`odd\` \*name\* \<b\>\|\\n" in text
    assert "\n  ~~~~~~diff\n  --- /dev/null\n  +++ new/etc/fence\n" in text
    assert text == markdown(from_json(json.loads(dumps(pairs_again(pairs, change))), "x"))


def pairs_again(pairs: Pairs, change: Callable[[World], None]) -> Result:
    """The same comparison once more, elsewhere, with sides called the same."""
    return Pairs(pairs.folder / "again").compare(change)


# --- one path


def test_a_text_in_detail(pairs: Pairs, tmp_path: Path) -> None:
    old, new = pairs.worlds(much)
    text = details.details(opened(old.release()), opened(new.release()), "/etc/rc.conf", tmp_path)
    assert text.startswith("/etc/rc.conf: changed\n") and "-sshd=NO\n+sshd=YES\n" in text
    assert "origin  set:etc\n" in text


def test_what_is_the_same_and_what_is_not_there(pairs: Pairs, tmp_path: Path) -> None:
    old, new = pairs.worlds(much)
    sides = opened(old.release()), opened(new.release())
    assert details.details(*sides, "bin/ls", tmp_path) == "/bin/ls is the same on both sides\n"
    with pytest.raises(GlassmasterError, match="/nothing: neither old nor new has it"):
        details.details(*sides, "/nothing", tmp_path)


def test_keys_are_not_shown(pairs: Pairs, tmp_path: Path) -> None:
    def change(world: World) -> None:
        world.file("set:etc", "etc/ssh/ssh_host_rsa_key", "very secret\n", 0o600)
        world.file("set:etc", "etc/other", "-----BEGIN RSA PRIVATE KEY-----\nvery secret\n", 0o600)

    old, new = pairs.worlds(change)
    sides = opened(old.release()), opened(new.release())
    for path in ("/etc/ssh/ssh_host_rsa_key", "/etc/other"):
        text = details.details(*sides, path, tmp_path)
        assert "secret" not in text and "it is not shown" in text


def test_a_path_in_a_domus_image(pairs: Pairs, tmp_path: Path) -> None:
    old, new = pairs.worlds(lambda world: None)
    for world in (old, new):
        world.images["base"] = fill(World(world.folder / "guest"))
    new.images["base"].file("set:etc", "etc/ntp.conf", "server 192.0.2.77\n")
    text = details.details(opened(old.release()), opened(new.release()), "/images/base.img/etc/ntp.conf", tmp_path)
    assert "+server 192.0.2.77" in text


def test_programs_by_their_parts_and_bytes(pairs: Pairs, tmp_path: Path, program: Callable[..., bytes]) -> None:
    old, new = pairs.worlds(lambda world: None)
    for world, number in ((old, 1), (new, 2)):
        world.file("set:base", "lib/one.so", program(f"int one(void) {{ return {number}; }}"), 0o444)
    text = details.details(opened(old.release()), opened(new.release()), "/lib/one.so", tmp_path)
    assert "section .text differs" in text
    assert "--- old/one.so\n" in text and str(tmp_path) not in text, "diffoscope's part"


def test_other_bytes(pairs: Pairs, tmp_path: Path) -> None:
    old, new = pairs.worlds(lambda world: world.file("set:base", "bin/ls", b"\0\1\2another", 0o555))
    text = details.details(opened(old.release()), opened(new.release()), "/bin/ls", tmp_path)
    assert "+++ new/ls" in text


def test_diffoscope_is_called_with_a_budget() -> None:
    assert bytewise.diffoscope(Path("a"), Path("b"), seconds=7).argv == (
        "sh", "-c", '"$@"; status=$?; [ "$status" = 1 ] || exit "$status"', "sh",
        "timeout", "-k", "5", "12", "diffoscope", "--no-progress", "--timeout", "7",
        "--exclude-directory-metadata", "yes", "--max-text-report-size", "100000", "--text", "-", "a", "b",
    )  # fmt: skip
