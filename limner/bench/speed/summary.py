"""What a page says of the turns of a case: medians, the least and the most beside them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence

from limner.bench.speed.rows import Case, Sample

NONE = "–"
BUSY_CORES = 0.15
"""So much of the cores by others, of one, is a machine that is busy."""
BUSY_LOAD = 1.0

Table = dict[Case, list[Sample]]


def grouped(samples: Iterable[Sample]) -> Table:
    """The turns of each case that did not fail."""
    found: Table = {}
    for sample in samples:
        if sample.cost is not None:
            found.setdefault(sample.case, []).append(sample)
    return found


def seconds(value: float) -> str:
    """Three figures or so, whatever the size."""
    return f"{value:.{4 if value < 0.1 else 3 if value < 10 else 1}f}"


def spread(samples: Sequence[Sample]) -> str:
    """Median of the wall seconds (least–most)."""
    walls = [sample.wall_s for sample in samples]
    if not walls:
        return NONE
    middle = seconds(statistics.median(walls))
    return middle if len(walls) == 1 else f"{middle} ({seconds(min(walls))}–{seconds(max(walls))})"


def median(samples: Sequence[Sample], of: Callable[[Sample], float]) -> str:
    return seconds(statistics.median(map(of, samples))) if samples else NONE


def cpu_s(sample: Sample) -> float:
    return 0.0 if sample.cost is None else sample.cost.cpu_s


def peak(samples: Sequence[Sample]) -> str:
    """The most of all turns, in MB."""
    peaks = [sample.cost.peak_bytes for sample in samples if sample.cost is not None]
    return f"{max(peaks) / 1e6:.0f}" if peaks else NONE


def joules(samples: Sequence[Sample]) -> str:
    """The mean: the counter moves in steps, which even out over the turns."""
    told = [sample.energy_j for sample in samples if sample.energy_j is not None]
    return f"{statistics.mean(told):.2f}" if told else NONE


def counts(samples: Iterable[Sample]) -> str:
    """How many turns cases have."""
    found = sorted({len(turns) for turns in grouped(samples).values()})
    return NONE if not found else str(found[0]) if len(found) == 1 else f"{found[0]} to {found[-1]}"


def others(samples: Sequence[Sample]) -> tuple[float, float] | None:
    """How many of the cores others used, the mean over all seconds that were measured, and the most of a case; None where
    nothing is known of it."""
    known = [sample for sample in samples if sample.others_cores is not None]
    whole_s = sum(sample.wall_s for sample in known)
    if not whole_s:
        return None
    cases = grouped(known).values()
    return share(known), max(share(case) for case in cases)


def share(samples: Sequence[Sample]) -> float:
    """The mean over the seconds of some samples."""
    whole_s = sum(sample.wall_s for sample in samples)
    return sum((sample.others_cores or 0.0) * sample.wall_s for sample in samples) / whole_s if whole_s else 0.0


def load_words(samples: Sequence[Sample]) -> str:
    """How busy the machine was before, at the end and at the most."""
    loads = [load for sample in samples for load in (sample.load_before, sample.load_after) if load is not None]
    if not loads:
        return "this system tells no load"
    return f"load {loads[0]:.1f} before, {loads[-1]:.1f} after, {max(loads):.1f} at the most, the measured processes included"


def busy_words(samples: Sequence[Sample]) -> str:
    """A warning, or "" if the machine was idle but for what was measured."""
    known, loads = others(samples), [sample.load_before for sample in samples if sample.load_before is not None]
    if known is not None and known[0] <= BUSY_CORES:
        return ""
    if known is not None:
        took = f"of the cores that were measured on, it took {known[0]:.2f} in the mean and {known[1]:.2f} at the most"
    elif loads and loads[0] > BUSY_LOAD:
        took = f"the load before was {loads[0]:.1f}"
    else:
        return ""
    return f"**The machine was busy with other work: {took}. Read all seconds as upper bounds.**"
