"""`doit why`: the stand-in has one of everything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.commands.conftest import Project

KERNELS = "amd64/binary/kernel"


def rows(text: str) -> dict[str, list[str]]:
    """What is printed of one path, by its first column; continued lines joined."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines()[1:]:
        name, value = line[2:10].strip(), line[12:]
        if name:
            last = found.setdefault(name, [])
            last.append(value)
        else:
            last[-1] += f" {value}"
    return found


def asked(project: Project, path: str, *words: str, status: int = 0) -> dict[str, list[str]]:
    return rows(project.doit("why", path, *words, status=status))


def as_json(project: Project, path: str, *words: str, status: int = 0) -> Any:
    (found,) = json.loads(project.doit("why", path, "--json", *words, status=status))
    return found


def test_an_overlays_file_over_a_sets(built_once: Project) -> None:
    text = built_once.doit("why", "/etc/rc")
    assert text.startswith("/etc/rc: file of ") and ", 0644 root:wheel (0:0) on the CD of standin\n" in text
    found = rows(text)
    assert found["from"] == ["overlay:machine"] and found["file"] == ["overlays/machine/etc/rc"]
    assert found["owner"][0].startswith("overlays/machine.mtree:") and "mode=0644" in found["owner"][0]
    line = int(found["recipe"][0].split(":")[1])
    assert "machine" in (built_once.path / "recipes" / "standin.yaml").read_text().splitlines()[line - 1]
    assert found["moved"] == ["overlay:machine: moves what was here to /etc/rc.netbsd: overlays/machine.yaml:3: move"]
    assert found["before"][0].startswith("set:etc: file of ")


def test_a_moved_file_is_still_its_sets(built_once: Project) -> None:
    found = asked(built_once, "etc/rc.netbsd")
    assert found["from"] == ["set:etc"] and "moves it here from /etc/rc" in found["moved"][0]
    manifest = found["owner"][0]
    assert manifest.startswith("etc/mtree/set.etc:") and manifest.endswith("uname=root gname=wheel mode=0644")


def test_a_package(built_once: Project) -> None:
    found = asked(built_once, "/usr/pkg/bin/standin-sudo")
    assert found["from"] == ["package:standin-sudo-1.0"]
    assert found["file"] == ["packages/standin-sudo-1.0.tgz, +CONTENTS:4: bin/standin-sudo"]
    assert found["owner"] == ["the archive: root:wheel 0755; +INSTALL, PERMS: 4511 root wheel"]
    assert found["why"] == ["standin-core wants standin-sudo (pkgsets/standin-core.yaml:4)"]


def test_a_package_that_others_need_and_a_file_of_two_names(built_once: Project) -> None:
    found = asked(built_once, "/usr/pkg/bin/standin-tool-too")
    assert found["names"] == ["the same file as /usr/pkg/bin/standin-tool"]
    assert found["why"][-1] == "standin-suite-3.0 needs standin-tool>=2"


@pytest.mark.parametrize(
    ("path", "origin", "file", "recipe"),
    [
        ("netbsd", "kernel:XEN3_DOM0", f"{KERNELS}/netbsd-XEN3_DOM0.gz, unpacked", "kernel"),
        (
            "netbsd-XEN3_DOMU",
            "kernel:XEN3_DOMU",
            "amd64/binary/kernel/netbsd-XEN3_DOMU.gz, unpacked",
            "domus.base.kernel",
        ),
        ("boot/grub/grub.cfg", "grub", "made from the recipe's `boot`", "boot"),
        ("images/small.img", "domu:small", "out/standin/domu/small.img", "domus.small"),
        ("var/db", "set:base", "amd64/binary/sets/base.tar.xz", "release.sets.base"),
    ],
)
def test_what_else_there_is(built_once: Project, path: str, origin: str, file: str, recipe: str) -> None:
    found = as_json(built_once, path)
    assert found["there"] and found["origin"] == origin and found["source"]["file"] == file
    assert found["source"]["recipe"].endswith(f": {recipe}")


def test_xen(built_once: Project) -> None:
    found = as_json(built_once, "boot/xen.gz")
    assert found["origin"].startswith("xen:4.17") and found["source"]["recipe"].endswith(": xen")
    assert found["source"]["file"].startswith("boot/xen-4.17-amd64.gz of xen-hypervisor-4.17-amd64_")


def test_what_packages_change_of_a_set(built_once: Project) -> None:
    found = as_json(built_once, "etc/master.passwd")
    assert found["origin"] == "packages"
    (hidden,) = found["hid"]
    assert hidden["origin"] == "set:etc" and not hidden["same"] and hidden["entry"]["mode"] == 0o600


