"""``python -m limner.bench.serving``: the service under load and under attack, beside the library alone.

    a service with 8 clients, and the library alone, in turns: throughput, p50, p99
    a small queue, as many clients -> 429s and nothing else
    a service, N hostile requests -> answers by kind, memory, is it well?

Returns 1 if a limit is not held.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from limner import image
from limner.bench.demo import sample_photo
from limner.bench.hostile import CLOSED, SILENT, Outcome, attacks, strike
from limner.bench.load import TARGET_BYTES, Load, alone, as_jpeg, load
from limner.bench.rows import table, write_page
from limner.bench.running import Memory, running
from limner.bench.speed.machine import cpu_model
from limner.cores import cores
from limner.serve.client import Service, systems
from limner.serve.settings import MB, Bounds

WORKERS = 2
SIZE_PX = (768, 512)
LEAST_SHARE = 0.85
SMALL_QUEUE = 1
TURN_S = 10.0
ATTACKERS = 16
FRONT_MB = 700
"""What the front may hold at most: bodies that wait, twice, and itself."""


@dataclass(frozen=True)
class Throughput:
    """Files a second of the service and of the library alone, and what came of the requests."""

    clients: int
    workers: int
    threads: int
    seconds: float
    turns: int
    alone_done: int
    alone_per_s: float
    per_s: float
    done: int
    failures: int
    busy: int
    p50_s: float
    p99_s: float

    @property
    def share(self) -> float:
        """The service's part of the library's throughput."""
        return self.per_s / self.alone_per_s

    @property
    def holds(self) -> bool:
        return not self.failures and not self.busy and self.share >= LEAST_SHARE


@dataclass(frozen=True)
class Crowd:
    """More clients than a service has room for."""

    clients: int
    room: int
    done: int
    busy: int
    failures: int

    @property
    def holds(self) -> bool:
        return bool(self.busy and self.done) and not self.failures


@dataclass(frozen=True)
class Siege:
    """Hostile requests. ``outcomes``: kind and status -> how many; ``well``: whether the service works afterwards."""

    requests: int
    not_in_order: int
    well: bool
    slowest_s: float
    memory: Memory
    worker_limit_mb: int
    outcomes: dict[str, dict[int, int]]

    @property
    def holds(self) -> bool:
        under = self.memory.worker <= self.worker_limit_mb * MB and self.memory.front <= FRONT_MB * MB
        return not self.not_in_order and self.well and under


def throughput(picture: bytes, clients: int, seconds: float) -> Throughput:
    """Load the service for so many seconds, in turns with the library alone, so that other work on the machine meets both."""
    threads, turns = max(1, cores() // WORKERS), max(1, round(seconds / TURN_S))
    found, alone_done, alone_s = Load(), 0, 0.0
    options = ("--workers", str(WORKERS), "--threads", str(threads))
    with running(*options) as service, alone(picture, WORKERS, threads) as library:
        for _ in range(turns):
            done, taken_s = library.work(seconds / turns)
            alone_done, alone_s = alone_done + done, alone_s + taken_s
            found.join(load(service.url, picture, clients, seconds / turns))
    return Throughput(
        *(clients, WORKERS, threads, found.seconds, turns, alone_done, alone_done / alone_s, found.per_s),
        *(found.done, found.failures, found.busy, found.percentile_s(50), found.percentile_s(99)),
    )


def crowd(picture: bytes, clients: int, seconds: float) -> Crowd:
    with running("--workers", "1", "--queue", str(SMALL_QUEUE)) as service:
        found: Load = load(service.url, picture, clients, seconds)
    return Crowd(clients, 1 + SMALL_QUEUE, found.done, found.busy, found.failures)


def siege(picture: bytes, requests: int, seed: int) -> Siege:
    """Attack a service from several sides at once, then see whether it is well."""
    with running("--workers", str(WORKERS)) as service:
        one = partial(strike, service.host, service.port)
        with ThreadPoolExecutor(ATTACKERS) as pool:
            outcomes = list(pool.map(one, attacks(requests, seed)))
        well = load(service.url, picture, 1, 0.1).done == 1 and bool(systems(Service(service.url)))
    return Siege(
        len(outcomes),
        sum(not outcome.is_in_order for outcome in outcomes),
        well,
        max((outcome.seconds for outcome in outcomes), default=0.0),
        service.memory,
        Bounds().memory_bytes // MB,
        by_kind(outcomes),
    )


def by_kind(outcomes: Sequence[Outcome]) -> dict[str, dict[int, int]]:
    kinds = sorted({outcome.name for outcome in outcomes})
    return {kind: dict(Counter(one.status for one in outcomes if one.name == kind)) for kind in kinds}


# --- the page

Part = Throughput | Crowd | Siege
SAID = {CLOSED: "closed", SILENT: "silence"}


def page(parts: Sequence[Part], machine: str, command: str) -> str:
    """Return the page of a run."""
    texts = [
        "# The service under load and under attack\n",
        "Computed from `serving.jsonl` by the command below; nothing here is written by hand.\n",
        f"```\n{command}\n```\n\n{machine}\n",
    ]
    for part in parts:
        texts.append(_of(part))
    return "\n".join(texts)


def _of(part: Part) -> str:
    match part:
        case Throughput():
            return _throughput(part)
        case Crowd():
            return _crowd(part)
        case Siege():
            return _siege(part)


def _throughput(part: Throughput) -> str:
    lines = [
        ["the library alone", str(part.alone_done), f"{part.alone_per_s:.2f}", "–", "–"],
        ["the service", str(part.done), f"{part.per_s:.2f}", f"{part.p50_s:.2f}", f"{part.p99_s:.2f}"],
    ]
    return f"""## Load

