"""Every measure of a painted picture against its original, with all its parameters, and why it is absent where it is.

    pixels        psnr_db ssim ms_ssim ssimulacra2 flip delta_e             no weights
    butteraugli   butteraugli butteraugli_3norm                             a program
    deep          lpips_alex lpips_vgg dists clip_image clip_text           weights of others
    semantic      ocr_cer ocr_wer things_lost                               a program; weights of others, and names of things
    sets          fid fid_patched kid kid_patched                           of many pictures together; weights of others

    original, painted (h, w, 3) uint8 sRGB + what is told of the original -> {name: number}, {name: why there is none}

A number that cannot be made is absent and said to be: it is never zero, and never not-a-number. Weights are found by
``limner.weights``: fetched from the hub when somebody asked for that, or in a folder that LIMNER_WEIGHTS names.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from limner.bench.measures.butteraugli import BUTTERAUGLI_MEASURES
from limner.bench.measures.deep import deep_measures
from limner.bench.measures.measure import Measure, Told, looked_up, told
from limner.bench.measures.pixels import PIXEL_MEASURES
from limner.bench.measures.semantic import semantic_measures
from limner.bench.measures.sets import SetMeasure, set_measured, set_measures
from limner.describe.similarity import check_pair
from limner.errors import LimnerError
from limner.image import Pixels

__all__ = [
    "LIGHT",
    "MEASURES",
    "SET_MEASURES",
    "Measure",
    "SetMeasure",
    "Told",
    "described",
    "measured",
    "on",
    "set_measured",
    "sets_on",
]

UNTOLD = {"words": "nobody told its words", "things": "nobody told what things are in it"}


def on(device: str) -> dict[str, Measure]:
    """All measures of one picture, those with nets on a device of torch."""
    table = (*PIXEL_MEASURES, *BUTTERAUGLI_MEASURES, *deep_measures(device), *semantic_measures(device))
    return {measure.name: measure for measure in table}


def sets_on(device: str) -> dict[str, SetMeasure]:
    """All measures of a set of pictures, on a device of torch."""
    return {measure.name: measure for measure in set_measures(device)}


MEASURES = on("cpu")
SET_MEASURES = sets_on("cpu")
LIGHT = tuple(measure.name for measure in PIXEL_MEASURES)
"""Names of those that need neither weights nor programs."""


def measured(
    original: Pixels,
    painted: Pixels,
    words: str | Told = "",
    names: Iterable[str] | None = None,
    table: Mapping[str, Measure] = MEASURES,
) -> tuple[dict[str, float], dict[str, str]]:
    """Measure a painted picture: the numbers by name, and why others are absent.

    original, painted: (h, w, 3) uint8 sRGB of one size. words: the caption of the original, or all that is told of it; the true
    one, whatever the coder was given. names: of the table, None for all. Raises ImageError if the sizes differ, LimnerError for
    a name that is not in the table.
    """
    check_pair(original, painted)
    said, figures, absent = told(words), dict[str, float](), dict[str, str]()
    for name, measure in looked_up(table if names is None else names, table).items():
        if why := hindered(measure, original, said):
            absent[name] = why
            continue
        try:
            value = measure.of(original, painted, said)
        except LimnerError as error:
            absent[name] = str(error)
            continue
        if math.isfinite(value):
            figures[name] = value
        else:
            absent[name] = "infinite: the pictures are equal" if value == math.inf else f"no finite number: {value}"
    return figures, absent


def hindered(measure: Measure, original: Pixels, said: Told) -> str:
    """Why a measure cannot be made of a picture; nothing if it can."""
    height_px, width_px = original.shape[:2]
    if min(height_px, width_px) < measure.least_px:
        return f"{width_px} x {height_px} px: it needs sides of at least {measure.least_px}"
    if (measure.needs == "words" and not said.words) or (measure.needs == "things" and not said.things):
        return UNTOLD[measure.needs]
    return measure.missing()


def described(
    names: Iterable[str] | None = None, table: Mapping[str, Measure] | Mapping[str, SetMeasure] = MEASURES
) -> dict[str, str]:
    """Name -> all parameters, versions of packages and digests of weights among them, as far as they are here."""
    return {name: table[name].described() for name in (table if names is None else names)}
