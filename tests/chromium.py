"""A real browser for tests of pages: Chromium and its driver, as Debian has them. Without them such tests are skipped."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
MISSING = "no chromium and chromedriver: apt-get install chromium chromium-driver"
needed = pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason=MISSING)
# No sandbox: containers and root have none. Others keep it from asking the network for its own sake, and from scrolling slowly.
SWITCHES = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-sync"),
    *("--disable-quic", "--disable-background-networking", "--disable-component-update", "--force-prefers-reduced-motion"),
)
NAMED = {"button", "checkbox", "combobox", "slider", "searchbox", "spinbutton", "textbox", "link", "image", "table", "region"}

Browser = Any


@contextmanager
def browsing(profile: Path, *, logs: bool = False) -> Iterator[Browser]:
    """A browser that keeps what it must in a folder. ``logs``: it also tells what it asks the network for."""
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    options = ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for switch in (*SWITCHES, f"--user-data-dir={profile}"):
        options.add_argument(switch)
    if logs:
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "localhost,127.0.0.1")
        browser = Chrome(options, ChromeService(str(DRIVER)))
        try:
            yield browser
        finally:
            browser.quit()


def by(browser: Browser, name: str) -> Any:
    return browser.find_element("id", name)


def complaints(browser: Browser) -> list[str]:
    """What the browser has complained of since it was last asked."""
    return [entry["message"] for entry in browser.get_log("browser")]


def nameless(browser: Browser) -> list[str]:
    """Roles of what has no name: controls without one are of no use to who cannot see the page."""
    tree = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    return [
        node["role"]["value"]
        for node in tree
        if not node.get("ignored") and node.get("role", {}).get("value") in NAMED and not node.get("name", {}).get("value")
    ]


@contextmanager
def narrow(browser: Browser, width_px: int) -> Iterator[None]:
    """A window of another width."""
    emulate = {"width": width_px, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", emulate)
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def fits(browser: Browser) -> bool:
    """Whether nothing goes over the width of the window."""
    width, wanted = browser.execute_script("return [innerWidth, document.documentElement.scrollWidth]")
    return bool(width >= wanted)


def background(browser: Browser, scheme: str) -> str:
    """The colour of the page where ``scheme``, light or dark, is wanted."""
    wanted = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", wanted)
    return str(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))
