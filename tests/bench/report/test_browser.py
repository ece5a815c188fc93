"""The page in a real browser: the seam moves, tables are sorted, votes are kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import chromium
import pytest
from chromium import Browser, background, by, complaints, fits, nameless, narrow
from made_records import PICTURES, curve, run_folder

from limner.bench.report.make import Wish, opened, write

pytest.importorskip("selenium")
pytestmark = chromium.needed
BUDGETS = (500, 1000)
SYSTEMS = ("avif", "jpeg", "miniature")
TRIALS = len(PICTURES) * len(BUDGETS) * len(SYSTEMS)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a made run: three systems, two budgets, three pictures, in two preparations."""
    folder = tmp_path_factory.mktemp("run")
    records = [one for place, system in enumerate(SYSTEMS) for one in curve(system, 20.0 + place, BUDGETS)]
    other = [replace(one, preparation="512") for one in records[:6]]
    write(opened(run_folder(folder, [*records, *other])), Wish(("html",)), folder / "out")
    shutil.rmtree(folder / "pictures")
    return folder / "out" / "index.html"


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium.browsing(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def browser(started: Browser, page: Path) -> Browser:
    """The page, opened anew, without votes; at its end nothing has been complained of."""
    started.set_window_size(1200, 900)
    started.get(page.as_uri())
    started.execute_script("localStorage.clear()")
    started.refresh()
    yield started
    assert complaints(started) == []


def choose(browser: Browser, name: str, text: str) -> None:
    from selenium.webdriver.support.select import Select

    Select(by(browser, name)).select_by_visible_text(text)


def press(browser: Browser, name: str) -> None:
    by(browser, name).click()


def seam(browser: Browser) -> str:
    return str(browser.execute_script("return getComputedStyle(document.getElementById('left-image')).clipPath"))


def column(browser: Browser, place: int, table: str = "table") -> list[str]:
    cells = browser.find_elements("css selector", f"#{table} tbody td:nth-child({place})")
    return [cell.text for cell in cells]


def test_pictures_are_there(browser: Browser) -> None:
    script = "return [...document.images].filter(one => one.getClientRects().length).map(one => one.naturalWidth)"
    assert set(browser.execute_script(script)) == {96}
    assert by(browser, "left-tag").text == "avif, 500 bytes" and by(browser, "right-tag").text == "jpeg, 500 bytes"


def test_the_seam_moves_by_key(browser: Browser) -> None:
    assert seam(browser) == "inset(0px 50% 0px 0px)"
    by(browser, "seam").send_keys("\ue014" * 3 + "\ue012")  # right, right, right, left
    assert seam(browser) == "inset(0px 48% 0px 0px)"


def test_the_seam_is_dragged(browser: Browser) -> None:
    from selenium.webdriver import ActionChains

    stage = by(browser, "stage")
    width = stage.size["width"]
    actions = ActionChains(browser).move_to_element(stage).click_and_hold()
    actions.move_by_offset(width // 4, 10).release().perform()
    share = float(seam(browser).split()[1].removesuffix("%"))
    assert share == pytest.approx(25, abs=0.5)
    ActionChains(browser).move_by_offset(-width // 2, 0).perform()
    assert float(seam(browser).split()[1].removesuffix("%")) == share


def test_sides_change(browser: Browser) -> None:
    choose(browser, "right", "the original")
    press(browser, "swap")
    assert (by(browser, "left-tag").text, by(browser, "right-tag").text) == ("the original", "avif, 500 bytes")
    choose(browser, "target", "1000")
    assert by(browser, "right-tag").text == "avif, 1000 bytes"
    assert browser.find_element("css selector", "#beside tbody td:last-child").text == "1000"


def test_a_table_is_sorted(browser: Browser) -> None:
    assert column(browser, 1) == ["500"] * 3 + ["1000"] * 3
    cells = browser.find_elements("css selector", "#table th")
    heading = cells[6]
    assert heading.text == "FLIP ↓" and heading.get_attribute("aria-sort") == "none"
    before = column(browser, 7)
    heading.find_element("css selector", "button").click()
    assert column(browser, 7) == sorted(before, key=float) != before
    found = browser.find_element("css selector", "#table th:nth-child(7)")
    assert found.get_attribute("aria-sort") == "ascending"
    # The heading has the focus again, so that keys go on from there.
    browser.switch_to.active_element.send_keys("\ue007")
    assert column(browser, 7) == sorted(before, key=float, reverse=True)
    assert len(browser.find_elements("css selector", "#table th[aria-sort=descending]")) == 1
    assert len(browser.find_elements("css selector", "#table th[aria-sort=none]")) == len(cells) - 1


def test_numbers_in_text_are_sorted_as_numbers(browser: Browser) -> None:
    button = browser.find_element("css selector", "#table th:nth-child(1) button")
    button.click()
    assert column(browser, 1) == ["500"] * 3 + ["1000"] * 3


def test_rows_are_filtered(browser: Browser) -> None:
    by(browser, "filter").send_keys("MINI")
    assert column(browser, 2) == ["miniature"] * 2


def test_systems_leave_the_curves(browser: Browser) -> None:
    lines = "return document.querySelectorAll('#plot .line').length"
    assert browser.execute_script(lines) == len(SYSTEMS)
    browser.execute_script("arguments[0].click()", browser.find_element("css selector", "#legend input"))
    assert browser.execute_script(lines) == len(SYSTEMS) - 1
    assert "PSNR dB ↑ over bits a pixel" in by(browser, "plot").get_attribute("textContent")


def test_a_vote_is_kept(browser: Browser) -> None:
    assert by(browser, "vote-place").text.startswith(f"0 of {TRIALS} voted.")
    shown = by(browser, "vote-a").get_attribute("src")
    press(browser, "choose-a")
    browser.refresh()
    assert by(browser, "vote-place").text.startswith(f"1 of {TRIALS} voted.")
    assert by(browser, "vote-a").get_attribute("src") != shown
    exported = json.loads(unquote(by(browser, "export").get_attribute("href").partition(",")[2]))
    (vote,) = exported["votes"]
    assert vote["chosen"] == vote["a"] != vote["b"]
    # What was chosen is what was to be seen.
    assert f"{vote['a']}-target_bytes={vote['target']}" in unquote(shown)
    by(browser, "tally-details").find_element("css selector", "summary").click()
    assert sorted(column(browser, 1, "tally") + column(browser, 2, "tally")) == sorted([vote["a"], vote["b"]])


def test_a_vote_is_taken_back(browser: Browser) -> None:
    press(browser, "choose-none")
    press(browser, "choose-b")
    assert by(browser, "vote-place").text.startswith("2 of")
    press(browser, "undo")
    press(browser, "undo")
    assert by(browser, "vote-place").text.startswith("0 of") and not by(browser, "undo").is_enabled()


def test_votes_are_blind_and_drawn_by_a_seed(browser: Browser) -> None:
    def sequence(seed: str) -> list[str]:
        field = by(browser, "vote-seed")
        field.clear()
        field.send_keys(seed + "\ue004")
        return list(browser.execute_script("return trials.map(one => one.id + one.sides)"))

    first, second = sequence("7"), sequence("8")
    assert first != second and sequence("7") == first
    assert {one[:-3] for one in first} == {one[:-3] for one in second} and len(first) == TRIALS
    # Each side comes first now and then, and nothing that is read names a system.
    assert {one[-3:] for one in first} == {"0,1", "1,0"}
    read = by(browser, "trial").text + by(browser, "vote-a").get_attribute("alt")
    assert not any(system in read for system in SYSTEMS)


def test_votes_end(browser: Browser) -> None:
    choose(browser, "vote-target", "500")
    choose(browser, "vote-pair", "avif · jpeg")
    for _ in PICTURES:
        press(browser, "choose-b")
    assert by(browser, "vote-place").text == "All 3 voted." and not by(browser, "choose-a").is_enabled()


def test_keys_vote(browser: Browser) -> None:
    press(browser, "choose-none")
    by(browser, "choose-none").send_keys("b")
    assert by(browser, "vote-place").text.startswith("2 of")


def test_another_data_set_is_chosen(browser: Browser) -> None:
    assert "3 systems" in by(browser, "summary").text
    choose(browser, "group", "made, 512")
    assert "1 system ·" in by(browser, "summary").text
    assert by(browser, "no-votes").is_displayed() and not by(browser, "blind-body").is_displayed()


def test_the_page_fits_a_narrow_window(browser: Browser) -> None:
    with narrow(browser, 360):
        assert fits(browser)


def test_the_page_is_dark_where_that_is_wanted(browser: Browser) -> None:
    assert (background(browser, "dark"), background(browser, "light")) == ("rgb(22, 24, 28)", "rgb(250, 248, 243)")


def test_everything_has_a_name(browser: Browser) -> None:
    assert nameless(browser) == []
