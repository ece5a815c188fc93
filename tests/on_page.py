"""What tests of the service's page do and look at."""

from __future__ import annotations

import base64
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from chromium import Browser, by, complaints
from numpy.typing import NDArray
from PIL import Image

PATIENCE_S = 90
TAB, ENTER, ESCAPE, LEFT, RIGHT, CONTROL, NONE = "\ue004", "\ue007", "\ue00c", "\ue012", "\ue014", "\ue009", "\ue000"
ALL = f"{CONTROL}a{NONE}"
"""Keys by which what is typed next stands in place of what is there."""
IDLE = "document.getElementById('view').getAttribute('aria-busy') === 'false'"
PAINTED = "document.getElementById('painted')"


def until(browser: Browser, script: str) -> Any:
    """What a script returns, once that is something."""
    end_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < end_s:
        if found := browser.execute_script(f"return {script}"):
            return found
        time.sleep(0.05)
    raise AssertionError(f"not so: {script}; the page says {by(browser, 'status').text!r}")


def begun(browser: Browser) -> None:
    """Wait until the page knows what the service has. A page that cannot begin complains, and is not waited for."""
    end_s = time.monotonic() + PATIENCE_S
    while not browser.execute_script("return document.querySelectorAll('#system option').length * document.images.length"):
        told = complaints(browser)
        assert not told and time.monotonic() < end_s, told
        time.sleep(0.05)


def settle(browser: Browser, does: Callable[[], object]) -> None:
    """Do something of which a file comes, and wait for that: the picture is another, and nothing is under way."""
    browser.execute_script(f"window.before = {PAINTED}.src")
    does()
    until(browser, f"{IDLE} && {PAINTED}.src !== window.before && {PAINTED}.complete")


def set_number(browser: Browser, name: str, number: int) -> None:
    """Write a number in place of the one that stands there."""
    by(browser, name).send_keys(f"{ALL}{number}{TAB}")


def arrived(browser: Browser, words: str) -> None:
    """Wait for what is said of the packets that came."""
    until(browser, f"document.getElementById('arrived').textContent.includes({json.dumps(words)})")


def choose(browser: Browser, name: str, value: str) -> None:
    from selenium.webdriver.support.select import Select

    Select(by(browser, name)).select_by_value(value)


def size(browser: Browser) -> int:
    return int(by(browser, "size").text.replace(",", ""))


def shown(browser: Browser, name: str) -> NDArray[np.uint8]:
    """The pixels of a picture as the browser has them."""
    script = """
        const image = document.getElementById(arguments[0]), canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
        canvas.getContext("2d").drawImage(image, 0, 0);
        return canvas.toDataURL("image/png");
    """
    return pixels(base64.b64decode(browser.execute_script(script, name).partition(",")[2]))


def pixels(png: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB"))


def taken(browser: Browser, name: str, folder: Path) -> bytes:
    """Press a button, and give the file that is downloaded."""
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})
    before = set(folder.iterdir())
    by(browser, name).click()
    end_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < end_s:
        for path in set(folder.iterdir()) - before:
            # Until it is whole, it is hidden or has another suffix.
            if path.suffix != ".crdownload" and not path.name.startswith("."):
                return path.read_bytes()
        time.sleep(0.05)
    raise AssertionError(f"nothing was downloaded by {name}")


def strangers(browser: Browser, service: str) -> list[str]:
    """Addresses that were asked for and are not the service's."""
    told = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [one["params"]["request"]["url"] for one in told if one["method"] == "Network.requestWillBeSent"]
    assert asked
    return [url for url in asked if urlsplit(url).scheme != "blob" and not url.startswith(f"{service}/")]


def packets(browser: Browser) -> list[Any]:
    return list(browser.find_elements("css selector", "#packets button"))
