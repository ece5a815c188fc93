"""Measures without weights: against independent implementations, by their laws, and broken on purpose."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measure_laws import TOLD, blurred, faults, noisy
from numpy.typing import NDArray
from pictures import scene
from PIL import Image

from limner.bench import metrics
from limner.bench.measures import LIGHT, MEASURES
from limner.bench.measures.pixels import psnr_db
from limner.describe.similarity import ms_ssim, ssim
from limner.errors import ImageError

SIDE_PX = 164  # enough for MS-SSIM
SYMMETRIC = ("psnr_db", "ssim", "ms_ssim", "delta_e")

# pytorch-msssim 1.0.0: ssim(a, b, data_range=255, win=w) in float64 on the pairs of ``pair`` below, w its window in float64.
# With its own, which is float32 and does not add up to 1, it differs by up to a hundred-thousandth.
GOLDEN = {
    (40, 50, 1, 5.0): 0.7987018286113324,
    (33, 21, 2, 20.0): 0.3918527615898202,
    (11, 11, 3, 60.0): 0.3467961476951744,
}


def pair(width: int, height: int, seed: int, noise: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    picture = scene(width, height, seed)
    return picture, noisy(picture, noise, seed)


@pytest.mark.parametrize("case", GOLDEN)
def test_ssim_is_that_of_the_field(case: tuple[int, int, int, float]) -> None:
    assert ssim(*pair(*case), peak=255.0) == pytest.approx(GOLDEN[case], abs=1e-9)


@pytest.mark.parametrize("case", [(61, 47, 4, 3.0), (64, 64, 5, 30.0), (19, 90, 6, 90.0)])
def test_ssim_and_psnr_are_those_of_scikit_image(case: tuple[int, int, int, float]) -> None:
    theirs = pytest.importorskip("skimage.metrics")
    one, two = pair(*case)
    said = {"data_range": 255, "channel_axis": 2, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    assert ssim(one, two, peak=255.0) == pytest.approx(theirs.structural_similarity(one, two, **said), abs=1e-9)
    assert psnr_db(one, two, peak=255.0) == pytest.approx(theirs.peak_signal_noise_ratio(one, two, data_range=255))


def test_delta_e_of_white_and_black_is_100() -> None:
    white = np.full((4, 5, 3), 255, np.uint8)
    assert MEASURES["delta_e"].of(white, np.zeros_like(white), TOLD) == pytest.approx(100, abs=0.01)
    # Lightness alone: CIEDE2000 of two greys follows from their L* by hand (Sharma et al. 2005, equations 8 to 22).
    grey, other = np.full((2, 2, 3), 119, np.uint8), np.full((2, 2, 3), 136, np.uint8)
    lightness = [116 * (((v / 255 + 0.055) / 1.055) ** 2.4) ** (1 / 3) - 16 for v in (119, 136)]
    middle = (sum(lightness) / 2 - 50) ** 2
    by_hand = (lightness[1] - lightness[0]) / (1 + 0.015 * middle / math.sqrt(20 + middle))
    assert MEASURES["delta_e"].of(grey, other, TOLD) == pytest.approx(by_hand, abs=2e-3)


@pytest.mark.parametrize("name", LIGHT)
def test_they_obey_the_laws(name: str) -> None:
    assert faults(MEASURES[name], SIDE_PX) == set()


@given(st.integers(11, 40), st.integers(11, 40), st.integers(0, 99), st.floats(0.5, 80))
def test_symmetric_ones_are_symmetric_and_within_bounds(width: int, height: int, seed: int, noise: float) -> None:
    one, two = pair(width, height, seed, noise)
    for name in ("psnr_db", "ssim", "delta_e"):
        of = MEASURES[name].of
        assert of(one, two, TOLD) == pytest.approx(of(two, one, TOLD), nan_ok=False)
    assert -1 <= ssim(one, two, peak=255.0) <= 1 and ssim(one, one, peak=255.0) == pytest.approx(1)


def test_they_are_what_their_packages_say_of_files(tmp_path: Path) -> None:
    """Asked with files and floats made here: nothing is turned or mixed up on the way."""
    one, two = scene(90, 70), noisy(scene(90, 70), 25)[..., [0, 2, 1]]
    for name, picture in (("one.png", one), ("two.png", two)):
        Image.fromarray(picture).save(tmp_path / name)
    said = pytest.importorskip("ssimulacra2").compute_ssimulacra2(str(tmp_path / "one.png"), str(tmp_path / "two.png"))
    assert MEASURES["ssimulacra2"].of(one, two, TOLD) == said
    floats = [picture / np.float32(255) for picture in (one, two)]
    _, mean, said = pytest.importorskip("flip_evaluator").evaluate(*floats, "LDR")
    assert MEASURES["flip"].of(one, two, TOLD) == pytest.approx(mean) and said["ppd"] == pytest.approx(67.02, abs=0.01)
    for name in ("ssimulacra2", "flip", "delta_e"):
        of = MEASURES[name].of
        assert of(one, two, TOLD) != pytest.approx(of(one[..., ::-1].copy(), two[..., ::-1].copy(), TOLD), rel=1e-3)


@pytest.mark.parametrize("name", [name for name in LIGHT if name not in SYMMETRIC])
def test_others_are_asked_with_the_original_first(name: str) -> None:
    """SSIMULACRA2 tells artefacts from lost detail. FLIP's two sides weigh alike, but for rounding."""
    one = scene(SIDE_PX, SIDE_PX)
    two = blurred(one)
    direct = {"ssimulacra2": metrics.ssimulacra2, "flip": metrics.flip}[name]
    assert MEASURES[name].of(one, two, TOLD) == direct(one, two)
    if name == "ssimulacra2":
        assert abs(direct(one, two) - direct(two, one)) > 0.1


