"""Structural similarity, at one scale and at several: how alike two pictures are in structure, without weights.

    picture, other (h, w, c) --> SSIM's terms at five scales, each half of the one before --> product of powers, 0..1

Sources: Wang, Bovik, Sheikh and Simoncelli 2004; Wang, Simoncelli and Bovik, "Multi-scale structural similarity", 2003; details
as in pytorch-msssim 1.0.0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from limner.errors import ImageError

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the five scales, finest first (Wang, Simoncelli and Bovik 2003, section 3.2)."""

WINDOW_PX = 11
SIGMA_PX = 1.5
K1, K2 = 0.01, 0.03
SMALLEST_SIDE_PX = (WINDOW_PX - 1) * 2 ** (len(SCALE_WEIGHTS) - 1) + 1
"""161: a shorter side leaves no whole window at the coarsest scale."""


def ssim(original: NDArray[np.generic], other: NDArray[np.generic], *, peak: float) -> float:
    """Return the structural similarity, -1..1, at the pictures' own scale: mean over positions, then over R, G and B.

    Gaussian window of 11x11 with sigma 1.5 without padding. Raises ImageError if the shapes differ or a side is below 11.

    Source: Wang, Bovik, Sheikh and Simoncelli 2004, equation 13; details as in pytorch-msssim 1.0.0.
    """
    check_pair(original, other)
    if min(original.shape[:2]) < WINDOW_PX:
        raise ImageError(f"SSIM needs sides of at least {WINDOW_PX} pixels, not {original.shape[1]}x{original.shape[0]}")
    pairs = [(original[..., c].astype(np.float64), other[..., c].astype(np.float64)) for c in range(original.shape[2])]
    return float(np.mean([_ssim_terms(x, y, peak)[0] for x, y in pairs]))


def ms_ssim(original: NDArray[np.generic], other: NDArray[np.generic], *, peak: float) -> float:
    """Return the multi-scale structural similarity, 0..1, as the learned-codec field reports it: mean over R, G and B.

    Five scales, Gaussian window of 11x11 with sigma 1.5 without padding, negative contrast terms set to zero before the power.
    Raises ImageError if the shapes differ or a side is shorter than 161 pixels.

    Source: Wang, Simoncelli and Bovik, "Multi-scale structural similarity", 2003; details as in pytorch-msssim 1.0.0.
    """
    check_pair(original, other)
    if min(original.shape[:2]) < SMALLEST_SIDE_PX:
        raise ImageError(
            f"MS-SSIM needs sides of at least {SMALLEST_SIDE_PX} pixels, not {original.shape[1]}x{original.shape[0]}"
        )
    return float(np.mean([_one_channel(original[..., c], other[..., c], peak) for c in range(original.shape[2])]))


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


def check_pair(original: NDArray[np.generic], other: NDArray[np.generic]) -> None:
    """ImageError unless both are (h, w, c) of one shape and not empty."""
    if original.shape != other.shape or original.ndim != 3 or original.size == 0:
        raise ImageError(f"pictures of shapes {original.shape} and {other.shape} cannot be compared")
