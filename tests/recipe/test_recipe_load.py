"""Recipes: found, read with what they extend, checked across fields, and told apart by their digest."""

from __future__ import annotations

import dataclasses
import pickle
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.recipe.load import LoadedRecipe, find, load
from glassmaster.recipe.model import KERNEL_ARGUMENTS_LIMIT, Milestone, Recipe, Standin, Xen
from glassmaster.recipe.packages import Packages

TOP = Path(__file__).resolve().parents[2]

MINIMAL = """\
description: a test
epoch: 2026-01-01
release:
  version: 10.10
  mirrors: [https://example.org/pub]
  trust: first-use
  sets: [base, etc]
kernel:
  config: XEN3_DOM0
media:
  volume_id: TEST
"""


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty recipes/ to stand beside, and no epoch in the environment."""
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipes").mkdir()
    return tmp_path


def write(name: str, text: str) -> Path:
    path = Path("recipes") / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def loaded(text: str, name: str = "x") -> LoadedRecipe:
    return load(write(name, text))


def refused(text: str) -> str:
    with pytest.raises(GlassmasterError) as caught:
        loaded(text)
    return str(caught.value)


def test_the_least_that_a_recipe_can_say() -> None:
    found = loaded(MINIMAL)
    assert found.name == "x"
    assert found.files == (Path("recipes/x.yaml"),)
    assert found.recipe.epoch == 1767225600
    assert found.recipe.release.version == "10.10"
    assert found.recipe.release.sets == ("base", "etc")
    assert found.recipe.release.mirrors == ("https://example.org/pub",)
    assert found.recipe.xen is None
    assert found.recipe.media.budget == 4_707_319_808
    assert found.recipe.smoke.firmware == ("bios", "uefi")


def test_a_loaded_recipe_passes_a_process_border() -> None:
    found = loaded(MINIMAL + "variables: {domain: example.org}\nxen: {package: xen, member: boot/xen.gz}\n")
    assert pickle.loads(pickle.dumps(found)) == found


@pytest.mark.parametrize("path", sorted((TOP / "recipes").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_recipes_of_this_repository_can_be_read(path: Path) -> None:
    assert load(path).name == path.stem


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("kernel:", "kernal:"), "recipes/x.yaml:8: kernal: there is no such setting\n  did you mean kernel?"),
        (("config:", "confg:"), "recipes/x.yaml:9: kernel.confg: there is no such setting\n  did you mean kernel.conf"),
        (("config: XEN3_DOM0", "config: a/b"), "recipes/x.yaml:9: kernel.config: 'a/b' cannot be used\n  expected up"),
        (("config: XEN3_DOM0", "arguments: x"), "recipes/x.yaml:9: kernel.config: is missing\n  it says: Name of the"),
        (("description: a test", ""), "recipes/x.yaml:2: description: is missing\n  it says: One line for people"),
        (("description: a test", 'description: "a\\nb"'), "recipes/x.yaml:1: description: 'a\\nb' cannot be used"),
        (("2026-01-01", "soon"), "recipes/x.yaml:2: epoch: 'soon' cannot be used\n  expected seconds since 1970"),
        (("[base, etc]", "[base, comp]"), "recipes/x.yaml:7: release.sets: `etc` is missing\n  it holds master.passwd"),
        (("[base, etc]", "[]"), "recipes/x.yaml:7: release.sets: `etc` is missing"),
        (("[base, etc]", "[etc, base, etc]"), "recipes/x.yaml:7: release.sets: twice: etc"),
        (
            ("  trust: first-use\n", ""),
            "recipes/x.yaml:3: release.key: is missing\n  the release's digests must be signed",
        ),
        (("  mirrors: [https://example.org/pub]\n", ""), "recipes/x.yaml:3: release.mirrors: is missing\n  name at"),
        (("https:", "ftp:"), "recipes/x.yaml:5: release.mirrors[0]: 'ftp://example.org/pub' cannot be used"),
        (("volume_id: TEST", "volume_id: test"), "recipes/x.yaml:11: media.volume_id: 'test' cannot be used"),
        (
            ("volume_id: TEST", "volume_id: TEST\nboot: {others: {A b: sd0a}}"),
            "recipes/x.yaml:12: boot.others.A b: not",
        ),
        (
            ("volume_id: TEST", "volume_id: TEST\ndomus: {A: {sets: [etc]}}"),
            "recipes/x.yaml:12: domus.A: not a name for an image",
        ),
        (("volume_id: TEST", "volume_id: TEST\ndomus: {a: {sets: [base]}}"), "recipes/x.yaml:12: domus.a.sets: `etc`"),
        (
            ("volume_id: TEST", "volume_id: TEST\ndomus: {a: {sets: [etc, etc]}}"),
            "recipes/x.yaml:12: domus.a.sets: twice: etc",
        ),
        (("volume_id: TEST", "volume_id: TEST\noverlays: [a, b, a]"), "recipes/x.yaml:12: overlays: twice: a"),
        (
            ("volume_id: TEST", "volume_id: TEST\nxen: {source: pkgsrc, package: x, member: y}"),
            "recipes/x.yaml:12: xen.source: pkgsrc, and there are no packages\n  x must be among those",
        ),
        (("volume_id: TEST", "volume_id: TEST\nextends: [a]"), "recipes/x.yaml:12: extends: expected one value"),
        (
            ("config: XEN3_DOM0", f"config: GENERIC\n  arguments: {'a' * (KERNEL_ARGUMENTS_LIMIT + 1)}"),
            "recipes/x.yaml:10: kernel.arguments: 256 characters\n  NetBSD cuts its command line at 255 characters",
        ),
        (("volume_id: TEST", "volume_id: TEST\nsmoke: {memory: 0}"), "recipes/x.yaml:12: smoke.memory: '0' cannot"),
        (("volume_id: TEST", "volume_id: TEST\nstandin: {files: -1}"), "recipes/x.yaml:12: standin.files: '-1' cannot"),
        (("volume_id: TEST", "volume_id: TEST\n<<: {a: b}"), "recipes/x.yaml:12: <<: there is no such setting"),
    ],
)
def test_what_is_wrong_is_named_with_file_line_and_key(change: tuple[str, str], message: str) -> None:
    assert change[0] in MINIMAL
    assert refused(MINIMAL.replace(*change)).startswith(message)


def test_kernel_arguments_may_be_as_long_as_netbsd_reads_them() -> None:
    long = "a" * KERNEL_ARGUMENTS_LIMIT
    assert loaded(MINIMAL.replace("config:", f"arguments: {long}\n  config:")).recipe.kernel.arguments == long


def test_the_stand_in_needs_no_mirror() -> None:
    text = MINIMAL.replace("  mirrors: [https://example.org/pub]\n", "") + "standin: {}\n"
    assert loaded(text).recipe.standin == Standin()


def test_an_empty_recipe_says_what_is_missing() -> None:
    assert refused("").startswith("recipes/x.yaml:1: description: is missing")


def test_a_file_name_that_cannot_name_a_release_is_refused() -> None:
    path = Path("recipes/two words.yaml")
    path.write_text(MINIMAL)
    with pytest.raises(GlassmasterError, match="this file name cannot be a recipe's name"):
        load(path)


# extends


def test_values_of_the_extended_recipe_hold_where_this_one_is_silent() -> None:
    write("base", MINIMAL + "variables: {a: base, b: base}\nxen: {package: xen, member: boot/xen}\n")
    write("middle", "extends: base.yaml\nvariables: {b: middle, c: middle}\nrelease: {sets: [etc]}\n")
    found = loaded("extends: middle.yaml\ndescription: top\nvariables: {c: top}\nxen: null\n")
    assert found.recipe.description == "top"
    assert found.recipe.variables == {"a": "base", "b": "middle", "c": "top"}
    assert found.recipe.release.sets == ("etc",)
    assert found.recipe.release.version == "10.10"
    assert found.recipe.xen is None
    assert found.files == (Path("recipes/x.yaml"), Path("recipes/middle.yaml"), Path("recipes/base.yaml"))


def test_an_error_in_an_extended_recipe_names_that_file_and_line() -> None:
    write("base", MINIMAL.replace("config:", "confg:"))
    assert refused("extends: base.yaml\ndescription: top\n").startswith("recipes/base.yaml:9: kernel.confg: there is")


def test_an_error_in_the_upper_file_names_the_upper_file() -> None:
    write("base", MINIMAL)
    assert refused("extends: base.yaml\n\nkernel:\n  config: a b\n").startswith("recipes/x.yaml:4: kernel.config: ")
    assert refused("extends: base.yaml\nrelease:\n  sets: [base]\n").startswith("recipes/x.yaml:3: release.sets: ")
    write("short", MINIMAL.replace("[base, etc]", "[base]"))
    assert refused("extends: short.yaml\nrelease:\n  version: 1\n").startswith("recipes/short.yaml:7: release.sets: ")


@pytest.mark.parametrize("spelling", ["x.yaml", "./x.yaml", "../recipes/x.yaml", "../recipes/../recipes/x.yaml"])
def test_a_recipe_that_extends_itself_is_refused_however_it_spells_its_name(spelling: str) -> None:
    message = refused(f"description: x\nextends: {spelling}\n")
    assert message.startswith("recipes/x.yaml:2: extends: leads back to ")
    assert "recipes/x.yaml -> " in message


def test_a_loop_of_two_is_refused() -> None:
    write("a", "extends: ../recipes/x.yaml\n")
    message = refused("extends: a.yaml\n")
    assert message.startswith("recipes/a.yaml:1: extends: leads back to recipes/../recipes/x.yaml")
    assert "recipes/x.yaml -> recipes/a.yaml -> recipes/../recipes/x.yaml" in message


def test_a_loop_by_a_symbolic_link_is_refused() -> None:
    Path("recipes/alias.yaml").symlink_to("x.yaml")
    assert "extends: leads back to recipes/alias.yaml" in refused("extends: alias.yaml\n")


@pytest.mark.parametrize("name", ["missing.yaml", ".", "..", "n" * 300, '"a\\tb"', "x.yaml/y.yaml"])
def test_extending_what_is_no_file_is_refused_with_the_place(name: str) -> None:
    assert refused(f"description: x\nextends: {name}\n").startswith("recipes/x.yaml:2: extends: there is no file ")


@pytest.mark.parametrize("nothing", ["", '""'])
def test_extending_nothing_is_allowed(nothing: str) -> None:
    assert loaded(f"{MINIMAL}extends: {nothing}\n").recipe == loaded(MINIMAL).recipe


def test_a_chain_of_a_thousand_is_read() -> None:
    write("r0", MINIMAL)
    for number in range(1, 1200):
        write(f"r{number}", f"extends: r{number - 1}.yaml\n")
    assert load(Path("recipes/r1199.yaml")).recipe.description == "a test"


# SOURCE_DATE_EPOCH


def test_the_environment_overrides_the_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    before = loaded(MINIMAL)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    after = loaded(MINIMAL)
    assert after.recipe == dataclasses.replace(before.recipe, epoch=1000000000)
    assert after.digest() != before.digest()


@pytest.mark.parametrize("word", ["", "-1", "tomorrow", "99999999999", "1.5"])
def test_a_bad_epoch_of_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", word)
    assert refused(MINIMAL).startswith(f"SOURCE_DATE_EPOCH={word!r} in the environment cannot be used\n  ")


# digest

FULL = (
    MINIMAL
    + """\
