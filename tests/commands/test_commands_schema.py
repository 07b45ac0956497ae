"""`doit schema`: a schema that takes every recipe that glassmaster takes, and shows the mistakes it can see."""

from __future__ import annotations

import copy
import dataclasses
import json
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.recipe import schema as schema_module
from glassmaster.recipe import values
from glassmaster.recipe.convert import build
from glassmaster.recipe.load import load
from glassmaster.recipe.model import Recipe
from glassmaster.recipe.nodes import merged, read_yaml
from glassmaster.recipe.schema import schema

if TYPE_CHECKING:
    from tests.commands.conftest import Project

STANDIN = Path(__file__).resolve().parents[2] / "recipes" / "standin.yaml"
CONVERTERS = [*schema_module._CONVERTERS, values.whole(0), values.whole(1)]


class _Editor(yaml.SafeLoader):
    """YAML as JSON has it: no dates, since JSON knows none."""


_Editor.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def in_editor(text: str) -> Any:
    return yaml.load(text, Loader=_Editor)


def wrong(document: Any, of: dict[str, Any] | None = None) -> list[str]:
    """Where the schema sees mistakes: the keys, joined by dots."""
    validator = jsonschema.Draft202012Validator(of or schema())
    return sorted({".".join(map(str, error.absolute_path)) for error in validator.iter_errors(document)})


def standin(**changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = copy.deepcopy(in_editor(STANDIN.read_text()))
    for key, value in changes.items():
        *above, last = key.split("__")
        place = document
        for name in above:
            place = place[name]
        if value is KeyError:
            del place[last]
        else:
            place[last] = value
    return document


def test_it_is_a_schema_and_takes_the_stand_in() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    assert wrong(standin()) == []
    assert wrong(yaml.load(STANDIN.read_text(), Loader=yaml.BaseLoader)) == []


def test_every_field_is_there_with_its_doc() -> None:
    def fields(cls: Any, prefix: str) -> set[str]:
        found = set()
        for field in dataclasses.fields(cls):
            found.add(f"{prefix}{field.name}")
            hint = typing.get_type_hints(cls)[field.name]
            for inner in (hint, *typing.get_args(hint)):
                if dataclasses.is_dataclass(inner):
                    found |= fields(inner, f"{prefix}{field.name}.")
        return found

    def properties(part: Any, prefix: str) -> set[str]:
        found = set()
        for name, inner in part.get("properties", {}).items():
            assert inner["description"]
            found.add(f"{prefix}{name}")
            named = inner.get("additionalProperties")
            for below in (inner, inner.get("items", {}), *inner.get("anyOf", []), *([named] if named else [])):
                found |= (
                    properties(below, f"{prefix}{name}.") if "description" in below or below is not inner else set()
                )
        return found

    assert properties(schema(), "") == fields(Recipe, "")


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"epoch": "yesterday"}, ["epoch"]),
        ({"overlay": ["x"]}, [""]),
        ({"boot__timeout": -1}, ["boot.timeout"]),
        ({"boot__timeout": "soon"}, ["boot.timeout"]),
        ({"boot__titel": "x"}, ["boot"]),
        ({"media__budget": "floppy"}, ["media.budget"]),
        ({"media__volume_id": "small letters"}, ["media.volume_id"]),
        ({"release__sets": "base"}, ["release.sets"]),
        ({"release__sets": ["../etc"]}, ["release.sets.0"]),
        ({"release__mirrors": ["ftp://x"]}, ["release.mirrors.0"]),
        ({"release__version": KeyError}, ["release"]),
        ({"kernel": KeyError}, [""]),
        ({"smoke__firmware": ["coreboot"]}, ["smoke.firmware.0"]),
        ({"smoke__power_off": "perhaps"}, ["smoke.power_off"]),
        ({"smoke__milestones": [{"name": "x"}]}, ["smoke.milestones.0"]),
        ({"kernel__arguments": "ä"}, ["kernel.arguments"]),
        ({"xen__package": KeyError}, ["xen"]),
        ({"packages__sets": ["../x"]}, ["packages"]),
        ({"packages__sets": KeyError}, ["packages"]),
        ({"packages__repository": ["ftp://x"]}, ["packages"]),
        ({"packages__database": "usr/pkg"}, ["packages"]),
        ({"packages__moving": "perhaps"}, ["packages"]),
        ({"variables": {"x": ["y"]}}, ["variables.x"]),
    ],
)
def test_mistakes_are_seen(changes: dict[str, Any], where: list[str]) -> None:
    assert wrong(standin(**changes)) == where


