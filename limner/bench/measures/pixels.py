"""Measures that need no weights. PSNR takes any arrays and a peak that is given, never guessed; the others take 8-bit sRGB.

SSIM and MS-SSIM are in ``limner.describe.similarity``; SSIMULACRA2, FLIP and CIEDE2000 are other people's programs.
"""

from __future__ import annotations

import io
import math
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.bench.measures.measure import Measure, Of, packaged
from limner.describe.similarity import SMALLEST_SIDE_PX, WINDOW_PX, check_pair, ms_ssim, ssim
from limner.extras import need

PEAK = 255.0
SMALLEST_SSIMULACRA2_PX = 8


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
    return float(need("ssimulacra2", extra="bench").compute_ssimulacra2(_png(original), _png(other)))


def flip(original: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return the mean LDR-FLIP error of 8-bit sRGB pictures, 0 (equal) to 1, at the default 67 pixels a degree.

    Source: Andersson et al. 2020, by its authors' package flip-evaluator. Raises ImageError if the shapes differ.
    """
    check_pair(original, other)
    as_floats = [picture.astype(np.float32) / np.float32(255) for picture in (original, other)]
    _, mean, _ = need("flip_evaluator", extra="bench").evaluate(*as_floats, "LDR", applyMagma=False)
    return float(mean)


def delta_e(original: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return the mean colour difference CIEDE2000 of 8-bit sRGB pictures, 0 for equal ones; about 1 can just be seen.

    Source: Sharma, Wu and Dalal 2005, by scikit-image; CIE L*a*b* of D65. Raises ImageError if the shapes differ.
    """
    check_pair(original, other)
    color = need("skimage.color", extra="bench")
    return float(np.mean(color.deltaE_ciede2000(color.rgb2lab(original), color.rgb2lab(other))))


def _png(picture: NDArray[np.uint8]) -> io.BytesIO:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=0)
    return buffer


def _of_pictures(measure: partial[float]) -> Of:
    return lambda original, painted, told: measure(original, painted)


EIGHT_BIT = "8-bit sRGB, R, G and B"
PIXEL_MEASURES = (
    Measure(
        "psnr_db",
        1,
        f"limner; {EIGHT_BIT} samples together, peak 255; absent for equal pictures",
        "dB",
        _of_pictures(partial(psnr_db, peak=PEAK)),
    ),
    Measure(
        "ssim",
        1,
        f"limner, as pytorch-msssim 1.0.0; {EIGHT_BIT}, mean over the three, Gaussian window 11x11 sigma 1.5 without padding, "
        "K1 0.01, K2 0.03, peak 255",
        "",
        _of_pictures(partial(ssim, peak=PEAK)),
        least_px=WINDOW_PX,
    ),
    Measure(
        "ms_ssim",
        1,
        f"limner, as pytorch-msssim 1.0.0; {EIGHT_BIT}, mean over the three, 5 scales of 0.0448 0.2856 0.3001 0.2363 0.1333, "
        "Gaussian window 11x11 sigma 1.5 without padding, K1 0.01, K2 0.03, peak 255",
        "",
        _of_pictures(partial(ms_ssim, peak=PEAK)),
        least_px=SMALLEST_SIDE_PX,
    ),
    Measure(
        "ssimulacra2",
        1,
        "package ssimulacra2 (version 2.1 of the measure); 8-bit sRGB",
        "",
        _of_pictures(partial(ssimulacra2)),
        packaged("ssimulacra2"),
        SMALLEST_SSIMULACRA2_PX,
        package="ssimulacra2",
    ),
    Measure(
        "flip",
        -1,
        "package flip-evaluator; mean of LDR-FLIP, 67 pixels a degree; 8-bit sRGB",
        "",
        _of_pictures(partial(flip)),
        packaged("flip_evaluator"),
        package="flip-evaluator",
    ),
    Measure(
        "delta_e",
        -1,
        "scikit-image; mean of CIEDE2000 over pixels, CIE L*a*b* of D65 from 8-bit sRGB",
        "dE",
        _of_pictures(partial(delta_e)),
        packaged("skimage"),
        package="scikit-image",
    ),
)
