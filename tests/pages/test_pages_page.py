"""The skeleton of pages: nothing from outside, nothing that names can break out of, colours that can be read."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import jinja2
import pytest

from glassmaster.pages import page
from glassmaster.pages.treemap import Tile
from tests.pages.markup import require_alone

TEMPLATE = """\
{% extends "page.html.j2" %}
{% import "parts.html.j2" as parts %}
{% block title %}{{ name }}{% endblock %}
{% block header %}<h1>{{ name }}</h1>{% endblock %}
{% block main %}
{{ parts.banner("warn", "Look", name) }}
{{ parts.facts([("name", name)]) }}
{{ parts.filter("files", "Search") }}
{{ parts.digests("Files", "SHA-512", [(name, 1234567, "ab" * 64, ""), ("x", 1, "cd", "x")], id="files") }}
{{ parts.table("Numbers", ["Name", "#Count"], [(name, 1)]) }}
{{ parts.legend([(1, "sets")]) }}
{{ parts.keys([(["j", "k"], name)]) }}
{{ parts.pair(treemaps(tiles, tiles, titles=("before", "after")), (name, "after")) }}
<script type="application/json">{{ {"name": name}|tojson }}</script>
{% endblock %}
"""
EVIL = '</script><script>alert(1)</script><img src=x onerror="alert(2)">"\'&<!--]]>\u2028\u202e\ud800{{ 7*7 }}'


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package with a template of its own."""
    folder = tmp_path / "some_pages"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "some.html.j2").write_text(TEMPLATE)
    (folder / "own.js").write_text("// ours")
    monkeypatch.syspath_prepend(tmp_path)
    for cached in (page._file, page._environment):
        cached.cache_clear()
    return "some_pages"


def made(package: str, name: str, **more: Any) -> str:
    tiles = [Tile(name, 3, 1, "#files"), Tile("y", 1)]
    return page.render("some.html.j2", package=package, name=name, tiles=tiles, **more)


def test_a_page_stands_alone(package: str) -> None:
    top = require_alone(made(package, "one"))
    assert top.all("h1")[0].words() == "one"
    assert "1.2 MB" in top.all("table")[0].words()


def test_names_cannot_break_out(package: str) -> None:
    text = made(package, EVIL)
    top = require_alone(text)
    assert {item.attributes.get("type", "") for item in top.all("script")} == {"", "application/json"}
    assert not top.all("img") and "alert(1)</script>" not in text
    shown = top.all("h1")[0].words()
    assert "</script><script>alert(1)</script>" in shown and r"\u202e" in shown and "{{ 7*7 }}" in shown
    assert "\u202e" not in text.replace(r"\u202e", "").partition('<script type="application/json">')[0]
    text.encode()


def test_the_policy_lets_only_known_scripts_run(package: str) -> None:
    top = require_alone(made(package, "one", script="own.js"))
    (policy,) = (
        item.attributes["content"]
        for item in top.all("meta")
        if item.attributes.get("http-equiv") == "Content-Security-Policy"
    )
    allowed = set(re.findall("'sha256-([^']+)'", policy))
    texts = [
        item.words()
        for item in [*top.all("script"), *top.all("style")]
        if item.attributes.get("type") != "application/json"
    ]
    assert len(texts) == 3 and "// ours" in texts
    assert {base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts} == allowed
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy


def test_same_values_same_page(package: str) -> None:
    assert made(package, "one") == made(package, "one") != made(package, "two")


def test_a_value_that_is_missing_is_an_error(package: str) -> None:
    with pytest.raises(jinja2.UndefinedError, match="tiles"):
        page.render("some.html.j2", package=package, name="one")


def _colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{3,6})", block))


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_text_can_be_read_on_its_ground(scheme: str) -> None:
    style = (Path(page.__file__).parent / "page.css").read_text()
    light, dark, rest = style.partition("\n}\n")[0], *style.split("@media ")[1:2], style.split("@media print")[1]
    colours = {**_colours(light), **_colours({"light": "", "dark": dark, "print": rest}[scheme])}
    assert len(_colours(dark)) >= 24 and len(_colours(rest)) >= 24
    grounds = ("page", "panel", "raised")
    pairs = [(ink, ground) for ink in ("ink", "quiet", "link") for ground in grounds]
    pairs += [("ink", f"hue{number}") for number in range(9)] + [
        ("ink", ground) for ground in ("mark", "good-mark", "bad-mark")
    ]
    for tone in ("good", "warn", "bad", "info", "other"):
        pairs += [(ink, f"{tone}-panel") for ink in ("ink", tone)] + [(tone, "panel")]
    poor = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
    assert not {pair: ratio for pair, ratio in poor.items() if ratio < 4.5}