def test_directories_are_in_many_layers(built_once: Project) -> None:
    found = as_json(built_once, "/etc")
    assert found["origin"] == "set:comp" and [step["origin"] for step in found["hid"]] == [
        "set:misc",
        "set:etc",
        "set:base",
    ]
    assert all(step["same"] for step in found["hid"])


@pytest.mark.parametrize(
    "words", [("domu:small/etc/motd",), ("/etc/motd", "--domu", "small"), ("/images/small.img/etc/motd",)]
)
def test_inside_a_domu(built_once: Project, words: tuple[str, ...]) -> None:
    found = as_json(built_once, *words)
    assert found["image"] == "domu:small" and found["origin"] == "set:etc"
    assert found["source"]["recipe"].endswith(": domus.small.sets.etc")


def test_the_root_of_an_image(built_once: Project) -> None:
    assert as_json(built_once, "domu:small/")["entry"]["kind"] == "dir"


def test_not_there(built_once: Project) -> None:
    assert asked(built_once, "/etc/master.password", status=1)["near"][0].split(", ")[0] == "/etc/master.passwd"
    assert asked(built_once, "/usr/lib/login", status=1)["near"][0].split(", ")[0] == "/usr/bin/login"


def test_deleted_and_below_a_link(built: Project) -> None:
    rules = built.path / "overlays" / "dom0.yaml"
    rules.write_text(rules.read_text() + "delete: [/usr/bin/su]\n")
    link = built.path / "overlays" / "dom0" / "usr" / "elsewhere"
    link.parent.mkdir(exist_ok=True)
    link.symlink_to("bin")
    built.doit("mtree")
    found = asked(built, "/usr/bin/su", status=1)
    (line,) = [n for n, text in enumerate(rules.read_text().splitlines(), 1) if text.startswith("delete")]
    assert found["deleted"] == [f"overlay:dom0: deletes /usr/bin/su: overlays/dom0.yaml:{line}: delete"]
    assert found["before"][0].startswith("set:base: file of ") and "4555 root:wheel (0:0)" in found["before"][0]
    assert asked(built, "/usr/elsewhere/login", status=1)["link"] == [
        "it lies below a symbolic link: usr/elsewhere -> bin"
    ]


def test_an_emptied_store_is_said(built: Project, tmp_path: Path) -> None:
    store = tmp_path / "other-store"
    text = built.doit("why", "/usr/bin/su", GLASSMASTER_STORE=str(store))
    assert rows(text)["file"][0].startswith("not to be found any more: ")


@pytest.mark.slow
def test_what_changed_since_the_build_is_said(built: Project) -> None:
    assert "stale" not in asked(built, "/etc/rc") and as_json(built, "/etc/rc")["stale"] == ""
    rc = built.path / "overlays" / "machine" / "etc" / "rc"
    rc.write_text(rc.read_text() + "# more\n")
    (said,) = asked(built, "/etc/rc")["stale"]
    assert said == (
        "this is of the last build; overlay:standin:machine would run now (overlays/machine/etc/rc: file changed): "
        "`./doit mtree:standin` builds it"
    )
    assert as_json(built, "/etc/rc")["stale"] == said
    # A path that is not there may come with the build; an image that does not have the overlay is what it was.
    assert "overlay:standin:machine" in asked(built, "/etc/nothing", status=1)["stale"][0]
    assert "stale" not in asked(built, "domu:small/etc/motd")
    built.doit("mtree")
    assert "stale" not in asked(built, "/etc/rc")


def test_another_recipe_than_the_one_that_was_built_is_said(built: Project) -> None:
    recipe = built.path / "recipes" / "standin.yaml"
    recipe.write_text(recipe.read_text().replace("epoch: ", "epoch: 2026-03-04 #", 1))
    (said,) = asked(built, "/etc/rc")["stale"]
    assert " would run now (" in said and said.endswith(": `./doit mtree:standin` builds it")
    (said,) = asked(built, "domu:small/etc/motd")["stale"]
    assert said.endswith(": `./doit domu:standin:small` builds it")


def test_mistakes(built_once: Project, clone: Project) -> None:
    assert "there is no domU 'smal'\n  did you mean small?" in built_once.doit("why", "domu:smal/etc", status=3)
    assert "`..` in a path" in built_once.doit("why", "/etc/../x", status=3)
    assert "another domU" in built_once.doit("why", "domu:small/etc", "--domu", "base", status=3)
    assert "no domU is named" in built_once.doit("why", "domu:/etc", status=3)
    assert "takes one path" in built_once.doit("why", status=3)
    assert "standin has not been built" in clone.doit("why", "/etc/rc", status=3)