xen: {package: xen, member: boot/xen.gz}
overlays: [dom0]
variables: {domain: example.org}
smoke:
  milestones: [{name: one, pattern: two}]
standin: {files: 1}
"""
)


def changes(value: Any) -> Iterator[Any]:
    """The value with one thing in it changed, for each thing in it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            for changed in changes(getattr(value, field.name)):
                yield dataclasses.replace(value, **{field.name: changed})
    elif isinstance(value, tuple):
        yield (*value, "more")
        for number, item in enumerate(value):
            yield from ((*value[:number], changed, *value[number + 1 :]) for changed in changes(item))
        if len(value) > 1:
            yield tuple(reversed(value))
    elif isinstance(value, Mapping):
        yield {**value, "more": "x"}
        yield from ({**value, key: changed} for key, item in value.items() for changed in changes(item))
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
    elif isinstance(value, str):
        yield value + "x"


def test_the_digest_changes_with_every_value() -> None:
    found = loaded(FULL)
    recipes = [recipe for recipe in changes(found.recipe) if recipe.extends == found.recipe.extends]
    recipes += [dataclasses.replace(found.recipe, xen=None), dataclasses.replace(found.recipe, standin=None)]
    digests = {dataclasses.replace(found, recipe=recipe).digest() for recipe in (found.recipe, *recipes)}
    assert len(recipes) > 40
    assert len(digests) == len(recipes) + 1


