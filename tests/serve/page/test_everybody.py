"""The page for everybody: by keys and by names, narrow and wide, dark and light; and nothing strange in it."""

from __future__ import annotations

import urllib.request
from itertools import combinations

import pytest
from chromium import Browser, background, by, complaints, fits, nameless, narrow
from on_page import ALL, ENTER, IDLE, LEFT, RIGHT, TAB, choose, settle, until

KEYED = [
    *("file", "photo", "system", "painter", "channel", "save-blob", "copy"),
    *("twoup", "split", "in", "bytes-number", "bytes", "payload", "restore"),
]
"""Of what keys meet on the way, in this order."""


def test_the_divider_moves_and_the_picture_is_enlarged(page: Browser) -> None:
    from selenium.webdriver import ActionChains

    side = "return getComputedStyle(document.querySelector('.side')).clipPath"
    assert page.execute_script(side) == "inset(0px 50% 0px 0px)"
    by(page, "split").send_keys(RIGHT * 3 + LEFT)
    assert page.execute_script(side) == "inset(0px 48% 0px 0px)"
    stage = by(page, "twoup")
    ActionChains(page).move_to_element(stage).click_and_hold().move_by_offset(-100, 5).release().perform()
    assert float(page.execute_script(side).split()[1].removesuffix("%")) > 55
    move = "return document.querySelector('.pane').style.getPropertyValue('--move')"
    fitted = page.execute_script(move)
    page.execute_script("arguments[0].focus()", stage)
    stage.send_keys("+")
    assert by(page, "zoom").text == "1.5×"
    enlarged = page.execute_script(move)
    stage.send_keys(RIGHT)
    assert page.execute_script(move) not in (fitted, enlarged)
    by(page, "in").click()
    by(page, "fit").click()
    assert page.execute_script(move) == fitted and by(page, "zoom").text == "1×"


def test_keys_go_through_the_page_in_order(page: Browser) -> None:
    from selenium.webdriver import ActionChains

    page.execute_script("document.activeElement.blur(); scrollTo(0, 0)")
    met: list[str] = []
    for _ in range(80):
        ActionChains(page).send_keys(TAB).perform()
        active = page.switch_to.active_element
        met.append(active.get_attribute("id") or active.get_attribute("class"))
        if met[-1] == "restore":
            break
    assert [name for name in met if name in KEYED] == KEYED


def test_who_is_at_a_control_stays_there(page: Browser) -> None:
    """Also where it is drawn anew, and with words that are being written."""
    focused = "return document.activeElement.textContent"
    page.find_element("css selector", "#packets button:nth-child(2)").send_keys(ENTER)
    until(page, "document.querySelector('#packets [aria-pressed=true]')")
    assert page.execute_script(focused) == "2"
    for selector in ("#plans tr:nth-child(3) button", "#queue .photo"):
        one = page.find_element("css selector", selector)
        said = one.get_attribute("textContent")[:8]
        settle(page, lambda one=one: one.send_keys(ENTER))
        assert page.execute_script(focused).startswith(said)
    choose(page, "system", "pic")
    settle(page, lambda: by(page, "words").send_keys("a hill"))
    page.find_element("css selector", "#parts textarea").send_keys(" and a")
    settle(page, lambda: page.execute_script("document.getElementById('words').dispatchEvent(new Event('input'))"))
    page.switch_to.active_element.send_keys(" tree")
    assert page.switch_to.active_element.get_attribute("value") == "a hill and a tree"


def test_the_caret_stays_where_it_is(page: Browser) -> None:
    """In words that are drawn anew while they are written: at the end, at the start, in the middle, around what is marked."""
    choose(page, "system", "pic")
    settle(page, lambda: by(page, "words").send_keys("a hill"))
    written = page.find_element("css selector", "#parts textarea")
    written.send_keys(" and a tree")
    mark = "document.activeElement.setSelectionRange(...arguments)"
    found = "const at = document.activeElement; return [at.value, at.selectionStart, at.selectionEnd, at.selectionDirection]"
    for first, last, way in ((17, 17, "forward"), (0, 0, "forward"), (6, 6, "forward"), (2, 6, "backward")):
        page.execute_script(mark, first, last, way)
        settle(page, lambda: page.execute_script("document.getElementById('words').dispatchEvent(new Event('input'))"))
        assert page.execute_script(found) == ["a hill and a tree", first, last, way]


def test_everything_has_a_name(page: Browser) -> None:
    assert nameless(page) == []
    for system in ("sedic", "pic"):
        choose(page, "system", system)
        assert nameless(page) == []
        until(page, IDLE)
    ids = page.execute_script("return [...document.querySelectorAll('[id]')].map(one => one.id)")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("width_px", [1280, 390, 320])
def test_the_page_fits(page: Browser, width_px: int) -> None:
    with narrow(page, width_px):
        until(page, "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")
        assert fits(page)
        order = page.execute_script("return [...document.querySelectorAll('section')].map(one => one.id)")
        assert order[:2] == (["source", "settings"] if width_px > 960 else ["source", "view"])
        ticks = [one.rect for one in page.find_elements("css selector", "#ticks button")]
    assert all(one["x"] >= 0 and one["x"] + one["width"] <= width_px for one in ticks)
    assert not any(over(one, other) for one, other in combinations(ticks, 2))


def over(one: dict[str, float], other: dict[str, float]) -> bool:
    """Whether two boxes lie over each other."""
    sides = (("x", "width"), ("y", "height"))
    return all(one[at] < other[at] + other[side] and other[at] < one[at] + one[side] for at, side in sides)


def test_the_page_is_dark_where_that_is_wanted(browser: Browser) -> None:
    assert (background(browser, "dark"), background(browser, "light")) == ("rgb(21, 23, 26)", "rgb(246, 243, 236)")


def test_nothing_strange_may_run(browser: Browser, service: str) -> None:
    """The page's policy: no script but its own files, nothing from elsewhere."""
    for path in ("/", "/static/style.css", "/samples/samples.json"):
        with urllib.request.urlopen(service + path) as answer:
            policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'") and "unsafe" not in policy and "data:" not in policy
    script = """
        const done = arguments[0];
        const made = document.createElement("script");
        made.textContent = "window.ran = true";
        document.head.append(made);
        fetch("https://example.org/").then(() => done("fetched"), () => done(window.ran || "kept out"));
    """
    assert browser.execute_async_script(script) == "kept out"
    refused = complaints(browser)
    assert refused and all("Content Security Policy" in line or "example.org" in line for line in refused)


def test_a_key_is_asked_for(browser: Browser) -> None:
    """Of a service that lets in only who has one."""
    keyed = """
        const before = window.fetch;
        window.fetch = async (path, options = {}) => path.startsWith("v1/") && options.headers?.Authorization !== "Bearer right"
            ? new Response('{"title": "An API key is needed"}', { status: 401 }) : before(path, options);
    """
    given = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": keyed})
    try:
        browser.refresh()
        for key in ("wrong", "right"):
            until(browser, "!document.getElementById('key-box').hidden && document.activeElement.id === 'key'")
            by(browser, "key").send_keys(f"{ALL}{key}{ENTER}")
        until(browser, "document.querySelectorAll('#system option').length")
        assert not by(browser, "key").is_displayed() and by(browser, "trouble").text == ""
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", given)