@pytest.mark.parametrize(
    "changes",
    [
        {"epoch": 0}, {"epoch": "2026-11-22T10:00:00Z"}, {"boot__timeout": "5"}, {"media__budget": 700000000},
        {"media__budget": "cd80"}, {"release__version": 10.1}, {"smoke__power_off": True}, {"smoke__power_off": "oFF"},
        {"xen": None}, {"xen": KeyError}, {"standin": "~"}, {"variables": {"x": 10.10}}, {"extends": ""},
        {"boot": KeyError}, {"kernel__arguments": None},
    ],
)  # fmt: skip
def test_what_is_right_is_taken(changes: dict[str, Any]) -> None:
    assert wrong(standin(**changes)) == []


def test_what_another_recipe_gives_may_be_left_out() -> None:
    assert wrong({"extends": "standin.yaml"}) == []
    assert wrong({"extends": "standin.yaml", "release": {"sets": ["etc"]}, "xen": {"arguments": "x"}}) == []
    assert wrong({"extends": "standin.yaml", "release": {"sats": ["etc"]}}) == ["release"]
    assert wrong({"description": "alone"}) == [""]
    # A list replaces the lower one, so what is in it is whole.
    assert wrong({"extends": "standin.yaml", "smoke": {"milestones": [{"name": "x"}]}}) == ["smoke.milestones.0"]


TEXTS = st.one_of(
    st.text(max_size=12),
    st.text("0123456789-_.:TZ+ ", max_size=25),
    st.sampled_from(["netbsd root  on cd0a", " netbsd root on ? type ? ", "netbsd", "A=1", "DDB", "A="]),
    st.sampled_from(["", "10.10", "1e3", "yes", "null", "~", "0x10", "cd74", "2026-W47-7", "20261122", "https://x"]),
)


@given(st.sampled_from(CONVERTERS), TEXTS)
def test_no_value_that_glassmaster_takes_is_shown_as_a_mistake(convert: Any, text: str) -> None:
    try:
        convert(text)
    except ValueError:
        return
    assert wrong(text, schema_module._of_converter(convert)) == []


@given(TEXTS, st.sampled_from(["epoch", "boot.timeout", "release.version", "media.volume_id", "smoke.power_off"]))
def test_nor_as_an_editor_reads_it(tmp_path_factory: pytest.TempPathFactory, text: str, key: str) -> None:
    *above, last = key.split(".")
    line = json.dumps(text) if set(text) & set("\n#:{}[],&*!|>'\"%@`\t\r\x85\u2028\u2029") else text
    body = f"{last}: {line}\n" if not above else f"{above[0]}:\n  {last}: {line}\n"
    path = tmp_path_factory.getbasetemp() / "typed.yaml"
    path.write_text("extends: standin.yaml\n" + body, encoding="utf-8", errors="surrogatepass")
    try:
        node = read_yaml(path)
        document = in_editor(path.read_text())
        base = read_yaml(STANDIN)
        build(Recipe, merged(base, node))
    except (GlassmasterError, yaml.YAMLError, UnicodeDecodeError, ValueError):
        return
    value = document[above[0]][last] if above else document[last]
    # A bare null is text to glassmaster and nothing to an editor, which is more useful as a mistake.
    assert value is None or wrong(document) == []


def test_a_converter_that_is_not_known_is_our_mistake() -> None:
    with pytest.raises(LookupError, match="does not know the converter"):
        schema_module._of_converter(lambda text: text)


def test_the_command(project: Project, clone: Project) -> None:
    assert json.loads(clone.doit("schema")) == schema()
    assert clone.doit("schema", "-o", "recipe.json") == ""
    assert json.loads((clone.path / "recipe.json").read_text()) == schema()
    assert "the same for all recipes" in clone.doit("schema", "standin", status=3)
    assert load(STANDIN).name == "standin"
