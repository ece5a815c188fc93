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

from limner.errors import ImageError

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the five scales, finest first (Wang, Simoncelli and Bovik 2003, section 3.2)."""

WINDOW_PX = 11
SIGMA_PX = 1.5
K1, K2 = 0.01, 0.03
SMALLEST_SIDE_PX = (WINDOW_PX - 1) * 2 ** (len(SCALE_WEIGHTS) - 1) + 1
"""161: a shorter side leaves no whole window at the coarsest scale."""


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
    _check_pair(original, other)
    error = float(np.mean((original.astype(np.float64) - other.astype(np.float64)) ** 2))
    return math.inf if error == 0 else 10 * math.log10(peak**2 / error)


def ms_ssim(original: NDArray[np.generic], other: NDArray[np.generic], *, peak: float) -> float:
    """Return the multi-scale structural similarity, 0..1, as the learned-codec field reports it: mean over R, G and B.

    Five scales, Gaussian window of 11x11 with sigma 1.5 without padding, negative contrast terms set to zero before the power.
    Raises ImageError if the shapes differ or a side is shorter than 161 pixels.

    Source: Wang, Simoncelli and Bovik, "Multi-scale structural similarity", 2003; details as in pytorch-msssim 1.0.0.
    """
    _check_pair(original, other)
    if min(original.shape[:2]) < SMALLEST_SIDE_PX:
        raise ImageError(
            f"MS-SSIM needs sides of at least {SMALLEST_SIDE_PX} pixels, not {original.shape[1]}x{original.shape[0]}"
        )
    return float(np.mean([_one_channel(original[..., c], other[..., c], peak) for c in range(original.shape[2])]))


def ssimulacra2(original: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return SSIMULACRA2 of 8-bit sRGB pictures: 100 for equal ones, 30 for low quality, below 0 for very low.

    Source: Sneyers 2023, SSIMULACRA 2.1, as the Python package ssimulacra2 computes it. Raises ImageError if the shapes differ.
    """
    _check_pair(original, other)
    return float(compute_ssimulacra2(_png(original), _png(other)))


def flip(original: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return the mean LDR-FLIP error of 8-bit sRGB pictures, 0 (equal) to 1, at the default 67 pixels a degree.

    Source: Andersson et al. 2020, by its authors' package flip-evaluator. Raises ImageError if the shapes differ.
    """
    _check_pair(original, other)
    as_floats = [picture.astype(np.float32) / np.float32(255) for picture in (original, other)]
    _, mean, _ = evaluate_flip(*as_floats, "LDR", applyMagma=False)
    return float(mean)


def _png(picture: NDArray[np.uint8]) -> io.BytesIO:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=0)
    return buffer


def _one_channel(original: NDArray[np.generic], other: NDArray[np.generic], peak: float) -> float:
    x, y = original.astype(np.float64), other.astype(np.float64)
    value = 1.0
    for scale, weight in enumerate(SCALE_WEIGHTS):
        if scale:
            x, y = _halved(x), _halved(y)
        ssim, contrast = _ssim_terms(x, y, peak)
        last = scale == len(SCALE_WEIGHTS) - 1
        value *= max(ssim if last else contrast, 0.0) ** weight
    return float(value)


def _ssim_terms(x: NDArray[np.float64], y: NDArray[np.float64], peak: float) -> tuple[float, float]:
    """Return the means of SSIM and of its contrast-structure part."""
    c1, c2 = (K1 * peak) ** 2, (K2 * peak) ** 2
    mean_x, mean_y = _blurred(x), _blurred(y)
    variance_x = _blurred(x * x) - mean_x**2
    variance_y = _blurred(y * y) - mean_y**2
    covariance = _blurred(x * y) - mean_x * mean_y
    contrast = (2 * covariance + c2) / (variance_x + variance_y + c2)
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return float(np.mean(luminance * contrast)), float(np.mean(contrast))


def _blurred(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    window = _window()
    rows = sum(tap * plane[i : plane.shape[0] - WINDOW_PX + 1 + i] for i, tap in enumerate(window))
    blurred = sum(tap * rows[:, i : plane.shape[1] - WINDOW_PX + 1 + i] for i, tap in enumerate(window))
    return np.asarray(blurred, dtype=np.float64)


def _window() -> NDArray[np.float64]:
    taps = np.exp(-((np.arange(WINDOW_PX) - WINDOW_PX // 2) ** 2) / (2 * SIGMA_PX**2))
    return np.asarray(taps / taps.sum(), dtype=np.float64)


def _halved(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average over 2x2; an odd side is padded with a zero line in front that counts, as pytorch-msssim does."""
    height, width = plane.shape
    padded = np.pad(plane, ((height % 2, height % 2), (width % 2, width % 2)))
    even = padded[: padded.shape[0] // 2 * 2, : padded.shape[1] // 2 * 2]
    return np.asarray((even[0::2, 0::2] + even[1::2, 0::2] + even[0::2, 1::2] + even[1::2, 1::2]) / 4, dtype=np.float64)


def _check_pair(original: NDArray[np.generic], other: NDArray[np.generic]) -> None:
    if original.shape != other.shape or original.ndim != 3 or original.size == 0:
        raise ImageError(f"pictures of shapes {original.shape} and {other.shape} cannot be compared")
