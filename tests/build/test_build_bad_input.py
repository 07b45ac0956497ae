"""Bad input and bad machines: a clear error, nothing half-written, and the next run goes on."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess

    from tests.build.conftest import Clone

Ran = Callable[[str], list[str]]


def fails(result: subprocess.CompletedProcess[str], status: int, *words: str) -> None:
    assert result.returncode == status, result.stdout
    assert "Traceback" not in result.stdout and "burn it" not in result.stdout, result.stdout
    for word in words:
        assert word in result.stdout, result.stdout


def nothing_half_written(clone: Clone, recipe: str) -> None:
    assert not clone.out("dom0.iso", recipe).exists()
    assert not [path for path in clone.path.rglob("*") if "partial" in path.name]


@pytest.mark.parametrize(("text", "words"), [
    ("kernel:\n  confg: XEN3_DOM0\n", ["recipes/x.yaml:3: kernel.confg", "did you mean kernel.config?"]),
    ("epoch: soon\n", ["recipes/x.yaml:2: epoch: 'soon'"]),
    ("media: [cd74]\n", ["recipes/x.yaml:2: media:"]),
    ("media: {budget: cd75}\n", ["recipes/x.yaml:2: media.budget: 'cd75'", "cd74"]),
    ("smoke:\n  firmware:\n  - bios\n  - efi\n", ["recipes/x.yaml:5: smoke.firmware[1]: 'efi'", "one of bios, uefi"]),
    ("a: b: c\n", ["recipes/x.yaml:2: this is not YAML"]),
    ("\tx: y\n", ["recipes/x.yaml:2: this is not YAML"]),
])  # fmt: skip
def test_a_recipe_with_a_mistake(built: Clone, text: str, words: list[str]) -> None:
    fails(built.doit("iso", f"recipe={built.recipe('x', text)}"), 3, *words)
    nothing_half_written(built, "x")


@pytest.mark.parametrize(("argument", "words"), [
    ("recipe=standinn", ["no recipe 'standinn'", "did you mean standin?"]),
    ("recipe=recipes/none.yaml", ["recipes/none.yaml: there is no such file"]),
    ("recipe=,", ["names no recipe"]),
    ("recipe=standin,standin", ["two recipes have the same name: standin, standin"]),
    ("recipe=../", ["..: cannot be read"]),
    ("recipe=recipes/.yaml", ["recipes/.yaml: there is no such file"]),
])  # fmt: skip
def test_a_recipe_that_is_not_there(built: Clone, argument: str, words: list[str]) -> None:
    fails(built.doit("iso", argument), 3, *words)


def test_a_broken_template_and_then_a_mended_one(built: Clone, steps_run: Ran) -> None:
    template = built.path / "overlays" / "dom0" / "etc" / "issue.j2"
    built.out("dom0.iso").unlink()
    template.write_text("line one\n{{ vars.nothing }}\n")
    fails(built.doit("iso"), 1, "overlays/dom0/etc/issue.j2:2:", "nothing")
    nothing_half_written(built, "standin")
    template.write_text("{% if %}")
    fails(built.doit("iso"), 1, "overlays/dom0/etc/issue.j2:1: the template is broken")
    template.write_text("{{ 1 // 0 }}")
    fails(built.doit("iso"), 1, "overlays/dom0/etc/issue.j2:1: the template failed")
    nothing_half_written(built, "standin")
    template.write_text("release {{ release_id }}\n")
    result = built.doit("iso")
    assert result.returncode == 0 and steps_run(result.stdout) == ["overlay", "mtree", "iso"], result.stdout
    facts = json.loads(built.out("dom0.json").read_bytes())
    assert f"release {facts['release_id']}\n".encode() in built.out("dom0.iso").read_bytes()


def test_a_failure_leaves_the_old_image(built: Clone) -> None:
    before = {path: path.read_bytes() for path in built.out("").iterdir() if path.is_file()}
    (built.path / "overlays" / "dom0" / "etc" / "bad.j2").write_text("{{ nothing }}")
    fails(built.doit("iso"), 1, "overlays/dom0/etc/bad.j2:1:")
    assert {path: path.read_bytes() for path in built.out("").iterdir() if path.is_file()} == before


@pytest.mark.slow
def test_missing_sets_kernels_and_overlays(built: Clone) -> None:
    recipes = {
        "set": ("release: {sets: [base, etc, miscc]}\n", ["the release has no set 'miscc'", "did you mean misc?"]),
        "kernel": ("kernel: {config: XEN3_DOMX}\n", ["the release has no kernel XEN3_DOMX", "netbsd-XEN3_DOM0.gz"]),
        "overlay": ("overlays: [dom1]\n", ["no overlay 'dom1'", "there are: dom0, "]),
        "member": ("xen: {member: boot/xen-1.gz}\n", ["xen-hypervisor-4.17-amd64", "has no boot/xen-1.gz"]),
    }
    for name, (text, words) in recipes.items():
        fails(built.doit("iso", f"recipe={built.recipe(name, text)}"), 1, *words)
        nothing_half_written(built, name)


def test_a_dangling_link_of_an_overlay(built: Clone) -> None:
    link = built.path / "overlays" / "dom0" / "etc" / "localtime"
    link.symlink_to("/usr/share/zoneinfo/Nowhere")
    fails(
        built.doit("iso"), 1, "etc/localtime -> /usr/share/zoneinfo/Nowhere", "leads to nothing", "overlays/dom0.yaml"
    )
    link.unlink()
    link.symlink_to("rc")
    assert built.doit("iso").returncode == 0


def test_too_large_for_the_medium(built: Clone) -> None:
    name = built.recipe("small", "media: {budget: 3000000}\n")
    fails(built.doit("iso", f"recipe={name}"), 1, "media.budget is 3,000,000", "set:comp", "usr/include", "cd80")
    nothing_half_written(built, name)


def test_how_large_the_images_of_virtual_machines_are(built: Clone) -> None:
    name = built.recipe("sized", "domus: {base: {size: 2000000}, small: {size: 4194304}}\n")
    result = built.doit("domu", f"recipe={name}")
    assert result.returncode == 0, result.stdout
    sizes = {path.stem: path.stat().st_size for path in (built.path / "out" / name / "domu").glob("*.img")}
    assert sizes["small"] == 4_194_304 and 0 < sizes["base"] < 2_000_000
    name = built.recipe("full", "domus: {base: {size: 100000}}\n")
    fails(built.doit("domu", f"recipe={name}"), 1, "domus.base.size is 100,000", "raise domus.base.size", "usr/bin")
    name = built.recipe("less", "domus: {small: {size: 65536}}\n")
    fails(built.doit("domu", f"recipe={name}"), 1, "the tree has no room in an image of 65,536 bytes")
    assert not (built.path / "out" / name / "domu/small.img").exists()


def test_kernel_arguments_that_netbsd_would_cut(built: Clone) -> None:
    name = built.recipe("long", f"kernel: {{arguments: {'x' * 250}}}\n")
    fails(built.doit("grub", f"recipe={name}"), 1, "menu entry", "NetBSD cuts them at 255")


@pytest.mark.slow
def test_no_room_left(built: Clone) -> None:
    # A limit on the size of files is the nearest thing to a full disk that needs no root.
    built.out("dom0.iso").unlink()
    limit = (2_000_000, resource.RLIM_INFINITY)
    result = built.doit("iso", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    fails(result, 1, "File too large")
    nothing_half_written(built, "standin")
    assert built.doit("iso").returncode == 0


def test_a_damaged_description_of_the_image(built: Clone) -> None:
    built.out("dom0.json").write_text("{")
    assert "burn it" in built.doit("iso").stdout
    assert json.loads(built.out("dom0.json").read_bytes())["path"] == "out/standin/dom0.iso"


@pytest.mark.slow
def test_something_in_the_way(built: Clone) -> None:
    (built.path / "out" / "other").write_text("a file where a directory should be")
    fails(built.doit("iso", f"recipe={built.recipe('other', '')}"), 1, "out/other")
