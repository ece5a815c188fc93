"""Every family beside an anchor by every metric: BD-rate with a band, BD-quality, and what to think of before quoting them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from limner.bench.report.bd import Floats, Points, bd_quality, bd_rate, overlap, points
from limner.bench.report.bootstrap import SEED, SHARE, bounds, draws
from limner.bench.report.scales import scale_of
from limner.bench.report.series import Cell, Family, Group, rounded
from limner.bench.report.table import Column, Table
from limner.errors import LimnerError

LEAST_OVERLAP = 0.75
LEAST_POINTS = 4
RESAMPLES = 200
LEAST_RESAMPLES = 190
"""With fewer curves that a delta can be taken of there is no band."""


@dataclass(frozen=True)
class Samples:
    """What a curve of means is made of: (points, pictures) rates in bpp, and qualities, of which more is better."""

    rates_bpp: Floats
    qualities: Floats

    def curve(self) -> Points:
        """The curve of means over all pictures."""
        return points(self.rates_bpp.mean(axis=1), self.qualities.mean(axis=1))

    def resampled(self) -> Iterator[Points]:
        """Curves of means over pictures that were drawn with replacement."""
        for drawn in draws(self.rates_bpp.shape[1])[:RESAMPLES]:
            yield Samples(self.rates_bpp[:, drawn], self.qualities[:, drawn]).curve()


@dataclass(frozen=True)
class Delta:
    """A family beside the anchor by one metric. Rates in percent, qualities in units of the metric; None: cannot be had.

    ``points``: of the family's curve; ``overlap``: 0..1; ``low``, ``high``: band of ``rate_pchip``.
    """

    family: Family
    metric: str
    points: int = 0
    overlap: float | None = None
    rate_pchip: float | None = None
    low: float | None = None
    high: float | None = None
    rate_akima: float | None = None
    quality_pchip: float | None = None
    quality_akima: float | None = None
    warning: str = ""


def anchor_of(group: Group, name: str) -> Family:
    """The family of that system with the most points, or else the one with that label. Raises LimnerError if there is none.

    Of equal ones the plainest: an anchor without a curve would be of no use, as a codec that misses the lower budgets.
    """
    found = [family for family in group.families if family.system == name]
    found = found or [family for family in group.families if family.label == name]
    if found:
        return min(found, key=lambda family: (-whole_targets(group, family), family.words not in ("none", "true"), family))
    labels = ", ".join(family.label for family in group.families)
    raise LimnerError(f"{name!r} is no system of {group.title}: take one of {labels}")


def whole_targets(group: Group, family: Family) -> int:
    """At how many targets every picture has a file."""
    return sum(group.complete(cell.rates_bpp()) is not None for cell in group.of(family))


def samples(group: Group, family: Family, metric: str) -> Samples | None:
    """What the curve of a family is made of; None where at no target every picture has a figure."""
    found = [pair for cell in group.of(family) if (pair := _pair(group, cell, metric)) is not None]
    if not found:
        return None
    rates, figures = (np.asarray(values) for values in zip(*found, strict=True))
    return Samples(rates, scale_of(metric).better * figures)


def _pair(group: Group, cell: Cell, metric: str) -> tuple[list[float], list[float]] | None:
    figures = group.complete(cell.figures(metric))
    rates = group.complete(cell.rates_bpp())
    return None if figures is None or rates is None else (rates, figures)


def deltas(group: Group, anchor: Family) -> list[Delta]:
    """Every other family beside the anchor, by every metric whose better side is known."""
    metrics = [metric for metric in group.metrics if scale_of(metric).better]
    return [_delta(group, anchor, family, metric) for metric in metrics for family in group.families if family != anchor]


def _delta(group: Group, anchor: Family, family: Family, metric: str) -> Delta:
    base, test = samples(group, anchor, metric), samples(group, family, metric)
    blank = Delta(family, metric)
    if base is None or test is None:
        which = anchor if base is None else family
        return replace(blank, warning=f"{which.label}: at no target every picture has a figure")
    one, other = base.curve(), test.curve()
    blank = replace(blank, points=len(other.rates_bpp))
    for which, curve in ((anchor, one), (family, other)):
        if curve.fault:
            return replace(blank, warning=f"{which.label}: {curve.fault}")
    rate = _rounded(bd_rate(one, other, "pchip"))
    low, high = (None, None) if rate is None else _rate_band(base, test)
    return replace(
        blank,
        overlap=rounded(overlap(one.qualities, other.qualities)),
        rate_pchip=rate,
        low=low,
        high=high,
        rate_akima=_rounded(bd_rate(one, other, "akima")),
        quality_pchip=_rounded(bd_quality(one, other, "pchip")),
        quality_akima=_rounded(bd_quality(one, other, "akima")),
        warning="; ".join(_warnings(one, other)),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else rounded(value)


def _warnings(anchor: Points, test: Points) -> Iterator[str]:
    share = overlap(anchor.qualities, test.qualities)
    if not share:
        yield "no quality in common"
    elif share < LEAST_OVERLAP:
        yield f"poor overlap: {share:.0%} of the range of quality"
    if not overlap(anchor.rates_bpp, test.rates_bpp):
        yield "no rate in common"
    least = min(len(anchor.rates_bpp), len(test.rates_bpp))
    if least < LEAST_POINTS:
        yield f"{least} points, {LEAST_POINTS} are usual"


def _rate_band(base: Samples, test: Samples) -> tuple[float | None, float | None]:
    """Between which the BD-rate by PCHIP lies, both curves drawn alike; None where too many such curves allow none."""
    if base.rates_bpp.shape[1] < 2:
        return None, None
    pairs = zip(base.resampled(), test.resampled(), strict=True)
    found = [bd_rate(one, other, "pchip") for one, other in pairs if not one.fault and not other.fault]
    known = [value for value in found if value is not None]
    if len(known) < LEAST_RESAMPLES:
        return None, None
    low, high = bounds(np.asarray(known))
    return rounded(low), rounded(high)


def delta_table(group: Group, anchor: Family) -> Table:
    """The deltas of all families and metrics beside one anchor."""
    columns = (
        *(Column("metric"), Column("system"), Column("points", 0), Column("overlap %", 0)),
        *(Column("BD-rate % PCHIP", 2), Column("low", 2), Column("high", 2), Column("BD-rate % Akima", 2)),
        *(Column("BD-quality PCHIP", 4), Column("BD-quality Akima", 4), Column("warning")),
    )
    words = (
        f"Beside {anchor.label}, of curves of means over all pictures. BD-rate: average difference in rate at equal quality; "
        "less than zero is a smaller file. BD-quality: average difference in quality at equal rate, in units of the metric; "
        "more than zero is better, whichever way the metric runs. Overlap: share of the range of quality that both curves "
        f"cover. Low and high: {SHARE:.0%} band of the BD-rate by PCHIP, bootstrap over pictures, {RESAMPLES} resamples, "
        f"seed {SEED}."
    )
    return Table("bd", f"Bjøntegaard deltas beside {anchor.label}", words, columns, tuple(map(_row, deltas(group, anchor))))


def _row(delta: Delta) -> tuple[str | int | float | None, ...]:
    share = None if delta.overlap is None else 100 * delta.overlap
    rates = (delta.rate_pchip, delta.low, delta.high, delta.rate_akima)
    qualities = (delta.quality_pchip, delta.quality_akima)
    return (scale_of(delta.metric).label, delta.family.label, delta.points, share, *rates, *qualities, delta.warning)
