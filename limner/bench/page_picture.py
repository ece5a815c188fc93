"""``python -m limner.bench.page_picture``: the service's page with one of its samples in it, as the README shows it.

    limner serve, Chromium --the sample is pressed, its file made--> screenshot --> docs/pictures/page.webp
"""

from __future__ import annotations

import argparse
import base64
import io
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from limner.atomic import write_atomic
from limner.bench.running import running
from limner.errors import LimnerError, MissingError
from limner.extras import need

OUT = Path("docs/pictures/page.webp")
WIDTH_PX, WINDOW_PX, QUALITY = 1280, 920, 80
PATIENCE_S = 120.0
SWITCHES = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
READY = "return document.querySelectorAll('#system option').length * document.querySelectorAll('#samples button').length"
CHOOSE = """
    const [system, painter] = ["system", "painter"].map(id => document.getElementById(id));
    system.value = arguments[0];
    system.dispatchEvent(new Event("change"));
    painter.value = arguments[1];
"""
DONE = """
    return document.querySelectorAll("#plans tbody tr").length > 0 && document.getElementById("arrived").textContent !== ""
        && document.getElementById("view").getAttribute("aria-busy") === "false"
"""

Browser = Any


@dataclass(frozen=True)
class Wish:
    """sample: its place among the samples. height_px: 0 for the whole page. scheme: light or dark."""

    sample: int = 0
    system: str = "miniature"
    painter: str = "vivid"
    width_px: int = WIDTH_PX
    height_px: int = 0
    scheme: str = "light"


@contextmanager
def browsing(wish: Wish) -> Iterator[Browser]:
    """Chromium with a window of that size. MissingError where it, its driver or selenium are not here."""
    web = need("selenium.webdriver", extra="dev")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        raise MissingError("no chromium and chromedriver: apt-get install chromium chromium-driver")
    options = web.ChromeOptions()
    options.binary_location = chromium
    with TemporaryDirectory() as profile:
        for switch in (*SWITCHES, f"--user-data-dir={profile}"):
            options.add_argument(switch)
        browser = web.Chrome(options, web.ChromeService(driver))
        try:
            size = {"width": wish.width_px, "height": WINDOW_PX, "deviceScaleFactor": 1, "mobile": False}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            scheme = {"features": [{"name": "prefers-color-scheme", "value": wish.scheme}]}
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", scheme)
            yield browser
        finally:
            browser.quit()


def screenshot(url: str, wish: Wish) -> Image.Image:
    """The page at an address, with a sample in it."""
    with browsing(wish) as browser:
        browser.get(url)
        until(browser, READY)
        browser.execute_script(CHOOSE, wish.system, wish.painter)
        browser.find_elements("css selector", "#samples button")[wish.sample].click()
        until(browser, DONE)
        height_px = wish.height_px or browser.execute_script("return document.documentElement.scrollHeight")
        shown = {"x": 0, "y": 0, "width": wish.width_px, "height": height_px, "scale": 1}
        taken = browser.execute_cdp_cmd("Page.captureScreenshot", {"clip": shown, "captureBeyondViewport": True})
        return Image.open(io.BytesIO(base64.b64decode(taken["data"]))).convert("RGB")


def until(browser: Browser, script: str) -> None:
    """Wait until a script returns true. LimnerError, with what the page says, if it takes too long."""
    end_s = time.monotonic() + PATIENCE_S
    while not browser.execute_script(script):
        if time.monotonic() > end_s:
            told = [entry["message"] for entry in browser.get_log("browser")]
            raise LimnerError(f"the page does not come so far: {browser.find_element('id', 'status').text!r}, {told}")
        time.sleep(0.1)


def main(argv: Sequence[str] | None = None) -> int:
    """Write the picture."""
    parser = argparse.ArgumentParser(prog="python -m limner.bench.page_picture", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=OUT, help="a WebP or PNG")
    parser.add_argument("--sample", type=int, default=0, help="which of the samples, from 0")
    parser.add_argument("--system", default="miniature")
    parser.add_argument("--painter", default="vivid", help="as the page names it: faithful, vivid, reference, card")
    parser.add_argument("--width", type=int, default=WIDTH_PX, help="of the window")
    parser.add_argument("--height", type=int, default=0, help="of the picture; 0: the whole page")
    parser.add_argument("--scheme", choices=("light", "dark"), default="light")
    given = parser.parse_args(argv)
    wish = Wish(given.sample, given.system, given.painter, given.width, given.height, given.scheme)
    with running("--workers", "1") as service:
        picture = screenshot(f"{service.url}/", wish)
    stream = io.BytesIO()
    picture.save(stream, given.out.suffix.lstrip(".").upper(), quality=QUALITY, method=6)
    write_atomic(given.out, stream.getvalue())
    sys.stdout.write(f"{given.out}: {picture.width} x {picture.height} px, {len(stream.getvalue())} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
