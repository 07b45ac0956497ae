"""The keys of glassmaster's own steps: each step reads no more than its key holds."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from glassmaster import stepkeys, tasks
from glassmaster.doit_plugins.keys import Key
from glassmaster.recipe.load import LoadedRecipe, load

SETS, KERNEL = "amd64/binary/sets", "amd64/binary/kernel/netbsd-XEN3_DOM0.gz"
RECIPE = load(Path("recipes/standin.yaml"))


def key(step: str, loaded: LoadedRecipe) -> dict[str, Any]:
    return Key(**stepkeys.parts(step, loaded)).now()


def changed(**values: Any) -> LoadedRecipe:
    return dataclasses.replace(RECIPE, recipe=dataclasses.replace(RECIPE.recipe, **values))


def steps_with_another_key(other: LoadedRecipe) -> set[str]:
    return {step for step in stepkeys.STEPS if key(step, other) != key(step, RECIPE)}


def test_a_value_belongs_to_the_steps_that_read_it() -> None:
    recipe = RECIPE.recipe
    smoke = changed(smoke=dataclasses.replace(recipe.smoke, seconds=7))
    assert steps_with_another_key(smoke) == {"fetch", "overlay", "release", "smoke"}
    boot = changed(boot=dataclasses.replace(recipe.boot, timeout=77))
    assert steps_with_another_key(boot) == {"fetch", "overlay", "grub", "release"}
    release = changed(release=dataclasses.replace(recipe.release, sets=("etc",)))
    assert {"sets", "mtree", "iso"} <= steps_with_another_key(release)
    assert "kernel" not in steps_with_another_key(release)
    assert steps_with_another_key(changed(extends="another.yaml")) == set()
    without = {"lock", "locked", "readback", "repro", "sign", "smoke", "toolchain"}
    assert steps_with_another_key(changed(epoch=1)) == stepkeys.STEPS.keys() - without


def test_what_belongs_to_the_tools_and_what_to_the_kernel() -> None:
    kernel = RECIPE.recipe.kernel
    build = kernel.build

    def steps(**values: Any) -> set[str]:
        new = dataclasses.replace(kernel, build=dataclasses.replace(build, **values))
        return steps_with_another_key(changed(kernel=new)) - {"fetch", "overlay", "lock", "locked", "release"}

    # The menu has an entry for each kernel that is built.
    assert steps(config=("netbsd root on sd0a",)) == {"kernel", "grub", "smoke"}
    assert steps(options=("DEBUG",)) == {"kernel"}
    for values in (
        {"patches": ("a.patch",)},
        {"environment": {"CC": "x"}},
        {"make": {"A": "b"}},
        {"sets": ("syssrc",)},
    ):
        assert steps(**values) == {"toolchain", "kernel"}
    source = changed(kernel=dataclasses.replace(kernel, source="built"))
    assert steps_with_another_key(source) == {
        "fetch", "overlay", "lock", "locked", "kernel", "toolchain", "grub", "smoke", "release", "repro",
    }  # fmt: skip


def test_a_step_is_handed_no_other_values() -> None:
    seen = stepkeys.restricted("sets", RECIPE).recipe
    assert seen.release.sets == RECIPE.recipe.release.sets and seen.epoch == RECIPE.recipe.epoch
    for read in (lambda: seen.boot, lambda: seen.release.version, lambda: seen.smoke.seconds):
        with pytest.raises(AttributeError, match=r"the step sets reads recipe\.\S+, which is not listed in its key"):
            read()
    assert stepkeys.restricted("fetch", RECIPE) is RECIPE
    without = changed(xen=None)
    assert stepkeys.restricted("mtree", without).recipe.xen is None


def test_every_listed_value_is_one_of_a_recipe() -> None:
    for step, reads in stepkeys.STEPS.items():
        for name in reads.recipe or ():
            value: Any = RECIPE.recipe
            for word in name.split("."):
                assert hasattr(value, word), (step, name)
                value = getattr(value, word)


def test_every_step_has_its_line() -> None:
    creators = {name.removeprefix("task_") for name in tasks.__all__ if name.startswith("task_")}
    assert creators == stepkeys.STEPS.keys()


def test_of_the_inputs_a_step_takes_its_own(tmp_path: Path) -> None:
    rows = [
        {"name": f"{SETS}/etc.tar.xz", "sha512": "1" * 128}, {"name": f"{SETS}/base.tgz", "sha512": "2" * 128},
        {"name": KERNEL, "sha512": "3" * 128},
        {"name": "debian/xen-hypervisor-4.17-amd64", "sha512": "4" * 128, "version": "1-2"},
    ]  # fmt: skip
    path = tmp_path / "inputs.json"
    path.write_text(json.dumps({"inputs": rows}))

    def taken(step: str) -> Any:
        wanted = stepkeys.STEPS[step].rows
        assert wanted is not None
        return stepkeys.InputRows(path, RECIPE.recipe, wanted).key_value()

    assert taken("sets") == {f"{SETS}/etc.tar.xz": "1" * 32, f"{SETS}/base.tgz": "2" * 32}
    assert taken("kernel") == {KERNEL: "3" * 32}
    rows.append({"name": "source/sets/syssrc.tgz", "sha512": "5" * 128})
    path.write_text(json.dumps({"inputs": rows}))
    source = dataclasses.replace(RECIPE.recipe.kernel, source="built")
    built = dataclasses.replace(RECIPE.recipe, kernel=source)
    wanted = stepkeys.STEPS["toolchain"].rows
    assert wanted is not None
    assert stepkeys.InputRows(path, built, wanted).key_value() == {"source/sets/syssrc.tgz": "5" * 32}
    assert taken("kernel") == {KERNEL: "3" * 32}
    assert list(taken("xen").values()) == ["4" * 32 + " 1-2"]
    for text in ("{", "[]", '{"inputs": [{}]}', '{"inputs": 5}'):
        path.write_text(text)
        assert taken("sets") is None


def test_packages_belong_to_their_step_and_to_what_is_made_of_them(tmp_path: Path) -> None:
    packages = RECIPE.recipe.packages
    assert packages is not None
    other = changed(packages=dataclasses.replace(packages, harmless=("x",)))
    again = {"fetch", "overlay", "lock", "locked", "packages", "mtree", "iso", "release"}
    assert steps_with_another_key(other) == again
    rows = [{"name": "packages/a-1.tgz", "sha512": "1" * 128}, {"name": KERNEL, "sha512": "3" * 128}]
    chosen = [
        {"name": "b-2", "wanted": [], "needs": {}}, {"name": "a-1", "wanted": ["core a"], "needs": {"b>=1": "b-2"}},
    ]  # fmt: skip
    path = tmp_path / "inputs.json"
    path.write_text(json.dumps({"inputs": rows, "packages": {"dom0": chosen}}))
    wanted = stepkeys.STEPS["packages"].rows
    assert wanted is not None
    assert stepkeys.InputRows(path, RECIPE.recipe, wanted).key_value() == {"packages/a-1.tgz": "1" * 32}
    assert stepkeys.PackageRows(path).key_value() == {"dom0 1": "b-2", "dom0 2": "a-1 wanted b-2"}
    for text in ("{", "[]", "{}", '{"packages": 5}', '{"packages": {"dom0": [{}]}}'):
        path.write_text(text)
        assert stepkeys.PackageRows(path).key_value() is None