def test_the_sample_of_the_digest_test_leaves_nothing_out() -> None:
    recipe = loaded(FULL).recipe
    assert isinstance(recipe.xen, Xen)
    assert isinstance(recipe.standin, Standin)
    assert recipe.smoke.milestones == (Milestone(name="one", pattern="two"),)
    assert {field.name for field in dataclasses.fields(Recipe)} == set(vars(recipe))


def test_equal_recipes_have_equal_digests_however_they_are_written() -> None:
    plain = loaded(FULL)
    write("base", FULL.replace("a test", "another"))
    rewritten = (
        "# comment\nextends: base.yaml\n"
        "epoch: 1767225600\n"
        "description: 'a test'\n"
        "media: {budget: 4707319808, volume_id: &id TEST}\n"
    )
    extending = loaded(rewritten, "y")
    assert extending.digest() == plain.digest()
    assert re.fullmatch("[0-9a-f]{64}", plain.digest())


def test_the_digest_does_not_depend_on_the_name_of_the_file() -> None:
    assert loaded(MINIMAL).digest() == loaded(MINIMAL, "other-name").digest()


# find


def test_a_recipe_is_found_by_its_name() -> None:
    write("x", MINIMAL)
    assert find("x") == Path("recipes/x.yaml")


@pytest.mark.parametrize(
    ("word", "hint"),
    [("standln", "did you mean standin?"), ("qqqq", "there are: standin, web"), ("", "there are: standin, web")],
)
def test_an_unknown_name_is_refused_with_a_hint(word: str, hint: str) -> None:
    write("standin", MINIMAL)
    write("web", MINIMAL)
    with pytest.raises(GlassmasterError) as caught:
        find(word)
    assert caught.value.what == f"no recipe {word!r}"
    assert caught.value.hint == hint


