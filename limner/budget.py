"""Reaching a byte target: the search over quality and coded size together.

At a given scale the rate grows with the quality, so the best quality that fits is found by a secant search on the
logarithm of the rate. Of the scales, the largest is taken at which the quality that fits is not below a floor: under it a
smaller picture at a higher quality is nearer to the original. Costs are estimates; what is returned has been written.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from limner.errors import BudgetError
from limner.layers.latent import SIXTEENTHS
from limner.layers.quadtree import QUALITIES
from limner.systems.miniature import Fitted, Miniature, Scene, Setting

BEST = QUALITIES - 1
FLOOR = 10  # below this quality a smaller scale is tried
LOG_RATE_PER_QUALITY = 0.045
FULL = 0.985  # a search ends when this part of the budget is used


@dataclass(frozen=True)
class Found:
    """A quality and its cost."""

    quality: int
    bits: float


def largest_quality(cost_bits: Callable[[int], float], limit_bits: float, guess: int) -> Found | None:
    """The highest quality whose cost is within the limit, or one that uses nearly all of it; None if quality 0 is over."""
    low: Found | None = None
    over = QUALITIES
    quality = min(max(guess, 0), BEST)
    while True:
        bits = cost_bits(quality)
        if bits <= limit_bits:
            low = Found(quality, bits)
            if bits >= FULL * limit_bits:
                return low
        else:
            over = quality
        floor = -1 if low is None else low.quality
        if over - floor <= 1:
            return low
        step = math.log(limit_bits / bits) / LOG_RATE_PER_QUALITY
        quality = min(max(quality + math.floor(step), floor + 1), over - 1)


def reach(codec: Miniature, scene: Scene, limit_bytes: int) -> Fitted | None:
    """Fit a picture into a body of at most ``limit_bytes``; None if no setting is small enough."""
    limit_bits = 8.0 * limit_bytes
    best: Setting | None = None
    for scale in range(first_scale(scene, limit_bits), len(SIXTEENTHS)):
        cost = codec.costs(scene, scale)
        found = largest_quality(cost, limit_bits, guess=FLOOR + 4)
        if found is not None:
            best = Setting(found.quality, scale)
            if found.quality >= FLOOR:
                break
    return None if best is None else within(codec, scene, best, limit_bytes)


def first_scale(scene: Scene, limit_bits: float) -> int:
    """The largest scale worth trying: one on which even a plain picture would not fit at the floor is left out."""
    width_px, height_px = scene.size_px
    for scale, part in enumerate(SIXTEENTHS):
        if limit_bits >= LEAST_BPP * width_px * height_px * (part / 16) ** 2:
            return scale
    return len(SIXTEENTHS) - 1


LEAST_BPP = 0.004


def within(codec: Miniature, scene: Scene, setting: Setting, limit_bytes: int) -> Fitted | None:
    """Write at a setting, and lower the quality, then the scale, until the body is within the limit."""
    while True:
        fitted = codec.fit(scene, setting)
        if fitted.size_bytes <= limit_bytes:
            return fitted
        if setting.quality > 0:
            setting = Setting(setting.quality - 1, setting.scale)
        elif setting.scale + 1 < len(SIXTEENTHS):
            setting = Setting(FLOOR, setting.scale + 1)
        else:
            return None


def least_bytes(codec: Miniature, scene: Scene) -> int:
    """The size of the smallest body that any setting gives."""
    return min(codec.fit(scene, Setting(0, scale)).size_bytes for scale in range(len(SIXTEENTHS)))


def to_target(codec: Miniature, scene: Scene, target_bytes: int, overhead_bytes: int) -> Fitted:
    """Fit a picture into a file of at most ``target_bytes``, ``overhead_bytes`` of which are not body.

    Raises BudgetError with the least number of bytes that would do.
    """
    fitted = reach(codec, scene, target_bytes - overhead_bytes) if target_bytes > overhead_bytes else None
    if fitted is None:
        least = least_bytes(codec, scene) + overhead_bytes
        if least <= target_bytes:
            return to_least(codec, scene, target_bytes - overhead_bytes)
        raise BudgetError(f"{target_bytes} bytes are too few for this picture: the least that would do is {least}", least)
    return fitted


def to_least(codec: Miniature, scene: Scene, limit_bytes: int) -> Fitted:
    """The largest scale that fits at quality 0: for budgets at the very end of the range."""
    for scale in range(len(SIXTEENTHS)):
        fitted = codec.fit(scene, Setting(0, scale))
        if fitted.size_bytes <= limit_bytes:
            return fitted
    raise BudgetError(f"{limit_bytes} bytes are too few", limit_bytes + 1)
