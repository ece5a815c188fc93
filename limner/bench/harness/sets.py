"""Measures of all pictures together, FID and KID, of what a run has kept: beside its records, in ``sets.jsonl``.

    records, pictures that were kept --by system, setting, words, seed--> one line of JSON each
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from limner import image
from limner.atomic import write_atomic
from limner.bench import measures
from limner.bench.harness.record import Record, kept_original, kept_picture, order
from limner.errors import LimnerError
from limner.image import Pixels

FILE = "sets.jsonl"
Group = tuple[str, str, str, str, str, int]


@dataclass(frozen=True)
class OfSet:
    """One system at one setting over the pictures that came through, of how many that were tried; ``metrics``: parameters."""

    data: str
    preparation: str
    system: str
    setting: str
    words: str
    seed: int
    pictures: int
    tried: int
    figures: Mapping[str, float]
    absent: Mapping[str, str]
    metrics: Mapping[str, str]


def check(names: Iterable[str]) -> None:
    """Raise LimnerError for a name that is no measure of a set."""
    for name in names:
        if name not in measures.SET_MEASURES:
            raise LimnerError(f"there is no metric of sets {name!r}: there are {', '.join(measures.SET_MEASURES)}")


def write(records: Iterable[Record], folder: Path, names: Sequence[str], device: str = "cpu") -> list[OfSet]:
    """Measure what was kept in the folder of a run, and write it there. Raises LimnerError as `check` does."""
    check(names)
    found = list(measured(records, folder, names, device))
    lines = "".join(json.dumps(asdict(one), allow_nan=False) + "\n" for one in found)
    write_atomic(folder / FILE, lines.encode())
    return found


def measured(records: Iterable[Record], folder: Path, names: Sequence[str], device: str) -> Iterator[OfSet]:
    table = measures.sets_on(device)
    parameters = measures.described(names, table)
    for group, some in grouped(records).items():
        here = [record for record in some if record.failure is None and (folder / kept_picture(record)).exists()]
        figures, absent = measures.set_measured(pairs(here, folder), names, table)
        yield OfSet(*group, len(here), len(some), figures, absent, parameters)


def grouped(records: Iterable[Record]) -> dict[Group, list[Record]]:
    found: dict[Group, list[Record]] = {}
    for one in sorted(records, key=order):
        key = (one.data, one.preparation, one.system, one.setting, one.words, one.seed)
        found.setdefault(key, []).append(one)
    return found


def pairs(records: Iterable[Record], folder: Path) -> Iterator[tuple[Pixels, Pixels]]:
    """Originals and what was painted, from the disk one by one."""
    for record in records:
        original, painted = (image.load(folder / name(record)).pixels for name in (kept_original, kept_picture))
        yield original, painted
