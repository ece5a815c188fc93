"""The coarse of a picture: what is left of it after five blurs, each twice as wide as the one before.

    picture (h, w, 3) uint8 --[1 2 1] / 4 down and across, 1, 2, 4, 8, 16 places apart, edges repeated--> (h, w, 3) uint8

Source: the authors' program of SEDIC (Song et al. 2025), which starts its last stage from it; the wavelet is that of Starck and
Murtagh ("à trous").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STEPS = (1, 2, 4, 8, 16)


def lowpass(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Of the same shape, rounded to whole levels, the even one of two."""
    values = pixels.astype(np.float64)
    for step in STEPS:
        for axis in (0, 1):
            values = blurred(values, step, axis)
    return np.rint(values).astype(np.uint8)


def blurred(values: NDArray[np.float64], step: int, axis: int) -> NDArray[np.float64]:
    """Along one axis: a quarter of the value ``step`` places before, a half of it, a quarter of that ``step`` places behind."""
    places = np.arange(values.shape[axis])
    before, behind = (np.clip(places + move, 0, places[-1]) for move in (-step, step))
    # Sums of multiples of 2**-20 below 2**8: exact in any order.
    return values.take(before, axis) / 4 + values / 2 + values.take(behind, axis) / 4
