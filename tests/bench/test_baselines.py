"""The search for the best classical file: never over the budget, never worse than a setting it could have taken."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from limner.bench import baselines
from limner.bench.baselines import CODECS, QUICK, Coded, best_of_all, best_of_codec
from limner.bench.metrics import psnr_db
from limner.errors import EncodeError


@pytest.fixture
def small(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return photo[:48, :72]


@pytest.mark.parametrize("codec", CODECS)
def test_a_budget_is_never_exceeded_and_more_bytes_are_no_worse(small: NDArray[np.uint8], codec: str) -> None:
    found = best_of_codec(small, (20, 700, 1400), codec, QUICK)
    assert found[20] is None
    less, more = found[700], found[1400]
    assert less is not None and more is not None
    assert less.bytes <= 700 and more.bytes <= 1400
    assert more.psnr_db >= less.psnr_db


@pytest.mark.parametrize("codec", CODECS)
def test_the_figure_is_that_of_the_file(small: NDArray[np.uint8], codec: str) -> None:
    coded = best_of_codec(small, (900,), codec, QUICK)[900]
    assert coded is not None
    height, width = small.shape[:2]
    assert psnr_db(small, coded.picture(width, height), peak=255.0) == coded.psnr_db


@settings(max_examples=25)
@given(st.lists(st.integers(1, 9), min_size=96, max_size=96), st.integers(1, 600), st.integers(1, 95))
def test_the_highest_quality_that_fits(steps: list[int], budget: int, start: int) -> None:
    sizes = np.cumsum([20, *steps])

    class Files(baselines._Files):
        def blob(self, quality: int) -> bytes:
            return bytes(int(sizes[quality]))

    files = Files("jpeg", baselines.shrunk(np.zeros((8, 8, 3), np.uint8), 1, "box"), "4:2:0", 0)
    expected = max((quality for quality in range(1, 96) if sizes[quality] <= budget), default=None)
    assert files.highest_quality(budget, start) == expected


def test_the_best_of_all_is_the_best_of_each(small: NDArray[np.uint8]) -> None:
    each = [best_of_codec(small, (700,), codec, QUICK)[700] for codec in CODECS]
    assert best_of_all(small, 700, QUICK).psnr_db == max(one.psnr_db for one in each if one)


def test_a_slower_search_is_no_worse(small: NDArray[np.uint8]) -> None:
    slow = replace(QUICK, avif_speed=3, large_avif_speed=4, finalists=2, chromas=("4:2:0", "4:4:4"), ups=("bicubic", "lanczos"))
    quick, better = (best_of_codec(small, (900,), "avif", effort)[900] for effort in (QUICK, slow))
    assert quick is not None and better is not None
    assert better.bytes <= 900 and better.psnr_db >= quick.psnr_db


def test_a_budget_below_every_codec_is_an_error(small: NDArray[np.uint8]) -> None:
    with pytest.raises(EncodeError, match="20 bytes"):
        best_of_all(small, 20, QUICK)


def test_a_picture_of_one_pixel_can_be_coded() -> None:
    coded = best_of_all(np.full((1, 1, 3), 90, np.uint8), 1000, QUICK)
    assert coded.picture(1, 1).shape == (1, 1, 3)


def test_better_takes_the_higher_psnr_and_the_first_of_equals() -> None:
    one = Coded("jpeg", 1, 1, "4:2:0", "box", "box", 20.0, b"1")
    other = replace(one, blob=b"2")
    assert baselines.better(one, other) is one
    assert baselines.better(one, replace(other, psnr_db=21.0)) != one
    assert baselines.better(None, one) is one and baselines.better(one, None) is one


def test_an_effort_that_makes_no_sense_is_an_error() -> None:
    with pytest.raises(EncodeError):
        replace(QUICK, large_avif_speed=11)
    with pytest.raises(EncodeError):
        replace(QUICK, finalists=0)
    with pytest.raises(EncodeError):
        replace(QUICK, ups=("nearest",))
