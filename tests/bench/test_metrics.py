"""PSNR by hand, and MS-SSIM against figures of pytorch-msssim."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from limner.bench.metrics import psnr_db
from limner.describe.similarity import SMALLEST_SIDE_PX, ms_ssim
from limner.errors import ImageError

# pytorch-msssim 1.0.0: ms_ssim(a, b, data_range=255) in float64 on the pairs of ``pair`` below. Its window is float32, hence
# differences of a few millionths.
GOLDEN = {
    (161, 161, 1, 5.0): 0.9919267241188275,
    (176, 208, 2, 20.0): 0.9154528846052831,
    (203, 181, 3, 60.0): 0.6922873250095548,
    (162, 175, 4, 2.0): 0.9985263931674299,
    (171, 165, 5, 30.0): 0.8551399558196717,
}


def pair(height: int, width: int, seed: int, noise: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    down, right = np.mgrid[0:height, 0:width]
    base = 128 + 60 * np.sin(right / 7 + seed) + 40 * np.cos(down / 11)
    picture = np.stack([base, base[::-1], np.roll(base, 5, 1)], -1)
    noisy = picture + np.random.default_rng(seed).normal(0, noise, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8), np.clip(noisy, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("case", GOLDEN)
def test_ms_ssim_is_that_of_the_field(case: tuple[int, int, int, float]) -> None:
    assert ms_ssim(*pair(*case), peak=255.0) == pytest.approx(GOLDEN[case], abs=2e-6)


def test_ms_ssim_of_equal_pictures_is_one() -> None:
    picture, _ = pair(161, 170, 1, 0.0)
    assert ms_ssim(picture, picture, peak=255.0) == pytest.approx(1.0)


def test_ms_ssim_scales_with_the_peak() -> None:
    one, other = pair(161, 161, 2, 20.0)
    assert ms_ssim(one / 255, other / 255, peak=1.0) == pytest.approx(ms_ssim(one, other, peak=255.0))


def test_a_picture_too_small_for_five_scales_is_an_error() -> None:
    small = np.zeros((SMALLEST_SIDE_PX, SMALLEST_SIDE_PX - 1, 3), np.uint8)
    with pytest.raises(ImageError, match="161"):
        ms_ssim(small, small, peak=255.0)


@given(st.integers(1, 8), st.integers(1, 8), st.integers(1, 255))
def test_psnr_of_a_constant_error(height: int, width: int, error: int) -> None:
    black = np.zeros((height, width, 3), np.uint8)
    assert psnr_db(black, black + np.uint8(error), peak=255.0) == pytest.approx(20 * math.log10(255 / error))


def test_psnr_by_hand() -> None:
    # One sample of 12 is off by 6: mean square 36 / 12 = 3, and 10 log10(65025 / 3) = 43.359 dB.
    one = np.full((2, 2, 3), 10, np.uint8)
    other = one.copy()
    other[1, 0, 2] = 4
    assert psnr_db(one, other, peak=255.0) == pytest.approx(43.3595, abs=1e-4)
    assert psnr_db(one, one, peak=255.0) == math.inf


def test_pictures_of_different_shapes_are_not_compared() -> None:
    with pytest.raises(ImageError, match="compared"):
        psnr_db(np.zeros((2, 2, 3), np.uint8), np.zeros((2, 3, 3), np.uint8), peak=255.0)
