"""Measures of a picture against its original that need no weights: PSNR, MS-SSIM, SSIMULACRA2, FLIP.

All measures with their parameters are in ``limner.bench.measures``; this is what the pages of fixed columns take of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limner.bench.measures.pixels import PEAK, flip, psnr_db, ssimulacra2
from limner.describe.similarity import SMALLEST_SIDE_PX, ms_ssim

__all__ = ["PEAK", "Figures", "figures", "flip", "ms_ssim", "psnr_db", "ssimulacra2"]


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
