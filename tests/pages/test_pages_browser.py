"""The page of a comparison in Chromium: keys, search, folds, no request, no mistake that a machine can find."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from axe_selenium_python import Axe
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By

from tests.pages import sample
from tests.pages.conftest import said

pytestmark = pytest.mark.slow
Opened = Callable[..., Chrome]


def settle(browser: Chrome) -> None:
    """What was set off, such as a fold that is filled when it opens, has happened."""
    browser.execute_async_script("const done = arguments[0]; requestAnimationFrame(() => setTimeout(done))")


def press(browser: Chrome, *keys: str) -> None:
    for key in keys:
        ActionChains(browser).send_keys(key).perform()
    settle(browser)


def click(browser: Chrome, selector: str) -> None:
    browser.find_element(By.CSS_SELECTOR, selector).click()
    settle(browser)


def focus(browser: Chrome) -> Any:
    """The text of what has the focus, without its first sign."""
    return browser.switch_to.active_element.text.partition("\n")[0]


def shown(browser: Chrome) -> list[str]:
    """The paths that are listed at the moment."""
    rows = browser.find_elements(By.CSS_SELECTOR, ".group:not([hidden])[open] .row > summary .path")
    return [row.text for row in rows if row.is_displayed()]


def groups(browser: Chrome) -> list[str]:
    names = browser.find_elements(By.CSS_SELECTOR, ".group > summary .name")
    return [name.text for name in names if name.is_displayed()]


def found(browser: Chrome) -> str:
    return browser.find_element(By.ID, "found").text


def test_nothing_is_asked_for_and_nothing_said(opened: Opened) -> None:
    browser = opened(sample.result())
    events = [json.loads(entry["message"])["message"] for entry in said(browser, "performance")]
    urls = {item["params"]["request"]["url"] for item in events if item["method"] == "Network.requestWillBeSent"}
    assert {url for url in urls if not url.startswith("data:")} == {browser.current_url}
    assert said(browser, "browser") == []


def test_a_script_that_is_not_the_pages_does_not_run(opened: Opened) -> None:
    browser = opened(sample.result())
    browser.execute_script(
        "const made = document.createElement('script'); made.textContent = 'window.ran = 1';"
        "document.body.append(made);"
        "const image = document.createElement('img'); image.setAttribute('onerror', 'window.ran = 2');"
        "image.src = 'data:,x'; document.body.append(image)"
    )
    assert browser.execute_script("return window.ran || 0") == 0
    assert "Content Security Policy" in str(said(browser, "browser"))


def test_keys_go_through_the_folds(opened: Opened) -> None:
    browser = opened(sample.result())
    press(browser, "j")
    assert focus(browser) == "What was compared"
    assert "given as" not in browser.find_element(By.TAG_NAME, "main").text
    press(browser, Keys.ENTER)
    assert "given as" in browser.find_element(By.TAG_NAME, "main").text
    press(browser, Keys.ARROW_DOWN)
    assert focus(browser).startswith("the text, side by side")
    press(browser, "k", "k")
    assert focus(browser) == "What was compared"
    press(browser, "o")
    assert len(shown(browser)) == 48
    press(browser, "c")
    assert shown(browser) == []


def test_arrows_scroll_as_long_as_nothing_has_the_focus(opened: Opened) -> None:
    browser = opened(sample.result())
    press(browser, Keys.ARROW_DOWN)
    assert browser.switch_to.active_element.tag_name == "body"


def test_search(opened: Opened) -> None:
    browser = opened(sample.result())
    assert found(browser) == "48 of 56 paths"
    press(browser, "/")
    press(browser, *"ETC rc")
    assert found(browser) == "1 of 56 paths" and shown(browser) == ["etc/rc.conf"]
    marks = browser.find_elements(By.CSS_SELECTOR, ".row mark")
    assert [mark.text for mark in marks] == ["etc", "rc"]
    press(browser, Keys.ESCAPE)
    assert found(browser) == "48 of 56 paths" and shown(browser) == []
    press(browser, "/", *"no such file")
    assert found(browser) == "0 of 56 paths" and groups(browser) == []


def test_words_of_a_change_are_searched_too(opened: Opened) -> None:
    browser = opened(sample.result())
    press(browser, "/", *"recompiled")
    assert shown(browser) == ["bin/cat"]


def test_kinds_are_shown_and_hidden(opened: Opened) -> None:
    browser = opened(sample.result())
    click(browser, "[data-kind=changed]")
    assert found(browser) == "4 of 56 paths" and groups(browser) == ["set:base", "package:sudo"]
    click(browser, "[data-kind=time]")
    assert found(browser) == "12 of 56 paths"


def test_a_row_shows_both_states(opened: Opened) -> None:
    browser = opened(sample.result())
    press(browser, "/", *"usr/bin/at")
    press(browser, Keys.TAB)
    click(browser, ".row summary")
    differs = browser.find_elements(By.CSS_SELECTOR, ".row tr.differs")
    assert [row.text for row in differs] == ["mode 0644 4755", "owner 0:0 2:0"]


def test_a_tile_opens_its_group(opened: Opened) -> None:
    browser = opened(sample.result())
    click(browser, "svg.treemap a[href='#group-0-4']")
    assert shown(browser) == ["netbsd"] and focus(browser) == "kernel:XEN3_DOM0"


def test_a_link_from_elsewhere_opens_a_group_that_the_kinds_hide(opened: Opened) -> None:
    browser = opened(sample.result(outcome="allowed"), fragment="#group-0-6")
    settle(browser)
    assert shown(browser) == ["usr/pkg/bin/sudo"]


def test_an_item_leads_to_its_path(opened: Opened) -> None:
    browser = opened(sample.result())
    click(browser, "#security + .scroll a[data-find='usr/bin/at']")
    assert shown(browser) == ["usr/bin/at"] and found(browser) == "1 of 56 paths"
    assert browser.switch_to.active_element.get_attribute("value") == "usr/bin/at"


def test_many_rows_are_made_when_they_are_asked_for(opened: Opened) -> None:
    browser = opened(sample.result(20_000))
    assert found(browser).endswith("of 20,016 paths")
    assert len(browser.find_elements(By.CSS_SELECTOR, ".row")) == 0
    click(browser, "#group-0-1 > summary")
    rows = len(browser.find_elements(By.CSS_SELECTOR, ".row"))
    assert 100 <= rows <= 1000
    more = browser.find_element(By.CSS_SELECTOR, ".rest")
    assert more.text == "show 400 more of 19,600"
    click(browser, ".rest")
    assert len(browser.find_elements(By.CSS_SELECTOR, ".row")) == 2 * rows
    press(browser, "/", *"header-19999")
    assert shown(browser) == ["usr/include/x17/header-19999.h"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_sticks_out_and_axe_finds_nothing(opened: Opened, scheme: str, width: int) -> None:
    browser = opened(sample.result(), width=width, scheme=scheme)
    press(browser, "o")
    for row in browser.find_elements(By.CSS_SELECTOR, "details:not([open]) > summary")[:12]:
        browser.execute_script("arguments[0].click()", row)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    axe = Axe(browser)
    axe.inject()
    violations = axe.run(options={"resultTypes": ["violations"]})["violations"]
    assert not violations, axe.report(violations)


def test_printed_all_folds_are_open_and_the_tools_are_gone(opened: Opened) -> None:
    browser = opened(sample.result())
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert "given as" in browser.find_element(By.TAG_NAME, "main").text
    assert not browser.find_element(By.ID, "search").is_displayed()
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "screen"})
