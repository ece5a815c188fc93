"""Bjøntegaard deltas: how much less rate for the same quality, how much more quality for the same rate, than an anchor.

Source: Bjøntegaard, VCEG-M33, 2001; Herglotz et al., "The Bjøntegaard Bible", arXiv 2304.12852, for PCHIP and Akima, for the
overlap that is needed, and for the package ``bjontegaard``, which computes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from limner.extras import need

Floats = NDArray[np.float64]
Method = Literal["pchip", "akima"]


@dataclass(frozen=True)
class Points:
    """A rate curve: (n,) rates in bpp, rising, and (n,) qualities, of which more is better."""

    rates_bpp: Floats
    qualities: Floats

    @property
    def fault(self) -> str:
        """Why no delta can be taken with it; empty if one can."""
        if len(self.rates_bpp) < 2:
            return "fewer than two points"
        if self.rates_bpp[0] <= 0:
            return "a file of no bytes"
        if not (np.diff(self.rates_bpp) > 0).all():
            return "two points of one rate"
        return "" if (np.diff(self.qualities) > 0).all() else "quality does not rise with the rate throughout"


def points(rates_bpp: Floats, qualities: Floats) -> Points:
    """A curve of (n,) rates and qualities in whatever order; of points that are alike one is kept."""
    found = np.unique(np.stack([rates_bpp, qualities], axis=1).round(12), axis=0)
    return Points(found[:, 0], found[:, 1])


def overlap(one: Floats, other: Floats) -> float:
    """Which share of the range of two sets of values lies within both of their ranges, 0..1."""
    whole = max(one.max(), other.max()) - min(one.min(), other.min())
    both = min(one.max(), other.max()) - max(one.min(), other.min())
    return float(max(0.0, both) / whole) if whole > 0 else 1.0


def bd_rate(anchor: Points, test: Points, method: Method) -> float | None:
    """Average difference in rate at equal quality, percent; None where the curves have no range of quality in common."""
    if not overlap(anchor.qualities, test.qualities):
        return None
    package = need("bjontegaard", extra="bench")
    return float(package.bd_rate(*_flat(anchor, test), method, require_matching_points=False, min_overlap=0))


def bd_quality(anchor: Points, test: Points, method: Method) -> float | None:
    """Average difference in quality at equal rate; None where the curves have no range of rates in common."""
    if not overlap(np.log10(anchor.rates_bpp), np.log10(test.rates_bpp)):
        return None
    package = need("bjontegaard", extra="bench")
    return float(package.bd_psnr(*_flat(anchor, test), method, require_matching_points=False, min_overlap=0))


def _flat(anchor: Points, test: Points) -> tuple[Floats, Floats, Floats, Floats]:
    return anchor.rates_bpp, anchor.qualities, test.rates_bpp, test.qualities
