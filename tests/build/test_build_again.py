"""What runs when something has changed, and what does not."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from glassmaster import taskfiles
from glassmaster.checks.readback import read_iso

if TYPE_CHECKING:
    from tests.build.conftest import Clone

Ran = Callable[[str], list[str]]
ALL = [
    "standin",
    "locked",
    "fetch",
    "grub",
    "kernel",
    "kernel",
    "xen",
    "sets",
    "domu",
    "domu",
    "packages",
    "overlay",
    "overlay",
    "mtree",
    "iso",
]


def test_the_first_time_everything_runs_once(first_build: tuple[Clone, str], steps_run: Ran) -> None:
    clone, output = first_build
    assert sorted(steps_run(output)) == sorted(ALL)
    assert not list(clone.path.rglob("*.partial"))


def table(output: str) -> dict[str, str]:
    """The image table that a run ends with."""
    rows = re.findall(r"^(image|what|size|SHA-256|files|volume id|release id|boot it|burn it) +(.*)$", output, re.M)
    assert len(rows) == len(dict(rows))
    return dict(rows)


def test_the_second_time_nothing_runs_and_the_result_is_shown(
    built: Clone, first_build: tuple[Clone, str], steps_run: Ran
) -> None:
    before = built.out("dom0.iso").stat()
    result = built.doit("iso")
    assert result.returncode == 0 and steps_run(result.stdout) == []
    assert table(result.stdout) == table(first_build[1])
    facts = json.loads(built.out("dom0.json").read_bytes())
    shown = table(result.stdout)
    assert shown["image"] == "out/standin/dom0.iso"
    assert shown["size"] == f"{before.st_size:,} bytes" and shown["SHA-256"] == facts["sha256"]
    assert shown["boot it"] == "./doit smoke recipe=standin"
    assert "not NetBSD, and no server runs on it" in result.stdout.splitlines()[-1]
    after = built.out("dom0.iso").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    # The default task is the same.
    assert table(built.doit().stdout) == shown


def test_deleted_outputs_are_made_again_and_nothing_else(
    built: Clone, first_build: tuple[Clone, str], steps_run: Ran
) -> None:
    good = built.out("dom0.iso").read_bytes()
    built.out("dom0.iso").unlink()
    assert steps_run(built.doit("iso").stdout) == ["iso"]
    assert built.out("dom0.iso").read_bytes() == good
    (built.path / "build" / "standin" / "layers" / "kernel.blob").unlink()
    assert steps_run(built.doit("iso").stdout) == ["kernel"]
    assert steps_run(built.doit("iso").stdout) == []


@pytest.mark.slow
def test_an_overlays_content_its_modes_and_its_names(built: Clone, steps_run: Ran) -> None:
    file = built.path / "overlays" / "machine" / "etc" / "rc"
    os.utime(file, (1, 1))
    assert steps_run(built.doit("iso").stdout) == []
    file.write_text(file.read_text() + "# changed\n")
    assert steps_run(built.doit("iso").stdout) == ["overlay", "mtree", "iso"]
    assert b"# changed" in built.out("dom0.iso").read_bytes()
    (file.parent / "new").write_text("")
    assert steps_run(built.doit("iso").stdout) == ["overlay", "mtree", "iso"]
    (file.parent / "new").chmod(0o755)
    assert steps_run(built.doit("iso").stdout) == ["overlay", "mtree", "iso"]
    (file.parent / "new").unlink()
    assert steps_run(built.doit("iso").stdout) == ["overlay", "mtree", "iso"]


def test_a_changed_recipe_runs_everything_again(built: Clone, steps_run: Ran) -> None:
    recipe = built.path / "recipes" / "standin.yaml"
    recipe.write_text(recipe.read_text().replace("GLASSMASTER_STANDIN", "OTHER"))
    result = built.doit("iso")
    assert result.returncode == 0 and table(result.stdout)["volume id"] == "OTHER"
    assert "iso" in steps_run(result.stdout)
    recipe.write_text("# Only a comment is new.\n" + recipe.read_text())
    assert steps_run(built.doit("iso").stdout) == []


def test_an_emptied_store_is_filled_again(built: Clone, steps_run: Ran, tmp_path: Path) -> None:
    layers = {path.name: path.read_bytes() for path in (built.path / "build" / "standin" / "layers").glob("set-*.json")}
    moved = {"GLASSMASTER_STORE": str(tmp_path / "other-store")}
    result = built.doit("sets", environment=moved)
    assert result.returncode == 0, result.stdout
    assert steps_run(result.stdout)[0] == "fetch" and not (tmp_path / "other-store" / "incoming").is_file()
    assert layers.keys() == {path.name for path in (built.path / "build" / "standin" / "layers").glob("set-*.json")}


def test_a_damaged_list_of_inputs_is_made_again(built: Clone, steps_run: Ran) -> None:
    (built.path / "build" / "standin" / "inputs.json").write_text("{")
    result = built.doit("iso")
    assert result.returncode == 0, result.stdout
    assert steps_run(result.stdout)[0] == "fetch"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"inputs": [{}]}', '{"inputs": 5}', '{"inputs": [{"sha512": "00"}]}']
)
def test_inputs_that_cannot_be_used_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("GLASSMASTER_STORE", str(tmp_path))
    (tmp_path / "inputs.json").write_text(text)
    assert not taskfiles.stored(tmp_path / "inputs.json")
    assert not taskfiles.stored(tmp_path / "none.json")
    assert not taskfiles.blobs_exist([tmp_path / "inputs.json"])


@pytest.mark.slow
def test_two_recipes_at_once(built: Clone, steps_run: Ran) -> None:
    built.recipe("other", "media: {volume_id: OTHER}\noverlays: []\nxen: null\n")
    result = built.doit("iso", "recipe=standin,other")
    assert result.returncode == 0, result.stdout
    assert built.out("dom0.iso", "other").exists()
    assert re.findall(r"^image +(.*)$", result.stdout, re.M) == ["out/standin/dom0.iso", "out/other/dom0.iso"]
    assert "xen" not in steps_run(result.stdout) and "overlay" not in steps_run(result.stdout)
    assert "boot/xen.gz" not in built.out("dom0.mtree", "other").read_text()


@pytest.mark.slow
def test_a_recipe_by_path_from_elsewhere(built: Clone, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where"
    (elsewhere / "sub").mkdir(parents=True)
    text = f"extends: {built.path}/recipes/standin.yaml\nmedia: {{volume_id: ELSEWHERE}}\n"
    (elsewhere / "sub" / "mine.yaml").write_text(text)
    result = built.doit("iso", "recipe=sub/mine.yaml", environment={"GLASSMASTER_CWD": str(elsewhere)})
    assert result.returncode == 0, result.stdout
    shown = table(result.stdout)
    assert shown["volume id"] == "ELSEWHERE" and shown["image"] == "out/mine/dom0.iso"
    # What it says to do next works from anywhere.
    assert shown["boot it"] == f"./doit smoke 'recipe={elsewhere}/sub/mine.yaml'".replace("'recipe=", "recipe='")
    again = built.doit("readback:mine", "recipe=sub/mine.yaml", environment={"GLASSMASTER_CWD": str(elsewhere)})
    assert again.returncode == 0 and "equal to out/mine/dom0.mtree (read by libarchive)" in again.stdout


def test_readback_sees_damage(built: Clone) -> None:
    assert built.doit("readback").returncode == 0
    data = bytearray(built.out("dom0.iso").read_bytes())
    data[data.index(b"twelve directories down")] ^= 1
    built.out("dom0.iso").write_bytes(data)
    # By itself: together with what comes before it, a damaged image is made again.
    result = built.doit("run", "-s", "readback")
    assert result.returncode == 1
    assert "the disc is not what its tree says" in result.stdout and re.search(
        r"(/bottom|images/base\.img): sha256", result.stdout
    )
    recorded = json.loads(built.out("readback.json").read_bytes())
    assert recorded["image"] == hashlib.sha256(data).hexdigest() and recorded["differences"]
    assert "Traceback" not in result.stdout


def test_the_manifest_of_the_images_is_as_glassmaster_rollout_reads_it(built: Clone) -> None:
    facts = json.loads(built.out("dom0.json").read_bytes())
    assert built.doit("domu").returncode == 0
    lines = built.out("domu/SHA512").read_text().splitlines()
    assert lines[:3] == ["# recipe standin", f"# release {facts['release_id']}", "# epoch 1767225600"]
    # Kernels of virtual machines, too: an image may want the one that it came with.
    for line, name in zip(lines[3:], ["base.img", "netbsd-XEN3_DOMU", "small.img"], strict=True):
        digest = hashlib.sha512(built.out(f"domu/{name}").read_bytes()).hexdigest()
        assert line == f"SHA512 ({name}) = {digest}"
    on_the_disc = {item.path: item for item in read_iso(built.out("dom0.iso"))}["netbsd-XEN3_DOMU"]
    assert hashlib.sha256(built.out("domu/netbsd-XEN3_DOMU").read_bytes()).hexdigest() == on_the_disc.sha256
