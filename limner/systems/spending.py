"""How the bytes of a sedic file are spent: on the reference, on words for the whole, on which objects with how many words.

    reference at some rates -> the detail that each loses, place by place -\\
    words, masks -> their bytes, the share of it that they bring back -------+-> what stays lost by a plan -> the best plan

Nothing is painted here. How much detail the reference loses is measured on the picture, for every rate in question: the local
contrast that the reference does not have. What words bring back of it is foreseen by the paper's ablation (Table 1, LPIPS on
Kodak): w words for the whole bring the share 0.365 (1 - exp(-w / 23)) everywhere, w words of an object the share 1 - exp(-w /
7.5) under its mask. These are fitted to the rows 0.2243, 0.1651 and 0.1518 with 0, 30 and 50 words for the whole, and 0.2338,
0.1718 and 0.1518 with 0, 10 and 30 words for each of three objects. An object, or words, that cost more than they bring are not
in the best plan: their bytes do more for the reference.

``proved`` holds a plan against pictures that the painter paints, where that can be done.

Source: Song et al. 2025 (SEDIC), sections 3.1, 4.1 and Table 1; the rest is ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from limner.describe.answer import Limits
from limner.errors import BudgetError
from limner.render.regions import covered
from limner.systems import sedic
from limner.systems.references import Coding
from limner.systems.sedic import Amount, Layers, Scene

WHOLE_SHARE, WHOLE_WORDS = 0.365, 23.0
OBJECT_WORDS = 7.5
STEPS = (0, 5, 10, 20, 30, 40, 50)
"""Numbers of words that are tried."""
RATES = (1.0, 0.8, 0.6, 0.4)
"""Of the limit, for which the reference is looked at."""
PLACE_PX = 16
MOST_MOVES = 60

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Foresight:
    """What is known of a picture before its bytes are spent.

    log_bytes: rising, of references that were made. lost: (references, rows, columns), how much local contrast each lacks.
    under: (objects, rows, columns), the share of each place that is under an object's mask.
    """

    log_bytes: Floats
    lost: Floats
    under: Floats

    def left(self, amount: Amount, reference_bytes: int) -> float:
        """The detail that stays lost; less is better."""
        stays = np.full(self.lost.shape[1:], 1 - WHOLE_SHARE * -math.expm1(-amount.overall_words / WHOLE_WORDS))
        for place, words in amount.objects:
            stays *= 1 + self.under[place] * math.expm1(-words / OBJECT_WORDS)
        at_each = np.tensordot(self.lost, stays, 2)
        return float(np.interp(math.log(max(1, reference_bytes)), self.log_bytes, at_each))


def spent(
    scene: Scene, layers_of: Callable[[Amount], Layers], coding: Coding, limits: Limits, limit_bytes: int, cell_px: int, bare:
    bool
) -> Layers:
    """The layers of the best plan, whose file has at most ``limit_bytes``. ``layers_of``: without reference. ``limits``: the
    most objects and words there may be. BudgetError with the least that would do for the reference alone."""
    nothing = Amount(0, (), cell_px)
    least = sedic.within(layers_of(nothing), coding, scene.size_px, limit_bytes, bare=bare)
    sight = foresight(scene, coding, limit_bytes, least)

    @cache
    def overhead_bytes(amount: Amount) -> int:
        return sedic.overhead_bytes(layers_of(amount), scene.size_px, limit_bytes, bare)

    def worth(amount: Amount) -> float:
        # Words and masks are independent layers: what each takes is found once.
        whole, objects = replace(amount, objects=()), [replace(nothing, objects=(one,)) for one in amount.objects]
        empty_bytes = overhead_bytes(nothing)
        room_bytes = limit_bytes - empty_bytes - sum(overhead_bytes(one) - empty_bytes for one in (whole, *objects))
        return math.inf if room_bytes < math.exp(sight.log_bytes[0]) else sight.left(amount, room_bytes)

    layers = layers_of(climbed(nothing, limits, len(scene.objects), worth))
    try:
        return sedic.within(layers, coding, scene.size_px, limit_bytes, bare=bare)
    except BudgetError:
        return least


def foresight(scene: Scene, coding: Coding, limit_bytes: int, most: Layers) -> Foresight:
    """Look at references of some rates. ``most``: with the largest of them."""
    assert most.reference is not None
    made = {len(most.reference.body): most.reference}
    for part in RATES[1:]:
        try:
            one = coding.fit_within(int(part * limit_bytes), 0)
        except BudgetError:
            break
        made[len(one.body)] = one
    sizes = sorted(made)
    wanted = contrast(scene.pixels)
    lost = [np.maximum(wanted - contrast(made[size].paint(*scene.size_px)), 0) for size in sizes]
    under = [covered(seen.mask, (wanted.shape[0], wanted.shape[1])) for seen in scene.objects]
    shape = (len(under), *wanted.shape)
    return Foresight(np.log(np.maximum(sizes, 1)), np.stack(lost), np.array(under, np.float64).reshape(shape))


def contrast(pixels: NDArray[np.uint8]) -> Floats:
    """The deviation of the mean of R, G and B in each place of 16 x 16 px, of what is whole of them (at least one)."""
    grey = pixels.mean(axis=2)
    rows, columns = (max(1, side // PLACE_PX) for side in grey.shape)
    down, across = grey.shape[0] // rows, grey.shape[1] // columns
    places = grey[: rows * down, : columns * across].reshape(rows, down, columns, across)
    deviation: Floats = places.std(axis=(1, 3))
    return deviation


def climbed(start: Amount, limits: Limits, objects: int, worth: Callable[[Amount], float]) -> Amount:
    """From plan to better plan, one change at a time, until none is better. worth: less is better."""
    best, best_worth = start, worth(start)
    for _ in range(MOST_MOVES):
        tried = [(worth(one), place, one) for place, one in enumerate(moves(best, limits, objects))]
        found_worth, _, found = min(tried, default=(math.inf, 0, best))
        if not found_worth < best_worth:
            break
        best, best_worth = found, found_worth
    return best


def moves(amount: Amount, limits: Limits, objects: int) -> Iterator[Amount]:
    """All plans that differ in one thing: words for the whole, words of an object, which objects. They keep their order."""
    for words in steps(limits.overall_words):
        if words != amount.overall_words:
            yield replace(amount, overall_words=words)
    sent = dict(amount.objects)
    for place in range(objects):
        for words in steps(limits.detail_words):
            if words != sent.get(place, 0) and (place in sent or len(sent) < limits.things):
                changed = {**sent, place: words}
                yield replace(amount, objects=tuple((one, changed[one]) for one in sorted(changed) if changed[one]))


def steps(most: int) -> Sequence[int]:
    return sorted({step for step in STEPS if step < most} | {most})


def proved(layers: Layers, remade: Callable[[Layers], Layers], likeness: Callable[[Layers], float]) -> Layers:
    """The layers without those objects, the last first, and without those words for the whole, for which what is painted is no
    more like the picture.

    ``remade``: the same words and masks with the reference made anew, for the bytes that are free. ``likeness``: paints, and
    says how like the picture that is.
    """
    best, best_likeness = layers, likeness(layers)
    for one in (*reversed(layers.objects), None):
        less = replace(best, whole=None) if one is None else replace(best, objects=tuple(o for o in best.objects if o != one))
        if less == best:
            continue
        made = remade(less)
        found = likeness(made)
        if found >= best_likeness:
            best, best_likeness = made, found
    return best
