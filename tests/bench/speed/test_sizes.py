"""One picture at any size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import scene

from limner import image
from limner.bench.speed.sizes import Source, leaves, sizes
from limner.bench.speed.sizes import given as of_photo
from limner.errors import LimnerError

SOURCE = Source(scene(60, 40), "a hill")


@given(st.integers(1, 200), st.integers(1, 200))
def test_every_size_is_had(width_px: int, height_px: int) -> None:
    pixels = SOURCE.at(width_px, height_px)
    assert pixels.shape == (height_px, width_px, 3) and pixels.dtype == np.uint8 and pixels.flags.c_contiguous


def test_large_ones_are_mirrored_not_enlarged() -> None:
    pixels = SOURCE.at(150, 100)
    np.testing.assert_array_equal(pixels[:40, :60], SOURCE.pixels)
    np.testing.assert_array_equal(pixels[:40, 60:120], SOURCE.pixels[:, ::-1])
    np.testing.assert_array_equal(pixels[40:80, :60], SOURCE.pixels[::-1])


def test_small_ones_are_cut_to_shape_and_shrunk() -> None:
    np.testing.assert_array_equal(SOURCE.at(60, 40), SOURCE.pixels)
    np.testing.assert_array_equal(SOURCE.at(20, 20), image.resize(SOURCE.pixels[:, 10:50], 20, 20))


def test_the_made_picture_is_the_same_every_time_and_has_edges() -> None:
    pixels = leaves(96, 64, 200)
    np.testing.assert_array_equal(pixels, leaves(96, 64, 200))
    assert pixels.shape == (64, 96, 3)
    steps = np.abs(np.diff(pixels.astype(float), axis=1)).mean(2)
    assert np.median(steps) < 8 < 30 < np.percentile(steps, 99)


def test_of_a_photograph_nothing_is_told_but_size_and_hash() -> None:
    words = of_photo(scene(60, 40)).words
    assert words.startswith("a photograph that was given, 60 x 40 px, SHA-256")
    assert words != of_photo(scene(60, 40, 1)).words


def test_sizes_are_read() -> None:
    assert sizes("64x64, 768x512,64x64") == ((64, 64), (768, 512))
    for text in ("", "64", "0x5", "64x64x3", "99999x99999", "64X"):
        with pytest.raises(LimnerError):
            sizes(text)
