"""What was sent: every byte, words that are edited, things that are drawn, packets that are lost."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from chromium import Browser, by
from on_page import ALL, ENTER, TAB, arrived, choose, packets, set_number, settle, shown, size, taken, until


def test_every_byte_has_an_owner(page: Browser) -> None:
    cells = "return [...document.querySelectorAll('#rows tbody td:nth-child(2)')].map(one => one.textContent)"
    assert sum(map(int, page.execute_script(cells))) == size(page)
    named = by(page, "bar").get_attribute("aria-label")
    assert named.startswith(f"Of {size(page)} bytes: header") and "latents" in named
    costs = [cost.text.split()[0] for cost in page.find_elements("css selector", "#parts .cost")]
    assert sum(map(int, costs)) == size(page)


def test_words_are_edited(page: Browser) -> None:
    choose(page, "system", "pics")
    until(page, "document.getElementById('status').textContent.includes('Write what is in the picture')")
    settle(page, lambda: by(page, "words").send_keys("a green hill below a pale sky"))
    assert page.find_element("css selector", "#parts .sketch img").is_displayed()
    assert "not a picture" in by(page, "detail").text
    sent = page.find_element("css selector", "#parts .text textarea")
    assert sent.get_attribute("value") == "a green hill below a pale sky"
    settle(page, lambda: sent.send_keys(f"{ALL}a boat{TAB}"))
    assert page.find_element("css selector", "#parts .text textarea").get_attribute("value") == "a boat"
    assert by(page, "words").get_attribute("value") == "a boat"
    assert "--caption 'a boat'" in by(page, "command").text
    assert "a boat" in by(page, "rows").get_attribute("textContent")


def test_things_are_drawn(page: Browser, tmp_path: Path) -> None:
    from selenium.webdriver import ActionChains

    pytest.importorskip("cv2")
    settle(page, lambda: choose(page, "system", "sedic"))
    by(page, "add-thing").click()
    pane = page.find_element("css selector", ".pane")
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", pane)
    drag = ActionChains(page).move_to_element_with_offset(pane, -100, 0).click_and_hold().move_by_offset(150, 120).release()
    settle(page, drag.perform)
    field = "#things li:nth-child(1) > input"
    settle(page, lambda: page.find_element("css selector", field).send_keys("soft grass" + TAB))
    assert len(page.find_elements("css selector", "#boxes span")) == 1
    told = json.loads(taken(page, "save-scene", tmp_path))["objects"]
    assert [one["detail"] for one in told] == ["soft grass"]
    left, top, right, bottom = told[0]["box"]
    scale = shown(page, "original").shape[1] / pane.size["width"]
    assert right - left == pytest.approx(150 * scale, abs=1.5) and bottom - top == pytest.approx(120 * scale, abs=1.5)
    assert page.find_element("css selector", "#parts .masks .masked").is_displayed()
    assert "reference" in by(page, "bar").get_attribute("aria-label")


def test_packets_are_lost(page: Browser) -> None:
    set_number(page, "payload", 120)
    arrived(page, "Press one to lose it")
    whole = shown(page, "painted")
    before = packets(page)
    before[1].click()
    arrived(page, "whole again")
    np.testing.assert_array_equal(shown(page, "arrived-picture"), whole)
    packets(page)[0].send_keys(ENTER)
    arrived(page, "nothing can be painted")
    assert not by(page, "arrived-picture").is_displayed()
    assert [one.get_attribute("aria-pressed") for one in packets(page)] == ["true", "true", *["false"] * (len(before) - 2)]
    by(page, "restore").click()
    arrived(page, "Press one to lose it")
    assert by(page, "arrived-picture").is_displayed()


def test_layers_before_a_gap_are_painted(page: Browser) -> None:
    choose(page, "system", "pics")
    settle(page, lambda: by(page, "words").send_keys("a green hill below a pale sky"))
    set_number(page, "payload", 80)
    set_number(page, "parity", 0)
    arrived(page, "none may be lost")
    page.execute_script("document.querySelector('#packets button:last-child').click()")
    arrived(page, "before the gap")
    assert by(page, "arrived-picture").is_displayed()
