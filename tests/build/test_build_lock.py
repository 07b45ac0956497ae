"""The lock in a build: made on first use, required where it must be, stale, followed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.build.conftest import Clone


@pytest.fixture
def real(built: Clone) -> Clone:
    """The stand-in's files as the mirror of a recipe that is not the stand-in's."""
    mirror = (built.path / "build/standin/mirror").as_uri()
    built.recipe("real", f"standin: ~\npackages: ~\nrelease:\n  trust: first-use\n  mirrors: ['{mirror}']\n")
    return built


def lock(clone: Clone, recipe: str = "real") -> Path:
    return clone.path / "recipes" / f"{recipe}.lock"


def said(clone: Clone, *words: str, status: int = 0, environment: Mapping[str, str] | None = None) -> str:
    result = clone.doit(*words, environment=environment)
    assert result.returncode == status, result.stdout
    return result.stdout


@pytest.mark.slow
def test_a_lock_is_made_on_first_use_and_says_so(real: Clone, steps_run: Callable[[str], list[str]]) -> None:
    output = said(real, "iso", "recipe=real")
    assert "recipes/real.lock: there was none, so it is made now; commit it" in output
    assert re.search(r"\d+ inputs", output)
    assert steps_run(said(real, "iso", "recipe=real")) == []
    # Another clone with that lock makes the same disc, and looks at no mutable thing.
    assert said(real, "iso", "recipe=real", "locked=yes", environment={"CI": "true"})


@pytest.mark.parametrize(("words", "environment"), [(["locked=yes"], {}), ([], {"CI": "true"})])
def test_where_there_must_be_one(real: Clone, words: list[str], environment: dict[str, str]) -> None:
    output = said(real, "iso", "recipe=real", *words, status=1, environment=environment)
    assert "recipes/real.lock: there is no lock" in output and "doit lock" in output and "Traceback" not in output
    assert not lock(real).exists()
    assert re.search(r"\d+ inputs", said(real, "lock", "recipe=real", *words, environment=environment))
    said(real, "fetch", "recipe=real", *words, environment=environment)


def test_the_standins_lock_is_made_with_it_in_ci_too(built: Clone) -> None:
    lock(built, "standin").unlink()
    assert "recipes/standin.lock: made with the stand-in" in said(built, "iso", environment={"CI": "true"})
    data = json.loads(lock(built, "standin").read_bytes())
    assert re.fullmatch(r"\d+\.\d+\.\d+", data["tools"]["gcc"])
    assert {row["trust"] for row in data["inputs"]} == {"made on this machine", "apt"}
    assert str(built.path) not in lock(built, "standin").read_text()


@pytest.mark.slow
def test_a_changed_recipe_needs_a_new_lock(real: Clone) -> None:
    said(real, "fetch", "recipe=real")
    before = lock(real).read_bytes()
    recipe = real.path / "recipes/real.yaml"
    recipe.write_text(recipe.read_text() + "  sets: [base, etc, misc]\n")
    output = said(real, "iso", "recipe=real", status=1)
    assert "recipes/real.lock: made for another state of the recipe\n" in output and "release.sets: -comp" in output
    assert lock(real).read_bytes() == before
    output = said(real, "lock", "recipe=real")
    assert "- amd64/binary/sets/comp.tgz" in output
    said(real, "iso", "recipe=real")
    # What does not change which inputs there are needs no new lock.
    recipe.write_text(recipe.read_text() + "boot:\n  timeout: 77\n")
    said(real, "iso", "recipe=real")


def test_the_standins_lock_follows_its_recipe_and_keeps_debians_packages(built: Clone) -> None:
    path = lock(built, "standin")
    data = json.loads(path.read_bytes())
    recipe = built.path / "recipes/standin.yaml"
    recipe.write_text(recipe.read_text().replace("files: 200", "files: 150"))
    packages = [row for row in data["inputs"] if row["kind"] == "debian"]
    packages[0]["trust"] = "a test"
    path.write_text(json.dumps(data))
    said(built, "iso")
    after = json.loads(path.read_bytes())
    assert [row for row in after["inputs"] if row["kind"] == "debian"] == packages
    digests = [{row["name"]: row["sha512"] for row in rows["inputs"]} for rows in (data, after)]
    assert {name for name in digests[0] if digests[0][name] != digests[1][name]} == {"amd64/binary/sets/comp.tgz"}


@pytest.mark.slow
def test_another_file_on_the_mirror_is_seen_by_lock_alone(real: Clone) -> None:
    said(real, "iso", "recipe=real")
    sums = real.path / "build/standin/mirror/NetBSD-standin-1/amd64/binary/sets/SHA512"
    sums.write_text(re.sub(r"(base\.tar\.xz\) = )\w", r"\g<1>0", sums.read_text()))
    assert "up to date" in said(real, "iso", "recipe=real")
    assert "~ amd64/binary/sets/base.tar.xz: " in said(real, "lock", "recipe=real")
    # The file itself is still the old one: the digest that the lock holds decides.
    assert "not the file amd64/binary/sets/base.tar.xz" in said(real, "iso", "recipe=real", status=1)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["", "{", '{"format": 9}', "[]"])
def test_a_damaged_lock(real: Clone, text: str) -> None:
    lock(real).write_text(text)
    output = said(real, "iso", "recipe=real", status=1)
    assert "recipes/real.lock: not a lock that can be used" in output and "Traceback" not in output
    said(real, "lock", "recipe=real")
    said(real, "fetch", "recipe=real")


def test_a_wrong_size_in_the_lock(real: Clone) -> None:
    said(real, "fetch", "recipe=real")
    data = json.loads(lock(real).read_bytes())
    data["inputs"][0]["size"] += 1
    lock(real).write_text(json.dumps(data))
    assert "the size is wrong" in said(real, "fetch", "recipe=real", status=1)


@pytest.mark.slow
def test_what_debian_has_replaced(real: Clone, tmp_path: Path) -> None:
    said(real, "fetch", "recipe=real")
    data = json.loads(lock(real).read_bytes())
    row = next(row for row in data["inputs"] if row["name"] == "debian/grub-common")
    row.update(version="0.1-1", sha512="0" * 128, urls=[(tmp_path / "gone").as_uri()])
    lock(real).write_text(json.dumps(data))
    output = said(real, "fetch", "recipe=real", status=1)
    assert "Debian's grub-common 0.1-1, which the lock names, cannot be had" in output and "`doit lock`" in output
    assert "~ debian/grub-common: 0.1-1 -> " in said(real, "lock", "recipe=real")
    said(real, "fetch", "recipe=real")


def test_clean_leaves_the_lock(real: Clone) -> None:
    said(real, "iso", "recipe=real")
    said(real, "clean", "recipe=real")
    assert lock(real).exists() and not (real.path / "out/real/dom0.iso").exists()
