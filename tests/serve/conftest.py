"""One real service for all tests that need one, and a client of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from pictures import scene
from services import Live, as_file, served

from limner.serve.settings import MB, Bounds, Long, Settings

if TYPE_CHECKING:
    import httpx2


@pytest.fixture(scope="session")
def live() -> Iterator[Live]:
    """With small limits, so that they can be reached."""
    for module in ("fastapi", "uvicorn", "python_multipart", "httpx2"):
        pytest.importorskip(module)
    bounds = Bounds(upload_bytes=4 * MB, idle_s=1.0, body_s=5.0, pixels=1_000_000, memory_bytes=1024 * MB)
    settings = Settings(port=0, workers=2, threads=1, queue=4, bounds=bounds, long=Long(waiting=2, kept=4))
    with served(settings) as found:
        yield found


@pytest.fixture(scope="session")
def http(live: Live) -> Iterator[httpx2.Client]:
    import httpx2

    with httpx2.Client(base_url=live.url, timeout=120) as client:
        yield client


@pytest.fixture(scope="session")
def picture() -> bytes:
    """A small photograph as a JPEG."""
    return as_file(scene(160, 120))


@pytest.fixture(scope="session")
def blob(http: Any, picture: bytes) -> bytes:
    """A file of it."""
    answer = http.post("/v1/encode", files={"image": ("a.jpg", picture)}, data={"target_bytes": "300"})
    assert answer.status_code == 200
    return bytes(answer.content)