def test_the_peak_is_255() -> None:
    one, two = pair(SIDE_PX, SIDE_PX, 7, 20.0)
    for name, measure in (("psnr_db", psnr_db), ("ssim", ssim), ("ms_ssim", ms_ssim)):
        found = MEASURES[name].of(one, two, TOLD)
        assert found == pytest.approx(measure(one / 255, two / 255, peak=1.0))
        assert abs(found - measure(one, two, peak=1.0)) > 0.01


def test_judges_that_are_broken_on_purpose_are_caught() -> None:
    good, smooth = MEASURES["psnr_db"], MEASURES["ssim"]
    blind = replace(good, of=lambda one, two, told: good.of(one[..., :2], two[..., :2], told))
    assert faults(blind, 40) == {"channel 2"}
    grey = replace(smooth, of=lambda one, two, told: smooth.of(one[..., 1:2], two[..., 1:2], told))
    assert faults(grey, 40) == {"channel 0", "channel 2"}
    assert "noise" in faults(replace(good, better=-1), 40)
    cut = replace(good, of=lambda one, two, told: good.of(one[16:], two[16:], told))
    assert faults(cut, 40) == {"top"}
    constant = replace(good, of=lambda one, two, told: 30.0)
    assert "noise" in faults(constant, 40) and "channel 0" in faults(constant, 40)
    drawn = iter(range(100))
    assert "again" in faults(replace(good, of=lambda one, two, told: good.of(one, two, told) - next(drawn)), 40)


def test_ssim_needs_its_window() -> None:
    small = np.zeros((10, 40, 3), np.uint8)
    with pytest.raises(ImageError, match="11"):
        ssim(small, small, peak=255.0)


@pytest.mark.parametrize("name", LIGHT)
def test_pictures_of_different_shapes_are_not_compared(name: str) -> None:
    with pytest.raises(ImageError, match="compared"):
        MEASURES[name].of(np.zeros((20, 20, 3), np.uint8), np.zeros((20, 21, 3), np.uint8), TOLD)
