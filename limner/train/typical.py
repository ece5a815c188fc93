"""``python -m limner.train.typical``: what rates are typical of, as the constants of ``limner.systems.budget``.

Held-out photographs are fitted at some scales and qualities; least squares then says how the size follows from what can be
seen before. Printed: each law's constants and how far off it is (standard deviation of the log of the size). Written, with
``--write``: what the unrest of each channel of the latent typically costs, into the set of weights that was asked.
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
from scipy.optimize import nnls

from limner.describe.activity import unrest
from limner.systems.miniature import Miniature, Setting
from limner.train import photos
from limner.weights import DATA, at, rewrite_manifest

SCALES = (0, 1)
QUALITIES = (5, 9, 14, 20, 28, 40)
GENEROUS = 1.3
FEW = 8  # pictures that are fitted more generously, and from a latent made for a lower quality
LOWER = 2  # qualities


@dataclass(frozen=True, eq=False)
class Row:
    """One fit: which picture at which scale, the unrest of each channel, and the log of its bits per coded pixel."""

    picture: int
    scale: int
    quality: int
    log_px: float
    log_activity: float
    unrest: NDArray[np.float64]
    log_bpp: float


def rows(codec: Miniature, pictures: Sequence[NDArray[np.uint8]]) -> Iterator[Row]:
    for number, picture in enumerate(pictures):
        scene = codec.describe(picture)
        for scale, quality in itertools.product(SCALES, QUALITIES):
            setting = Setting(quality, scale)
            width_px, height_px = scene.geometry(scale).coded_px
            log_px = math.log(width_px * height_px)
            log_bpp = math.log(8 * codec.fit(scene, setting).size_bytes) - log_px
            activity = math.log(scene.activity(scale) + 1e-3)
            yield Row(number, scale, quality, log_px, activity, unrest(codec.latent(scene, setting)), log_bpp)


def channel_rates(found: Sequence[Row]) -> NDArray[np.float32]:
    """What the unrest of each channel costs in bits per pixel, none less than nothing: the least relative error."""
    relative = np.stack([row.unrest / math.exp(row.log_bpp) for row in found])
    rates, _ = nnls(relative, np.ones(len(found)))
    costs: NDArray[np.float32] = rates.astype(np.float32)
    return costs


def generosity_growth(codec: Miniature, pictures: Sequence[NDArray[np.uint8]]) -> float:
    """How the log of the size grows with that of the encoder's generosity."""
    grown = []
    for picture, quality in itertools.product(pictures, QUALITIES[:4]):
        scene = codec.describe(picture)
        usual, more = (codec.fit(scene, Setting(quality, 0, generosity)).size_bytes for generosity in (1.0, GENEROUS))
        grown.append(math.log(more / usual) / math.log(GENEROUS))
    return float(np.mean(grown))


def saved_by_reuse(codec: Miniature, pictures: Sequence[NDArray[np.uint8]]) -> float:
    """By how much the log of the size is less for a latent that was made for a quality a little lower."""
    saved = []
    for picture, quality in itertools.product(pictures, QUALITIES[:4]):
        fresh, used = codec.describe(picture), codec.describe(picture)
        codec.latent(used, Setting(quality - LOWER))
        usual, less = (codec.fit(scene, Setting(quality)).size_bytes for scene in (fresh, used))
        saved.append(math.log(usual / less))
    return float(np.mean(saved))


def law(measures: Sequence[float], found: Sequence[Row]) -> str:
    """Fit log_bpp = power * measure + slope * quality + area * log_px + constant."""
    given = np.array([(measure, row.quality, row.log_px, 1.0) for measure, row in zip(measures, found, strict=True)])
    wanted = np.array([row.log_bpp for row in found])
    constants, *_ = np.linalg.lstsq(given, wanted, rcond=None)
    power, slope, area, constant = constants
    off = float((wanted - given @ constants).std())
    found_law = f"Law({power:.3f}, {slope:.4f}, {area:.4f}, {constant:.3f})"
    return f"{found_law}, off by {off:.3f} or {off / growth(found):.1f} steps of quality"


def growth(found: Sequence[Row]) -> float:
    """How the log of one picture's size grows with each step of quality: mean over neighbouring qualities."""
    pairs = [(a, b) for a, b in itertools.pairwise(found) if (a.picture, a.scale) == (b.picture, b.scale)]
    return float(np.mean([(b.log_bpp - a.log_bpp) / (b.quality - a.quality) for a, b in pairs]))


def main(argv: Sequence[str] | None = None) -> int:
    """Print the constants."""
    parser = argparse.ArgumentParser(prog="python -m limner.train.typical", description=main.__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/train"), help="folder of training photographs")
    parser.add_argument("--every", type=int, default=2, help="take every so many of the held-out photographs")
    parser.add_argument("--weights", type=Path, default=DATA / "miniature", help="folder of the set of weights")
    parser.add_argument("--write", action="store_true", help="write rates.npy there")
    options = parser.parse_args(argv)
    codec, pictures = Miniature(at(options.weights)), photos.load(options.data).held_out[:: options.every]
    found = list(rows(codec, pictures))
    rates = channel_rates(found)
    if options.write:
        np.save(options.weights / "rates.npy", rates, allow_pickle=False)
        rewrite_manifest(options.weights, "rates.npy")
    sys.stdout.write(
        f"{np.count_nonzero(rates)} channels count\n"
        f"BY_ACTIVITY = {law([row.log_activity for row in found], found)}\n"
        f"BY_UNREST = {law([math.log(float(row.unrest @ rates) + 1e-3) for row in found], found)}\n"
        f"GROWTH = {growth(found):.4f}\n"
        f"REUSED = {saved_by_reuse(codec, pictures[:FEW]):.4f}\n"
        f"GENEROSITY_GROWTH = {generosity_growth(codec, pictures[:FEW]):.4f}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
