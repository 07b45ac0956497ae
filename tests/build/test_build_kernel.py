"""A kernel built from source sets, through the whole pipeline: the stand-in's, by the same code as a real one."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.build.conftest import Clone

BUILT = """\
boot: {root: ""}
kernel:
  source: built
  build:
    name: RACK
"""
PATCH = """\
--- a/sys/arch/amd64/conf/XEN3_DOM0
+++ b/sys/arch/amd64/conf/XEN3_DOM0
@@ -4,3 +4,4 @@
 options \tINCLUDE_CONFIG_FILE\t# embed this file in the kernel
 
 config\t\tnetbsd\troot on ? type ?
+# patched
"""  # noqa: W293
LINE = "netbsd root on cd0a type cd9660 dumps on none"


def kernel_of(clone: Clone, recipe: str) -> bytes:
    """The kernel that a recipe's layer points at."""
    layer = json.loads((clone.path / "build" / recipe / "layers" / "kernel.json").read_bytes())
    assert layer["origin"] == "kernel:RACK"
    return (clone.path / "build" / recipe / "layers" / "kernel.blob").read_bytes()


def with_own_store(clone: Clone, store: Path) -> Clone:
    """The same clone with a store that has the downloads and nothing that was made of them."""
    shutil.copytree(clone.store / "sha512", store / "sha512")
    return type(clone)(clone.path, store, clone.umask)


@pytest.mark.slow
def test_two_clones_with_two_stores_make_the_same_kernel(fresh: Callable[[Path, int], Clone], tmp_path: Path) -> None:
    places = ((Path("one"), 0o022, "store"), (Path("somewhere/else/two"), 0o077, "another/place/st"))
    kernels = []
    for below, umask, store in places:
        clone = with_own_store(fresh(below, umask), tmp_path / store)
        clone.recipe("rack", BUILT)
        result = clone.doit("kernel", "recipe=rack", environment={"LANG": "C" if umask == 0o022 else "C.UTF-8"})
        assert result.returncode == 0, result.stdout
        assert "toolchain:rack" in result.stdout and "not NetBSD" in result.stdout
        kernels.append(kernel_of(clone, "rack"))
    assert kernels[0] == kernels[1]
    assert str(tmp_path).encode() not in kernels[0]


def test_it_is_built_once(built: Clone, steps_run: Callable[[str], list[str]]) -> None:
    built.recipe("rack", BUILT)
    assert built.doit("kernel", "recipe=rack").returncode == 0
    assert steps_run(built.doit("kernel", "recipe=rack").stdout) == []
    # Another recipe on the same sources takes the same tools, and a kernel of its own.
    built.recipe("other", BUILT.replace("RACK", "OTHER"))
    output = built.doit("kernel", "recipe=other").stdout
    assert "kernel OTHER: made in" in output and "cross tools: made in" not in output
    # The store was emptied of what can be made again.
    shutil.rmtree(built.store / "derived" / "toolchain")
    assert steps_run(built.doit("toolchain", "recipe=rack").stdout) == ["toolchain"]


@pytest.mark.slow
def test_what_is_inside_is_in_the_release(built: Clone) -> None:
    built.recipe("rack", BUILT)
    result = built.doit("iso", "recipe=rack")
    assert result.returncode == 0, result.stdout
    text = built.out("kernel.config", "rack").read_text()
    top = text.partition("### END CONFIG FILE")[0]
    assert [line for line in top.splitlines() if line.startswith("config")] == [f"config {LINE}"]
    assert built.doit("kernel-config", "build/rack/layers/kernel.blob").stdout == text
    assert "config\t\tnetbsd\troot on ? type ?\n" in built.out("kernel.config").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lines", "what"),
    [
        ("    lines: [config more root on sd0a]\n", "config more root on sd0a"),
        ("    lines: [no config netbsd, config netbsd root on sd0a]\n", "config netbsd root on sd0a"),
    ],
)
def test_a_kernel_that_is_configured_otherwise_stops_the_build(lines: str, what: str, built: Clone) -> None:
    built.recipe("rack", BUILT + lines)
    result = built.doit("iso", "recipe=rack")
    assert result.returncode == 1
    assert "the dom0 kernel is not configured as the recipe says" in result.stdout
    assert f"config {LINE}" in result.stdout and what in result.stdout
    assert "Traceback" not in result.stdout
    assert not built.out("dom0.iso", "rack").exists()


