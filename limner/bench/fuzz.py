"""``python -m limner.bench.fuzz``: bytes that nobody wrote, through every verb that reads them.

    seeds (valid files) -> mutate | splice | repair the checks | invent -> every verb -> count by outcome
    the files that take longest to read -> every verb

Whatever escapes that is not a LimnerError is printed with its bytes in hexadecimal, and the command exits with 1. So it
does for a blob that takes longer than the limit.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from limner import api, files
from limner.bench.mutate import heaviest, invented, seeds
from limner.bench.speed.machine import peak_mb
from limner.container import unpack
from limner.errors import LimnerError

Verb = Callable[[bytes], object]

CHUNK = 500
"""Blobs in one piece of work; a piece is repeated exactly by its number and the seed."""
SMALL_PIXELS = 64 * 64
"""Decode paints files that declare at most this many pixels."""


@dataclass
class Tally:
    """What came of many blobs. ``escapes``: verb, hexadecimal and what was raised, for all that should not have been."""

    blobs: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    escapes: list[tuple[str, str, str]] = field(default_factory=list)
    slowest_s: float = 0.0
    slowest_hex: str = ""
    peak_mb: float = 0.0

    def add(self, other: Tally) -> None:
        """Take up another tally."""
        self.blobs += other.blobs
        self.outcomes.update(other.outcomes)
        self.escapes += other.escapes
        self.peak_mb = max(self.peak_mb, other.peak_mb)
        if other.slowest_s > self.slowest_s:
            self.slowest_s, self.slowest_hex = other.slowest_s, other.slowest_hex


def decode_small(blob: bytes) -> object:
    """Decode a blob that declares a small picture."""
    return api.decode(blob, max_pixels=SMALL_PIXELS)


def read_layers(blob: bytes) -> object:
    """Read the bodies that need no weights, of whatever system."""
    return files.read_beside(blob, unpack(blob))


VERBS: dict[str, Verb] = {
    "inspect": api.inspect,
    "verify": api.verify,
    "layers": read_layers,
    "decode": decode_small,
}


def run(blobs: Iterable[bytes], verbs: Mapping[str, Verb]) -> Tally:
    """Put every blob through every verb and count what happens."""
    tally = Tally()
    for blob in blobs:
        tally.blobs += 1
        for name, verb in verbs.items():
            start = time.process_time()
            outcome, trace = _outcome(verb, blob)
            taken = time.process_time() - start
            tally.outcomes[f"{name}: {outcome}"] += 1
            if trace:
                tally.escapes.append((name, blob.hex(), trace))
            # Painting comes after the first pixel: the limit is on reading.
            if taken > tally.slowest_s and verb is not decode_small:
                tally.slowest_s, tally.slowest_hex = taken, blob.hex()
    tally.peak_mb = peak_mb()
    return tally


def _outcome(verb: Verb, blob: bytes) -> tuple[str, str]:
    try:
        verb(blob)
    except LimnerError as error:
        return type(error).__name__, ""
    except (KeyboardInterrupt, SystemExit):
        raise
    # Panics of the Rust coder are no Exceptions.
    except BaseException as error:
        return f"ESCAPED {type(error).__name__}", traceback.format_exc(limit=-6)
    return "done", ""


def chunk(number: int, *, seed: int, count: int, extra: tuple[bytes, ...]) -> Tally:
    """Run piece ``number``: the same blobs for the same seed, whatever the number of processes."""
    rng = random.Random(f"{seed}/{number}")
    pool = [*seeds(), *extra]
    return run((invented(rng, pool) for _ in range(count)), VERBS)


def chunks(count: int, seed: int, processes: int, extra: tuple[bytes, ...]) -> Iterator[Tally]:
    """Yield the tallies of the pieces, in order."""
    work = partial(chunk, seed=seed, count=CHUNK, extra=extra)
    numbers = range(-(-count // CHUNK))
    if processes == 1:
        yield from map(work, numbers)
        return
    # Spawned, not forked: threads of onnxruntime do not survive a fork.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as executor:
        yield from executor.map(work, numbers)


def report(tally: Tally) -> str:
    """Return the counts as text, escapes with their bytes first."""
    lines = [f"{verb} raised on {data}\n{trace}" for verb, data, trace in tally.escapes[:10]]
    lines += [f"{count:>9}  {outcome}" for outcome, count in sorted(tally.outcomes.items())]
    lines.append(f"{tally.blobs} blobs, {len(tally.escapes)} escapes, peak memory {tally.peak_mb:.0f} MB")
    lines.append(f"slowest to read: {tally.slowest_s:.3f} s of processor time, {tally.slowest_hex[:200]}")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Invent blobs, put them through every verb, print the counts; return 1 if anything but a LimnerError came out."""
    options = _options().parse_args(argv)
    paths = sorted(Path(options.seeds).rglob("*.limn")) if options.seeds else []
    extra = tuple(data for path in paths if (data := path.read_bytes()))
    total = run(heaviest(), VERBS)
    try:
        for tally in chunks(options.count, options.seed, options.jobs, extra):
            total.add(tally)
            print(f"\r{total.blobs}", end="", file=sys.stderr, flush=True)
    except BrokenProcessPool:
        print(report(total))
        print(f"a process died in one of the {options.jobs} pieces from number {total.blobs // CHUNK}, seed {options.seed}")
        return 1
    print("\r", end="", file=sys.stderr)
    print(report(total))
    if total.slowest_s > options.limit:
        print(f"over the limit of {options.limit} s: {total.slowest_hex}")
    return int(bool(total.escapes) or total.slowest_s > options.limit)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m limner.bench.fuzz", description=main.__doc__)
    parser.add_argument("--count", type=int, default=200_000, help="how many blobs")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes other blobs")
    parser.add_argument("--seeds", default="", help="a folder of valid .limn files to start from as well")
    parser.add_argument("--limit", type=float, default=1.0, help="seconds of processor time that reading one blob may take")
    parser.add_argument("-j", "--jobs", type=int, default=1, help="how many processes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
