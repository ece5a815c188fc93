"""Measures of a picture against its original that need no weights: PSNR, MS-SSIM, SSIMULACRA2, FLIP.

PSNR and MS-SSIM take (h, w, 3) arrays and a peak that is given, never guessed: 255 for 8-bit sRGB. The other two are their
authors' or others' programs, and take 8-bit sRGB.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
from flip_evaluator import evaluate as evaluate_flip
from numpy.typing import NDArray
from PIL import Image
from ssimulacra2 import compute_ssimulacra2

from limner.describe.similarity import SMALLEST_SIDE_PX, check_pair, ms_ssim

PEAK = 255.0


@dataclass(frozen=True)
class Figures:
    """A picture of 8-bit sRGB against its original. ``ms_ssim`` None: too small for it; the other None: not asked for."""

    psnr_db: float
    ms_ssim: float | None
    ssimulacra2: float | None = None
    flip: float | None = None


def figures(original: NDArray[np.uint8], other: NDArray[np.uint8], *, quick: bool = False) -> Figures:
    """Measure by everything; ``quick``: without SSIMULACRA2 and FLIP. Raises ImageError if the shapes differ."""
    large = min(original.shape[:2]) >= SMALLEST_SIDE_PX
    return Figures(
        round(psnr_db(original, other, peak=PEAK), 4),
        round(ms_ssim(original, other, peak=PEAK), 5) if large else None,
        None if quick else round(ssimulacra2(original, other), 3),
        None if quick else round(flip(original, other), 5),
    )


def psnr_db(original: NDArray[np.generic], other: NDArray[np.generic], *, peak: float) -> float:
    """Return the peak signal-to-noise ratio in dB over all samples of all channels; infinite for equal pictures.

    Raises ImageError if the shapes differ.
    """
    check_pair(original, other)
    error = float(np.mean((original.astype(np.float64) - other.astype(np.float64)) ** 2))
    return math.inf if error == 0 else 10 * math.log10(peak**2 / error)


def ssimulacra2(original: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return SSIMULACRA2 of 8-bit sRGB pictures: 100 for equal ones, 30 for low quality, below 0 for very low.

    Source: Sneyers 2023, SSIMULACRA 2.1, as the Python package ssimulacra2 computes it. Raises ImageError if the shapes differ.
    """
    check_pair(original, other)
    return float(compute_ssimulacra2(_png(original), _png(other)))


def flip(original: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return the mean LDR-FLIP error of 8-bit sRGB pictures, 0 (equal) to 1, at the default 67 pixels a degree.

    Source: Andersson et al. 2020, by its authors' package flip-evaluator. Raises ImageError if the shapes differ.
    """
    check_pair(original, other)
    as_floats = [picture.astype(np.float32) / np.float32(255) for picture in (original, other)]
    _, mean, _ = evaluate_flip(*as_floats, "LDR", applyMagma=False)
    return float(mean)


def _png(picture: NDArray[np.uint8]) -> io.BytesIO:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=0)
    return buffer