@pytest.mark.slow
def test_a_prebuilt_kernel_must_be_stock(built: Clone) -> None:
    """A mirror whose kernel has a root device built in: it would not find its root on another medium."""
    from glassmaster.inputs.standin import kernel_build
    from glassmaster.inputs.standin.release import make_release

    text = kernel_build.config_header("X", "config netbsd root on wd0a")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel_build, "config_header", lambda config, body: text)
        make_release(built.path / "mirror", "standin-1", "amd64", epoch=1, files=0, size=0)
    url = (built.path / "mirror").as_uri()
    name = built.recipe("foreign", f"standin: ~\npackages: ~\nrelease:\n  trust: first-use\n  mirrors: ['{url}']\n")
    result = built.doit("kernel", f"recipe={name}")
    assert result.returncode == 1
    assert re.search(r"kernel XEN3_DOM.: not a stock dom. kernel", result.stdout, re.I)
    assert "config netbsd root on wd0a" in result.stdout


@pytest.mark.slow
def test_patches_and_what_the_host_needs(built: Clone) -> None:
    compiler = built.path / "compiler"
    compiler.write_text(f'#!/bin/sh\necho "$@" >> {built.path}/called\nexec gcc "$@"\n')
    compiler.chmod(0o755)
    folder = built.path / "patches" / "standin-1"
    folder.mkdir(parents=True)
    (folder / "one.patch").write_text(PATCH)
    built.recipe(
        "rack", f"{BUILT}    patches: [one.patch]\n    environment: {{HOST_CC: {compiler}, HOST_CFLAGS: -O0}}\n"
    )
    result = built.doit("kernel", "recipe=rack")
    assert result.returncode == 0, result.stdout
    assert "###> # patched" in built.out("kernel.config", "rack").read_text()
    assert "-O0 -o" in (built.path / "called").read_text()
    # The patch's content counts, not its name.
    (folder / "one.patch").write_text(PATCH.replace("# patched", "# again"))
    assert built.doit("kernel", "recipe=rack").returncode == 0
    assert "###> # again" in built.out("kernel.config", "rack").read_text()
    (folder / "one.patch").write_text(PATCH.replace("embed this", "embed that"))
    result = built.doit("kernel", "recipe=rack")
    assert result.returncode == 1 and "patches/standin-1/one.patch: does not fit these sources" in result.stdout
    (folder / "one.patch").unlink()
    result = built.doit("kernel", "recipe=rack")
    assert result.returncode == 3 and "there is no patch one.patch" in result.stdout, result.stdout


@pytest.mark.slow
def test_a_mistake_of_build_sh_shows_its_words(built: Clone) -> None:
    built.recipe("rack", BUILT + "    lines: [options INCLUDE_CONFIG_FILE]\n")
    result = built.doit("kernel", "recipe=rack")
    assert result.returncode == 1
    assert "already have options `INCLUDE_CONFIG_FILE'" in result.stdout
    assert "to repeat it: cd " in result.stdout and "build/rack/logs/kernel-RACK.log" in result.stdout


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("    make: {MKREPRO: 'no'}\n", "rack.yaml:7: kernel.build.make: MKREPRO is set"),
        ("    config: [root on cd0a]\n", "rack.yaml:7: kernel.build.config"),
        ("    sets: [src]\n", "rack.yaml:7: kernel.build.sets: syssrc is missing"),
        ("    sets: [syssrc, sauce]\n", "the release has no set 'sauce'"),
    ],
)
def test_a_mistake_in_the_recipe(text: str, where: str, built: Clone) -> None:
    built.recipe("rack", BUILT + text)
    result = built.doit("fetch", "recipe=rack")
    assert result.returncode != 0 and where in result.stdout and "Traceback" not in result.stdout, result.stdout


@pytest.mark.slow
def test_it_boots(built: Clone) -> None:
    smoke = r"""
smoke:
  firmware: [bios]
  milestones:
    - {name: kernel, pattern: 'glassmaster stand-in kernel \(RACK\): this is not NetBSD'}
    - {name: command line, pattern: 'standin: command line: console=xencons'}
    - {name: last words, pattern: 'standin: powering off'}
"""
    built.recipe("rack", BUILT + smoke)
    result = built.doit("smoke", "recipe=rack")
    assert result.returncode == 0, result.stdout
