"""What every measure of a picture against its original obeys, and pairs of pictures to try it on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pictures import scene

from limner.bench.measures import Measure, Told

Pixels = NDArray[np.uint8]

TOLD = Told("a hill", ("hill",))


def noisy(picture: Pixels, noise: float, seed: int = 0) -> Pixels:
    """A picture with Gaussian noise of that deviation."""
    drawn = np.random.default_rng(seed).normal(0, noise, picture.shape)
    return np.clip(picture + drawn, 0, 255).round().astype(np.uint8)


def blurred(picture: Pixels) -> Pixels:
    """Each pixel the mean of its 5x5 neighbours."""
    padded = np.pad(picture.astype(np.float64), ((2, 2), (2, 2), (0, 0)), "edge")
    height, width = picture.shape[:2]
    found = sum(padded[i : i + height, j : j + width] for i in range(5) for j in range(5))
    return np.asarray(found / 25).round().astype(np.uint8)


def faults(measure: Measure, side_px: int, step: int = 30, tolerance: float = 1e-9) -> set[str]:
    """Which laws a measure breaks on a scene: its best for equal pictures, worse for more noise, heeding every channel and
    what is above and below, the same when asked again. ``step``: how much one channel is changed."""
    picture = scene(side_px, side_px + 3)

    def of(painted: Pixels) -> float:
        return measure.better * measure.of(picture, painted, TOLD)

    best, found = of(picture.copy()), set[str]()
    little, much = of(noisy(picture, 6)), of(noisy(picture, 40))
    if not best >= little > much:
        found.add("noise")
    for channel in range(3):
        other = picture.copy()
        other[..., channel] = np.where(other[..., channel] > 127, other[..., channel] - step, other[..., channel] + step)
        if not of(other) < best - tolerance:
            found.add(f"channel {channel}")
    for name, rows in (("top", slice(0, side_px // 3)), ("bottom", slice(-(side_px // 3), None))):
        other = picture.copy()
        other[rows] = noisy(picture, 60)[rows]
        if not of(other) < best - tolerance:
            found.add(name)
    if of(noisy(picture, 6)) != little:
        found.add("again")
    return found
