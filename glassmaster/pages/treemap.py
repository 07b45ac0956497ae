"""What takes the room, as areas: squarified treemaps (Bruls, Huizing, van Wijk) in SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import squarify
from markupsafe import Markup

from glassmaster.doit_plugins.summary import size_text
from glassmaster.errors import readable
from glassmaster.pages.units import change_text

HEIGHT = 340.0
GAP = 1.0
# Smaller parts of the whole are one tile together: nobody could see or hit them.
LEAST = 0.002
REST = "others"
# Of the labels' font (page.css), 12 pixels high.
LETTER, LINE, MARGIN = 6.7, 15.0, 6.0


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of the whole. hue: 1 to 8, the colours of page.css, or 0; href: where a click on it leads, or ""."""

    name: str
    size: int
    hue: int = 0
    href: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """A tile's rectangle."""

    tile: Tile
    x: float
    y: float
    width: float
    height: float


def place(tiles: Sequence[Tile], width: float, height: float) -> list[Placed]:
    """Areas in proportion to the sizes, in the order of the tiles; those of no size are left out."""
    tiles = [tile for tile in tiles if tile.size > 0]
    if not tiles:
        return []
    normal = squarify.normalize_sizes([tile.size for tile in tiles], width, height)
    rectangles = squarify.squarify(normal, 0.0, 0.0, width, height)
    return [
        Placed(tile, item["x"], item["y"], item["dx"], item["dy"])
        for tile, item in zip(tiles, rectangles, strict=True)
    ]  # fmt: skip


def treemap(tiles: Sequence[Tile], *, title: str, width: float = 1080.0, height: float = HEIGHT) -> Markup:
    """A treemap, the largest tile first."""
    order = sorted(tiles, key=lambda tile: (-tile.size, tile.name))
    return _svg(_gathered(order), title, width, height, {})


def treemaps(
    before: Sequence[Tile], after: Sequence[Tile], *, titles: tuple[str, str], width: float = 530.0
) -> tuple[Markup, Markup]:
    """Two treemaps to be seen side by side: on one scale, and in one order, so that a tile is found again."""
    sizes = [{tile.name: tile.size for tile in tiles} for tiles in (before, after)]
    largest = {name: max(side.get(name, 0) for side in sizes) for side in sizes for name in side}
    whole = max(1, *(sum(side.values()) for side in sizes))
    drawings = []
    for tiles, title, other in zip((before, after), titles, (sizes[1], sizes[0]), strict=True):
        order = sorted(tiles, key=lambda tile: (-largest[tile.name], tile.name))
        total = sum(tile.size for tile in tiles)
        drawings.append(_svg(_gathered(order), title, width, HEIGHT * total / whole, other))
    return drawings[0], drawings[1]


def _gathered(tiles: Sequence[Tile]) -> list[Tile]:
    """The tiles with the smallest ones as one."""
    least = sum(tile.size for tile in tiles) * LEAST
    small = [tile for tile in tiles if tile.size < least]
    if len(small) < 2:
        return list(tiles)
    rest = Tile(f"{len(small)} {REST}", sum(tile.size for tile in small))
    return [*(tile for tile in tiles if tile.size >= least), rest]


def _svg(tiles: Sequence[Tile], title: str, width: float, height: float, other: Mapping[str, int]) -> Markup:
    """The drawing; `other` are the sizes on the other side, by name, for the tiles' titles."""
    total = sum(tile.size for tile in tiles)
    label = f"{title}: {size_text(total)}. " + "; ".join(f"{tile.name} {size_text(tile.size)}" for tile in tiles)
    placed = place(tiles, width, max(height, 1.0))
    return Markup('<svg class="treemap" viewBox="0 0 {:.0f} {:.0f}" role="group" aria-label="{}">{}</svg>').format(
        width, max(height, 1.0), readable(label), Markup("").join(_tile(item, total, other) for item in placed)
    )


def _tile(item: Placed, total: int, other: Mapping[str, int]) -> Markup:
    tile = item.tile
    words = f"{tile.name}: {size_text(tile.size)}, {tile.size / total:.1%}"
    if other and not tile.name.endswith(f" {REST}"):
        words += f"; difference {change_text(tile.size - other.get(tile.name, 0))}"
    body = Markup(
        '<title>{}</title><rect class="hue{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}" rx="2"/>{}'
    ).format(
        readable(words), tile.hue, item.x, item.y, max(item.width - GAP, 0.5), max(item.height - GAP, 0.5),
        _label(item),
    )  # fmt: skip
    if not tile.href:
        return Markup("<g>{}</g>").format(body)
    return Markup('<a href="{}">{}</a>').format(tile.href, body)


def _label(item: Placed) -> Markup:
    """The name and, where there is room for it, the size."""
    name, size = readable(item.tile.name), size_text(item.tile.size)
    letters = int((item.width - 2 * MARGIN) / LETTER)
    if letters < 4 or item.height < LINE + MARGIN or (letters < len(name) and letters < 8):
        return Markup("")
    shown = name if len(name) <= letters else name[: letters - 1] + "\N{HORIZONTAL ELLIPSIS}"
    lines = [shown, size] if item.height >= 2 * LINE + MARGIN and len(size) <= letters else [shown]
    return Markup("").join(
        Markup('<text x="{:.2f}" y="{:.2f}">{}</text>').format(item.x + MARGIN, item.y + LINE * (number + 1), line)
        for number, line in enumerate(lines)
    )