def test_an_unknown_name_where_there_is_none_at_all() -> None:
    with pytest.raises(GlassmasterError, match="there are: none"):
        find("x")


def test_a_name_that_no_file_can_have_is_unknown() -> None:
    with pytest.raises(GlassmasterError, match="no recipe"):
        find("n" * 300)
    with pytest.raises(GlassmasterError, match=r"there is no such file|cannot be read"):
        load(find("n" * 300 + ".yaml"))


def test_a_recipe_is_found_by_path_from_where_the_user_stands(workplace: Path) -> None:
    write("x", MINIMAL)
    folder = workplace / "recipes"
    assert find("x.yaml", caller_directory=folder) == Path("recipes/x.yaml")
    assert find("./x.yaml", caller_directory=folder) == Path("recipes/x.yaml")
    assert find("../recipes/x.yaml", caller_directory=folder) == Path("recipes/x.yaml")
    assert find("recipes/x.yaml", caller_directory=folder) == Path("recipes/x.yaml")
    assert find(str(folder / "x.yaml")) == Path("recipes/x.yaml")


def test_a_recipe_outside_is_found_by_its_full_path(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("elsewhere") / "y.yml"
    path.write_text(MINIMAL)
    assert find(str(path)) == path
    assert find("y.yml", caller_directory=path.parent) == path
    assert load(path).name == "y"


def test_a_path_to_nothing_and_to_a_folder_are_errors_for_people() -> None:
    with pytest.raises(GlassmasterError, match="there is no such file"):
        load(find("nowhere/x.yaml"))
    with pytest.raises(GlassmasterError, match="cannot be read"):
        load(find("recipes/"))


def test_a_symbolic_link_is_one_recipe_by_name_and_by_path(workplace: Path) -> None:
    (workplace / "site").mkdir()
    (workplace / "site" / "long-name.yaml").write_text(MINIMAL)
    Path("recipes/short.yaml").symlink_to("../site/long-name.yaml")
    assert load(find("recipes/short.yaml")) == load(find("short"))
    assert load(find("short")).name == "short"


# Anything at all


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("arbitrary") / "x.yaml"


def loads_or_explains(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    try:
        assert load(path).recipe.description is not None
    except GlassmasterError as error:
        assert str(path) in error.what


@settings(derandomize=True, deadline=None, max_examples=150)
@given(data=st.binary(max_size=200))
def test_any_bytes_give_a_recipe_or_an_error_for_people(scratch: Path, data: bytes) -> None:
    loads_or_explains(scratch, data)


@settings(derandomize=True, deadline=None, max_examples=400)
@given(
    start=st.integers(0, len(FULL)),
    length=st.integers(0, 30),
    text=st.one_of(
        st.text(max_size=20),
        st.text("-:{}[]&*a !|>'\"#,?%@`\\\n\t~0", max_size=20),
        st.sampled_from(["null", "{}", "[]", "&a", "*a", "extends: x.yaml\n", "'", "- - -", "\r", "\x85", "\u2028"]),
    ),
)
def test_a_recipe_with_something_else_in_it_gives_a_recipe_or_an_error_for_people(
    scratch: Path, start: int, length: int, text: str
) -> None:
    loads_or_explains(scratch, (FULL[:start] + text + FULL[start + length :]).encode())


PACKAGES = MINIMAL + "packages:\n  sets: [core]\n"


def test_packages_need_a_repository_except_the_stand_ins() -> None:
    text = refused(PACKAGES)
    assert "recipes/x.yaml:12: packages.repository: is missing" in text and "directory that holds All" in text
    assert loaded(PACKAGES + "standin: {}\n").recipe.packages
    found = loaded(PACKAGES + "  repository: [https://example.org/pkg/10.0_2026Q2]\n").recipe.packages
    assert loaded(PACKAGES + "  database: ''\nstandin: {}\n").recipe.packages == Packages(sets=("core",))
    assert found is not None and found.repository == ("https://example.org/pkg/10.0_2026Q2",) and not found.moving


def test_packages_of_a_domu_are_checked_as_well() -> None:
    domu = "domus:\n  mail:\n    sets: [base, etc]\n    packages:\n      sets: [a, a]\n"
    assert "domus.mail.packages.sets: twice: a" in refused(MINIMAL + domu)
    assert "domus.mail.packages.repository: is missing" in refused(MINIMAL + domu.replace("[a, a]", "[a]"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("sets: [core, core]", "packages.sets: twice: core"),
        ("sets: [../x]", "packages.sets[0]: '../x' cannot be used"),
        ("repository: [ftp://x]", "expected a URL that begins with"),
        ("repository: [https://example.org/10.0_2026Q2/All/]", "the directory above All"),
        ("database: usr/pkg", "expected an absolute path"),
        ("database: /usr/../pkg", "expected an absolute path"),
        ("database: /", "expected an absolute path"),
        ("database: /usr//pkg", "expected an absolute path"),
        ("moving: perhaps", "expected yes or no"),
        ("harmles: []", "did you mean packages.harmless?"),
    ],
)
def test_mistakes_in_packages(line: str, message: str) -> None:
    text = PACKAGES.replace("  sets: [core]\n", f"  {line}\n") if line.startswith("sets") else f"{PACKAGES}  {line}\n"
    assert message in refused(text)


@pytest.mark.parametrize(
    ("scenarios", "disk"),
    [
        ("{name: a, disks: ['left:a']}", "left:a"),
        ("{name: a, disks: ['left:b']}, {name: b, disks: [empty]}", "left:b"),
        ("{name: a, disks: [empty]}, {name: b, disks: ['left:a:2']}", "left:a:2"),
        ("{name: a}, {name: b, disks: ['left:a']}", "left:a"),
        ("{name: a, disks: ['left:bios']}", "left:bios"),
    ],
)
def test_a_disk_that_no_scenario_before_leaves(scenarios: str, disk: str) -> None:
    said = refused(f"{MINIMAL}smoke:\n  scenarios: [{scenarios}]\n")
    assert said.startswith("recipes/x.yaml:13: smoke.scenarios: ")
    assert f"disks: {disk}\n  no scenario" in said


def test_a_disk_that_a_scenario_before_leaves() -> None:
    text = "{name: a, disks: [empty, empty]}, {name: b, disks: ['left:a:2', 'left:a', other.img]}"
    recipe = loaded(f"{MINIMAL}smoke:\n  scenarios: [{text}]\n").recipe
    assert recipe.smoke.scenarios[1].disks == ("left:a:2", "left:a", "other.img")
