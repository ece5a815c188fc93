"""``python -m limner.train.typical``: what rates are typical of, as the constants of ``limner.budget``.

Held-out photographs are fitted at two scales and five qualities; least squares then says how the size follows from what can
be seen before. Printed: each law's constants and how far off it is (standard deviation of the log of the size).
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from limner.systems.miniature import Miniature, Setting, embedded
from limner.train import photos

SCALES = (0, 3)
QUALITIES = (14, 24, 34, 46, 58)


@dataclass(frozen=True)
class Row:
    """One fit: which picture at which scale, and the log of its bits per coded pixel."""

    picture: int
    scale: int
    quality: int
    log_activity: float
    log_unrest: float
    log_bpp: float


def rows(codec: Miniature, pictures: Sequence[NDArray[np.uint8]]) -> Iterator[Row]:
    for number, picture in enumerate(pictures):
        scene = codec.describe(picture)
        for scale, quality in itertools.product(SCALES, QUALITIES):
            setting = Setting(quality, scale)
            width_px, height_px = scene.geometry(scale).coded_px
            log_bpp = math.log(8 * codec.fit(scene, setting).size_bytes / (width_px * height_px))
            activity, unrest = (math.log(value + 1e-3) for value in (scene.activity(scale), codec.unrest(scene, setting)))
            yield Row(number, scale, quality, activity, unrest, log_bpp)


def law(measures: Sequence[float], found: Sequence[Row]) -> str:
    """Fit log_bpp = power * measure + slope * quality + constant."""
    given = np.array([(measure, row.quality, 1.0) for measure, row in zip(measures, found, strict=True)])
    wanted = np.array([row.log_bpp for row in found])
    constants, *_ = np.linalg.lstsq(given, wanted, rcond=None)
    power, slope, constant = constants
    off = float((wanted - given @ constants).std())
    return f"Law({power:.3f}, {slope:.4f}, {constant:.3f}), off by {off:.3f} or {off / growth(found):.1f} steps of quality"


def growth(found: Sequence[Row]) -> float:
    """How the log of one picture's size grows with each step of quality: mean over neighbouring qualities."""
    pairs = [(a, b) for a, b in itertools.pairwise(found) if (a.picture, a.scale) == (b.picture, b.scale)]
    return float(np.mean([(b.log_bpp - a.log_bpp) / (b.quality - a.quality) for a, b in pairs]))


def main(argv: Sequence[str] | None = None) -> int:
    """Print the constants."""
    parser = argparse.ArgumentParser(prog="python -m limner.train.typical", description=main.__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/train"), help="folder of training photographs")
    parser.add_argument("--every", type=int, default=2, help="take every so many of the held-out photographs")
    options = parser.parse_args(argv)
    found = list(rows(embedded(), photos.load(options.data).held_out[:: options.every]))
    sys.stdout.write(
        f"BY_ACTIVITY = {law([row.log_activity for row in found], found)}\n"
        f"BY_UNREST = {law([row.log_unrest for row in found], found)}\n"
        f"GROWTH = {growth(found):.4f}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
