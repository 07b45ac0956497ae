"""The page of a comparison, without a browser: what stands in it, and that it stands alone."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from glassmaster.diff.model import Change, Result, State, TreeDiff, from_json, to_json
from glassmaster.diff.page import page
from glassmaster.diff.rows import date, row, words
from tests.pages import sample
from tests.pages.markup import Element, require_alone


def data(top: Element) -> Any:
    (found,) = (item for item in top.all("script") if item.attributes.get("id") == "data")
    return json.loads(found.words())


@pytest.mark.parametrize(
    ("outcome", "tone", "word"),
    [("decision", "bad", "Needs a decision"), ("allowed", "info", "Differs, and is allowed"), ("same", "good", "Same")],
)
def test_the_verdict_comes_first(outcome: str, tone: str, word: str) -> None:
    top = require_alone(page(sample.result(outcome=outcome)))
    banner = top.all("main")[0].children[0]
    assert banner.attributes["class"] == f"banner {tone}" and word in banner.words()
    assert ("--accept setuid:/usr/pkg/bin/sudo" in banner.words()) == (outcome == "decision")
    assert top.all("title")[0].words() == (f"{word}: 4b1c09aa21fe \N{RIGHTWARDS ARROW} 9d7730e1b2c4")


def test_security_is_the_first_section() -> None:
    top = require_alone(page(sample.result()))
    headings = [item.attributes.get("id") for item in top.all("h2")]
    assert headings[:3] == ["verdict", "security", "packages"] and headings[-2:] == ["room", "paths"]
    assert "4755 operator:wheel" in top.all("section")[1].words()


def test_every_change_is_in_it() -> None:
    result = sample.result(300)
    trees = data(require_alone(page(result)))
    found = {(tree["name"], line[0]) for tree in trees for group in tree["groups"] for line in group["rows"]}
    assert found == {(tree.name or "the release", change.path) for tree in result.trees for change in tree.changes}
    ids = [group["id"] for tree in trees for group in tree["groups"]]
    assert len(ids) == len(set(ids)) and all(ids)


def test_tiles_lead_to_folds_that_there_are() -> None:
    text = page(sample.result())
    top = require_alone(text)
    ids = {group["id"] for tree in data(top) for group in tree["groups"]}
    ids |= {item.attributes["id"] for tag in ("h2", "main") for item in top.all(tag)}
    links = {item.attributes["href"].removeprefix("#") for item in top.all("a")}
    assert links <= ids and any(link.startswith("group-0-") for link in links)


def test_the_page_of_what_was_read_back_is_the_same() -> None:
    result = sample.result()
    assert page(result) == page(from_json(json.loads(json.dumps(to_json(result))), "it"))


EVIL = '</script><img src=x onerror=alert(1)>"\u202e\udcff<b>'


def test_names_are_text_everywhere() -> None:
    result = sample.result()
    bad = dataclasses.replace(
        result.tree,
        changes=(Change(EVIL, "added", None, State("link", 0o777, 0, 0, 0, link=EVIL, origin=EVIL), (), "", "", EVIL),),
        groups=(dataclasses.replace(result.tree.groups[0], name=EVIL, old_origin=EVIL + "1"),),
        sections=tuple(
            dataclasses.replace(
                section,
                remarks=(EVIL,),
                items=tuple(
                    dataclasses.replace(item, what=EVIL, old=EVIL, new=EVIL, rule=EVIL, detail=EVIL)
                    for item in section.items
                ),
            )
            for section in result.tree.sections
        ),
        remarks=(EVIL,),
    )
    sides = {
        side: dataclasses.replace(getattr(result, side), label=EVIL, title=EVIL, release_id="")
        for side in ("old", "new")
    }
    other = TreeDiff(EVIL, 1, 1, bad.changes, bad.groups, bad.rooms, bad.sections)
    text = page(Result(**sides, trees=(bad, other), verdict=result.verdict))
    top = require_alone(text)
    assert not top.all("img") and "\u202e" not in text and len(top.all("script")) == 3
    assert data(top)[0]["groups"][0]["rows"][0][0] == EVIL.replace("\u202e", "\\u202e").replace("\udcff", "\\udcff")


STATE = State("file", 0o644, 0, 0, sample.EPOCH, 10, "ab" * 32)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (Change("a", "added", None, STATE), "10 bytes, 0644 0:0"),
        (Change("a", "removed", State("dir", 0o755, 0, 5, 0), None), "directory, 0755 0:5"),
        (Change("a", "removed", State("link", 0o755, 0, 0, 0, link="b"), None), "link to b"),
        (
            Change("a", "changed", STATE, dataclasses.replace(STATE, size=1510, mtime=9), ("content", "mtime")),
            "1,510 bytes, +1.5 kB",
        ),
        (
            Change("a", "changed", STATE, dataclasses.replace(STATE, sha256="c"), ("content",), grade="unknown"),
            "10 bytes as before, others; bytes not known",
        ),
        (
            Change("a", "metadata", STATE, dataclasses.replace(STATE, mode=0o4755, uid=3), ("mode", "uid")),
            "mode 0644 -> 4755; owner 0 -> 3",
        ),
        (
            Change("a", "metadata", STATE, dataclasses.replace(STATE, mtime=0, names="b"), ("mtime", "names")),
            "time 2025-10-09 08:53:20 -> 1970-01-01 00:00:00; other hard links",
        ),
        (
            Change("a", "changed", STATE, State("link", 0o644, 0, 0, 0, link="b"), ("kind", "link")),
            "file -> symbolic link; link to  -> b",
        ),
        (Change("a", "moved", STATE, STATE, (), "b"), "from b"),
        (
            Change("a", "changed", STATE, STATE, ("content",), grade="recompiled", note="recompiled only"),
            "10 bytes as before, others; recompiled only",
        ),
    ],
)
def test_a_change_in_words(change: Change, text: str) -> None:
    assert words(change) == text.replace("->", "\N{RIGHTWARDS ARROW}")
    json.dumps(row(change))


@pytest.mark.parametrize("mtime", [-(2**62), 2**62, -1])
def test_times_that_are_none(mtime: int) -> None:
    assert date(mtime)
