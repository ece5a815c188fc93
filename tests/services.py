"""A pool of workers that do as they are told, a real service in a thread, and what is sent to it."""

from __future__ import annotations

import io
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.serve.asks import Begin, Encode
from limner.serve.metrics import Meter
from limner.serve.pool import Pool
from limner.serve.process import Spec
from limner.serve.settings import Settings

if TYPE_CHECKING:
    from limner.serve.desk import Desk

STUB = (str(Path(__file__).parent / "stub_worker.py"),)
LIMN = {"Content-Type": "image/x-limn"}


def say(words: str) -> Encode:
    """An ask of a worker that does as it is told."""
    return Encode(caption=words)


@asynccontextmanager
async def stubs(size: int = 1, waiting: int = 2, idle_s: float | None = None, *options: str) -> AsyncIterator[Pool]:
    """A pool of such workers, begun and ended."""
    pool = Pool("workers", Spec(Begin(1), 1, (*STUB, *options)), size, waiting, Meter(), idle_s)
    await pool.start()
    try:
        yield pool
    finally:
        await pool.stop()


@dataclass(frozen=True)
class Live:
    """A service in a thread of this process; its workers are processes."""

    url: str
    desk: Desk


@contextmanager
def served(settings: Settings) -> Iterator[Live]:
    """A service, until the block ends; it ends in order."""
    from limner.serve.server import server

    up, found = threading.Event(), []

    def told(address: str) -> None:
        found.append(address)
        up.set()

    made = server(settings, told)
    thread = threading.Thread(target=made.run)
    thread.start()
    while not up.wait(0.1):
        assert thread.is_alive()
    try:
        yield Live(found[0], made.config.app.state.desk)
    finally:
        made.should_exit = True
        thread.join()


def as_file(pixels: NDArray[np.uint8], kind: str = "JPEG") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def form(picture: bytes, **fields: object) -> dict[str, object]:
    """What httpx2 takes for a form."""
    return {"files": {"image": ("a.jpg", picture)}, "data": {name: str(value) for name, value in fields.items()}}
