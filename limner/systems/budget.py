"""Reaching a byte target: the search over quality and coded size together.

At a given scale the log of the size grows nearly linearly with the quality, so two or three fits find the best quality that
fits. Of the scales, the largest is taken at which that quality is not below a floor: under it a smaller picture at a higher
quality is nearer to the original. Only sizes that were written count.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from limner.errors import BudgetError
from limner.layers.latent import SIXTEENTHS
from limner.layers.quadtree import QUALITIES
from limner.systems.miniature import Fitted, Miniature, Scene, Setting

BEST = QUALITIES - 1
FLOOR = 0  # if only a quality below this fits, a smaller scale is tried
FULL = 0.975  # a search ends when this part of the budget is used
AIM = 0.99  # what a foreseen size aims at: foresight is off by a percent
FINEST = 0.1  # the least difference of two qualities that are tried
CLOSE = 0.5  # two qualities that are nearer tell little of how sizes grow
MOST_FILLS = 6  # how often a gap between two qualities is tried to be filled
MOST_GENEROUS = 1.5  # of the log of the generosity, by how much it grows at once
HOPELESS = 1.05  # a scale is left when the size foreseen for the floor is this much over the budget
LAST_SCALE = len(SIXTEENTHS) - 1
# A budget of fewer bytes, or under this guess at the last scale, is held against the least possible before the search.
FEW_BYTES, NEAR_THE_LEAST = 64, 40
LOW_QUALITIES = range(13)


@dataclass(frozen=True)
class Law:
    """What is typical: log of bits per coded pixel = power * log(measure) + slope * quality + area * log(pixels) + constant.

    ``doubt``: how far, in steps of quality, a guess by this law may be under the floor before a scale is left for it.
    """

    power: float
    slope: float
    area: float
    constant: float
    doubt: int

    def log_bpp(self, measure: float, quality: float, pixels: int) -> float:
        return self.power * math.log(measure + 1e-3) + self.slope * quality + self.area * math.log(pixels) + self.constant


# Fitted on held-out pictures by ``python -m limner.train.typical``. By what the pixels show, and by what the latent shows;
# the second law holds for latents that were scaled for that quality, so its own slope is no rate of growth.
BY_ACTIVITY = Law(1.067, 0.0366, -0.0542, -5.922, doubt=8)
BY_UNREST = Law(0.980, 0.0008, -0.0014, -0.062, doubt=4)
GROWTH = 0.0380  # of the log of a picture's size with each quality
REUSED = 0.011  # of the log of a size: what is saved by a latent that was made for a quality a little lower
GENEROSITY_GROWTH = 0.0439  # of the log of a picture's size with that of the encoder's generosity


def to_target(codec: Miniature, scene: Scene, target_bytes: int, overhead_bytes: int) -> Fitted:
    """Fit a picture into a file of at most ``target_bytes``, ``overhead_bytes`` of which are not body.

    Raises BudgetError with the least number of bytes that would do.
    """
    limit_bytes = target_bytes - overhead_bytes
    if limit_bytes < FEW_BYTES or rough_guess(scene, LAST_SCALE, limit_bytes) < NEAR_THE_LEAST:
        checked(smallest(codec, scene), target_bytes, overhead_bytes)
    best: Fitted | None = None
    for scale in range(LAST_SCALE + 1):
        start = guess(codec, scene, scale, limit_bytes)
        if start is None:
            continue
        found = best_at(codec, scene, scale, limit_bytes, start)
        best = found or best
        if found is not None and found.layer.quality >= FLOOR:
            return found
    return best or checked(smallest(codec, scene), target_bytes, overhead_bytes)


def checked(least: Fitted, target_bytes: int, overhead_bytes: int) -> Fitted:
    """Raise BudgetError if the smallest fit is over the target."""
    least_bytes = least.size_bytes + overhead_bytes
    if least_bytes > target_bytes:
        message = f"{target_bytes} bytes are too few for this picture: the least that would do is {least_bytes}"
        raise BudgetError(message, least_bytes)
    return least


def best_at(codec: Miniature, scene: Scene, scale: int, limit_bytes: int, start: float) -> Fitted | None:
    """The fit of highest quality within the limit at a scale, or one that uses nearly all of it; None if quality 0 is over.

    The search is over real qualities (``finely``). It begins at ``start``, and is given up early where the floor is clearly
    out of reach.
    """
    best: Fitted | None = None
    last: tuple[float, Fitted] | None = None
    low, over, quality = -FINEST, BEST + FINEST, held(start)
    while over - low > 1.01 * FINEST:
        fitted = codec.fit(scene, finely(quality, scale))
        if fitted.size_bytes <= limit_bytes:
            best, low = fitted, quality
            if fitted.size_bytes >= FULL * limit_bytes:
                break
        else:
            over = quality
        slope = log_slope(last, (quality, fitted))
        last = quality, fitted
        if scale < LAST_SCALE and quality + ahead(fitted, HOPELESS * limit_bytes, slope) < FLOOR:
            break
        quality = between(quality + ahead(fitted, AIM * limit_bytes, slope), low, over)
    return None if best is None else fuller(codec, scene, best, finely(low, scale), limit_bytes)


def fuller(codec: Miniature, scene: Scene, best: Fitted, setting: Setting, limit_bytes: int) -> Fitted:
    """Fill what is left of the limit by a more generous encoder: sizes can jump from one quality to the next."""
    step = 1.0
    for _ in range(MOST_FILLS):
        if best.size_bytes >= FULL * limit_bytes:
            break
        growth = step * math.log(AIM * limit_bytes / max(1, best.size_bytes)) / GENEROSITY_GROWTH
        more = replace(setting, generosity=setting.generosity * math.exp(min(growth, MOST_GENEROUS)))
        fitted = codec.fit(scene, more)
        if fitted.size_bytes > limit_bytes:
            step /= 2
        elif fitted.size_bytes > best.size_bytes:
            best, setting = fitted, more
        else:
            break
    return best


def between(wanted: float, low: float, over: float) -> float:
    """A quality strictly between one that fits and one that does not; the wanted one if it can be had."""
    step = min(FINEST, (over - low) / 3)
    return round(min(max(wanted, low + step), over - step), 6)


def finely(quality: float, scale: int) -> Setting:
    """A real quality as a setting: the wire holds its whole part, the encoder's generosity its fraction."""
    whole = min(int(quality), BEST)
    return Setting(whole, scale, generosity=math.exp((quality - whole) * GROWTH / GENEROSITY_GROWTH))


