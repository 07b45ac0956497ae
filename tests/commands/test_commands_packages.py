"""`doit packages-tree` and `doit outdated`, as a user starts them."""

from __future__ import annotations

import gzip
import json
import lzma
from typing import TYPE_CHECKING

import pytest

from glassmaster.commands.outdated import as_text as outdated_text
from glassmaster.commands.packages_tree import as_text
from glassmaster.inputs.pkgsrc.choice import Chosen, Need, Resolution, Wanted
from glassmaster.inputs.pkgsrc.package import Package, package

if TYPE_CHECKING:
    from tests.commands.conftest import Project

ALL = "build/standin/mirror/packages/amd64/standin-1_standin/All"


def test_the_tree_shows_why_each_package_is_there(built: Project) -> None:
    before = built.files()
    text = built.doit("packages-tree")
    lines = text.splitlines()
    assert lines[0] == "packages of standin, dom0: 8, 1.3 kB installed" and max(map(len, lines)) <= 80
    assert "    standin-lib 1.2nb1      77 B  standin-lib>=1.0" in lines
    assert next(line for line in lines if "standin-shell" in line).endswith("standin-core: registers a login shell")
    (found,) = json.loads(built.doit("packages-tree", "--json"))
    library = next(item for item in found["packages"] if item["name"] == "standin-lib")
    assert library == {
        "name": "standin-lib", "version": "1.2nb1", "size": 77, "automatic": True,
        "why": [
            "standin-core wants standin-suite (pkgsets/standin-core.yaml:3)", "standin-suite-3.0 needs standin-tool>=2",
            "standin-tool-2.0 needs standin-lib>=1.0", "standin-lib-1.2nb1",
        ],
    }  # fmt: skip
    assert built.files() == before


def test_nothing_is_outdated_until_the_repository_changes(built: Project) -> None:
    assert "0 of 8 packages are others by now" in built.doit("outdated")
    summary = built.path / ALL / "pkg_summary.xz"
    text = lzma.decompress(summary.read_bytes()).decode()
    text = text.replace("PKGNAME=standin-shell-5.0", "PKGNAME=standin-shell-5.1")
    text = text.replace("PKGNAME=standin-exec-1.0", "PKGNAME=standin-other-1.0\nSUPERSEDES=standin-exec-[0-9]*")
    summary.write_bytes(lzma.compress(text.encode()))
    said = built.doit("outdated")
    assert "newer    standin-shell-5.0 -> standin-shell-5.1\n" in said and "2 of 8 packages" in said
    assert "renamed  standin-exec-1.0 -> standin-other-1.0\n" in said and "`doit lock`" in said
    (found,) = json.loads(built.doit("outdated", "--json"))
    assert {"name": "standin-shell-5.0", "how": "newer", "now": ["standin-shell-5.1"]} in found["outdated"]
    # The file of the same name is another one.
    text = gzip.decompress((built.path / ALL / "pkg_summary.gz").read_bytes()).decode()
    record = text.index("PKGNAME=standin-sudo-1.0")
    size = text.index("FILE_SIZE=", record)
    summary.write_bytes(lzma.compress(f"{text[:size]}FILE_SIZE=1{text[text.index(chr(10), size) :]}".encode()))
    assert "rebuilt  standin-sudo-1.0" in built.doit("outdated")


@pytest.mark.parametrize("command", ["packages-tree", "outdated"])
def test_bad_input(clone: Project, command: str) -> None:
    assert "recipe=NAME" in clone.doit(command, "iso", status=3)
    assert "did you mean standin?" in clone.doit(command, "recipe=standinn", status=3)
    (clone.path / "recipes/standin.lock").unlink(missing_ok=True)
    assert "recipes/standin.lock: there is no lock" in clone.doit(command, status=3)


@pytest.mark.parametrize("command", ["packages-tree", "outdated"])
def test_a_stale_lock_and_a_recipe_without_packages(built: Project, command: str) -> None:
    pkgset = built.path / "pkgsets" / "standin-core.yaml"
    pkgset.write_text(pkgset.read_text() + "  standin-mta-a: new\n")
    said = built.doit(command, status=3)
    assert "made for another state of the recipe" in said and "pkgset standin-core: +standin-mta-a" in said
    (built.path / "recipes/bare.yaml").write_text("extends: standin.yaml\npackages: ~\n")
    built.doit("locked", "recipe=bare")
    assert built.doit(command, "recipe=bare") == "no packages\n"


def test_a_repository_that_is_away(built: Project) -> None:
    (built.path / ALL).rename(built.path / "away")
    assert "no summary of packages at file:build/standin/mirror/packages" in built.doit("outdated", status=3)


def made(name: str, *depends: str) -> Package:
    lines = ["OPSYS=NetBSD", "OS_VERSION=10.0", "MACHINE_ARCH=x86_64", "SIZE_PKG=12345678"]
    return package("\n".join(["", f"PKGNAME={name}", *lines, *(f"DEPENDS={item}" for item in depends)]), "here")


def test_long_names_and_reasons_stay_within_the_terminal() -> None:
    long = f"{'long-' * 12}name-1.0"
    wanted = Wanted("a", "core.yaml:1", "core", "because of this and of that and " * 6)
    resolution = Resolution((
        Chosen(made(long), (Need(f"{long[:-4]}>=1", "a-1"), Need(f"{long[:-4]}-[0-9]*", "b-1"))),
        Chosen(made("b-1", f"{long[:-4]}-[0-9]*"), (Need("b>=1", "a-1"), Need("b", "c-1"))),
        Chosen(made("c-1", "b"), (Need("c", "a-1"),)),
        Chosen(made("a-1", f"{long[:-4]}>=1", "b>=1", "c"), (wanted,)),
    ))  # fmt: skip
    lines = as_text("x", "dom0", resolution).splitlines()
    assert max(map(len, lines)) <= 80 and lines[0] == "packages of x, dom0: 4, 49.4 MB installed"
    # What is below it was shown before.
    assert next(line.rstrip() for line in lines if line.startswith("    b 1")).endswith("b ...")


def test_what_is_gone_has_nothing_instead() -> None:
    look = {
        "recipe": "x", "image": "dom0", "summary": "s", "packages": 3,
        "outdated": [{"name": "a-1", "how": "gone", "now": []}],
    }  # fmt: skip
    assert outdated_text(look).splitlines() == [
        "x, dom0: 1 of 3 packages are others by now", "    s", "gone     a-1", "`doit lock` takes what is there now",
    ]  # fmt: skip
