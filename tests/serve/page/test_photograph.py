"""A photograph all the way: chosen, dropped or pasted; as many bytes as are asked for; the command makes the same."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
from chromium import Browser, by, complaints
from on_page import IDLE, LEFT, choose, pixels, set_number, settle, shown, size, taken, until

from limner import api


def test_the_commands_make_what_the_page_shows(page: Browser, photo: Path, tmp_path: Path) -> None:
    """Also the file that is taken from the page is painted alike by the command."""
    first = size(page)
    assert first <= 500 and by(page, "size").text in by(page, "painted").get_attribute("alt")
    settle(page, lambda: set_number(page, "bytes-number", 200))
    assert size(page) <= 200 < first
    settle(page, lambda: choose(page, "painter", "vivid"))
    assert "invented" in by(page, "detail").text and "invented" in by(page, "detail").get_attribute("class")
    blob, picture = taken(page, "save-blob", tmp_path), taken(page, "save-picture", tmp_path)
    assert len(blob) == size(page)
    painted = shown(page, "painted")
    np.testing.assert_array_equal(pixels(picture), painted)
    commands = by(page, "command").text.splitlines()
    assert commands[0] == "limner encode harbour.png --target-bytes 200"
    (elsewhere := tmp_path / "elsewhere").mkdir()
    (elsewhere / "harbour.png").write_bytes(photo.read_bytes())
    for command in commands:
        run = command.replace("limner", f"{sys.executable} -m limner", 1)
        subprocess.run(["sh", "-c", run], cwd=elsewhere, check=True, capture_output=True, timeout=120)
    assert (elsewhere / "harbour.limn").read_bytes() == blob == (tmp_path / "harbour.limn").read_bytes()
    np.testing.assert_array_equal(pixels((elsewhere / "harbour-painted.png").read_bytes()), painted)


def test_bytes_are_slid(page: Browser) -> None:
    from selenium.webdriver import ActionChains

    first, slider = size(page), by(page, "bytes")
    settle(page, lambda: ActionChains(page).drag_and_drop_by_offset(slider, -slider.size["width"] // 4, 0).perform())
    asked = int(by(page, "bytes-number").get_attribute("value"))
    assert size(page) <= asked < first
    assert slider.get_attribute("aria-valuetext") == f"{asked} bytes"
    settle(page, lambda: slider.send_keys(LEFT * 40))
    assert size(page) <= int(by(page, "bytes-number").get_attribute("value")) < asked


def test_a_link_says_how_much(page: Browser) -> None:
    tick = page.find_element("css selector", "#ticks button[data-name=sms]")
    settle(page, tick.click)
    assert size(page) <= 140 and tick.get_attribute("aria-pressed") == "true"
    assert by(page, "command").text.startswith("limner encode harbour.png --channel sms\n")
    first = page.find_elements("css selector", "#plans tbody tr")[0]
    assert [cell.text for cell in first.find_elements("css selector", "th, td")][:2] == ["sms", "1"]
    settle(page, lambda: set_number(page, "messages", 2))
    assert 140 < size(page) <= int(by(page, "bytes-number").get_attribute("value")) <= 280


def test_too_few_bytes_are_answered_by_the_least(page: Browser) -> None:
    set_number(page, "bytes-number", 8)
    least = until(page, "!document.getElementById('least-box').hidden && document.getElementById('least').textContent")
    assert not by(page, "save-blob").is_enabled()
    settle(page, by(page, "least").click)
    assert size(page) <= int(least.split()[1]) and not by(page, "least").is_displayed()
    refused = complaints(page)
    assert refused and all("/v1/encode" in line and "400" in line for line in refused)


def test_a_picture_is_dropped_and_a_file_of_ours(browser: Browser, photo: Path) -> None:
    drop = """
        const [kind, name, text] = arguments, data = new DataTransfer();
        data.items.add(new File([Uint8Array.from(atob(text), one => one.charCodeAt(0))], name));
        const init = { clipboardData: data, dataTransfer: data, bubbles: true, cancelable: true };
        document.body.dispatchEvent(kind === "paste" ? new ClipboardEvent(kind, init) : new DragEvent(kind, init));
    """
    picture = base64.b64encode(photo.read_bytes()).decode()
    settle(browser, lambda: browser.execute_script(drop, "drop", "quay.png", picture))
    assert size(browser) <= 500
    settle(browser, lambda: browser.execute_script(drop, "paste", "pier.png", picture))
    blob = api.encode(photo, target_bytes=150)
    settle(browser, lambda: browser.execute_script(drop, "drop", "told.limn", base64.b64encode(blob).decode()))
    names = [one.text for one in browser.find_elements("css selector", "#queue .name")]
    assert names == ["quay.png", "pier.png", "told.limn"]
    assert size(browser) == len(blob) and not by(browser, "bytes").is_enabled()
    np.testing.assert_array_equal(shown(browser, "painted"), api.decode(blob))
    browser.find_element("css selector", "#queue button").click()
    until(browser, f"{IDLE} && document.getElementById('command').textContent.includes('quay')")
    assert by(browser, "bytes").is_enabled()


def test_what_is_no_picture_is_said(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "words.png").write_text("no picture")
    by(browser, "file").send_keys(str(tmp_path / "words.png"))
    said = until(browser, "document.querySelector('#status.wrong')?.textContent")
    assert said and not by(browser, "save-blob").is_enabled()
    assert all("/v1/encode" in line for line in complaints(browser))


def test_samples_are_free_and_small(browser: Browser, service: str) -> None:
    with urllib.request.urlopen(f"{service}/samples/samples.json") as answer:
        listed = json.load(answer)
    assert len(listed) == 3 and all("CC0" in one["credit"] or "public domain" in one["credit"] for one in listed)
    images = browser.find_elements("css selector", "#samples img")
    assert [image.get_attribute("alt") for image in images] == [one["what"] for one in listed]
    folder = Path(__file__).parents[3] / "limner" / "serve" / "page" / "samples"
    assert sum(path.stat().st_size for path in folder.glob("*.jpg")) <= 100_000
    settle(browser, images[2].click)
    assert by(browser, "words").get_attribute("value") == listed[2]["words"]
