"""Records put in order: data set -> family (a system used in one way) -> target (a budget) -> pictures."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from limner.bench.harness.record import Record, order
from limner.bench.report.scales import in_order
from limner.errors import LimnerError

UNPREPARED = "none"
DEFAULT = "default"
"""The setting of a system that was asked for nothing."""
_BUDGET = re.compile(r"target_bytes=\d+")
_NUMBER = re.compile(r"(?:\w+=)?\d+(?:\.\d+)?(?:x\d+)?")


@dataclass(frozen=True, order=True)
class Family:
    """A system, the way it was used (its setting without budget or numbers), and the words it was given."""

    system: str
    way: str
    words: str

    @property
    def label(self) -> str:
        way = f"{self.system} {self.way}".rstrip()
        return way if self.words == "none" else f"{way} ({self.words} words)"


@dataclass(frozen=True, order=True)
class Target:
    """A point on a curve: a budget in bytes (0: none), or what else was asked for."""

    budget_bytes: int
    text: str

    @property
    def label(self) -> str:
        return str(self.budget_bytes) if self.budget_bytes else self.text or "–"


def place(record: Record) -> tuple[Family, Target]:
    """To which curve a record belongs, and to which of its points."""
    words = record.setting.split()
    pattern = _NUMBER if record.budget_bytes is None else _BUDGET
    way = " ".join(word for word in words if not pattern.fullmatch(word) and word != DEFAULT)
    numbers = " ".join(word for word in words if pattern.fullmatch(word))
    target = Target(0, numbers) if record.budget_bytes is None else Target(record.budget_bytes, "")
    return Family(record.system, way, record.words), target


@dataclass(frozen=True)
class Cell:
    """All pictures by one family at one target, seeds side by side."""

    family: Family
    target: Target
    records: tuple[Record, ...]

    def values(self, of: Callable[[Record], float | None]) -> dict[str, float]:
        """Picture -> value, the mean of its seeds; without pictures of which a seed failed or has no such value."""
        found: dict[str, list[float | None]] = {}
        for record in self.records:
            found.setdefault(record.picture, []).append(None if record.failure is not None else of(record))
        known = {name: [value for value in seeds if value is not None] for name, seeds in found.items()}
        return {name: mean(known[name]) for name, seeds in found.items() if len(known[name]) == len(seeds)}

    def figures(self, metric: str) -> dict[str, float]:
        """Picture -> figure."""
        return self.values(lambda record: record.figures.get(metric))

    def rates_bpp(self) -> dict[str, float]:
        """Picture -> bits a pixel: 8 times the length of the file over the number of pixels."""
        return self.values(rate_bpp)

    def sizes_bytes(self) -> dict[str, float]:
        """Picture -> length of the file."""
        return self.values(lambda record: record.bytes)


@dataclass(frozen=True)
class Group:
    """One data set in one preparation. ``pictures``: all that any of its records is of.

    ``cells``: family by family, systems whose layers are known first, then by name; targets of a family rising.
    """

    data: str
    preparation: str
    pictures: tuple[str, ...]
    cells: tuple[Cell, ...]

    @property
    def title(self) -> str:
        return self.data if self.preparation == UNPREPARED else f"{self.data}, {self.preparation}"

    @cached_property
    def records(self) -> tuple[Record, ...]:
        return tuple(record for cell in self.cells for record in cell.records)

    @cached_property
    def families(self) -> list[Family]:
        return list(dict.fromkeys(cell.family for cell in self.cells))

    @cached_property
    def metrics(self) -> list[str]:
        """Metrics of which there is at least one figure."""
        return in_order(name for record in self.records for name in record.figures)

    @cached_property
    def by_target(self) -> list[Cell]:
        """Cells by rising target, families of a target in their order."""
        return sorted(self.cells, key=lambda cell: cell.target)

    def of(self, family: Family) -> list[Cell]:
        """The cells of a family, targets rising."""
        return [cell for cell in self.cells if cell.family == family]

    def complete(self, values: dict[str, float]) -> list[float] | None:
        """Values in the order of the pictures; None unless every picture has one."""
        return [values[name] for name in self.pictures] if len(values) == len(self.pictures) else None


def groups(records: Iterable[Record]) -> list[Group]:
    """Set records in order, whatever theirs is. Raises LimnerError if two pictures of a data set share a name."""
    sets: dict[tuple[str, str], list[Record]] = {}
    for record in sorted(records, key=order):
        sets.setdefault((record.data, record.preparation), []).append(record)
    places = sorted(sets, key=lambda place: (place[0], place[1] != UNPREPARED, place[1]))
    return [_group(*place, sets[place]) for place in places]


def _group(data: str, preparation: str, records: Sequence[Record]) -> Group:
    hashes: dict[str, str] = {}
    cells: dict[tuple[Family, Target], list[Record]] = {}
    for record in records:
        if hashes.setdefault(record.picture, record.picture_sha256) != record.picture_sha256:
            raise LimnerError(f"{record.picture} of {data} is two different pictures: report on them apart")
        cells.setdefault(place(record), []).append(record)
    ours = {record.system for record in records if record.layer_bytes}
    places = sorted(cells, key=lambda place: (place[0].system not in ours, *place))
    made = (Cell(family, target, tuple(cells[family, target])) for family, target in places)
    return Group(data, preparation, tuple(sorted(hashes)), tuple(made))


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean, the same in whatever order the values come."""
    return math.fsum(values) / len(values)


def rate_bpp(record: Record) -> float | None:
    """Bits a pixel of the file; None where there is none."""
    return None if record.bytes is None else 8 * record.bytes / (record.width_px * record.height_px)


def rounded(value: float) -> float:
    """Six significant digits: what is beyond may differ from one machine's arithmetic to the next."""
    return float(f"{value:.6g}")
