"""The documentation site: built strictly, the same every time, and nothing in it comes from another server."""

from __future__ import annotations

import functools
import json
import re
import shutil
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from glassmaster.manual import commands_page, tasks_page
from tests.docs.test_docs_commands import built  # noqa: F401  # the fixture
from tests.docs.world import World
from tests.pages.conftest import browser, said  # noqa: F401  # the fixture

# What makes a browser load something, by element and attribute; `a` only leads there.
LOADS = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src", "object": "data"}


def elements(page: str) -> list[tuple[str, dict[str, str]]]:
    """All of a page."""
    found: list[tuple[str, dict[str, str]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, {name: value or "" for name, value in attrs}))

    Reader().feed(page)
    return found


def test_pages_of_commands_and_tasks_are_made_of_what_the_program_says() -> None:
    page = commands_page({"zebra": "PURPOSE\n    z\n", "ant": "PURPOSE\n\n    a <b>\n"})
    assert page.index("## ant") < page.index("## zebra")
    assert "    PURPOSE\n\n        a <b>\n" in page
    assert "| `iso` | make the CD image, and more |\n" in tasks_page("iso   make the CD image, and more\n\n")


@pytest.fixture(scope="session")
def site(built: World, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    """The site, built once."""
    status, text = built.run("./doit docs")
    assert status == 0, text
    return Path(shutil.copytree(built.project / "out/site", tmp_path_factory.mktemp("site") / "site"))


@pytest.mark.slow
def test_nothing_in_it_comes_from_another_server(site: Path) -> None:
    pages = sorted(site.glob("*.html"))
    assert len(pages) > 25
    for path in pages:
        for tag, attributes in elements(path.read_text(encoding="utf-8")):
            place = attributes.get(LOADS.get(tag, ""), "")
            assert not re.match(r"(https?:)?//", place), f"{path.name}: {tag} {place}"
            # The theme would get a program for these from elsewhere.
            assert "mermaid" not in attributes.get("class", "").split()
    for path in site.rglob("*.css"):
        assert not re.search(r"url\(\s*['\"]?(https?:)?//", path.read_text(encoding="utf-8")), path.name


@pytest.mark.slow
def test_it_is_the_same_when_built_again(site: Path, built: World) -> None:  # noqa: F811
    assert built.run("./doit docs")[0] == 0
    again = built.project / "out/site"
    files = sorted(path.relative_to(site) for path in site.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    assert [path for path in files if (site / path).read_bytes() != (again / path).read_bytes()] == []


@pytest.mark.slow
@pytest.mark.parametrize("text", ["[x](nowhere.md)", "[x](store.md#nowhere)"])
def test_a_link_that_leads_nowhere_stops_it(site: Path, built: World, text: str) -> None:  # noqa: F811
    page = built.project / "docs/howto.md"
    whole = page.read_text()
    try:
        page.write_text(f"{whole}\n{text}\n")
        status, printed = built.run("./doit docs")
    finally:
        page.write_text(whole)
    assert status == 1 and "nowhere" in printed


@pytest.fixture
def served(site: Path) -> Iterator[str]:
    """The site on this machine."""
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(site))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.slow
def test_a_browser_asks_nobody_else(served: str, browser: Chrome) -> None:  # noqa: F811
    said(browser, "performance")
    for page in ("index.html", "store.html", "reference-commands.html"):
        browser.get(f"{served}/{page}")
    events = [json.loads(entry["message"])["message"] for entry in said(browser, "performance")]
    urls = {event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"}
    assert {f"{served}/index.html", f"{served}/store.html"} <= urls
    assert [url for url in urls if not url.startswith((f"{served}/", "data:", "blob:", "about:", "chrome:"))] == []