def log_slope(one: tuple[float, Fitted] | None, other: tuple[float, Fitted]) -> float:
    """By how much the log of the size grows with each quality: between two fits, held near the typical."""
    if one is None or abs(other[0] - one[0]) < CLOSE:
        return GROWTH
    growth = math.log(max(1, other[1].size_bytes) / max(1, one[1].size_bytes))
    return min(max(growth / (other[0] - one[0]), GROWTH / 2), 2 * GROWTH)


def ahead(fitted: Fitted, wanted_bytes: float, slope: float) -> float:
    """How many qualities higher a size is foreseen."""
    return math.log(max(1.0, wanted_bytes) / max(1, fitted.size_bytes)) / slope


def guess(codec: Miniature, scene: Scene, scale: int, limit_bytes: int) -> float | None:
    """The quality at which the limit is probably used; None if it is so low that a smaller scale serves the picture better."""
    last = scale == LAST_SCALE
    rough = rough_guess(scene, scale, limit_bytes)
    if rough < FLOOR - BY_ACTIVITY.doubt and not last:
        return None
    probe = round(held(rough))
    unrest = codec.unrest(scene, Setting(probe, scale))
    foreseen = BY_UNREST.log_bpp(unrest, probe, coded_pixels(scene, scale))
    finer = probe + (wanted_log_bpp(scene, scale, limit_bytes) - foreseen + REUSED) / GROWTH
    return None if finer < FLOOR - BY_UNREST.doubt and not last else held(finer)


def rough_guess(scene: Scene, scale: int, limit_bytes: int) -> float:
    """The quality (it may lie beyond 0..63) at which a picture of such activity typically uses the limit."""
    at_the_least = BY_ACTIVITY.log_bpp(scene.activity(scale), 0, coded_pixels(scene, scale))
    return (wanted_log_bpp(scene, scale, limit_bytes) - at_the_least) / BY_ACTIVITY.slope


def wanted_log_bpp(scene: Scene, scale: int, limit_bytes: int) -> float:
    return math.log(8 * max(1, limit_bytes) / coded_pixels(scene, scale))


def coded_pixels(scene: Scene, scale: int) -> int:
    width_px, height_px = scene.geometry(scale).coded_px
    return width_px * height_px


def held(quality: float) -> float:
    return min(max(quality, 0.0), float(BEST))


def smallest(codec: Miniature, scene: Scene) -> Fitted:
    """The fit with the smallest body; the larger scales are left once they only add to it.

    So few symbols are coded there that a size may fall by a byte where the quality rises.
    """
    least = min_at(codec, scene, LAST_SCALE)
    for scale in reversed(range(LAST_SCALE)):
        fitted = min_at(codec, scene, scale)
        if fitted.size_bytes > least.size_bytes:
            break
        least = fitted
    return least


def min_at(codec: Miniature, scene: Scene, scale: int) -> Fitted:
    return min((codec.fit(scene, Setting(quality, scale)) for quality in LOW_QUALITIES), key=lambda fitted: fitted.size_bytes)
