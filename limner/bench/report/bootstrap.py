"""How sure is a mean? Pictures are drawn again, with replacement, and means taken again: the percentile bootstrap.

Source: Efron, "Bootstrap Methods: Another Look at the Jackknife", Annals of Statistics 7, 1979.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from limner.bench.report.series import mean, rounded

RESAMPLES = 1000
SHARE = 0.95
SEED = 0
MOST_AT_ONCE = 2**22
WORDS = f"{SHARE:.0%} bands: percentile bootstrap over pictures, {RESAMPLES} resamples, seed {SEED}"


@dataclass(frozen=True)
class Band:
    """A mean over pictures and the bounds of its band, None of fewer than two pictures."""

    mean: float
    low: float | None
    high: float | None


@lru_cache(maxsize=4)
def draws(pictures: int, resamples: int = RESAMPLES) -> NDArray[np.int32]:
    """(resamples, pictures) places of pictures drawn; the same for the same numbers, so that differences are paired."""
    return np.random.default_rng([SEED, pictures]).integers(0, pictures, (resamples, pictures), np.int32)


def band(values: Sequence[float]) -> Band:
    """The mean of some values, one a picture, within its band."""
    middle = mean(values)
    if len(values) < 2:
        return Band(rounded(middle), None, None)
    low, high = bounds(resampled_means(np.asarray(values)))
    # Of few and skewed values the middle may lie a rounding outside.
    return Band(rounded(middle), rounded(min(low, middle)), rounded(max(high, middle)))


def resampled_means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of pictures that were drawn again, (resamples,), in bounded memory."""
    drawn = draws(len(values))
    return np.concatenate([values[some].mean(axis=1) for some in np.array_split(drawn, 1 + drawn.size // MOST_AT_ONCE)])


def bounds(found: NDArray[np.float64]) -> tuple[float, float]:
    """Between which the middle share of what was found lies."""
    low, high = np.quantile(found, [(1 - SHARE) / 2, (1 + SHARE) / 2])
    return float(low), float(high)
