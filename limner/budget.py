"""Reaching a byte target: the search over quality and coded size together.

At a given scale the size grows with the quality. Each fit foresees the sizes at other qualities, so two or three fits find
the best quality that fits. Of the scales, the largest is taken at which that quality is not below a floor: under it a
smaller picture at a higher quality is nearer to the original. Only sizes that were written count.
"""

from __future__ import annotations

import math

from limner.errors import BudgetError
from limner.layers.latent import SIXTEENTHS
from limner.layers.quadtree import QUALITIES
from limner.systems.miniature import Fitted, Miniature, Scene, Setting

BEST = QUALITIES - 1
FLOOR = 20  # if only a quality below this fits, a smaller scale is tried
FULL = 0.97  # a search ends when this part of the budget is used
AIM = 0.99  # what a foreseen size aims at: foresight is off by a percent or two
HOPELESS = 1.1  # a scale is left when the size foreseen for the floor is this much over the budget
LEAST_BPP = 0.006  # bits per coded pixel under which a scale is not tried
TYPICAL_BPP = (0.012, 0.033)  # bits per coded pixel at quality 0 and their relative growth by quality: the first guess


def to_target(codec: Miniature, scene: Scene, target_bytes: int, overhead_bytes: int) -> Fitted:
    """Fit a picture into a file of at most ``target_bytes``, ``overhead_bytes`` of which are not body.

    Raises BudgetError with the least number of bytes that would do.
    """
    limit_bytes = target_bytes - overhead_bytes
    best: Fitted | None = None
    for scale in range(first_scale(scene, limit_bytes), len(SIXTEENTHS)):
        found = best_at(codec, scene, scale, limit_bytes)
        best = found or best
        if found is not None and found.layer.quality >= FLOOR:
            return found
    if best is None:
        best = smallest(codec, scene)
        if best.size_bytes > limit_bytes:
            least = best.size_bytes + overhead_bytes
            raise BudgetError(f"{target_bytes} bytes are too few for this picture: the least that would do is {least}", least)
    return best


def first_scale(scene: Scene, limit_bytes: int) -> int:
    """The largest scale at which a body of the limit would have enough bits per coded pixel."""
    width_px, height_px = scene.size_px
    bpp = 8 * limit_bytes / (width_px * height_px)
    enough = (scale for scale, part in enumerate(SIXTEENTHS) if bpp >= LEAST_BPP * (part / 16) ** 2)
    return next(enough, len(SIXTEENTHS) - 1)


def best_at(codec: Miniature, scene: Scene, scale: int, limit_bytes: int) -> Fitted | None:
    """The fit of highest quality within the limit at a scale, or one that uses nearly all of it; None if quality 0 is over."""
    best: Fitted | None = None
    low, over, quality = -1, QUALITIES, guess(scene, scale, limit_bytes)
    while over - low > 1:
        fitted = codec.fit(scene, Setting(quality, scale))
        if fitted.size_bytes <= limit_bytes:
            best, low = fitted, quality
            if fitted.size_bytes >= FULL * limit_bytes:
                break
        else:
            over = quality
            if best is None and quality > FLOOR and codec.foresee(fitted, FLOOR) > HOPELESS * limit_bytes and not last(scale):
                break
        quality = foreseen(codec, fitted, AIM * limit_bytes, low + 1, over - 1)
    return best


def last(scale: int) -> bool:
    return scale == len(SIXTEENTHS) - 1


def guess(scene: Scene, scale: int, limit_bytes: int) -> int:
    """The quality at which a typical picture would use the limit."""
    width_px, height_px = scene.geometry(scale).coded_px
    least, growth = TYPICAL_BPP
    bpp = 8 * max(1, limit_bytes) / (width_px * height_px)
    return min(max(round(math.log(bpp / least) / growth), 0), BEST)


def foreseen(codec: Miniature, fitted: Fitted, wanted_bytes: float, low: int, high: int) -> int:
    """The highest quality of low..high whose foreseen size is within what is wanted; ``low`` if none is."""
    while low < high:
        middle = (low + high + 1) // 2
        if codec.foresee(fitted, middle) <= wanted_bytes:
            low = middle
        else:
            high = middle - 1
    return low


def smallest(codec: Miniature, scene: Scene) -> Fitted:
    """The fit with the smallest body of all scales at the lowest quality."""
    fits = (codec.fit(scene, Setting(0, scale)) for scale in reversed(range(len(SIXTEENTHS))))
    return min(fits, key=lambda fitted: fitted.size_bytes)
