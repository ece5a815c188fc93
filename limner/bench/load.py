"""Clients that ask a service for files, one after the other, and a library that makes the same without a service."""

from __future__ import annotations

import io
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from limner import api, image
from limner.bench.fresh import PACKAGE_PARENT
from limner.cores import THREADS
from limner.errors import LimnerError
from limner.extras import need

TARGET_BYTES = 500
BUSY = 429


@dataclass
class Load:
    """What came of a load. ``answers``: status -> how many, 0 for none at all; ``latencies_s``: of those that are 200."""

    seconds: float = 0.0
    answers: dict[int, int] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)
    too_large: int = 0

    def add(self, status: int, seconds: float, size_bytes: int) -> None:
        self.answers[status] = self.answers.get(status, 0) + 1
        if status == 200:
            self.latencies_s.append(seconds)
            self.too_large += size_bytes > TARGET_BYTES

    def join(self, other: Load) -> None:
        """Take up another load."""
        self.seconds += other.seconds
        self.latencies_s += other.latencies_s
        self.too_large += other.too_large
        for status, number in other.answers.items():
            self.answers[status] = self.answers.get(status, 0) + number

    @property
    def done(self) -> int:
        return self.answers.get(200, 0)

    @property
    def busy(self) -> int:
        return self.answers.get(BUSY, 0)

    @property
    def failures(self) -> int:
        """All but files and 429s, and files over their budget."""
        return sum(self.answers.values()) - self.done - self.busy + self.too_large

    @property
    def per_s(self) -> float:
        return self.done / self.seconds

    def percentile_s(self, percent: int) -> float:
        """Raises LimnerError where there are too few for any."""
        if len(self.latencies_s) < 2:
            raise LimnerError("too few requests were answered for percentiles: take more seconds")
        return statistics.quantiles(self.latencies_s, n=100, method="inclusive")[percent - 1]


def load(url: str, picture: bytes, clients: int, seconds: float) -> Load:
    """``clients`` that ask again as soon as they are answered; one that gets 429 asks again after a tenth of a second."""
    found, lock = Load(), threading.Lock()
    until_s = time.monotonic() + seconds
    threads = [threading.Thread(target=_client, args=(url, picture, until_s, found, lock)) for _ in range(clients)]
    start_s = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # The last answers come after the end: what they took counts.
    found.seconds = time.monotonic() - start_s
    return found


def _client(url: str, picture: bytes, until_s: float, found: Load, lock: threading.Lock) -> None:
    httpx = need("httpx2", extra="serve")
    with httpx.Client(base_url=url, timeout=120) as client:
        while time.monotonic() < until_s:
            start_s = time.monotonic()
            try:
                form = {"files": {"image": ("a.jpg", picture)}, "data": {"target_bytes": str(TARGET_BYTES)}}
                response = client.post("/v1/encode", **form)
                status, size_bytes = response.status_code, len(response.content)
            except httpx.HTTPError:
                status, size_bytes = 0, 0
            with lock:
                found.add(status, time.monotonic() - start_s, size_bytes)
            if status == BUSY:
                time.sleep(0.1)


# --- the library alone


@dataclass(frozen=True)
class Alone:
    """Processes that wait to be told to encode."""

    workers: tuple[subprocess.Popen[bytes], ...]

    def work(self, seconds: float) -> tuple[int, float]:
        """All encode for so long: how many files they made, and the seconds until the last was done."""
        start_s = time.monotonic()
        for worker in self.workers:
            _tell(worker, f"{seconds}\n".encode())
        done = sum(int(_line(worker)) for worker in self.workers)
        return done, time.monotonic() - start_s


@contextmanager
def alone(picture: bytes, processes: int, threads: int) -> Iterator[Alone]:
    """So many processes of so many threads that read the picture and encode it, again and again, when they are told to."""
    environment = os.environ | {"PYTHONPATH": str(PACKAGE_PARENT)} | dict.fromkeys(THREADS, str(threads))
    command, pipe = [sys.executable, "-m", "limner.bench.load"], subprocess.PIPE
    workers = tuple(
        # In sessions of their own, as the workers of the service are: some systems share cores out by session.
        subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment, start_new_session=True)
        for _ in range(processes)
    )
    try:
        for worker in workers:
            _tell(worker, len(picture).to_bytes(8, "big") + picture)
        for worker in workers:
            _line(worker)
        yield Alone(workers)
    finally:
        for worker in workers:
            worker.communicate()


def _tell(worker: subprocess.Popen[bytes], data: bytes) -> None:
    assert worker.stdin is not None
    worker.stdin.write(data)
    worker.stdin.flush()


def _line(worker: subprocess.Popen[bytes]) -> bytes:
    assert worker.stdout is not None
    line = worker.stdout.readline()
    if not line:
        raise LimnerError("a process that encodes has ended")
    return line


def work_alone() -> None:
    """One of these processes: takes the picture, then for each line with seconds works so long and prints how many it made."""
    source = sys.stdin.buffer
    picture = source.read(int.from_bytes(source.read(8), "big"))
    encode_alone(picture)
    print("ready", flush=True)
    for line in source:
        done, until_s = 0, time.monotonic() + float(line)
        while time.monotonic() < until_s:
            encode_alone(picture)
            done += 1
        print(done, flush=True)


def encode_alone(picture: bytes) -> bytes:
    return api.encode(image.load(picture).pixels, target_bytes=TARGET_BYTES)


def as_jpeg(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=92)
    return stream.getvalue()


if __name__ == "__main__":
    work_alone()
