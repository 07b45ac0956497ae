"""Treemaps and timelines: areas, order, words."""

from __future__ import annotations

import itertools
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.pages.timeline import Bar, boot_bars, ticks, timeline
from glassmaster.pages.treemap import LEAST, Placed, Tile, _gathered, place, treemap, treemaps
from glassmaster.pages.units import change_text

SIZES = st.lists(st.integers(0, 10**12), min_size=1, max_size=60)


def tiles(sizes: list[int]) -> list[Tile]:
    return [Tile(f"t{number}", size) for number, size in enumerate(sizes)]


@given(SIZES)
def test_areas_are_in_proportion_and_overlap_nowhere(sizes: list[int]) -> None:
    gathered = _gathered(sorted(tiles(sizes), key=lambda tile: -tile.size))
    assert sum(tile.size for tile in gathered) == sum(sizes)
    placed = place(gathered, 600, 300)
    for item in placed:
        assert item.width * item.height == pytest.approx(item.tile.size / sum(sizes) * 600 * 300, rel=1e-6)
        assert item.x >= -1e-6 and item.y >= -1e-6
        assert item.x + item.width <= 600 + 1e-6 and item.y + item.height <= 300 + 1e-6
    for one, other in itertools.combinations(placed, 2):
        assert not _overlap(one, other), (one, other)


def _overlap(one: Placed, other: Placed) -> bool:
    x = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    y = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return x > 1e-6 and y > 1e-6


@given(SIZES, SIZES)
def test_two_maps_are_on_one_scale(before: list[int], after: list[int]) -> None:
    drawings = treemaps(tiles(before), tiles(after), titles=("a", "b"))
    heights = [float(ElementTree.fromstring(drawing).attrib["viewBox"].split()[3]) for drawing in drawings]
    whole = max(sum(before), sum(after), 1)
    for height, sizes in zip(heights, (before, after), strict=True):
        assert height == pytest.approx(max(340 * sum(sizes) / whole, 1), abs=0.51)


def test_a_tile_is_found_again_at_its_place() -> None:
    before, after = treemaps(
        [Tile("base", 100), Tile("comp", 90)], [Tile("comp", 91), Tile("base", 90)], titles=("a", "b")
    )
    for drawing in (before, after):
        assert [item.text for item in ElementTree.fromstring(drawing).iter("text")][::2] == ["base", "comp"]
    assert "base: 90 B, 49.7%; difference \N{MINUS SIGN}10 B" in after
    assert "base: 100 B, 52.6%; difference +10 B" in before


def test_the_smallest_are_one_tile() -> None:
    many = tiles([10**6, *[1] * 50])
    drawing = ElementTree.fromstring(treemap(many, title="all"))
    assert [item.text for item in drawing.iter("title")] == ["t0: 1.0 MB, 100.0%", "50 others: 50 B, 0.0%"]
    one_small = [Tile("large", 1000), Tile("small", int(1000 * LEAST / 2))]
    assert "small" in treemap(one_small, title="all") and "others" not in treemap(one_small, title="all")


def test_names_are_escaped_and_tiles_lead_somewhere() -> None:
    drawing = treemap([Tile('<b>"\u202e', 10, 3, "#x&y")], title='"<')
    element = ElementTree.fromstring(drawing)
    assert element.attrib["aria-label"].startswith('"<: 10 B')
    assert [item.attrib["href"] for item in element.iter("a")] == ["#x&y"] and "\u202e" not in drawing
    assert [item.attrib["class"] for item in element.iter("rect")] == ["hue3"]


def test_nothing_is_drawn_of_nothing() -> None:
    assert "<rect" not in treemap([Tile("empty", 0)], title="none")
    assert timeline([], title="none").startswith("<svg")


def test_boots_as_bars() -> None:
    boot = {
        "reached": [{"name": "menu", "seconds": 1.5}, {"name": "Xen", "seconds": 4.0}], "seconds": 60.0,
        "expected": ["menu", "Xen", "login"], "failure": "login did not come",
    }  # fmt: skip
    assert boot_bars(boot) == [Bar("menu", 0, 1.5), Bar("Xen", 1.5, 4.0), Bar("login", 4.0, 60.0, bad=True)]
    assert boot_bars({**boot, "failure": ""})[-1] == Bar("Xen", 1.5, 4.0)
    drawing = timeline(boot_bars(boot), title="bios <1>")
    element = ElementTree.fromstring(drawing)
    assert element.attrib["aria-label"] == "bios <1>: menu at 1.50 s; Xen at 4.00 s; login not within 60.00 s"
    assert [item.attrib["class"] for item in element.iter("rect")] == ["bar", "bar", "bad"]
    lefts = [float(item.attrib["x"]) for item in element.iter("rect")]
    assert lefts == sorted(lefts)


@given(st.floats(0, 10**8))
def test_ticks_are_few_and_within(last: float) -> None:
    found = ticks(last)
    assert found[0] == 0 and len(found) <= 9 and found[-1] <= last * 1.000001
    assert len(found) >= 3 or last < 0.03


@pytest.mark.parametrize(
    ("change", "text"), [(0, "±0 B"), (5, "+5 B"), (-1500, "\N{MINUS SIGN}1.5 kB"), (2 * 10**9, "+2.0 GB")]
)
def test_changes_have_signs(change: int, text: str) -> None:
    assert change_text(change) == text
