"""How each machine stands: behind, another configuration, silent, unknown; and nothing of it when all is well."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from glassmaster.config.tree import ConfigTree
from glassmaster.errors import GlassmasterError
from glassmaster.fleet.collect import collect
from glassmaster.fleet.compare import Measure, Standing, standings
from glassmaster.fleet.published import Release, newer, read_published
from glassmaster.fleet.revisions import last_changed
from glassmaster.fleet.text import as_json, page, summary, table
from tests.fleet.conftest import NEW, OLD, line
from tests.inputs.badserver import BadServer, serving
from tests.pages.markup import require_alone


@pytest.fixture
def measure(tree: ConfigTree, releases: Path) -> Measure:
    return Measure(read_published(str(releases)), tree, last_changed(tree))


def stand(share: Path, measure: Measure, **lines: str) -> dict[str, Standing]:
    """By name. lines: by host, with _ for a dot."""
    for host, text in lines.items():
        (share / host.replace("_", ".")).write_text(text)
    return {item.name: item for item in standings(collect([str(share)], []), measure)}


DOM0, WEB = "pservers/dom0.example.org", "vservers/web"


def test_when_all_is_as_it_should_be_nobody_has_to_look(share: Path, measure: Measure) -> None:
    found = stand(
        share, measure, dom0_example_org=line("dom0.example.org", local="3", global_="2"),
        web=line("web", local="1:9", global_="2"),
    )  # fmt: skip
    assert {name: (item.release, item.config, item.remarks, item.good) for name, item in found.items()} == {
        DOM0: ("newest", "same", (), True), WEB: ("newest", "same", (), True),
    }  # fmt: skip
    assert summary(list(found.values())) == "2 machines: 2 as it should be"


def test_whoever_has_not_reported_is_there_all_the_same(share: Path, measure: Measure) -> None:
    found = stand(share, measure, web=line("web", local="3", global_="2"))
    assert (found[DOM0].release, found[DOM0].good) == ("silent", False)
    assert "has not reported" in table(list(found.values()))


def test_who_is_behind(share: Path, measure: Measure) -> None:
    found = stand(share, measure, web=line("web", release=OLD), dom0=line("dom0", release="cccccccccccc"))
    assert (found[WEB].release, found[WEB].behind, found[WEB].newest) == ("behind", 1, NEW)
    assert (found[DOM0].release, found[DOM0].good) == ("unknown", False)


def test_a_release_of_another_recipe_is_no_newer_one(share: Path, measure: Measure) -> None:
    found = stand(share, measure, web=line("web", recipe="others"))
    assert (found[WEB].release, found[WEB].newest) == ("unknown", "")


@pytest.mark.parametrize(
    ("local", "shared", "config", "remark"),
    [
        ("2", "2", "behind", "/config/local is of revision 2, pservers/dom0.example.org was changed in 3"),
        ("2:3", "3", "behind", "/config/local is of revision 2:3, pservers/dom0.example.org was changed in 3"),
        ("3", "1", "behind", "/config/global is of revision 1, global was changed in 2"),
        ("3M", "2", "changed", "/config/local was changed on the machine (3M)"),
        ("unversioned", "2", "same", "/config/local has no revision: unversioned"),
    ],
)
def test_who_differs_from_its_configuration(
    share: Path, measure: Measure, local: str, shared: str, config: str, remark: str
) -> None:
    found = stand(share, measure, dom0=line("dom0.example.org", local=local, global_=shared))
    assert (found[DOM0].config, found[DOM0].remarks, found[DOM0].good) == (config, (remark,), False)


def test_a_machine_says_itself_which_it_is(share: Path, measure: Measure) -> None:
    found = stand(share, measure, x=line("x", tree=WEB, local="3", global_="2"))
    assert "host='x'" in repr(found[WEB].line) and found[WEB].good


def test_what_the_tree_does_not_know_is_shown(share: Path, measure: Measure) -> None:
    found = stand(share, measure, stranger=line("stranger"), broken="x")
    assert found["stranger"].remarks == ("not in the configuration tree",)
    assert (found["broken"].release, found["broken"].line) == ("silent", None)
    assert "not KEY=VALUE" in found["broken"].remarks[0]


def test_a_file_that_names_another_machine_is_said(share: Path, measure: Measure) -> None:
    found = stand(share, measure, web=line("dom0.example.org", local="3", global_="2"))
    assert found[DOM0].remarks == ("the file web is of dom0.example.org",)
    found = stand(share, measure, dom0=line("dom0", local="3", global_="2"))
    assert found[DOM0].remarks[0] == "2 lines of it: dom0, dom0.example.org"


def test_complaints_of_a_start_are_something_to_look_at(share: Path, measure: Measure) -> None:
    found = stand(share, measure, web=line("web", local="3", global_="2", complaints="etc,domu"))
    assert found[WEB].remarks == ("its start complained: etc, domu",)


def test_without_a_tree_and_releases_lines_are_shown_as_they_are(share: Path) -> None:
    found = stand(share, Measure(), alpha=line("alpha", local="3"))
    assert (found["alpha"].release, found["alpha"].config, found["alpha"].good) == ("unjudged", "unjudged", True)


def test_table_json_and_page_say_the_same(share: Path, measure: Measure) -> None:
    found = list(stand(share, measure, web=line("web", release=OLD, local="1M", global_="1")).values())
    text = table(found)
    assert f"1 behind {NEW}" in text and "2 machines: 1 behind, 1 with another configuration, 1 silent" in text
    document = as_json(found)
    assert [row["release"] for row in document["machines"]] == ["silent", "behind"]
    assert document["machines"][1]["line"]["global"] == "1"
    assert json.loads(json.dumps(document)) == json.loads(json.dumps(as_json(found)))
    top = require_alone(page(found))
    assert page(found) == page(found)
    words = top.all("table")[0].words()
    assert f"1 behind {NEW}" in words and "has not reported" in words and "global was changed in 2" in words


# ---- published releases


def test_an_index_is_read_from_a_directory_and_over_http(releases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    rows = [Release("racks", OLD, 100), Release("racks", NEW, 200)]
    assert read_published(str(releases)) == rows
    index = json.dumps({"releases": [{"recipe": r.recipe, "release_id": r.release_id, "epoch": r.epoch} for r in rows]})
    with serving(BadServer({"/x/index.json": index.encode()}, seed=0, trouble=0)) as server:
        assert read_published(f"{server.url}/x/") == rows
    (releases / "index.json").write_text(index)
    assert read_published(str(releases)) == read_published(releases.as_uri()) == rows


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"releases": [1]}', '{"releases": [{"recipe": 1}]}', "[" * 100_000])
def test_what_is_no_index_is_an_error(releases: Path, text: str) -> None:
    (releases / "index.json").write_text(text)
    with pytest.raises(GlassmasterError, match="not an index of releases"):
        read_published(str(releases))


def test_a_directory_that_is_called_like_a_release_is_none(tmp_path: Path) -> None:
    for name in ("racks/1/release.json", "racks/2"):
        (tmp_path / name).mkdir(parents=True)
    assert read_published(str(tmp_path)) == []
    (tmp_path / "racks/2/release.json").write_text('{"recipe": "racks", "release_id": "x", "epoch": 5}')
    assert read_published(str(tmp_path)) == [Release("racks", "x", 5)]


def test_no_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GlassmasterError, match="no directory"):
        read_published(str(tmp_path / "nowhere"))


def test_releases_of_one_epoch_come_in_the_order_of_the_index() -> None:
    rows = [Release("a", "1", 5), Release("a", "3", 5), Release("a", "2", 5)]
    assert newer("1", "a", rows) == rows[1:]
    assert newer("2", "a", rows) == [] and newer("4", "a", rows) is None


def test_a_tree_that_is_no_checkout_has_no_revisions(checkout: Path, tmp_path: Path) -> None:
    from glassmaster.config.example import FILES
    from glassmaster.config.layout import write_example
    from glassmaster.config.tree import read_config_tree

    write_example(tmp_path / "plain")
    assert FILES and last_changed(read_config_tree(tmp_path / "plain")) == {}
    assert last_changed(read_config_tree(checkout)) == {DOM0: 3, WEB: 1, "global": 2}