{part.clients} clients on loopback for {part.seconds:.0f} s, each asking again as soon as it is answered: a JPEG of
{SIZE_PX[0]} x {SIZE_PX[1]} px for {TARGET_BYTES} bytes of miniature. {part.workers} workers of {part.threads} threads. The
library alone in as many processes and threads, reading the same JPEG each time; in {part.turns} turns with the
service, so that other work on the machine meets both.

{table(["what", "files", "files/s", "p50 s", "p99 s"], lines)}
{part.failures} failures, {part.busy} times 429. The service does {100 * part.share:.0f} % of what the library does alone; the
least is {100 * LEAST_SHARE:.0f} %, without a failure: {_held(part)}.
"""


def _crowd(part: Crowd) -> str:
    return f"""## More clients than there is room for

{part.clients} clients, room for {part.room}: {part.done} files, {part.busy} times 429, {part.failures} of anything else:
{_held(part)}.
"""


def _siege(part: Siege) -> str:
    lines = [[kind, _statuses(found)] for kind, found in part.outcomes.items()]
    memory = part.memory
    return f"""## Attack

{part.requests} hostile requests from {ATTACKERS} sides at once; {part.not_in_order} without an answer in order (2xx, 4xx,
{SAID[CLOSED]}, or a 5xx that says why); the slowest ended after {part.slowest_s:.0f} s. Afterwards the service is
{"well" if part.well else "not well"}.

Memory: a worker at most {memory.worker / MB:.0f} MB, limit {part.worker_limit_mb}; the front {memory.front / MB:.0f} MB, limit
{FRONT_MB}; together {memory.together / MB:.0f} MB: {_held(part)}.

{table(["kind", "answers"], lines)}"""


def _held(part: Part) -> str:
    return "holds" if part.holds else "does not hold"


def _statuses(found: dict[int, int]) -> str:
    return ", ".join(f"{SAID.get(status, status)} {number}" for status, number in sorted(found.items()))


def machine_words() -> str:
    busy = os.getloadavg()[0]
    other = " Other work shared it." if busy > 1.5 else ""
    return f"{cpu_model()}, {cores()} cores, Python {platform.python_version()}; load before the run {busy:.1f}.{other}"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and with --out write serving.jsonl and serving.md. Return 1 if a limit is not held."""
    options = _options().parse_args(argv)
    machine = machine_words()
    photo = image.load(options.photo).pixels if options.photo else sample_photo().pixels
    picture = as_jpeg(image.resize(photo, *SIZE_PX))
    parts: list[Part] = []
    if options.load:
        parts.append(throughput(picture, options.load, options.seconds))
        parts.append(crowd(picture, options.load, min(options.seconds, 10)))
    if options.hostile:
        parts.append(siege(picture, options.hostile, options.seed))
    command = f"python -m limner.bench.serving --hostile {options.hostile} --load {options.load} --seconds {options.seconds:g}"
    text = page(parts, machine, f"{command} --out results")
    print(text)
    if options.out:
        rows = [json.dumps({"part": type(part).__name__, **asdict(part)}) for part in parts]
        write_page(options.out / "serving.jsonl", "".join(f"{row}\n" for row in rows))
        write_page(options.out / "serving.md", text)
    return int(not all(part.holds for part in parts))


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m limner.bench.serving", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=None, help="folder for the page and its rows")
    parser.add_argument("--hostile", type=int, default=500, help="hostile requests; 0: none")
    parser.add_argument("--load", type=int, default=8, help="clients; 0: no load")
    parser.add_argument("--seconds", type=float, default=60, help="of load")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes other attacks")
    parser.add_argument("--photo", default="", help="a photograph of yours; otherwise a free sample")
    return parser


if __name__ == "__main__":
    sys.exit(main())
