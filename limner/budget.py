"""Reaching a byte target: the search over quality and coded size together.

At a given scale the size grows with the quality. Each fit foresees the sizes at other qualities, so two or three fits find
the best quality that fits. Of the scales, the largest is taken at which that quality is not below a floor: under it a
smaller picture at a higher quality is nearer to the original. Only sizes that were written count.
"""

from __future__ import annotations

from limner.errors import BudgetError
from limner.layers.latent import SIXTEENTHS
from limner.layers.quadtree import QUALITIES
from limner.systems.miniature import Fitted, Miniature, Scene, Setting

BEST = QUALITIES - 1
FLOOR = 10  # if only a quality below this fits, a smaller scale is tried
GUESS = 24
FULL = 0.985  # a search ends when this part of the budget is used
LEAST_BPP = 0.006  # coded bits per coded pixel under which a scale is not tried


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
    low, over, quality = -1, QUALITIES, GUESS
    while over - low > 1:
        fitted = codec.fit(scene, Setting(quality, scale))
        if fitted.size_bytes <= limit_bytes:
            best, low = fitted, quality
            if fitted.size_bytes >= FULL * limit_bytes:
                break
        else:
            over = quality
        quality = foreseen(codec, fitted, limit_bytes, low + 1, over - 1)
    return best


def foreseen(codec: Miniature, fitted: Fitted, limit_bytes: int, low: int, high: int) -> int:
    """The highest quality of low..high whose foreseen size is within the limit; ``low`` if none is."""
    while low < high:
        middle = (low + high + 1) // 2
        if codec.foresee(fitted, middle) <= limit_bytes:
            low = middle
        else:
            high = middle - 1
    return low


def smallest(codec: Miniature, scene: Scene) -> Fitted:
    """The fit with the smallest body of all scales at the lowest quality."""
    fits = (codec.fit(scene, Setting(0, scale)) for scale in reversed(range(len(SIXTEENTHS))))
    return min(fits, key=lambda fitted: fitted.size_bytes)
