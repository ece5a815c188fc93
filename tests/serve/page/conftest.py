"""A service, a browser, and the page in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import chromium
import pytest
from chromium import Browser, by, complaints
from on_page import begun, settle, strangers
from pictures import scene
from PIL import Image

from limner.bench.running import running

NEEDED = ("selenium", "fastapi", "uvicorn", "python_multipart")
SIDE_PX = (192, 128)


@pytest.fixture(scope="session")
def needed() -> None:
    """Skip where a browser or a package is not here."""
    for module in NEEDED:
        pytest.importorskip(module)
    if chromium.CHROMIUM is None or chromium.DRIVER is None:
        pytest.skip(chromium.MISSING)


@pytest.fixture(scope="session")
def service(needed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address. By a folder with the name of a painter's weights it offers to paint, and misses them once it opens them."""
    weights = tmp_path_factory.mktemp("weights")
    (weights / "sd21").mkdir()
    with running("--workers", "1", "--threads", "1", variables={"LIMNER_WEIGHTS": str(weights)}) as service:
        yield service.url


@pytest.fixture(scope="session")
def started(needed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium.browsing(tmp_path_factory.mktemp("profile"), logs=True) as browser:
        yield browser


@pytest.fixture
def browser(started: Browser, service: str) -> Iterator[Browser]:
    """The page, opened anew; at its end nothing has been complained of, and nobody else was asked for anything."""
    started.get_log("performance")
    started.set_window_size(1280, 900)
    started.get(f"{service}/")
    begun(started)
    yield started
    assert complaints(started) == []
    assert strangers(started, service) == []


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "harbour.png"
    Image.fromarray(scene(*SIDE_PX)).save(path)
    return path


@pytest.fixture
def page(browser: Browser, photo: Path) -> Browser:
    """With a photograph in it."""
    settle(browser, lambda: by(browser, "file").send_keys(str(photo)))
    return browser
