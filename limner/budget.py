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
AIM = 0.985  # what a foreseen size aims at: foresight is off by a percent or two
HOPELESS = 1.05  # a scale is left when the size foreseen for the floor is this much over the budget
DOUBT = 14  # how far a guess may be under the floor before a scale is left without a fit
LAST_SCALE = len(SIXTEENTHS) - 1
# The first guess, fitted on held-out pictures: log of bits per coded pixel = a log(activity + 0.1) + b quality + c.
TYPICAL_LOG_BPP = (0.882, 0.0245, -6.42)


def to_target(codec: Miniature, scene: Scene, target_bytes: int, overhead_bytes: int) -> Fitted:
    """Fit a picture into a file of at most ``target_bytes``, ``overhead_bytes`` of which are not body.

    Raises BudgetError with the least number of bytes that would do.
    """
    limit_bytes = target_bytes - overhead_bytes
    best: Fitted | None = None
    for scale in range(LAST_SCALE + 1):
        start = guess(scene, scale, limit_bytes)
        if start < FLOOR - DOUBT and scale < LAST_SCALE:
            continue
        found = best_at(codec, scene, scale, limit_bytes, min(max(round(start), 0), BEST))
        best = found or best
        if found is not None and found.layer.quality >= FLOOR:
            return found
    if best is None:
        best = smallest(codec, scene)
        if best.size_bytes > limit_bytes:
            least = best.size_bytes + overhead_bytes
            raise BudgetError(f"{target_bytes} bytes are too few for this picture: the least that would do is {least}", least)
    return best


def best_at(codec: Miniature, scene: Scene, scale: int, limit_bytes: int, start: int) -> Fitted | None:
    """The fit of highest quality within the limit at a scale, or one that uses nearly all of it; None if quality 0 is over.

    The search begins at quality ``start``, and is given up early where the floor is clearly out of reach.
    """
    best: Fitted | None = None
    low, over, quality = -1, QUALITIES, start
    while over - low > 1:
        fitted = codec.fit(scene, Setting(quality, scale))
        if fitted.size_bytes <= limit_bytes:
            best, low = fitted, quality
            if fitted.size_bytes >= FULL * limit_bytes:
                break
        else:
            over = quality
        if scale < LAST_SCALE and codec.foresee(fitted, FLOOR) > HOPELESS * limit_bytes:
            break
        quality = foreseen(codec, fitted, AIM * limit_bytes, low + 1, over - 1)
    return best


def guess(scene: Scene, scale: int, limit_bytes: int) -> float:
    """The quality (it may lie beyond 0..63) at which a picture of such activity typically uses the limit."""
    width_px, height_px = scene.geometry(scale).coded_px
    by_activity, by_quality, constant = TYPICAL_LOG_BPP
    wanted = math.log(8 * max(1, limit_bytes) / (width_px * height_px))
    return (wanted - constant - by_activity * math.log(scene.activity(scale) + 0.1)) / by_quality


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
